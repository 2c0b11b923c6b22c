"""What is worked out of findings, kept for those who look and for analysts, and renewed with what changes it."""

from collections.abc import Sequence
from typing import Any

from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.match.transform import edits_of, transform_from_json

#: What was done to photos, by the names that the queue knows: those of transforms, and two more
SAME_FILE = "same_file"
STORED_ANEW = "stored_anew"
#: Findings a transaction
_BATCH = 500


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
    """Work out where findings stand, and keep it, in the caller's transaction."""
    done = await fetch(connection, "find_queue_edits", findings=list(findings))
    await execute(
        connection,
        "upsert_queue",
        findings=list(findings),
        edited=[finding for finding, _ in done],
        # as text, since lists of different lengths make no array of two dimensions
        edits=["{" + ",".join(_edits(pairs)) + "}" for _, pairs in done],
    )


def _edits(done: Sequence[dict[str, Any]]) -> list[str]:
    found: set[str] = set()
    for each in done:
        if each["method"] == "exact":
            found.add(SAME_FILE)
        elif each["transform"]:
            found.update(edits_of(transform_from_json(each["transform"])) or [STORED_ANEW])
    return sorted(found)
