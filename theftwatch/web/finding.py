"""A finding: both photos, how the one lies in the other, and all that is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.match.transform import transform_from_json
from theftwatch.reports.drawing import Drawing, draw
from theftwatch.reports.findings import Finding, FindingPair, Said, find_findings
from theftwatch.web.pages import context_of, key_of, page
from theftwatch.web.queue import Filters, count_waiting, find_page

_PLACES_MAX = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A listing, or the file that an artisan gave; fields as in the query `find_finding_sides`."""

    nth: int
    side: str
    listing_id: int | None
    marketplace: str | None
    seller_id: int | None
    artisan_id: int | None
    artisan: str | None
    seller: str | None
    seller_url: str | None
    title: str | None
    url: str | None
    price_min: Decimal | None
    price_max: Decimal | None
    currency: str | None
    listed_at: datetime | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    state: str | None
    kind: str
    dated_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """When one side existed, by one source."""

    side: str
    about: str
    kind: str
    earliest_at: datetime | None
    latest_at: datetime | None
    source: str
    strength: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherPlace:
    """Another listing that shows the photo."""

    side: str
    marketplace: str
    seller: str | None
    seller_id: int | None
    title: str | None
    url: str
    state: str
    sha256: str
    shows: str
    first_seen_at: datetime
    of_all: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeness:
    """How often people confirmed pairs that were found alike and scored alike."""

    score_from: Decimal
    score_to: Decimal
    judged: int
    confirmed: int
    rejected: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Two photos at the same scale, in pixels of the suspect."""

    #: Width and height of the ground that each is drawn on
    width: float
    height: float
    #: Left, top, width and height of each on that ground
    original: tuple[float, float, float, float]
    suspect: tuple[float, float, float, float]
    #: None where the alignment is not known
    drawing: Drawing | None


async def show(
    request: Request, finding: int, filters: Filters, *, status: int = 200, says: str | None = None
) -> Response:
    """Return the page of a finding, with what has to be said on top of it."""
    async with reading(context_of(request).pool) as connection:
        found = await find_findings(connection, [finding])
        if not found:
            raise HTTPException(404, "There is no such finding, or its photos match no more.")
        pairs = await fetch_as(connection, FindingPair, "find_finding_pairs", finding=finding)
        pair = _chosen(pairs, request.query_params.get("pair", ""))
        original, suspect = await fetch_as(connection, Side, "find_finding_sides", finding=finding)
        following = await find_page(connection, filters, after=finding, most=1)
        values: dict[str, Any] = {
            "claims": await _of_pair(connection, Claim, "find_finding_claims", finding, pair),
            "places": await _of_pair(connection, OtherPlace, "find_other_places", finding, pair, most=_PLACES_MAX),
            "likeness": await _likeness(connection, pair),
            "said": await fetch_as(connection, Said, "find_verdicts", finding=finding),
            "waiting": await count_waiting(connection),
            "cases": [case for (case,) in await fetch(connection, "find_finding_cases", finding=finding)],
            "blind": (True,) in await fetch(connection, "find_blind", finding=finding),
            "judged_before": await _judged_before(connection, request.query_params.get("done", "")),
        }
    return page(
        request,
        "finding.html.j2",
        status=status,
        says=says,
        finding=found[0],
        pairs=pairs,
        pair=pair,
        figures=_figures(pair) if pair else None,
        original=original,
        suspect=suspect,
        filters=filters,
        following=following[0] if following else None,
        **values,
    )


def _chosen(pairs: Sequence[FindingPair], asked: str) -> FindingPair | None:
    return next((pair for pair in pairs if str(pair.match_id) == asked), pairs[0] if pairs else None)


async def _of_pair[T](
    connection: Connection, row: type[T], query: str, finding: int, pair: FindingPair | None, **more: object
) -> list[T]:
    if pair is None:
        return []
    return await fetch_as(connection, row, query, finding=finding, match=pair.match_id, **more)


async def _likeness(connection: Connection, pair: FindingPair | None) -> Likeness | None:
    if pair is None:
        return None
    found = await fetch_as(
        connection,
        Likeness,
        "find_likeness",
        algorithm_version=pair.algorithm_version,
        method=pair.method,
        score=pair.score,
    )
    return found[0] if found else None


async def _judged_before(connection: Connection, done: str) -> Finding | None:
    """Return the finding that was judged just before this one, so that it can be taken back from here."""
    if (finding := key_of(done)) is None:
        return None
    found = await find_findings(connection, [finding])
    return found[0] if found and found[0].verdict else None


def _figures(pair: FindingPair) -> Figures | None:
    """Place both photos at the scale that the alignment tells; without one, as wide as each other."""
    sizes = (pair.original_width_px, pair.original_height_px, pair.suspect_width_px, pair.suspect_height_px)
    if None in sizes:
        return None
    original_width, original_height, width, height = (float(size or 1) for size in sizes)
    transform = transform_from_json(pair.transform) if pair.transform else None
    scale = transform.scale if transform and transform.matrix else width / original_width
    across, down = original_width * scale, original_height * scale
    ground = max(across, width), max(down, height)
    drawing = None
    if transform and transform.matrix:
        drawing = draw(transform, (round(across), round(down)), (round(width), round(height)))
    return Figures(
        width=ground[0],
        height=ground[1],
        original=((ground[0] - across) / 2, (ground[1] - down) / 2, across, down),
        suspect=((ground[0] - width) / 2, (ground[1] - height) / 2, width, height),
        drawing=drawing,
    )


async def _finding(request: Request) -> Response:
    return await show(request, request.path_params["finding"], Filters.read(request.query_params))


ROUTES = [Route("/findings/{finding:int}", _finding, methods=["GET"])]
