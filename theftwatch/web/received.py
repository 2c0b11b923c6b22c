"""What was sent from the start page, and what became of it."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.db import store
from theftwatch.db.queries import Connection, fetch
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
    values: dict[str, Any] = {"cards": [], "coverage": None, "artisan": None, "filters": None}
    if received.state == "done" and received.kind == "photos":
        async with store.reading(context.pool) as connection:
            values |= await _of_photos(connection, received)
    return page(request, "received.html.j2", received=received, now=context.clock(), **values)


async def _of_photos(connection: Connection, received: Received) -> dict[str, Any]:
    """Return the findings on an artisan's photos, and where there are none what was compared and what refused."""
    filters = Filters(artisan=received.what)
    findings = await find_page(connection, filters, most=_FINDINGS_MAX)
    [(artisans, _)] = await fetch(connection, "find_artisans_and_shops", name=received.what)
    return {
        "artisan": artisans[0] if artisans else None,
        "filters": filters,
        "cards": await find_cards(connection, findings),
        "coverage": None if findings else await find_coverage(connection),
    }


ROUTES = [
    Route("/received", _received, methods=["GET"]),
    Route("/received/{key}", _one, methods=["GET"]),
]
