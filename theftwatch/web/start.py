"""The start: what waits for a person, and four ways in for one who has a shop, photos, an address or a saved page."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import get_args

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theftwatch.config import check_live, settings
from theftwatch.db.pool import reading
from theftwatch.db.queries import fetch
from theftwatch.db.targets import Target
from theftwatch.errors import PageError, UsageError
from theftwatch.originals import SUFFIXES, Kind
from theftwatch.pages.saved import SavedPage, read_saved_page
from theftwatch.targets import read_address, read_target, watch
from theftwatch.web.inbox import Received, describe_page
from theftwatch.web.pages import context_of, form_of, page, reviewer_of, sentence
from theftwatch.web.queue import WAITING_MAX, Filters, count_waiting, find_page
from theftwatch.web.upload import UPLOAD_MAX_BYTES, files_of, names_of, text_of, uploaded

PHOTOS_MAX = 100
PAGES_MAX = 20
#: Pages of marketplaces are below 3 MiB
_PAGE_MAX_BYTES = 16 * 1024**2
_EVERY = timedelta(days=1)
_PRIORITY = 7  # somebody waits for it
#: Of the kinds that can be watched, that of a shop by its name
_SHOPS = {"etsy": "shop", "artfire": "shop", "alibaba": "vendor"}


async def _start(request: Request) -> Response:
    return await show_start(request)


async def show_start(request: Request, *, status: int = 200, says: str | None = None) -> Response:
    """Return the start page, with what has to be said on top of it."""
    context = context_of(request)
    async with reading(context.pool) as connection:
        waiting = await count_waiting(connection)
        following = await find_page(connection, Filters(), most=1)
    return page(
        request,
        "start.html.j2",
        status=status,
        says=says,
        waiting=waiting,
        waiting_max=WAITING_MAX,
        following=following[0] if following else None,
        photos_max=PHOTOS_MAX,
        pages_max=PAGES_MAX,
        upload_max_mb=UPLOAD_MAX_BYTES // 1024**2,
        suffixes=sorted(SUFFIXES),
    )


async def _watch_shop(request: Request) -> Response:
    by = reviewer_of(request)
    fields = dict(await form_of(request))
    marketplace, shop = fields.get("marketplace", ""), fields.get("shop", "").strip()
    reason = f"their own shop, entered by {by}"
    try:
        if "/" in shop or "." in shop:
            return await _watch(request, _at(shop, reason))
        kind = _SHOPS.get(marketplace, "shop")
        return await _watch(
            request, read_target(marketplace, kind, shop, every=_EVERY, priority=_PRIORITY, reason=reason)
        )
    except UsageError as exc:
        return await show_start(request, status=422, says=sentence(exc))


async def _watch_address(request: Request) -> Response:
    by = reviewer_of(request)
    fields = dict(await form_of(request))
    try:
        return await _watch(request, _at(fields.get("address", "").strip(), f"a link that {by} found"))
    except UsageError as exc:
        return await show_start(request, status=422, says=sentence(exc))


def _at(address: str, reason: str) -> Target:
    if not address:
        raise UsageError("no address is given; copy it from the browser")
    marketplace, kind, ref = read_address(address)
    return read_target(marketplace, kind, ref, every=_EVERY, priority=_PRIORITY, reason=reason)


async def _watch(request: Request, target: Target) -> Response:
    context = context_of(request)
    async with context.pool.connection() as connection:
        await watch(connection, [target], now=context.clock())
        word = f"{target.marketplace} {target.kind}={target.ref}"
        [(key,)] = await fetch(connection, "find_targets", words=[word])
    context.crawling.ask(target.marketplace)
    return RedirectResponse(f"/watched/{key}", status_code=303)


async def _take_photos(request: Request) -> Response:
    reviewer_of(request)
    async with uploaded(request, files_max=PHOTOS_MAX) as form:
        artisan, given_as = text_of(form, "artisan"), text_of(form, "given_as") or "original"
        if given_as not in get_args(Kind):
            raise HTTPException(400, "That is no kind of photo; choose one of those on the page.")
        files = files_of(form, "photos")
        if not artisan or not files:
            missing = "whose photos they are" if files else "any photo"
            return await show_start(request, status=422, says=f"The form does not say {missing}; send it again.")
        named = dict(zip(names_of(files), files, strict=True))
        photos = {name: file.file for name, file in named.items() if Path(name).suffix.lower() in SUFFIXES}
        others = [name for name in named if name not in photos]
        refused = f"{', '.join(others[:10])}: not taken, as it is no JPEG, PNG, WebP, GIF or AVIF file"
        if not photos:
            return await show_start(request, status=422, says=sentence(refused))
        received = await context_of(request).inbox.put_photos(
            artisan,
            given_as,  # type: ignore[arg-type]  # checked
            photos,
            left_out=refused if others else None,
        )
    return RedirectResponse(f"/received/{received.id}", status_code=303)


async def _take_pages(request: Request) -> Response:
    reviewer_of(request)
    async with uploaded(request, files_max=PAGES_MAX) as form:
        files = files_of(form, "pages")
        if not files:
            return await show_start(request, status=422, says="No page is chosen; save one, and choose it here.")
        address = text_of(form, "address") or None
        try:
            own = settings()
            if not own.host_map:
                check_live(own)  # their photos are fetched
            read = [await _read(file, address if len(files) == 1 else None) for file in files]
        except (PageError, UsageError) as exc:
            return await show_start(request, status=422, says=sentence(exc))
        received = [await context_of(request).inbox.put_page(saved, says) for saved, says in read]
    return RedirectResponse(_where(received), status_code=303)


async def _read(file: UploadFile, address: str | None) -> tuple[SavedPage, str]:
    """Return a saved page with what it holds; refuse what no import would gain from."""
    if (file.size or 0) > _PAGE_MAX_BYTES:
        raise HTTPException(413, f"A page is larger than {_PAGE_MAX_BYTES // 1024**2} MB; save it as HTML only.")
    data = await file.read()
    try:
        saved = await asyncio.to_thread(read_saved_page, data, address)
        return saved, await asyncio.to_thread(describe_page, saved)
    except PageError as exc:
        raise type(exc)(f"{names_of([file])[0]}: {exc}") from exc


def _where(received: Sequence[Received]) -> str:
    return f"/received/{received[0].id}" if len(received) == 1 else "/received"


ROUTES = [
    Route("/", _start, methods=["GET"]),
    Route("/shops", _watch_shop, methods=["POST"]),
    Route("/addresses", _watch_address, methods=["POST"]),
    Route("/photos", _take_photos, methods=["POST"]),
    Route("/pages", _take_pages, methods=["POST"]),
]
