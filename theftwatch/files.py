"""Bytes kept under the name of their SHA-256, in a folder or in a bucket; and files that appear when they are whole."""

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from theftwatch.errors import UsageError

logger = logging.getLogger(__name__)

_NAME = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})")
#: The first two letters of all names
PREFIXES = tuple(f"{byte:02x}" for byte in range(256))
#: The name of a file that is not whole yet
_BEGIN, _END = ".theftwatch-", ".part"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What a place says of one thing that it holds, without reading it."""

    name: str
    byte_count: int
    written_at: datetime


class Place(Protocol):
    """Where bytes lie under names such as `ab/abcd…`: a thing is there whole or not at all, also after a kill."""

    def write(self, name: str, data: bytes) -> None:
        """Write a thing, in place of what had the name."""

    def read(self, name: str) -> bytes:
        """Return a thing. Raises FileNotFoundError."""

    def size(self, name: str) -> int | None:
        """Return how many bytes a thing has; None where it is not there."""

    def delete(self, name: str) -> bool:
        """Delete a thing, and return whether it was there."""

    def find(self, folder: str) -> Iterator[Held]:
        """Yield what lies directly in a folder, in any order."""

    def sweep(self, folder: str) -> int:
        """Delete what lies directly in a folder and was broken off by a kill; return how many files that were."""


class Files:
    """Files named by content; the same bytes are kept once. A path stands for the folder there."""

    def __init__(self, place: Path | Place) -> None:
        self.place: Place = Folder(place) if isinstance(place, Path) else place

    def __repr__(self) -> str:
        return f"Files({self.place})"

    def put(self, data: bytes) -> bytes:
        """Keep bytes and return their SHA-256 (32 bytes).

        When this returns they are kept whole, or they were before; what was broken off is made good.
        """
        digest = hashlib.sha256(data).digest()
        name = _name(digest)
        if self.place.size(name) != len(data):
            self.place.write(name, data)
        return digest

    def has(self, digest: bytes) -> bool:
        """Return whether the bytes of a SHA-256 are kept."""
        return self.place.size(_name(digest)) is not None

    def get(self, digest: bytes) -> bytes:
        """Return the bytes of a SHA-256.

        Raises FileNotFoundError where they are not kept, or where what is kept has another SHA-256.
        """
        data = self.place.read(_name(digest))
        if hashlib.sha256(data).digest() != digest:
            logger.error(
                "%s in %s is damaged; `theftwatch files check --read` finds all that are", _name(digest), self.place
            )
            raise FileNotFoundError(f"{_name(digest)} in {self.place} is damaged")
        return data

    def delete(self, digest: bytes) -> bool:
        """Delete the bytes of a SHA-256, and return whether they were kept."""
        return self.place.delete(_name(digest))

    def find(self, prefix: str) -> Iterator[tuple[bytes, Held]]:
        """Yield the SHA-256 of what is kept under one of the PREFIXES, in any order."""
        for held in self.place.find(prefix):
            if match := _NAME.fullmatch(held.name):
                yield bytes.fromhex(match[2]), held


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine, as a place."""

    root: Path

    def __str__(self) -> str:
        return str(self.root)

    def write(self, name: str, data: bytes) -> None:
        """Write a thing; when this returns it is on disk."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with _appearing(path) as file:
            file.write(data)

    def read(self, name: str) -> bytes:
        """Return a thing. Raises FileNotFoundError."""
        return (self.root / name).read_bytes()

    def size(self, name: str) -> int | None:
        """Return how many bytes a thing has; None where it is not there."""
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> bool:
        """Delete a thing, and return whether it was there."""
        try:
            (self.root / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def find(self, folder: str) -> Iterator[Held]:
        """Yield what lies directly in a folder, in any order; what vanishes meanwhile is left out."""
        try:
            entries = os.scandir(self.root / folder)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                try:
                    told = entry.stat()
                except FileNotFoundError:
                    continue
                yield Held(
                    name=f"{folder}/{entry.name}",
                    byte_count=told.st_size,
                    written_at=datetime.fromtimestamp(told.st_mtime, UTC),
                )

    def sweep(self, folder: str) -> int:
        """Delete what lies directly in a folder and was broken off by a kill; return how many files that were."""
        return _sweep(self.root / folder)


def kept(files: Files, digests: Iterable[bytes]) -> set[bytes]:
    """Return those of some SHA-256 whose bytes are kept."""
    return {digest for digest in digests if files.has(digest)}


def _name(digest: bytes) -> str:
    name = digest.hex()
    return f"{name[:2]}/{name}"


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when it is whole and on disk; others may read it.

    What was broken off in its folder by a kill is deleted. Raises UsageError where it cannot be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; make it, or write elsewhere")
    try:
        _sweep(path.parent)
        with _appearing(path) as file:
            os.fchmod(file.fileno(), 0o644)  # a temporary file is for its owner alone
            yield file
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}; name a file in a folder that can be written") from exc


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    # A file appears under its name only when it is whole. A kill leaves at worst a temporary file, which nobody holds.
    file, temporary = _temporary(path.parent)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)  # while it is held
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(folder: Path) -> tuple[BinaryIO, Path]:
    """Make a file that is held until it is closed, or its process ends in whatever way."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_BEGIN, suffix=_END)
        file = os.fdopen(handle, "wb")
        with contextlib.suppress(OSError):  # of a file system without locks, where nothing is swept
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return file, Path(name)
        file.close()  # swept between the two


def _sweep(folder: Path) -> int:
    swept = 0
    for path in folder.glob(f"{_BEGIN}*{_END}"):
        # one that is held, that has its name by now, or that is another user's
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            swept += 1
    return swept


def free_bytes(folder: Path) -> int:
    """Return how much room there is on the disk of a folder, which may not be there yet."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free
