"""Candidates from memory: the same search as in the record, over two folders' worth of hashes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.phash import Fingerprint
from theftwatch.listing import Side
from theftwatch.match.candidates import ORIGINAL_VARIANTS, RADIUS_BITS, SUSPECT_VARIANTS, Candidate

#: Hashes compared at once, asked times stored; bounds memory to some 100 MB
_ASKED_BLOCK = 64
_STORED_BLOCK = 65_536

_VARIANTS = {"original": ORIGINAL_VARIANTS, "suspect": SUSPECT_VARIANTS}


@dataclass(frozen=True, slots=True)
class _Hashes:
    """The hashes of one role's images: `owners[i]` is the index in `sha256s` of the image that `values[i]` is of."""

    sha256s: tuple[bytes, ...]
    values: NDArray[np.uint64]
    owners: NDArray[np.int64]


class MemoryCandidates:
    """Searches images given once, by comparing every hash with every other."""

    def __init__(self, originals: dict[bytes, Fingerprint], suspects: dict[bytes, Fingerprint]) -> None:
        self._hashes = {"original": _hashes(originals, "original"), "suspect": _hashes(suspects, "suspect")}

    async def find(self, sha256s: Sequence[bytes], side: Side) -> list[Candidate]:
        """Return the candidates of images in one role among the images in the other, ordered by pair."""
        other = self._hashes["suspect" if side == "original" else "original"]
        asked = set(sha256s)
        found = [
            Candidate(original=sha256, suspect=sha256, method="exact", distance_bits=0)
            for sha256 in asked.intersection(other.sha256s)
        ]
        for (one, another), distance_bits in self._near(asked, side, other).items():
            original, suspect = (one, another) if side == "original" else (another, one)
            found.append(Candidate(original=original, suspect=suspect, method="phash", distance_bits=distance_bits))
        return sorted(found, key=lambda candidate: (candidate.original, candidate.suspect))

    def _near(self, asked: set[bytes], side: Side, other: _Hashes) -> dict[tuple[bytes, bytes], int]:
        """Return the distance of every near pair (asked, other) of different images."""
        own = self._hashes[side]
        chosen = np.flatnonzero([own.sha256s[owner] in asked for owner in own.owners])
        nearest: dict[tuple[bytes, bytes], int] = {}
        for rows in np.array_split(chosen, range(_ASKED_BLOCK, len(chosen), _ASKED_BLOCK)):
            for start in range(0, len(other.values), _STORED_BLOCK):
                stored = slice(start, start + _STORED_BLOCK)
                distances = np.bitwise_count(own.values[rows, None] ^ other.values[None, stored])
                for row, column in zip(*np.nonzero(distances <= RADIUS_BITS), strict=True):
                    pair = own.sha256s[own.owners[rows[row]]], other.sha256s[other.owners[start + column]]
                    if pair[0] != pair[1]:
                        nearest[pair] = min(int(distances[row, column]), nearest.get(pair, RADIUS_BITS))
        return nearest


def _hashes(prints: dict[bytes, Fingerprint], side: Side) -> _Hashes:
    sha256s = tuple(sorted(prints))
    values: dict[int, list[int]] = defaultdict(list)
    for owner, sha256 in enumerate(sha256s):
        values[owner] = [each.hash for each in prints[sha256].hashes if each.variant in _VARIANTS[side]]
    return _Hashes(
        sha256s=sha256s,
        values=_as_uint64(value for each in values.values() for value in each),
        owners=np.array([owner for owner, each in values.items() for _ in each], np.int64),
    )


def _as_uint64(values: Iterable[int]) -> NDArray[np.uint64]:
    return np.array(list(values), np.int64).view(np.uint64)
