"""A vendor: whose photos it shows, what people said of that, its sibling shops, and its cases."""

from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import fetch_as
from theftwatch.web.pages import context_of, page
from theftwatch.web.plots import find_shared, find_vendor_weeks
from theftwatch.web.queue import Filters

#: Lines of each list; whose photos it shows most stand first
_LIST_MAX = 100
_CASES_MAX = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorFacts:
    """Who it is; fields as in the query `find_vendor`."""

    seller_id: int
    marketplace: str
    seller_ref: str
    name: str
    url: str | None
    country: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    listings: int
    listings_gone: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Concerned:
    """An artisan or a shop whose photos matched, with how many findings have which verdict."""

    artisan_id: int | None
    #: Where nobody named an artisan for it
    shop_id: int | None
    name: str
    #: What narrows the queue to it
    narrow: str
    findings: int
    waiting: int
    confirmed: int
    rejected: int
    unsure: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sibling:
    """A shop of the same company."""

    seller_id: int
    marketplace: str
    name: str
    findings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorCase:
    """A case with the vendor."""

    case_id: int
    artisan: str
    state: str
    listings: int
    opened_at: datetime
    filed_at: datetime | None


async def _vendor(request: Request) -> Response:
    vendor = request.path_params["vendor"]
    context = context_of(request)
    async with reading(context.pool) as connection:
        found = await fetch_as(connection, VendorFacts, "find_vendor", vendor=vendor)
        if not found:
            raise HTTPException(404, "There is no such vendor.")
        concerned = await fetch_as(connection, Concerned, "find_vendor_artisans", vendor=vendor, most=_LIST_MAX)
        siblings = await fetch_as(connection, Sibling, "find_vendor_siblings", vendor=vendor, most=_LIST_MAX)
        weeks = await find_vendor_weeks(connection, vendor, now=context.clock())
        shared = await find_shared(connection, vendor)
        cases = await fetch_as(connection, VendorCase, "find_vendor_cases", vendor=vendor, most=_CASES_MAX)
    key = f"{found[0].marketplace}/{found[0].seller_ref}"
    return page(
        request,
        "vendor.html.j2",
        vendor=found[0],
        concerned=[(each, Filters(vendor=key, artisan=each.narrow, verdict="any").query()) for each in concerned],
        siblings=siblings,
        cases=cases,
        weeks=weeks,
        shared=shared,
        most=_LIST_MAX,
        cases_max=_CASES_MAX,
    )


ROUTES = [Route("/vendors/{vendor:int}", _vendor, methods=["GET"])]
