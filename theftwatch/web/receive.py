"""The receiver: takes pages that a bookmark sends from a browser on this machine, and has them imported."""

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from theftwatch.errors import PageError
from theftwatch.pages.read import SITES, site_of
from theftwatch.pages.saved import SavedPage
from theftwatch.reports.words import web_address
from theftwatch.web.bookmarklet import ADDRESS_MAX, SETUP, Tokens, bookmarklet
from theftwatch.web.guard import guards
from theftwatch.web.inbox import Inbox, describe_page

#: The only address that is listened on
ADDRESS = "127.0.0.1"
#: Pages of marketplaces are below 3 MiB
_PAGE_MAX_BYTES = 16 * 1024**2
_SENT_MAX_BYTES = ADDRESS_MAX
_GZIP = 31  # zlib's word for a gzip header and the largest window
_POLICY = "script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'"
_STATIC = {"/": "text/html", "/receive.js": "text/javascript", "/receive.css": "text/css"}


def receiver(inbox: Inbox, tokens: Tokens, *, port: int) -> Starlette:
    """Return the application that listens at a port of this machine.

    It answers no other origin: a page of the web can neither read from it nor post to it, and a name that a hostile
    server points at this machine is refused as well.
    """
    origin = f"http://{ADDRESS}:{port}"

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        work = asyncio.create_task(inbox.work())
        yield
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def take(request: Request) -> Response:
        site = tokens.site_of(_token(request))
        if site is None:
            raise _unknown_token()
        if request.headers.get("origin") != origin:
            raise HTTPException(403, f"pages are taken from {origin} alone, where the bookmark leads")
        saved = _unpack(await _read(request))
        page = _check(saved, site)
        received = await inbox.put_page(saved, page)
        return JSONResponse(asdict(received), status_code=202)

    async def follow(request: Request) -> Response:
        if tokens.site_of(_token(request)) is None:
            raise _unknown_token()
        received = inbox.find(request.path_params["page_id"])
        if received is None:
            raise HTTPException(404, "no such page was sent since the receiver was started; send it again")
        return JSONResponse(asdict(received))

    async def offer(request: Request) -> Response:
        if not tokens.is_of(_token(request), SETUP):
            raise _unknown_token()
        codes = [{"site": site, "code": bookmarklet(f"{origin}/", tokens.of(site))} for site in SITES]
        return JSONResponse({"bookmarklets": codes})

    return Starlette(
        routes=[
            *(Route(path, _static, methods=["GET"]) for path in _STATIC),
            Route("/bookmarklets", offer, methods=["GET"]),
            Route("/pages", take, methods=["POST"]),
            Route("/pages/{page_id}", follow, methods=["GET"]),
        ],
        middleware=guards(hosts=[ADDRESS], policy=_POLICY),
        exception_handlers={HTTPException: _refuse},
        lifespan=lifespan,
    )


async def _static(request: Request) -> Response:
    path = request.url.path
    return Response(_file(path), media_type=_STATIC[path])


@cache
def _file(path: str) -> bytes:
    return resources.files(__package__).joinpath(path.strip("/") or "receive.html").read_bytes()


async def _refuse(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    return JSONResponse({"says": exc.detail}, status_code=exc.status_code, headers=exc.headers)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _unknown_token() -> HTTPException:
    return HTTPException(
        401,
        "this receiver does not know the bookmark; make it anew from what `theftwatch receive` prints",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def _read(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _SENT_MAX_BYTES:
            raise HTTPException(413, "the page is too large to be sent; save it, and use `theftwatch import`")
    return body


def _unpack(body: bytes) -> SavedPage:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        data = unpacker.decompress(body, _PAGE_MAX_BYTES)
        if unpacker.unconsumed_tail:
            raise HTTPException(413, "the page is too large; save it, and use `theftwatch import`")
        match json.loads(data):
            case [str(url), str(html)] if web_address(url) and unpacker.eof:
                return SavedPage(html, url)
    except (zlib.error, ValueError, RecursionError) as exc:
        raise HTTPException(400, f"that is no page as the bookmark sends it ({exc}); press it again") from exc
    raise HTTPException(400, "that is no page as the bookmark sends it; press it again")


def _check(saved: SavedPage, site: str) -> str:
    """Return what a page holds, in words; refuse what is of another site, and what no import would gain from."""
    try:
        if site_of(saved.url) != site:
            host = urlsplit(saved.url).hostname
            raise HTTPException(403, f"this bookmark is for {site}, and the page is of {host}; use the one for it")
        return describe_page(saved)
    except PageError as exc:
        raise HTTPException(422, str(exc)) from exc
