"""Hashes that are found by bands, in memory: all that are near, as `near_phash` finds them in the database.

By multi-index hashing (Norouzi and others 2012): what differs in few bits differs in fewer in some band.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from theftwatch.match.candidates import RADIUS_BITS

#: How far each band lies up in a hash, and its width in bits, as in the table `phash`
_BANDS = ((42, 22), (21, 21), (0, 21))
#: Radii that sum up, each plus one, to the distance plus one miss nothing
_BAND_RADIUS_BITS = 2
#: Hashes asked at once; bounds memory where many that are stored look alike
_ASKED_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Bands:
    """The hashes of images, which are numbers here."""

    hashes: NDArray[np.uint64]
    #: The image that each hash is of
    owners: NDArray[np.int32]
    #: For each band, its values in ascending order, and the place of the hash that each is of
    values: tuple[NDArray[np.uint32], ...]
    places: tuple[NDArray[np.int32], ...]

    @property
    def byte_count(self) -> int:
        """Return how much memory they take."""
        own = self.hashes.nbytes + self.owners.nbytes
        return own + sum(each.nbytes for each in self.values) + sum(each.nbytes for each in self.places)

    def near(self, hashes: Sequence[int]) -> list[set[int]]:
        """Return, for each of some hashes, the images that have one within RADIUS_BITS; hashes are signed integers."""
        asked = np.array(hashes, np.int64).view(np.uint64)
        return [
            images
            for start in range(0, len(asked), _ASKED_AT_ONCE)
            for images in self._near(asked[start : start + _ASKED_AT_ONCE])
        ]

    def _near(self, asked: NDArray[np.uint64]) -> Iterator[set[int]]:
        met = [self._meet(asked, number) for number in range(len(_BANDS))]
        rows, places = (np.concatenate(each) for each in zip(*met, strict=True))
        is_near = np.bitwise_count(asked[rows] ^ self.hashes[places]) <= RADIUS_BITS
        rows, places = rows[is_near], places[is_near]
        for row in range(len(asked)):
            yield set(self.owners[places[rows == row]].tolist())

    def _meet(self, asked: NDArray[np.uint64], number: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return which of the asked meets which hash in a band."""
        flips = _FLIPS[number]
        probes = (_band(asked, number)[:, None] ^ flips).ravel()
        first = np.searchsorted(self.values[number], probes, "left")
        counts = np.searchsorted(self.values[number], probes, "right") - first
        # Within the places met, all of one probe follow one another.
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        places = self.places[number][np.repeat(first, counts) + steps]
        return np.repeat(np.arange(len(probes)) // len(flips), counts), places


def bands_of(hashes: Sequence[int], owners: Sequence[int]) -> Bands:
    """Return signed hashes with the images that they are of, ready to be searched."""
    stored = np.array(hashes, np.int64).view(np.uint64)
    bands = [_band(stored, number) for number in range(len(_BANDS))]
    orders = [np.argsort(band, kind="stable").astype(np.int32) for band in bands]
    return Bands(
        hashes=stored,
        owners=np.array(owners, np.int32),
        values=tuple(band[order] for band, order in zip(bands, orders, strict=True)),
        places=tuple(orders),
    )


def _band(hashes: NDArray[np.uint64], number: int) -> NDArray[np.uint32]:
    shift_bits, width_bits = _BANDS[number]
    return (hashes >> np.uint64(shift_bits) & np.uint64((1 << width_bits) - 1)).astype(np.uint32)


def _flips(width_bits: int) -> NDArray[np.uint32]:
    """Return the ways to flip up to so many bits of a band."""
    flags = [1 << position for position in range(width_bits)]
    chosen = (each for number in range(_BAND_RADIUS_BITS + 1) for each in combinations(flags, number))
    return np.array([sum(each) for each in chosen], np.uint32)


_FLIPS = tuple(_flips(width_bits) for _, width_bits in _BANDS)
