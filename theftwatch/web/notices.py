"""Notices: drafts of what artisans are told, and what a person entered of them. Nothing is sent from here."""

import asyncio
import io
import zipfile

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theftwatch.config import settings
from theftwatch.db.pool import reading
from theftwatch.errors import UsageError
from theftwatch.notices import log
from theftwatch.notices.message import Message, compose, draft_files, draft_name
from theftwatch.notices.untold import Affected, find_affected
from theftwatch.web.pages import Context, bring_up_to_date, context_of, form_of, page, reviewer_of, sentence


async def _draft(request: Request) -> Response:
    reviewer_of(request)
    fields = dict(await form_of(request))
    context = context_of(request)
    notice, affected, message = await _write(context, request.path_params["artisan"])
    if fields.get("as") != "files":
        return RedirectResponse(f"/notices/{notice}", status_code=303)
    files = draft_files(message, affected, settings=settings(), now=context.clock())
    name = draft_name(notice, affected)
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    data = await asyncio.to_thread(_packed, name, files)
    return Response(data, media_type="application/zip", headers=headers)


async def _write(context: Context, artisan: int) -> tuple[int, Affected, Message]:
    """Write a draft of all that an artisan was not told, or find the one that says the same."""
    await bring_up_to_date(context)  # a relation may have begun or run out since
    now = context.clock()
    async with context.pool.connection() as connection:
        affected = await find_affected(connection, artisan)
    if not affected:
        raise HTTPException(422, "There is nothing to tell: of each confirmed finding that stands they were told.")
    async with reading(context.pool) as connection:
        message = await compose(connection, affected[0], context.files, settings=settings(), now=now)
    async with context.pool.connection() as connection:
        notice = await log.keep_draft(connection, affected[0], message, now=now)
    return notice, affected[0], message


def _packed(name: str, files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in files.items():
            archive.writestr(f"{name}/{file}", data)
    return packed.getvalue()


async def _notice(request: Request) -> Response:
    return await _show(request, request.path_params["notice"])


async def _show(request: Request, notice: int, *, status: int = 200, says: str | None = None) -> Response:
    async with reading(context_of(request).pool) as connection:
        try:
            found = await log.find_notice(connection, notice)
        except UsageError as exc:
            raise HTTPException(404, "There is no such notice.") from exc
    return page(request, "notice.html.j2", status=status, says=says, notice=found)


async def _enter(request: Request) -> Response:
    by, notice = reviewer_of(request), request.path_params["notice"]
    step = dict(await form_of(request)).get("step", "")
    context = context_of(request)
    try:
        async with context.pool.connection() as connection:
            if step == "sent":
                await log.mark_sent(connection, notice, by=by, at=context.clock())
            elif step == "unsent":
                await log.mark_unsent(connection, notice, by=by)
            else:
                raise HTTPException(400, "That is nothing to be entered of a notice; choose what the page offers.")
    except UsageError as exc:
        return await _show(request, notice, status=422, says=sentence(exc))
    return RedirectResponse(f"/notices/{notice}", status_code=303)


ROUTES = [
    Route("/artisans/{artisan:int}/notices", _draft, methods=["POST"]),
    Route("/notices/{notice:int}", _notice, methods=["GET"]),
    Route("/notices/{notice:int}", _enter, methods=["POST"]),
]
