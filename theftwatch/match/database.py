"""Candidates from the record, by SQL, and what the record knows of images."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from theftwatch.db.images import find_local_features
from theftwatch.db.pool import Pool, reading
from theftwatch.db.queries import Connection, fetch, queries
from theftwatch.images.descriptor import Descriptor
from theftwatch.images.fingerprint import Fingerprint
from theftwatch.images.looks import Looks
from theftwatch.images.phash import VariantHash
from theftwatch.listing import Side
from theftwatch.match.candidates import (
    OVERSAMPLED,
    RADIUS_BITS,
    SPARE,
    VARIANTS,
    Asked,
    Candidate,
    ordered,
)
from theftwatch.match.index import Index, Indexed, index_of
from theftwatch.match.neighbours import embedding_rows, nearest, paired

logger = logging.getLogger(__name__)

#: The most that the index can be told to look at; for more it goes on by itself
_WIDTH_MAX = 1000
#: Images that an index is made of, fetched at once
_INDEXED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class DatabaseCandidates:
    """Searches all images that the record has in the other role."""

    pool: Pool
    #: Name of the network whose descriptors are searched; None where none is in use
    model: str | None

    async def find_same(self, sha256s: Sequence[bytes], side: Side) -> list[Candidate]:
        """Return all images in the other role with the same bytes or a near hash, ordered by pair."""
        other: Side = "suspect" if side == "original" else "original"
        async with reading(self.pool) as connection:
            exact = await fetch(connection, "find_exact", sha256s=list(sha256s), other_side=other)
            near = await fetch(
                connection,
                "find_near",
                sha256s=list(sha256s),
                other_side=other,
                asked_variants=list(VARIANTS[side]),
                found_variants=list(VARIANTS[other]),
                radius_bits=RADIUS_BITS,
            )
        found = [Candidate(original=sha256, suspect=sha256, method="exact") for (sha256,) in exact]
        for asked, sha256, *_ in near:
            original, suspect = (asked, sha256) if side == "original" else (sha256, asked)
            found.append(Candidate(original=original, suspect=suspect, method="phash"))
        return ordered(found)

    async def find_alike(self, asked: Sequence[Asked], side: Side, most: int) -> list[list[Candidate]]:
        """Return, for each image asked about, those in the other role with the nearest descriptors, nearest first."""
        if not asked:
            return []
        other: Side = "suspect" if side == "original" else "original"
        most *= SPARE
        fetched = most * OVERSAMPLED
        async with self.pool.connection() as connection:
            [(by_index, *_)] = await fetch(connection, "prepare_search", width=str(min(fetched, _WIDTH_MAX)))
            rows = await fetch(
                connection,
                "find_alike_by_index" if by_index else "find_alike_by_scan",
                codes=[each.descriptor.code for each in asked],
                side=other,
                model=self.model,
                most=fetched,
            )
        found: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        for number, sha256, embedding in rows:
            found[number - 1].append((sha256, embedding))
        candidates: list[list[Candidate]] = []
        for number, each in enumerate(asked):
            near = found[number]
            similarities = embedding_rows(embedding for _, embedding in near) @ each.descriptor.row
            best = nearest(similarities, [sha256 for sha256, _ in near], each.similarity_min, most)
            candidates.append(paired(each, best, side))
        return candidates


@dataclass(frozen=True, slots=True)
class DatabaseKnown:
    """What the record knows of images."""

    pool: Pool
    model: str | None

    async def fingerprints(self, sha256s: Sequence[bytes]) -> Mapping[bytes, Fingerprint]:
        """Return the fingerprints of those images that have one."""
        if not sha256s:
            return {}
        async with reading(self.pool) as connection:
            rows = await fetch(connection, "find_fingerprints", sha256s=list(sha256s), model=self.model)
        return {
            sha256: Fingerprint(
                format=image_format,
                width_px=width_px,
                height_px=height_px,
                hashes=tuple(
                    VariantHash(variant=variant, hash=hash_64, hash_256=hash_256)
                    for variant, hash_64, hash_256 in zip(*hashes, strict=True)
                ),
                descriptor=Descriptor(model=self.model, embedding=embedding) if self.model and embedding else None,
            )
            for sha256, image_format, width_px, height_px, *hashes, embedding in rows
        }

    async def looks(self, sha256s: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Return how those originals look that were looked at before, by this version's algorithm."""
        if not sha256s:
            return {}
        async with reading(self.pool) as connection:
            stored = await find_local_features(connection, sha256s)
        known: dict[bytes, bytes] = {}
        for sha256, packed in stored.items():
            try:
                Looks.from_bytes(packed)
            except ValueError as exc:
                # They are computed anew then, and stored over these.
                logger.info("image %s: %s", sha256.hex(), exc)
            else:
                known[sha256] = packed
        return known


async def read_index(connection: Connection, side: Side, model: str | None) -> Index:
    """Return an index of all images in a role, with what a network says of them; in the caller's transaction."""
    async with connection.cursor(name="find_indexed", binary=True) as cursor:
        cursor.itersize = _INDEXED_AT_ONCE
        await cursor.execute(
            queries()["find_indexed"], {"side": side, "variants": list(VARIANTS[side]), "model": model}
        )
        images = [
            Indexed(sha256=sha256, hashes=hashes, embedding=embedding) async for sha256, hashes, embedding in cursor
        ]
    return await asyncio.to_thread(index_of, images)
