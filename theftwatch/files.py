"""Bytes kept under the name of their SHA-256, in a local folder; and files that appear when they are whole."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from theftwatch.errors import UsageError


@dataclass(frozen=True, slots=True)
class Files:
    """A folder of files named by content; the same bytes are kept once."""

    root: Path

    def put(self, data: bytes) -> bytes:
        """Keep bytes and return their SHA-256 (32 bytes).

        When this returns the file is on disk whole, or it was there before.
        """
        digest = hashlib.sha256(data).digest()
        path = self.path(digest)
        if self.has(digest):
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        with _appearing(path) as file:
            file.write(data)
        return digest

    def has(self, digest: bytes) -> bool:
        """Return whether the bytes of a SHA-256 are kept."""
        return self.path(digest).is_file()

    def get(self, digest: bytes) -> bytes:
        """Return the bytes of a SHA-256.

        Raises FileNotFoundError where they are not kept.
        """
        return self.path(digest).read_bytes()

    def delete(self, digest: bytes) -> bool:
        """Delete the bytes of a SHA-256, and return whether they were kept."""
        try:
            self.path(digest).unlink()
        except FileNotFoundError:
            return False
        return True

    def path(self, digest: bytes) -> Path:
        """Return where the bytes of a SHA-256 stand, whether or not they are kept."""
        name = digest.hex()
        return self.root / name[:2] / name


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when it is whole and on disk; others may read it.

    Raises UsageError where it cannot be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; make it, or write elsewhere")
    try:
        with _appearing(path) as file:
            os.fchmod(file.fileno(), 0o644)  # a temporary file is for its owner alone
            yield file
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}; name a file in a folder that can be written") from exc


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    # A file appears under its name only when it is whole, so that a kill leaves at worst a stray temporary file.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
