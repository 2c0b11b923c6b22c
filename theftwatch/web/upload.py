"""Files that a form sends: bounded in number and size, and never called as a stranger says."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from theftwatch.reports.words import one_line

#: Of all files of a form together
UPLOAD_MAX_BYTES = 256 * 1024**2
_FIELDS_MAX = 20
_FIELD_MAX_BYTES = 64 * 1024
_NAME_MAX = 60


@asynccontextmanager
async def uploaded(request: Request, *, files_max: int) -> AsyncIterator[FormData]:
    """Read a form with files, which are gone from memory and disk when the context ends.

    Refuses one with more files, or with more bytes than `UPLOAD_MAX_BYTES`, as soon as that is seen.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > UPLOAD_MAX_BYTES:
        raise _too_large()  # before any of it is read
    bounded = Request(request.scope, _bounded(request.receive))
    try:
        form = await bounded.form(max_files=files_max, max_fields=_FIELDS_MAX, max_part_size=_FIELD_MAX_BYTES)
    except HTTPException as exc:
        if exc.status_code != 400:
            raise
        raise HTTPException(400, f"That is not taken; send {files_max} files at most, as the page offers it.") from exc
    try:
        yield form
    finally:
        await form.close()


def files_of(form: FormData, name: str) -> list[UploadFile]:
    """Return the files that a field holds, without the empty one by which browsers say that none was chosen."""
    return [each for each in form.getlist(name) if isinstance(each, UploadFile) and (each.filename or each.size)]


def text_of(form: FormData, name: str) -> str:
    """Return a field that a person wrote, in one line."""
    value = form.get(name)
    return one_line(value)[:200] if isinstance(value, str) else ""


def names_of(files: Sequence[UploadFile]) -> list[str]:
    """Return names for files, each once, by which they can be kept in one folder of any system."""
    names: list[str] = []
    for number, file in enumerate(files, 1):
        base = one_line((file.filename or "").replace("\\", "/").rpartition("/")[2])
        stem, _, suffix = "".join("-" if letter in '<>:"|?*' else letter for letter in base).rpartition(".")
        name = f"{stem[:_NAME_MAX].strip('. ') or f'photo {number}'}.{suffix[:8]}"
        names.append(name if name not in names else f"{number}-{name}")
    return names


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > UPLOAD_MAX_BYTES:
            raise _too_large()
        return message

    return bounded


def _too_large() -> HTTPException:
    return HTTPException(413, f"That is more than {UPLOAD_MAX_BYTES // 1024**2} MB; send it in parts.")
