"""The queue: findings that need a look, the strongest and newest first, and what it is narrowed to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.match.queue import SAME_FILE, STORED_ANEW
from theftwatch.match.transform import Edit
from theftwatch.reports.findings import find_queued
from theftwatch.web.pages import context_of, key_of, page

#: Findings on a page of the list
_PER_PAGE = 24
#: From here on the number of those that wait is not told exactly
WAITING_MAX = 1000

EDITS = {SAME_FILE: "same file", STORED_ANEW: "stored anew"} | {
    edit: edit.replace("_", " ") for edit in get_args(Edit.__value__)
}
DIRECTIONS = {
    "original_first": "original first",
    "suspect_first": "suspect first",
    "undecided": "undecided",
    "not_looked": "not looked at",
}
VERDICTS = {"confirmed": "confirmed", "rejected": "rejected", "unsure": "unsure", "any": "all, judged or not"}
MARKETPLACES = ("alibaba", "etsy", "artfire")


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What the queue is narrowed to; empty texts narrow nothing."""

    artisan: str = ""
    vendor: str = ""
    marketplace: str = ""
    score: str = ""
    edit: str = ""
    direction: str = ""
    verdict: str = ""

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> "Filters":
        """Read filters from a query or a form; what is no value of a filter narrows nothing."""
        known = {
            "marketplace": MARKETPLACES,
            "edit": EDITS,
            "direction": DIRECTIONS,
            "verdict": VERDICTS,
        }
        values = {name: fields.get(name, "").strip()[:200] for name in cls.__dataclass_fields__}
        for name, allowed in known.items():
            if values[name] not in allowed:
                values[name] = ""
        try:
            values["score"] = f"{min(1.0, max(0.0, float(values['score']))):g}"
        except ValueError:
            values["score"] = ""
        return cls(**{name: value.replace("\0", "") for name, value in values.items()})

    def query(self, **more: object) -> str:
        """Return them as the query of an address, with what else belongs there."""
        set_ = {name: value for name, value in (asdict(self) | more).items() if value not in ("", None)}
        return f"?{urlencode(set_)}" if set_ else ""

    @property
    def any(self) -> bool:
        """Whether they narrow anything."""
        return any(asdict(self).values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A finding in the list, with its surest pair of photos; fields as in the query `find_queue_cards`."""

    finding: int
    because: str | None
    verdict: str | None
    direction: str | None
    urgent: bool
    #: Whether it is to be judged without its score
    blind: bool
    vendor_id: int | None
    decision: str | None
    score: float | None
    method: str | None
    transform: dict[str, Any] | None
    original_sha256: str | None
    suspect_sha256: str | None
    artisan: str | None
    original_seller: str | None
    original_title: str | None
    suspect_seller: str | None
    suspect_title: str | None
    suspect_marketplace: str | None


async def find_page(
    connection: Connection, filters: Filters, *, after: int | None = None, most: int = _PER_PAGE
) -> list[int]:
    """Return the next findings in the order of the queue."""
    narrowed = {name: value or None for name, value in asdict(filters).items()}
    score = float(filters.score) if filters.score else None
    return await find_queued(connection, **narrowed | {"score": score}, after=after, most=most)


async def count_waiting(connection: Connection) -> int:
    """Return how many findings wait to be looked at, `WAITING_MAX` for that many and more."""
    [(waiting,)] = await fetch(connection, "count_queue", most=WAITING_MAX)
    return int(waiting)


async def find_cards(connection: Connection, findings: Sequence[int]) -> list[Card]:
    """Return what the list shows of findings, in their order."""
    return await fetch_as(connection, Card, "find_queue_cards", findings=list(findings))


async def _queue(request: Request) -> Response:
    filters = Filters.read(request.query_params)
    after = key_of(request.query_params.get("after", ""))
    async with reading(context_of(request).pool) as connection:
        findings = await find_page(connection, filters, after=after, most=_PER_PAGE + 1)
        shown = findings[:_PER_PAGE]
        cards = await find_cards(connection, shown)
        waiting = await count_waiting(connection)
    return page(
        request,
        "queue.html.j2",
        cards=cards,
        filters=filters,
        further=filters.query(after=shown[-1]) if len(findings) > _PER_PAGE else None,
        first=after is None,
        waiting=waiting,
        waiting_max=WAITING_MAX,
        edits=EDITS,
        directions=DIRECTIONS,
        verdicts=VERDICTS,
        marketplaces=MARKETPLACES,
    )


ROUTES = [Route("/queue", _queue, methods=["GET"])]
