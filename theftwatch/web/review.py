"""The review page: findings to look at and to judge, in a browser."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import cache
from importlib import resources

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.match.sample import draw_sample
from theftwatch.web import (
    artisan,
    bundle,
    cases,
    crawls,
    finding,
    image_files,
    notices,
    photo,
    plots,
    queue,
    received,
    session,
    start,
    vendor,
    verdicts,
    watched,
)
from theftwatch.web.guard import SameOrigin, guards
from theftwatch.web.pages import Context, bring_up_to_date, told
from theftwatch.web.session import SignedIn

logger = logging.getLogger(__name__)

_POLICY = "script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'"
#: How often it is looked whether a week has begun
_TICK_S = 3600.0
_STATIC = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def review(context: Context, *, hosts: list[str]) -> Starlette:
    """Return the application, which answers to the names `hosts` alone."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as behind:
            tasks = [behind.create_task(_keep_up(context, app.state.context_due))]
            tasks.append(behind.create_task(context.inbox.work()))
            tasks.append(behind.create_task(context.crawling.work()))
            yield
            for task in tasks:
                task.cancel()

    app = Starlette(
        routes=[
            Route("/static/{name}", _static, methods=["GET"]),
            *session.ROUTES,
            *start.ROUTES,
            *received.ROUTES,
            *watched.ROUTES,
            *queue.ROUTES,
            *finding.ROUTES,
            *verdicts.ROUTES,
            *vendor.ROUTES,
            *artisan.ROUTES,
            *photo.ROUTES,
            *cases.ROUTES,
            *bundle.ROUTES,
            *crawls.ROUTES,
            *notices.ROUTES,
            *plots.ROUTES,
            *image_files.ROUTES,
        ],
        middleware=[
            # 'same-origin', since without a referrer browsers do not name the origin of a form either
            *guards(hosts=hosts, policy=_POLICY, referrer="same-origin"),
            Middleware(SameOrigin),
            Middleware(SignedIn),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
        lifespan=lifespan,
    )
    app.state.context = context
    app.state.context_due = asyncio.Event()
    app.state.context_due.set()  # a crawl that was killed may have left something
    return app


async def _keep_up(context: Context, due: asyncio.Event) -> None:
    """Work out what verdicts and relations change, whenever there is something; draw the sample of each week."""
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(due.wait(), _TICK_S)
        due.clear()
        try:
            await bring_up_to_date(context)
            async with context.pool.connection() as connection:
                await draw_sample(connection, now=context.clock())
        except Exception:
            # Whatever it was, it stays noted in the record, and the next verdict or crawl takes it up.
            logger.exception("what follows from verdicts could not be worked out")


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404, "There is no such page.")
    return Response(_file(name), media_type=_STATIC[name], headers={"Cache-Control": "no-cache"})


@cache
def _file(name: str) -> bytes:
    own = resources.files(__package__).joinpath("static", name).read_bytes()
    if name != "review.css":
        return own
    return resources.files("theftwatch.reports").joinpath("templates/report.css").read_bytes() + own


async def _refuse(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    says = "There is no such page." if exc.detail == "Not Found" else exc.detail
    return told(request, exc.status_code, says)


async def _fail(request: Request, _exc: Exception) -> Response:
    return told(request, 500, "A fault of the program; what it met stands where this page was started.")
