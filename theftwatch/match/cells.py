"""Descriptors that are found by their signs, in memory.

They lie in cells, each around one of them, and those cells are read whose middle is nearest (an inverted file, Jégou
and others 2011). The middles are drawn by place, and distances are whole numbers, so that all machines make the same
cells of the same descriptors.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from theftwatch.images.descriptor import LENGTH
from theftwatch.images.process import prepare

prepare()

type Codes = NDArray[np.uint8]

#: Descriptors a cell on average, and how many cells are read: up to 65,536 descriptors that is all
_CELL, _READ = 1024, 64
#: Descriptors worked on at once, and distances kept at once; bounds memory to some 100 MB
_AT_ONCE, _KEPT_AT_ONCE = 65_536, 4_194_304
#: More than any distance and place
_FAR = np.iinfo(np.int64).max
_PLACE_BITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """The descriptors of images, which are numbers here."""

    #: (n, 512)
    embeddings: NDArray[np.float16]
    #: The image that each descriptor is of
    owners: NDArray[np.int32]
    #: (n, 64) signs of descriptors, cell by cell, and the place of the descriptor that each is of
    codes: Codes
    places: NDArray[np.int32]
    #: (c, 64) signs of the descriptor in the middle of each cell
    middles: Codes
    #: (c + 1) where each cell begins among the codes, and the last one ends
    starts: NDArray[np.int64]

    @property
    def byte_count(self) -> int:
        """Return how much memory they take."""
        of_each = self.embeddings.nbytes + self.owners.nbytes + self.codes.nbytes + self.places.nbytes
        return of_each + self.middles.nbytes + self.starts.nbytes

    def nearest(self, rows: NDArray[np.float32], most: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """Return, for each of some descriptors, the images whose signs are nearest, with their cosines.

        So many of them at most, in no order.
        """
        if not len(self.codes):
            return [(self.owners, np.empty(0, np.float32)) for _ in rows]
        places = self._nearest(_signs(rows), most)
        return [
            (self.owners[near], self.embeddings[near].astype(np.float32) @ row)
            for row, near in zip(rows, places, strict=True)
        ]

    def _nearest(self, asked: Codes, most: int) -> Iterator[NDArray[np.int64]]:
        """Yield the places of the nearest for each of the asked; of equally near ones, those that stand first."""
        read = min(_READ, len(self.middles))
        most_of_one = min(most, int(np.diff(self.starts).max()))
        at_once = max(1, _KEPT_AT_ONCE // (read * most_of_one))
        for start in range(0, len(asked), at_once):
            block = asked[start : start + at_once]
            kept = np.full((len(block), read, most_of_one), _FAR, np.int64)
            _, cells = _near(block, self.middles, read)
            order = np.argsort(cells, axis=None, kind="stable")
            rows, slots = np.unravel_index(order, cells.shape)
            edges = np.searchsorted(cells.ravel()[order], np.arange(len(self.middles) + 1))
            for cell in np.flatnonzero(np.diff(edges)):
                who = slice(edges[cell], edges[cell + 1])
                first, last = self.starts[cell : cell + 2]
                if first == last:  # its middle is equal to another's
                    continue
                distances, found = _near(block[rows[who]], self.codes[first:last], most_of_one)
                keys = distances.astype(np.int64) << _PLACE_BITS | self.places[first + found]
                kept[rows[who], slots[who], : keys.shape[1]] = keys
            for keys in kept.reshape(len(block), -1):
                nearest = np.sort(np.partition(keys, most - 1)[:most] if most < len(keys) else keys)
                yield nearest[nearest < _FAR] & ((1 << _PLACE_BITS) - 1)


def cells_of(embeddings: NDArray[np.float16], owners: NDArray[np.int32]) -> Cells:
    """Return descriptors (n, 512) with the images that they are of, ready to be searched."""
    count = len(embeddings)
    codes = np.empty((count, LENGTH // 8), np.uint8)
    for start in range(0, count, _AT_ONCE):
        codes[start : start + _AT_ONCE] = _signs(embeddings[start : start + _AT_ONCE])
    cells = max(1, count // _CELL)
    middles = codes[np.arange(cells) * count // cells] if count else codes
    cell = np.empty(count, np.int32)
    for start in range(0, count, _AT_ONCE):
        cell[start : start + _AT_ONCE] = _near(codes[start : start + _AT_ONCE], middles, 1)[1][:, 0]
    places = np.argsort(cell, kind="stable").astype(np.int32)
    return Cells(
        embeddings=embeddings,
        owners=owners,
        codes=codes[places],
        places=places,
        middles=middles,
        starts=np.searchsorted(cell[places], np.arange(len(middles) + 1)),
    )


def _signs(rows: NDArray[np.floating]) -> Codes:
    return np.packbits(rows > 0, axis=1)


def _near(asked: Codes, stored: Codes, most: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return how many signs the nearest differ in, and where they are stored, the nearest first, then by place."""
    distances, places = cv2.batchDistance(
        asked, stored, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=min(most, len(stored))
    )
    return distances, places  # type: ignore[return-value]  # of 32 bits, as asked for
