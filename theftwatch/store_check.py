"""What the image store and the record say of each other: files that are missed, that nothing stands for, or damaged."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from theftwatch.db.files import find_files
from theftwatch.db.queries import Connection, fetch
from theftwatch.files import Files

#: A crawl keeps a file first, and writes what stands for it within minutes
STRAY_AFTER = timedelta(days=1)
_READ_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Missed:
    """A file that the record stands for and the store does not hold, or holds damaged."""

    sha256: bytes
    #: `photo`, `capture` or `page`
    kind: str
    is_damaged: bool


@dataclass(kw_only=True, slots=True)
class Checked:
    """What a check came to."""

    files: int = 0
    byte_count: int = 0
    missed: list[Missed] = field(default_factory=list)
    #: Files that nothing in the record stands for, and that no erasure is about to delete
    strays: list[bytes] = field(default_factory=list)
    stray_bytes: int = 0


async def check_files(
    connection: Connection,
    files: Files,
    threads: Executor,
    *,
    read: bool,
    now: datetime,
    progress: Callable[[int], None],
) -> Checked:
    """Compare the store with the record as it stands now, in the caller's transaction.

    With `read` every file is read and its digest compared; else that it is there has to do.
    """
    checked = Checked()
    loop = asyncio.get_running_loop()
    # The record first: whatever it stands for is in the store by then.
    async for prefix, needed, unneeded in find_files(connection):
        held = dict(await loop.run_in_executor(threads, list, files.find(prefix)))
        checked.missed += [
            Missed(sha256, needed[sha256], is_damaged=False) for sha256 in sorted(needed.keys() - held.keys())
        ]
        for sha256 in sorted(held.keys() - needed.keys() - unneeded):
            if held[sha256].written_at < now - STRAY_AFTER:
                checked.strays.append(sha256)
                checked.stray_bytes += held[sha256].byte_count
        there = sorted(needed.keys() & held.keys())
        checked.files += len(there)
        checked.byte_count += sum(held[sha256].byte_count for sha256 in there)
        if read:
            parts = [there[start : start + _READ_AT_ONCE] for start in range(0, len(there), _READ_AT_ONCE)]
            for damaged in await asyncio.gather(
                *(loop.run_in_executor(threads, _find_damaged, files, part) for part in parts)
            ):
                checked.missed += [Missed(sha256, needed[sha256], is_damaged=True) for sha256 in damaged]
        progress(int(prefix, 16) + 1)
    return checked


async def still_missed(connection: Connection, checked: Checked) -> list[Missed]:
    """Return what a check missed and the record stands for even now: what was erased meanwhile is not missed."""
    sha256s = [each.sha256 for each in checked.missed]
    needed = {sha256 for (sha256,) in await fetch(connection, "find_needed_again", sha256s=sha256s)}
    return [each for each in checked.missed if each.sha256 in needed]


def _find_damaged(files: Files, digests: Iterable[bytes]) -> list[bytes]:
    damaged = []
    for digest in digests:
        try:
            files.get(digest)
        except FileNotFoundError:
            damaged.append(digest)
    return damaged
