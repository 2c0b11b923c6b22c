"""Candidates from the record, by plain SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from theftwatch.db import store
from theftwatch.db.queries import fetch
from theftwatch.listing import Side
from theftwatch.match.candidates import ORIGINAL_VARIANTS, RADIUS_BITS, SUSPECT_VARIANTS, Candidate


@dataclass(frozen=True, slots=True)
class DatabaseCandidates:
    """Searches all images that the record has in the other role."""

    pool: store.Pool

    async def find(self, sha256s: Sequence[bytes], side: Side) -> list[Candidate]:
        """Return the candidates of images in one role among the images in the other, ordered by pair."""
        other: Side = "suspect" if side == "original" else "original"
        variants = {"original": list(ORIGINAL_VARIANTS), "suspect": list(SUSPECT_VARIANTS)}
        async with self.pool.connection() as connection:
            exact = await fetch(connection, "find_exact", sha256s=list(sha256s), other_side=other)
            near = await fetch(
                connection,
                "find_near",
                sha256s=list(sha256s),
                other_side=other,
                asked_variants=variants[side],
                found_variants=variants[other],
                radius_bits=RADIUS_BITS,
            )
        found = [Candidate(original=sha, suspect=sha, method="exact", distance_bits=0) for (sha,) in exact]
        for asked, sha256, distance_bits, *_ in near:
            original, suspect = (asked, sha256) if side == "original" else (sha256, asked)
            found.append(Candidate(original=original, suspect=suspect, method="phash", distance_bits=distance_bits))
        return sorted(found, key=lambda candidate: (candidate.original, candidate.suspect))
