"""Candidates: pairs of images worth verifying, found by search over the record or over memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from theftwatch.images.descriptor import Descriptor
from theftwatch.images.phash import Variant
from theftwatch.listing import Side

#: The farthest two 64-bit hashes may be apart; `near_phash` in the database misses nothing up to here
RADIUS_BITS = 8
#: Which variants of an image are compared in which role; by role, so that a pair is the same whichever arrives first
VARIANTS: dict[Side, tuple[Variant, ...]] = {
    "original": ("plain", "mirror", "trimmed", "trimmed_mirror"),
    "suspect": ("plain", "trimmed"),
}
#: Cosine of two descriptors below which they are no candidate; edited copies go down to 0.3, cut-outs to 0.2
SIMILARITY_MIN = 0.2
#: The same for a part of a picture, which shows little else: its original is near, or another part is the better one
PART_SIMILARITY_MIN = 0.35
#: How many times as many neighbours are returned as are asked for, so that going on need not mean searching again
SPARE = 5
#: How many more are found by the signs of descriptors than are wanted by cosine, so that few of the nearest are missed
OVERSAMPLED = 2

type Method = Literal["exact", "phash", "descriptor"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A pair found by search, not yet verified."""

    #: SHA-256 of the image in the role of the original, and of the one in that of the suspect
    original: bytes
    suspect: bytes
    method: Method
    #: Cosine of the descriptors of the two, or of the nearest part of the suspect; 0 where it was not found by them
    similarity: float = 0.0

    @property
    def pair(self) -> tuple[bytes, bytes]:
        """Return what tells the pair from all others."""
        return self.original, self.suspect


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A descriptor to search with: of an image, or of a part of it."""

    sha256: bytes
    descriptor: Descriptor
    #: Cosine from which another descriptor counts as near
    similarity_min: float = SIMILARITY_MIN


class Candidates(Protocol):
    """A place to search for candidates."""

    async def find_same(self, sha256s: Sequence[bytes], side: Side) -> list[Candidate]:
        """Return all images in the other role with the same bytes or a near hash, ordered by pair."""
        ...

    async def find_alike(self, asked: Sequence[Asked], side: Side, most: int) -> list[list[Candidate]]:
        """Return, for each image or part asked about, images in the other role, the nearest descriptors first.

        `most` of them, and as many more as SPARE says, where there are so many.
        """
        ...


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates by pair, each pair once."""
    unique = {candidate.pair: candidate for candidate in candidates}
    return [unique[pair] for pair in sorted(unique)]
