"""An index of the images in one role, as arrays: processes share it, and a search of it asks nobody else."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.descriptor import LENGTH
from theftwatch.match.bands import Bands, bands_of
from theftwatch.match.cells import Cells, cells_of

_DIGEST_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Indexed:
    """An image that can be found."""

    sha256: bytes
    #: Hashes of those of its variants that are compared in its role, as signed integers
    hashes: Sequence[int]
    #: Its descriptor; None where it has none by the network in use
    embedding: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """The images in one role, which are numbers in its parts: their places in the order of their SHA-256."""

    #: (n, 32)
    sha256s: NDArray[np.uint8]
    bands: Bands
    cells: Cells

    @property
    def byte_count(self) -> int:
        """Return how much memory its arrays take."""
        return self.sha256s.nbytes + self.bands.byte_count + self.cells.byte_count

    def name(self, image: int) -> bytes:
        """Return the SHA-256 of an image."""
        return bytes(self.sha256s[image])

    def holding(self, sha256s: Iterable[bytes]) -> set[bytes]:
        """Return those of some images that are in it."""
        return {sha256 for sha256 in sha256s if self._holds(sha256)}

    def _holds(self, sha256: bytes) -> bool:
        place = bisect_left(range(len(self.sha256s)), sha256, key=self.name)
        return place < len(self.sha256s) and self.name(place) == sha256


def index_of(images: Iterable[Indexed]) -> Index:
    """Return an index of images, the same in whatever order they come."""
    by_name = sorted(images, key=lambda each: each.sha256)
    described = [image for image, each in enumerate(by_name) if each.embedding is not None]
    embeddings = b"".join(each.embedding for each in by_name if each.embedding is not None)
    return Index(
        sha256s=np.frombuffer(b"".join(each.sha256 for each in by_name), np.uint8).reshape(-1, _DIGEST_BYTES),
        bands=bands_of(
            [value for each in by_name for value in each.hashes],
            [image for image, each in enumerate(by_name) for _ in each.hashes],
        ),
        cells=cells_of(np.frombuffer(embeddings, np.float16).reshape(-1, LENGTH), np.array(described, np.int32)),
    )
