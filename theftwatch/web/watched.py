"""What is watched: all of it, and each with how it is crawled, what was seen of it, and what was in the way."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theftwatch.config import settings
from theftwatch.db.pool import reading
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.db.runs import SILENT_AT_MOST
from theftwatch.pages.searches import image_searches, word_searches
from theftwatch.reports.coverage import find_coverage
from theftwatch.web.pages import context_of, form_of, key_of, page, reviewer_of
from theftwatch.web.queue import find_cards

_FINDINGS_MAX = 12
_PROBLEMS_MAX = 5
_PHOTOS_MAX = 20
#: Lines of the list
_ROWS_MAX = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What is watched; fields as in the query `find_watched`."""

    target_id: int
    marketplace: str
    kind: str
    ref: str
    url: str | None
    every: timedelta
    reason: str
    added_at: datetime
    due_at: datetime
    paused_at: datetime | None
    leased: bool
    finished_at: datetime | None
    outcome: str | None
    listing_id: int | None
    seller_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seller:
    """Whose it is."""

    seller_id: int
    marketplace: str
    seller_ref: str
    name: str
    url: str | None
    side: str
    artisan_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What was seen of it, and what of that was compared."""

    listings: int
    photos: int
    compared: int
    missing: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What was in the way at one of its pages."""

    kind: str
    detail: str
    seen_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A crawl under way of what is due, by what its run last told; fields as in the query `find_crawl`."""

    run_id: int
    started_at: datetime
    heartbeat_at: datetime
    pages: int
    listings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Led:
    """The listings that a list led to: how many, and how many of them were read."""

    listings: int
    read: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the list; fields as in the query `find_all_watched`."""

    target_id: int
    marketplace: str
    kind: str
    ref: str
    due_at: datetime
    paused_at: datetime | None
    finished_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A photo of a listing, with where a person may search by it."""

    sha256: str | None
    source_url: str
    missing_reason: str | None

    @property
    def searches(self) -> dict[str, str]:
        """Addresses of searches by this photo, by the name of the search."""
        return image_searches(self.source_url)


async def _all(request: Request) -> Response:
    context = context_of(request)
    before = key_of(request.query_params.get("before", ""))
    async with reading(context.pool) as connection:
        watched = await fetch_as(connection, Row, "find_all_watched", before=before, most=_ROWS_MAX + 1)
    shown = watched[:_ROWS_MAX]
    return page(
        request,
        "watched_all.html.j2",
        watched=shown,
        further=shown[-1].target_id if len(watched) > _ROWS_MAX else None,
        first=before is None,
        now=context.clock(),
    )


async def _watched(request: Request) -> Response:
    context = context_of(request)
    key, now = request.path_params["target"], context.clock()
    async with reading(context.pool) as connection:
        target = await _find(connection, key)
        spider = target.marketplace
        crawls = await fetch_as(connection, Progress, "find_crawl", spider=spider, since=now - SILENT_AT_MOST)
        crawl = crawls[0] if crawls else None
        runs = await fetch(connection, "find_last_run_of", spider=spider)
        last_run = runs[0] if runs else None
        asked = context.crawling.find(spider)
        # a node says no more of a job than that it has it
        awaited = asked is not None and asked.state == "given" and (last_run is None or last_run[2] < asked.at)
        under_way = crawl is not None or awaited or context.crawling.is_under_way(spider)
        [led] = await fetch_as(connection, Led, "count_led", target=key)
        mark = _mark(target, crawl, led) if under_way else "ended"
        if request.query_params.get("mark") == mark:
            return Response(status_code=204)  # the page asks whether there is news
        values = await _seen(connection, target)
        problems = await fetch_as(connection, Problem, "find_target_problems", target=key, most=_PROBLEMS_MAX)
        values["coverage"] = None if values["cards"] else await find_coverage(connection)
    answer = page(
        request,
        "watched.html.j2",
        target=target,
        crawl=crawl,
        asked=asked,
        awaited=awaited,
        under_way=under_way,
        mark=mark,
        led=led,
        problems=problems,
        last_run=last_run,
        now=now,
        by_pages=target.marketplace == "etsy" and settings().etsy_api_key is None,
        **values,
    )
    if not under_way:
        # to the part that asked how the crawl gets on: the whole page is another one now
        answer.headers.update({"HX-Retarget": "#page", "HX-Reselect": "#page"})
    return answer


def _mark(target: Target, crawl: Progress | None, led: Led) -> str:
    """Return letters that change with what the page says of a crawl that is under way."""
    return hashlib.sha256(f"{target}{crawl}{led}".encode()).hexdigest()[:8]


async def _crawl(request: Request) -> Response:
    """Have what is due on the marketplace of a target crawled now."""
    reviewer_of(request)
    context = context_of(request)
    key = key_of(dict(await form_of(request)).get("target", ""))
    if key is None:
        raise HTTPException(400, "The form does not say what is to be crawled; open the page again.")
    async with reading(context.pool) as connection:
        target = await _find(connection, key)
    context.crawling.ask(target.marketplace)
    return RedirectResponse(f"/watched/{key}", status_code=303)


async def _find(connection: Connection, key: int) -> Target:
    found = await fetch_as(connection, Target, "find_watched", target=key)
    if not found:
        raise HTTPException(404, "This is not watched, or no longer.")
    return found[0]


async def _seen(connection: Connection, target: Target) -> dict[str, Any]:
    """Return what the record holds of a shop, a vendor or a listing."""
    values: dict[str, Any] = {"seller": None, "looked": None, "cards": [], "findings": 0, "photos": [], "words": {}}
    if target.seller_id:
        sellers = await fetch_as(connection, Seller, "find_seller_of", seller=target.seller_id)
        values["seller"] = sellers[0] if sellers else None
    if not (target.listing_id or values["seller"]):
        return values
    of = {"listing": target.listing_id, "seller": target.seller_id}
    side = values["seller"].side if values["seller"] else "suspect"
    [values["looked"]] = await fetch_as(connection, Looked, "sum_up_looked", side=side, **of)
    findings = await fetch(connection, "find_findings_of", most=_FINDINGS_MAX, **of)
    values["findings"] = findings[0][1] if findings else 0
    values["cards"] = await find_cards(connection, [finding for finding, _ in findings])
    values["photos"] = await fetch_as(connection, Shown, "find_photos_of", most=_PHOTOS_MAX, **of)
    if target.listing_id:
        [(title,)] = await fetch(connection, "find_listing_title", listing=target.listing_id)
        values["words"] = word_searches(title or "")
    return values


ROUTES = [
    Route("/watched", _all, methods=["GET"]),
    Route("/watched/{target:int}", _watched, methods=["GET"]),
    Route("/watched", _crawl, methods=["POST"]),
]
