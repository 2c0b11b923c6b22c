"""Crawl health: what is wrong, what was compared and what was not, and what refused."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.alarms.record import find_alarms
from theftwatch.db import store
from theftwatch.match.sample import find_missed
from theftwatch.reports.alarms import remedy_of, what_of
from theftwatch.reports.coverage import find_coverage
from theftwatch.web.pages import context_of, page
from theftwatch.web.plots import find_crawled


async def _crawls(request: Request) -> Response:
    context = context_of(request)
    async with store.reading(context.pool) as connection:
        coverage = await find_coverage(connection)
        missed = await find_missed(connection, now=context.clock())
        days = await find_crawled(connection, now=context.clock())
        alarms = [(alarm, what_of(alarm), remedy_of(alarm)) for alarm in await find_alarms(connection)]
    return page(
        request, "crawls.html.j2", alarms=alarms, coverage=coverage, days=days, missed=missed, now=context.clock()
    )


ROUTES = [Route("/crawls", _crawls, methods=["GET"])]
