"""Looks at originals kept for as long as a comparison of two folders takes, in a file: memory holds but the last."""

import tempfile
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

#: Beyond that originals are looked at anew: some 40,000, as many as are worth the room on a disk
_BYTES_MAX = 2 * 1024**3


class LooksFile:
    """A file of looks at originals that is gone when it is closed; not to be used by two threads at once."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="theftwatch-looks-")  # noqa: SIM115  closed by __exit__
        self._places: dict[bytes, tuple[int, int]] = {}
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, looks: Mapping[bytes, bytes]) -> None:
        """Keep packed looks by SHA-256, as far as there is room; they take the place of fewer at the same original."""
        self._file.seek(self._end)
        for sha256, packed in looks.items():
            if self._end >= _BYTES_MAX or len(packed) <= self._places.get(sha256, (0, 0))[1]:
                continue
            self._file.write(packed)
            self._places[sha256] = self._end, len(packed)
            self._end += len(packed)

    def read(self, sha256s: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the packed looks at those originals of which any are kept."""
        found = {}
        for sha256 in sha256s:
            if sha256 in self._places:
                at, length = self._places[sha256]
                self._file.seek(at)
                found[sha256] = self._file.read(length)
        return found
