"""Candidates from memory: the same search as in the record, over two folders' worth of hashes and descriptors."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.descriptor import LENGTH
from theftwatch.images.fingerprint import Fingerprint
from theftwatch.listing import Side
from theftwatch.match.candidates import (
    ORIGINAL_VARIANTS,
    RADIUS_BITS,
    SPARE,
    SUSPECT_VARIANTS,
    Asked,
    Candidate,
    ordered,
)
from theftwatch.match.neighbours import nearest, paired

#: Compared at once, asked times stored; bounds memory to some 100 MB
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
    """Searches images given once, by comparing every hash and every descriptor with every other."""

    def __init__(self, originals: dict[bytes, Fingerprint], suspects: dict[bytes, Fingerprint]) -> None:
        self._hashes = {"original": _hashes(originals, "original"), "suspect": _hashes(suspects, "suspect")}
        self._descriptors = {"original": _descriptors(originals), "suspect": _descriptors(suspects)}

    async def find_same(self, sha256s: Sequence[bytes], side: Side) -> list[Candidate]:
        """Return all images in the other role with the same bytes or a near hash, ordered by pair."""
        other = self._hashes["suspect" if side == "original" else "original"]
        asked = set(sha256s)
        found = [
            Candidate(original=sha256, suspect=sha256, method="exact") for sha256 in asked.intersection(other.sha256s)
        ]
        for one, another in self._near(asked, side, other):
            original, suspect = (one, another) if side == "original" else (another, one)
            found.append(Candidate(original=original, suspect=suspect, method="phash"))
        return ordered(found)

    async def find_alike(self, asked: Sequence[Asked], side: Side, most: int) -> list[list[Candidate]]:
        """Return, for each image asked about, those in the other role with the nearest descriptors, nearest first."""
        sha256s, descriptors = self._descriptors["suspect" if side == "original" else "original"]
        if not sha256s:
            return [[] for _ in asked]
        most *= SPARE
        candidates: list[list[Candidate]] = []
        for start in range(0, len(asked), _ASKED_BLOCK):
            block = asked[start : start + _ASKED_BLOCK]
            # In the processor's own numbers for the product only: stored in four bytes they would take twice the memory
            rows = np.stack([each.descriptor.row for each in block])
            parts = [
                rows @ descriptors[first : first + _STORED_BLOCK].astype(np.float32).T
                for first in range(0, len(descriptors), _STORED_BLOCK)
            ]
            for each, similarities in zip(block, np.concatenate(parts, axis=1), strict=True):
                # One more than wanted, as the image may find itself
                best = np.argpartition(-similarities, min(most, len(similarities) - 1))[: most + 1]
                found = nearest(similarities[best], [sha256s[index] for index in best], each.similarity_min, most)
                candidates.append(paired(each, found, side))
        return candidates

    def _near(self, asked: set[bytes], side: Side, other: _Hashes) -> set[tuple[bytes, bytes]]:
        """Return every near pair (asked, other) of different images."""
        own = self._hashes[side]
        chosen = np.flatnonzero([own.sha256s[owner] in asked for owner in own.owners])
        near: set[tuple[bytes, bytes]] = set()
        for rows in np.array_split(chosen, range(_ASKED_BLOCK, len(chosen), _ASKED_BLOCK)):
            for start in range(0, len(other.values), _STORED_BLOCK):
                stored = slice(start, start + _STORED_BLOCK)
                distances = np.bitwise_count(own.values[rows, None] ^ other.values[None, stored])
                for row, column in zip(*np.nonzero(distances <= RADIUS_BITS), strict=True):
                    pair = own.sha256s[own.owners[rows[row]]], other.sha256s[other.owners[start + column]]
                    if pair[0] != pair[1]:
                        near.add(pair)
        return near


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


def _descriptors(prints: dict[bytes, Fingerprint]) -> tuple[list[bytes], NDArray[np.float16]]:
    """Return the images that have a descriptor, in order, and their descriptors (n, 512)."""
    described = {
        sha256: np.frombuffer(each.descriptor.embedding, np.float16)
        for sha256, each in sorted(prints.items())
        if each.descriptor
    }
    return list(described), np.stack(list(described.values())) if described else np.empty((0, LENGTH), np.float16)


def _as_uint64(values: Iterable[int]) -> NDArray[np.uint64]:
    return np.array(list(values), np.int64).view(np.uint64)
