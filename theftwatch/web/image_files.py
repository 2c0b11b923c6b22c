"""Photos: the exact bytes under their true type, and small copies of them."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import fetch
from theftwatch.errors import UnusableImageError
from theftwatch.reports.preview import scale_down
from theftwatch.web.pages import Context, context_of

#: By Pillow's words, which the record holds; nothing else is served
_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
_HEADERS = {
    # the address is the content's own
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


async def _image(request: Request) -> Response:
    context, sha256 = context_of(request), digest_of(request)
    media_type = await _type(context, sha256)
    try:
        data = await asyncio.to_thread(context.files.get, sha256)
    except FileNotFoundError as exc:
        raise _missing() from exc
    return Response(data, media_type=media_type, headers=_HEADERS)


async def _preview(request: Request) -> Response:
    context, sha256 = context_of(request), digest_of(request)
    await _type(context, sha256)
    try:
        data, _, _ = await asyncio.to_thread(lambda: scale_down(context.files.get(sha256)))
    except (FileNotFoundError, UnusableImageError) as exc:
        raise _missing() from exc
    return Response(data, media_type="image/jpeg", headers=_HEADERS)


def digest_of(request: Request) -> bytes:
    """Return the SHA-256 that an address names; refuse what is none."""
    try:
        return bytes.fromhex(request.path_params["sha256"])
    except ValueError as exc:
        raise _missing() from exc


async def _type(context: Context, sha256: bytes) -> str:
    async with reading(context.pool) as connection:
        rows = await fetch(connection, "find_image_file", sha256=sha256)
    if not rows or rows[0][0] not in _TYPES:
        raise _missing()
    return _TYPES[rows[0][0]]


def _missing() -> HTTPException:
    return HTTPException(404, "No photo is kept under this name.")


ROUTES = [
    Route("/images/{sha256}", _image, methods=["GET"]),
    Route("/previews/{sha256}", _preview, methods=["GET"]),
]
