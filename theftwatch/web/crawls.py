"""Crawl health: what is wrong and who knows of it, what was compared and what was not, and what refused."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theftwatch.alarms.record import acknowledge, find_alarms, silence
from theftwatch.db.pool import reading
from theftwatch.errors import UsageError
from theftwatch.match.sample import find_missed
from theftwatch.reports.alarms import remedy_of, what_of
from theftwatch.reports.coverage import find_coverage
from theftwatch.web.pages import context_of, form_of, key_of, page, reviewer_of, sentence
from theftwatch.web.plots import find_crawled

#: Alarms on a page; a marketplace that changes its lists has one for each target
_ALARMS_MAX = 50


async def _crawls(request: Request) -> Response:
    return await _show_crawls(request)


async def _show_crawls(request: Request, *, status: int = 200, says: str | None = None) -> Response:
    """Return the page of crawls, with what has to be said on top of it."""
    context = context_of(request)
    before = key_of(request.query_params.get("before", ""))
    async with reading(context.pool) as connection:
        coverage = await find_coverage(connection)
        missed = await find_missed(connection, now=context.clock())
        days = await find_crawled(connection, now=context.clock())
        alarms = await find_alarms(connection, before=before, most=_ALARMS_MAX + 1)
    shown = alarms[:_ALARMS_MAX]
    return page(
        request,
        "crawls.html.j2",
        status=status,
        says=says,
        alarms=[(alarm, what_of(alarm), remedy_of(alarm)) for alarm in shown],
        further=shown[-1].alarm_id if len(alarms) > _ALARMS_MAX else None,
        coverage=coverage,
        days=days,
        missed=missed,
        now=context.clock(),
    )


async def _enter(request: Request) -> Response:
    """Enter that somebody knows of the alarms that are ticked, or wants nobody told of them for a time."""
    by = reviewer_of(request)
    given = await form_of(request)
    fields = dict(given)
    ticked = [key for name, value in given if name == "alarm" and (key := key_of(value)) is not None]
    context = context_of(request)
    if not ticked:
        return await _show_crawls(request, status=422, says="No alarm is ticked; tick those that it is about.")
    try:
        async with context.pool.connection() as connection:
            match fields.get("step"):
                case "acknowledge":
                    await acknowledge(connection, ticked, by=by, now=context.clock())
                case "silence":
                    until, reason = fields.get("until", ""), fields.get("reason", "")
                    await silence(connection, ticked, until=until, reason=reason, by=by, now=context.clock())
                case _:
                    raise HTTPException(400, "That is nothing to be done with alarms; choose a button of the page.")
    except UsageError as exc:
        return await _show_crawls(request, status=422, says=sentence(exc))
    return RedirectResponse("/crawls", status_code=303)


ROUTES = [
    Route("/crawls", _crawls, methods=["GET"]),
    Route("/alarms", _enter, methods=["POST"]),
]
