"""Copying files from one store to another: what is there already is left alone, and every digest is compared."""

import asyncio
import math
from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass

from theftwatch.files import Files

#: Threads that read or write files; most of the time each waits for a disk or a network, and what several wait for at
#: once a disk does at once
AT_ONCE = 16
#: Files that one takes at most before another may
_PART_MOST = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """What came of copying."""

    files: int = 0
    byte_count: int = 0
    #: Files that the target had
    there: int = 0
    #: What the source does not keep, or keeps damaged
    missed: tuple[bytes, ...] = ()

    def __add__(self, other: "Copied") -> "Copied":
        return Copied(
            files=self.files + other.files,
            byte_count=self.byte_count + other.byte_count,
            there=self.there + other.there,
            missed=self.missed + other.missed,
        )


async def copy_files(source: Files, target: Files, digests: Collection[bytes], threads: Executor) -> Copied:
    """Copy what has one of some SHA-256; each file appears at the target whole, so a kill costs what was under way."""
    loop = asyncio.get_running_loop()
    wanted = sorted(digests)
    size = min(_PART_MOST, math.ceil(len(wanted) / AT_ONCE)) or 1
    parts = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    done = await asyncio.gather(*(loop.run_in_executor(threads, _copy, source, target, part) for part in parts))
    return sum(done, Copied())


def _copy(source: Files, target: Files, digests: Collection[bytes]) -> Copied:
    files = byte_count = there = 0
    missed: list[bytes] = []
    for digest in digests:
        if target.has(digest):
            there += 1
            continue
        try:
            data = source.get(digest)
        except FileNotFoundError:
            missed.append(digest)
            continue
        target.put(data)
        files += 1
        byte_count += len(data)
    return Copied(files=files, byte_count=byte_count, there=there, missed=tuple(missed))
