"""One shop, vendor or listing that is watched: when it is crawled, what was seen of it, and what was in the way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.config import settings
from theftwatch.db.pool import reading
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.pages.searches import image_searches, word_searches
from theftwatch.reports.coverage import find_coverage
from theftwatch.web.pages import context_of, page
from theftwatch.web.queue import find_cards

_FINDINGS_MAX = 12
_PROBLEMS_MAX = 5
_PHOTOS_MAX = 20


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
class Shown:
    """A photo of a listing, with where a person may search by it."""

    sha256: str | None
    source_url: str
    missing_reason: str | None

    @property
    def searches(self) -> dict[str, str]:
        """Addresses of searches by this photo, by the name of the search."""
        return image_searches(self.source_url)


async def _watched(request: Request) -> Response:
    context = context_of(request)
    key = request.path_params["target"]
    async with reading(context.pool) as connection:
        found = await fetch_as(connection, Target, "find_watched", target=key)
        if not found:
            raise HTTPException(404, "This is not watched, or no longer.")
        target = found[0]
        values = await _seen(connection, target)
        problems = await fetch_as(connection, Problem, "find_target_problems", target=key, most=_PROBLEMS_MAX)
        runs = await fetch(connection, "find_last_run_of", spider=target.marketplace)
        values["coverage"] = None if values["cards"] else await find_coverage(connection)
    return page(
        request,
        "watched.html.j2",
        target=target,
        problems=problems,
        last_run=runs[0] if runs else None,
        now=context.clock(),
        by_pages=target.marketplace == "etsy" and settings().etsy_api_key is None,
        **values,
    )


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
    if target.listing_id:
        shown = await fetch_as(connection, Shown, "find_listing_photos", listing=target.listing_id)
        values["photos"] = shown[:_PHOTOS_MAX]
        [(title,)] = await fetch(connection, "find_listing_title", listing=target.listing_id)
        values["words"] = word_searches(title or "")
    return values


ROUTES = [Route("/watched/{target:int}", _watched, methods=["GET"])]
