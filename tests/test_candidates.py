"""One interface of candidates over the database and over memory: the same pairs from both."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from tests.edits import EDITS, photo_paths
from tests.record import NOW, SHOP, VENDOR, listing, path_of
from theftwatch.db import store
from theftwatch.db.digest import digest_tables
from theftwatch.db.pool import connection_pool
from theftwatch.db.records import ListingRecord, image_record
from theftwatch.files import Files
from theftwatch.images.descriptor import model
from theftwatch.images.fingerprint import Fingerprint, fingerprint
from theftwatch.listing import Side
from theftwatch.match.candidates import Asked, Candidate, Candidates
from theftwatch.match.database import DatabaseCandidates, DatabaseKnown, read_index
from theftwatch.match.drain import Drain, Drained
from theftwatch.match.memory import MemoryCandidates

ORIGINALS = [path.read_bytes() for path in photo_paths()[::10]]
COPIES = [edit(Image.open(path)) for path in photo_paths()[:40:10] for edit in EDITS.values()]
SUSPECTS = [*COPIES, *ORIGINALS[:2], *(path.read_bytes() for path in photo_paths()[5::10])]


def listings() -> tuple[ListingRecord, ListingRecord]:
    return listing(SHOP, ORIGINALS), listing(VENDOR, SUSPECTS)


def drained(dsn, folder, batches) -> tuple[Drained, dict[str, str]]:
    """Store listings in some order, working the lookups off after each, and return the digest of the tables."""
    files = Files(folder)
    for data in (*ORIGINALS, *SUSPECTS):
        files.put(data)

    async def main() -> tuple[Drained, dict[str, str]]:
        done = Drained()
        async with connection_pool(dsn) as pool:
            with ThreadPoolExecutor(2) as threads:
                drain = Drain(pool=pool, files=files, threads=threads, clock=lambda: NOW)
                for batch in batches:
                    async with pool.connection() as connection:
                        await store.save_listings(connection, batch, run=None, now=NOW)
                    done += await drain.run(wait=True)
            async with pool.connection() as connection:
                return done, await digest_tables(connection)

    return asyncio.run(main())


def test_both_give_the_same_candidates(dsn):
    originals, suspects = (
        {image_record(data).sha256: fingerprint(data) for data in photos} for photos in (ORIGINALS, SUSPECTS)
    )

    async def main() -> list[list[list[Candidate]]]:
        async with connection_pool(dsn) as pool:
            async with pool.connection() as connection:
                await store.save_listings(connection, listings(), run=None, now=NOW)
                both = [await read_index(connection, side, model()) for side in ("original", "suspect")]
            known, database = DatabaseKnown(pool, model()), DatabaseCandidates(pool, model())
            return [
                [
                    await of_originals.find_same(list(suspects), "suspect"),
                    await of_suspects.find_same(list(originals), "original"),
                    await alike(of_originals, suspects, "suspect", 3),
                    await alike(of_suspects, originals, "original", 30),
                ]
                for of_originals, of_suspects in (
                    (database, database),
                    [MemoryCandidates(index, known) for index in both],
                )
            ]

    from_database, from_memory = asyncio.run(main())
    assert from_database == from_memory
    by_suspects, by_originals, alike_to_suspects, alike_to_originals = from_database
    assert by_suspects == by_originals
    assert {candidate.method for candidate in by_suspects} == {"exact", "phash"}
    assert len(by_suspects) >= len(COPIES) + 2
    copies = {candidate.pair for candidate in by_suspects if candidate.method == "phash"}
    for found in (alike_to_suspects, alike_to_originals):
        assert copies <= {candidate.pair for candidate in found}


async def alike(candidates: Candidates, prints: dict[bytes, Fingerprint], side: Side, most: int) -> list[Candidate]:
    asked = [Asked(sha256=sha256, descriptor=each.descriptor) for sha256, each in prints.items() if each.descriptor]
    return [candidate for near in await candidates.find_alike(asked, side, most) for candidate in near[:most]]


def test_the_order_of_arrival_changes_nothing(dsn, other_dsn, tmp_path):
    original, suspect = listings()
    first, one = drained(dsn, tmp_path / "one", [[original], [suspect]])
    second, other = drained(other_dsn, tmp_path / "other", [[suspect], [original]])
    assert first == second
    assert first.matches >= len(COPIES) + 2
    for table in ("match", "match_decision", "finding", "lookup"):
        assert one[table] == other[table]


def test_working_off_twice_decides_nothing_twice(dsn, tmp_path):
    original, suspect = listings()
    _, once = drained(dsn, tmp_path, [[original, suspect]])
    again, twice = drained(dsn, tmp_path, [[original, suspect]])
    assert again == Drained()
    assert once == twice


def test_one_hostile_image_holds_nothing_up(dsn, tmp_path):
    """The bytes of a stored image are gone from the folder, or are others by now."""
    original, suspect = listings()
    files = Files(tmp_path)
    path = path_of(files, files.put(SUSPECTS[0]))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    done, _ = drained(dsn, tmp_path, [[original, suspect]])
    assert done.matches >= len(COPIES)
