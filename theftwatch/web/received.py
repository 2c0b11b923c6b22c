"""What was sent from the start page, and what became of it."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import Connection, fetch
from theftwatch.pages.addresses import listing_key
from theftwatch.reports.coverage import find_coverage
from theftwatch.web.inbox import Received
from theftwatch.web.pages import context_of, page
from theftwatch.web.queue import Filters, find_cards, find_page

_LATEST_MAX = 50
_FINDINGS_MAX = 12


async def _received(request: Request) -> Response:
    return page(request, "received_all.html.j2", received=context_of(request).inbox.latest(_LATEST_MAX))


async def _one(request: Request) -> Response:
    context = context_of(request)
    received = context.inbox.find(request.path_params["key"])
    if received is None:
        raise HTTPException(404, "This was not sent since the page was started; what was taken in before is there.")
    if request.query_params.get("state") == received.state:
        return Response(status_code=204)  # the page asks whether there is news
    values: dict[str, Any] = {"cards": [], "coverage": None, "artisan": None, "filters": Filters()}
    if received.state == "done":
        async with reading(context.pool) as connection:
            find = _of_photos if received.kind == "photos" else _of_page
            values |= await find(connection, received)
            if not values["cards"]:
                values["coverage"] = await find_coverage(connection)
    return page(request, "received.html.j2", received=received, now=context.clock(), **values)


async def _of_photos(connection: Connection, received: Received) -> dict[str, Any]:
    """Return the findings on an artisan's photos that need a look."""
    filters = Filters(artisan=received.what)
    findings = await find_page(connection, filters, most=_FINDINGS_MAX)
    artisans = await fetch(connection, "find_artisans_named", name=received.what)
    return {
        "artisan": artisans[0][0] if artisans else None,
        "filters": filters,
        "cards": await find_cards(connection, findings),
    }


async def _of_page(connection: Connection, received: Received) -> dict[str, Any]:
    """Return the findings with the listing of a page; none for a page of another kind."""
    marketplace, ref = listing_key(received.what) or ("", "")
    listings = await fetch(connection, "find_listing_key", marketplace=marketplace, ref=ref)
    if not listings:
        return {}
    of = {"listing": listings[0][0], "seller": None}
    findings = await fetch(connection, "find_findings_of", most=_FINDINGS_MAX, **of)
    return {"cards": await find_cards(connection, [finding for finding, _ in findings])}


ROUTES = [
    Route("/received", _received, methods=["GET"]),
    Route("/received/{key}", _one, methods=["GET"]),
]
