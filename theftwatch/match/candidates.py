"""Candidates: pairs of images worth verifying, found by search over the record or over memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from theftwatch.images.phash import Variant
from theftwatch.listing import Side

#: The farthest two 64-bit hashes may be apart; `near_phash` in the database misses nothing up to here
RADIUS_BITS = 8
#: Which variants of an image are compared in which role; by role, so that a pair is the same whichever arrives first
ORIGINAL_VARIANTS: tuple[Variant, ...] = ("plain", "mirror", "trimmed", "trimmed_mirror")
SUSPECT_VARIANTS: tuple[Variant, ...] = ("plain", "trimmed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A pair found by search, not yet verified."""

    #: SHA-256 of the image in the role of the original, and of the one in that of the suspect
    original: bytes
    suspect: bytes
    method: Literal["exact", "phash"]
    #: Distance of the nearest pair of variants
    distance_bits: int


class Candidates(Protocol):
    """A place to search for candidates."""

    async def find(self, sha256s: Sequence[bytes], side: Side) -> list[Candidate]:
        """Return the candidates of images in one role among the images in the other, ordered by pair."""
        ...
