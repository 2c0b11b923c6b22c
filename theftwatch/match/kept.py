"""Local features kept for as long as a comparison of two folders takes, in a file: memory holds but the last ones."""

import tempfile
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from theftwatch.images.features import LocalFeatures

#: Beyond that features are computed anew: some 25,000 originals, as many as are worth the room on a disk
_BYTES_MAX = 2 * 1024**3


class FeatureFile:
    """A file of local features that is gone when it is closed; not to be used by two threads at once."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="theftwatch-features-")  # noqa: SIM115  closed by __exit__
        self._places: dict[bytes, tuple[int, int]] = {}
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, features: Mapping[bytes, LocalFeatures]) -> None:
        """Keep features by SHA-256, as far as there is room."""
        self._file.seek(self._end)
        for sha256, each in features.items():
            if self._end >= _BYTES_MAX or sha256 in self._places:
                continue
            packed = each.to_bytes()
            self._file.write(packed)
            self._places[sha256] = self._end, len(packed)
            self._end += len(packed)

    def read(self, sha256s: Iterable[bytes]) -> dict[bytes, LocalFeatures]:
        """Return the features of those images whose features are kept."""
        found = {}
        for sha256 in sha256s:
            if sha256 in self._places:
                at, length = self._places[sha256]
                self._file.seek(at)
                found[sha256] = LocalFeatures.from_bytes(self._file.read(length))
        return found
