"""The bundle of a case, built when it is asked for and sent as a file."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from theftwatch.chromium import find_chromium
from theftwatch.config import settings
from theftwatch.db.pool import snapshot
from theftwatch.errors import TheftWatchError
from theftwatch.evidence.archive import safe_name
from theftwatch.evidence.bundle import write_bundle
from theftwatch.evidence.gather import find_case_complaint
from theftwatch.evidence.timestamp import authority_of
from theftwatch.web.cases import show_case
from theftwatch.web.pages import context_of, reviewer_of, sentence

#: A bundle is printed by a Chromium of its own
_AT_ONCE = asyncio.Semaphore(1)
_CHUNK_BYTES = 256 * 1024


async def _bundle(request: Request) -> Response:
    reviewer_of(request)
    case = request.path_params["case"]
    context, own = context_of(request), settings()
    with ExitStack() as stack:
        file: BinaryIO = stack.enter_context(await asyncio.to_thread(tempfile.TemporaryFile))
        try:
            async with _AT_ONCE:
                async with snapshot(context.pool) as connection:
                    facts, _ = await find_case_complaint(connection, case)
                built = await write_bundle(
                    file,
                    facts,
                    context.files,
                    now=context.clock(),
                    chromium=find_chromium(own),
                    authority=authority_of(own),
                )
        except TheftWatchError as exc:
            return await show_case(request, case, status=422, says=sentence(exc))
        stack.pop_all()  # whoever sends it closes it
    name = f"case-{case}-{safe_name(facts.artisan.name)}-{safe_name(facts.vendor)}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(built.byte_count)}
    return StreamingResponse(_chunks(file), media_type="application/zip", headers=headers)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


ROUTES = [Route("/cases/{case:int}/bundle", _bundle, methods=["POST"])]
