"""Candidates from memory: the search of the record, over an index that this process holds."""

import asyncio
from collections.abc import Sequence

import numpy as np

from theftwatch.listing import Side
from theftwatch.match.candidates import OVERSAMPLED, SPARE, VARIANTS, Asked, Candidate, ordered
from theftwatch.match.index import Index
from theftwatch.match.neighbours import nearest, paired
from theftwatch.match.search import Known


class MemoryCandidates:
    """Searches an index of the images in the other role; of those asked about the hashes must be known."""

    def __init__(self, index: Index, known: Known) -> None:
        self._index = index
        self._known = known

    async def find_same(self, sha256s: Sequence[bytes], side: Side) -> list[Candidate]:
        """Return all images in the other role with the same bytes or a near hash, ordered by pair."""
        prints = await self._known.fingerprints(sha256s)
        asked = [
            (sha256, each.hash) for sha256 in prints for each in prints[sha256].hashes if each.variant in VARIANTS[side]
        ]
        near = await asyncio.to_thread(self._index.bands.near, [value for _, value in asked])
        found = [Candidate(original=sha256, suspect=sha256, method="exact") for sha256 in self._index.holding(sha256s)]
        for (one, _), images in zip(asked, near, strict=True):
            for another in map(self._index.name, images):
                original, suspect = (one, another) if side == "original" else (another, one)
                if original != suspect:
                    found.append(Candidate(original=original, suspect=suspect, method="phash"))
        return ordered(found)

    async def find_alike(self, asked: Sequence[Asked], side: Side, most: int) -> list[list[Candidate]]:
        """Return, for each image asked about, those in the other role with the nearest descriptors, nearest first."""
        if not asked:
            return []
        most *= SPARE
        rows = np.stack([each.descriptor.row for each in asked])
        found = await asyncio.to_thread(self._index.cells.nearest, rows, most * OVERSAMPLED)
        return [
            paired(each, nearest(cosines, [*map(self._index.name, images)], each.similarity_min, most), side)
            for each, (images, cosines) in zip(asked, found, strict=True)
        ]
