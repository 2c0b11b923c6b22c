"""The queue of those who look: findings with what they are sorted and filtered by, kept with what changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from theftwatch.db.queries import Connection, columns, execute, fetch, fetch_as
from theftwatch.match.transform import edits_of, transform_from_json

#: What was done to photos, by the names that the queue knows: those of transforms, and two more
SAME_FILE = "same_file"
STORED_ANEW = "stored_anew"
#: Findings a transaction
_BATCH = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A finding as it is queued; fields as in the query `find_queue_rows`."""

    finding: int
    urgent: bool
    score: float
    matched_at: datetime
    because: str | None
    verdict: str | None
    direction: str | None
    marketplace: str
    vendor: int | None
    shop: int | None
    artisan: int | None
    decision: str | None
    blind: bool
    #: Method and transform of each pair that counts
    done: list[dict[str, Any]]


async def update_queue(connection: Connection, *, everything: bool = False) -> None:
    """Bring the queue up to date with the findings noted as changed, or with all.

    Opens transactions of its own; broken off, the next call takes up what is left.
    """
    if everything:
        async with connection.transaction():
            await execute(connection, "insert_due_queue_all")
    while due := [key for (key,) in await fetch(connection, "find_due", kind="queue", most=_BATCH)]:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            await queue(connection, due)
            await execute(connection, "delete_due", kind="queue", ids=due)


async def queue(connection: Connection, findings: Sequence[int]) -> None:
    """Work out where findings stand in the queue, in the caller's transaction."""
    rows = await fetch_as(connection, _Row, "find_queue_rows", findings=list(findings))
    await execute(
        connection,
        "upsert_queue",
        asked=list(findings),
        **columns(
            (
                {
                    "findings": row.finding,
                    "urgent": row.urgent,
                    "scores": row.score,
                    "matched_at": row.matched_at,
                    "because": row.because,
                    "verdicts": row.verdict,
                    "directions": row.direction,
                    "marketplaces": row.marketplace,
                    "vendors": row.vendor,
                    "shops": row.shop,
                    "artisans": row.artisan,
                    # as text, since lists of different lengths make no array of two dimensions
                    "edits": "{" + ",".join(_edits(row.done)) + "}",
                    "decisions": row.decision,
                    "blind": row.blind,
                }
                for row in rows
            ),
            *("findings", "urgent", "scores", "matched_at", "because", "verdicts", "directions", "marketplaces"),
            *("vendors", "shops", "artisans", "edits", "decisions", "blind"),
        ),
    )


def _edits(done: Sequence[dict[str, Any]]) -> list[str]:
    found: set[str] = set()
    for each in done:
        if each["method"] == "exact":
            found.add(SAME_FILE)
        elif each["transform"]:
            found.update(edits_of(transform_from_json(each["transform"])) or [STORED_ANEW])
    return sorted(found)
