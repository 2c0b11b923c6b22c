"""Artisans: who shows their photos, what people said of that, their cases, and what they were told."""

from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.notices.contact import enter_contact
from theftwatch.notices.log import find_notices
from theftwatch.web.pages import context_of, form_of, page, reviewer_of, sentence
from theftwatch.web.queue import Filters

_PER_PAGE = 100
_VENDORS_MAX = 200
_CASES_MAX = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """An artisan in the list, with how many findings have which verdict."""

    artisan_id: int
    name: str
    findings: int
    waiting: int
    confirmed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtisanFacts:
    """Who it is, and which files the artisan gave; fields as in the query `find_artisan_facts`."""

    artisan_id: int
    name: str
    contact: str | None
    originals: int
    outtakes: int
    stamped: int
    last_given_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """A shop of the artisan's."""

    seller_id: int
    marketplace: str
    seller_ref: str
    name: str
    url: str | None
    last_seen_at: datetime
    listings: int
    listings_gone: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """A vendor that shows the artisan's photos, the listings of a marketplace whose vendor is not known, or all."""

    of_all: bool
    vendor_id: int | None
    #: None of all
    marketplace: str | None
    seller_ref: str | None
    name: str | None
    findings: int
    waiting: int
    confirmed: int
    rejected: int
    unsure: int
    listings_up: int
    listings_down: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtisanCase:
    """A case of the artisan's."""

    case_id: int
    vendor_id: int
    vendor: str
    state: str
    listings: int
    listings_removed: int
    opened_at: datetime
    filed_at: datetime | None


async def _artisans(request: Request) -> Response:
    after = request.query_params.get("after", "")[:200].replace("\0", "") or None
    async with reading(context_of(request).pool) as connection:
        found = await fetch_as(connection, Listed, "find_artisans_listed", after=after, most=_PER_PAGE + 1)
    shown = found[:_PER_PAGE]
    return page(
        request,
        "artisans.html.j2",
        artisans=shown,
        first=after is None,
        further=shown[-1].name if len(found) > _PER_PAGE else None,
    )


async def _artisan(request: Request) -> Response:
    artisan = request.path_params["artisan"]
    async with reading(context_of(request).pool) as connection:
        found = await fetch_as(connection, ArtisanFacts, "find_artisan_facts", artisan=artisan)
        if not found:
            raise HTTPException(404, "There is no such artisan.")
        shops = await fetch_as(connection, Shop, "find_artisan_shops", artisan=artisan)
        total, *exposure = await fetch_as(
            connection, Exposure, "find_artisan_exposure", artisan=artisan, most=_VENDORS_MAX
        )
        cases = await fetch_as(connection, ArtisanCase, "find_artisan_cases", artisan=artisan, most=_CASES_MAX)
        notices = await find_notices(connection, artisan=artisan, every=True)
    return page(
        request,
        "artisan.html.j2",
        artisan=found[0],
        shops=shops,
        exposure=[(each, _narrowed(each, found[0].name)) for each in exposure],
        total=total,
        vendors_max=_VENDORS_MAX,
        cases=cases,
        cases_max=_CASES_MAX,
        notices=notices,
    )


async def _enter_contact(request: Request) -> Response:
    by, artisan = reviewer_of(request), request.path_params["artisan"]
    fields = dict(await form_of(request))
    if "contact" not in fields:  # an empty one takes away what is entered
        raise HTTPException(400, "The form could not be read; send it again.")
    context = context_of(request)
    try:
        async with context.pool.connection() as connection:
            if not await fetch(connection, "find_artisan_facts", artisan=artisan):
                raise HTTPException(404, "There is no such artisan.")
            await enter_contact(connection, artisan, fields["contact"], by=by, now=context.clock())
    except UsageError as exc:
        raise HTTPException(422, sentence(exc)) from exc
    return RedirectResponse(f"/artisans/{artisan}", status_code=303)


def _narrowed(exposure: Exposure, artisan: str) -> str:
    """Return what narrows the queue to the findings of an artisan with a vendor."""
    vendor = f"{exposure.marketplace}/{exposure.seller_ref}" if exposure.seller_ref else ""
    return Filters(artisan=artisan, vendor=vendor, verdict="any").query()


ROUTES = [
    Route("/artisans", _artisans, methods=["GET"]),
    Route("/artisans/{artisan:int}", _artisan, methods=["GET"]),
    Route("/artisans/{artisan:int}/contact", _enter_contact, methods=["POST"]),
]
