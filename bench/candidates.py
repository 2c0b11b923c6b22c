"""Candidates by hash: the product's search in Postgres, a sequential scan for the same, and pgvector's HNSW index.

Each search is a function of SQL, put in the place of `near_phash` in the same statements: one look-up, and the query
that the product runs for a batch of images.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from statistics import fmean, median

import numpy as np
import psycopg
from psycopg.abc import Query

from bench import hnsw
from bench.database import Postgres, temporary_postgres
from bench.hashes import Hashes, asked_hashes, near, stored_hashes
from bench.result import Goal, Measure, Result
from theftwatch.clock import system_clock
from theftwatch.db.pool import Pool, connection_pool
from theftwatch.db.queries import Connection, parse_queries, queries
from theftwatch.match.candidates import RADIUS_BITS, VARIANTS, Candidate
from theftwatch.match.database import DatabaseCandidates

SIZE = 1_000_000
QUICK_SIZE = 50_000
UNIT = "stored hashes"

#: Images looked up together, as the product does; each has a hash and that of its mirror
ASKED_IMAGES = 64
_ROUNDS = 3
#: One image in so many has a hash that another has too
_COPIES_EVERY = 20
#: A scan for one hash after the other is slow, so it is timed over a part of what is asked
_SCANNED_HASHES = 8
_RECALL = 0.95
#: How many times faster than these the bands have to be; core for core, so a scan on several cores is shown alone
_LEAST = {"scan, one core": 40, "HNSW": 10}
_QUERIES = parse_queries(resources.files("bench").joinpath("candidates.sql").read_text("utf-8"))

#: Of each hash asked, those near it with their distances
type Near = dict[int, dict[int, int]]
#: Milliseconds, by the name of the search
type Times = dict[str, list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is stored, what is asked, and the truth, found by looking at every hash."""

    #: Of the suspects' images, by number
    stored: Hashes
    #: Of the originals' images: hash and mirrored hash by turns
    asked: list[int]
    near: Near

    def images(self) -> list[bytes]:
        """Return the SHA-256 of the images asked."""
        return [_sha256("original", number) for number in range(len(self.asked) // 2)]

    def candidates(self) -> set[Candidate]:
        """Return what the search for all images asked has to find."""
        numbers: dict[int, list[int]] = {}
        for number, value in enumerate(self.stored.tolist()):
            numbers.setdefault(value, []).append(number)
        return {
            Candidate(original=_sha256("original", position // 2), suspect=_sha256("suspect", number), method="phash")
            for position, query in enumerate(self.asked)
            for found in self.near[query]
            for number in numbers.get(found, ())
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """One way to search, with a session of its own."""

    name: str
    function: str
    pool: Pool
    #: How many of the single look-ups it is timed over, each round
    singles: int = 2 * ASKED_IMAGES


def measure(size: int) -> Result:
    """Measure all ways to search among `size` hashes."""
    with temporary_postgres() as postgres:
        return asyncio.run(compare(postgres, size))


async def compare(postgres: Postgres, size: int, *, rounds: int = _ROUNDS) -> Result:
    """Fill an empty database and measure all ways to search in it."""
    case = prepare(postgres.dsn, size)
    async with AsyncExitStack() as stack:
        superuser = stack.enter_context(psycopg.connect(postgres.superuser_dsn, autocommit=True))
        pools = [await stack.enter_async_context(connection_pool(postgres.dsn, max_size=1)) for _ in range(4)]
        await execute(pools[1], "set max_parallel_workers_per_gather = 0")
        searches = [
            Search(name="bands", function="near_phash", pool=pools[0]),
            Search(name="scan, one core", function="near_phash_scan", pool=pools[1], singles=_SCANNED_HASHES),
            Search(name="scan, as planned", function="near_phash_scan", pool=pools[2], singles=_SCANNED_HASHES),
        ]
        notes = [
            f"{size:,} hashes of {len(case.stored):,} images, within {RADIUS_BITS} bits, on Postgres "
            f"{superuser.info.parameter_status('server_version')}",
            f"A batch is the product's query for {ASKED_IMAGES} images with two hashes each",
            _neighbours(case),
        ]
        if hnsw.has_vector(superuser):
            searches.append(Search(name="HNSW", function="near_phash_hnsw", pool=pools[3]))
            notes += await _set_up_hnsw(searches[-1], case, superuser)
        else:
            notes.append("HNSW is left out, as this Postgres has no extension vector")
        recall, wrong = await _check(searches[0], case)
        singles: Times = {search.name: [] for search in searches}
        batches: Times = {search.name: [] for search in searches}
        for _ in range(rounds):
            for search in searches:
                singles[search.name] += [each_ms async for each_ms in _time_singles(search, case)]
                batches[search.name].append(await _time_batch(search, case))
    return Result(
        title="Candidates by hash",
        notes=notes,
        measures=[
            *(Measure(name=f"one look-up: {name}", values=values, unit="ms") for name, values in singles.items()),
            *(Measure(name=f"batch, per hash: {name}", values=values, unit="ms") for name, values in batches.items()),
        ],
        goals=[
            Goal(text="share of what is near that is found", ratio=recall, least=1),
            Goal(text="found and not near", ratio=wrong, most=0),
            *_goals("one look-up", singles, judged=size >= SIZE),
            *_goals("batch", batches, judged=size >= SIZE),
        ],
    )


def prepare(dsn: str, size: int) -> Case:
    """Store suspects' images with `size` different hashes, and the originals' images that are asked about."""
    different = stored_hashes(size)
    stored = np.concatenate([different, different[::_COPIES_EVERY]])
    asked = asked_hashes(stored, 2 * ASKED_IMAGES)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_QUERIES["create_given"])
        for query, side, hashes in (
            ("insert_images", "suspect", stored),
            ("insert_images", "original", asked[::2]),
            ("insert_mirrors", "original", asked[1::2]),
        ):
            connection.execute("truncate given")
            with connection.cursor() as cursor, cursor.copy("copy given (number, hash) from stdin") as copy:
                for row in enumerate(hashes.tolist()):
                    copy.write_row(row)
            connection.execute(_QUERIES[query], {"side": side, "now": system_clock()})
        connection.execute(_QUERIES["create_scan"])
        connection.execute("vacuum analyze")
    everything = np.union1d(stored, asked)
    return Case(
        stored=stored,
        asked=asked.tolist(),
        near={query: near(everything, query, RADIUS_BITS) for query in asked.tolist()},
    )


async def execute(pool: Pool, *statements: Query) -> None:
    """Say something in the one session of a pool."""
    async with pool.connection() as connection:
        for statement in statements:
            await connection.execute(statement)


async def find(search: Search, query: int) -> dict[int, int]:
    """Return the hashes near one, with their distances."""
    async with search.pool.connection() as connection:
        return await _near(connection, search, query)


async def _near(connection: Connection, search: Search, query: int) -> dict[int, int]:
    statement = f"select hash, distance_bits from {search.function}(%s::bigint, %s::int)"
    rows = await connection.execute(statement.encode(), [query, RADIUS_BITS])
    return dict(await rows.fetchall())


async def _check(search: Search, case: Case) -> tuple[float, int]:
    """Return which share of what is near the product finds, and how much else; in single look-ups and in a batch."""
    found = {(query, *each) for query in case.asked for each in (await find(search, query)).items()}
    wanted = {(query, *each) for query, near_it in case.near.items() for each in near_it.items()}
    candidates = set(await DatabaseCandidates(search.pool, None).find_same(case.images(), "original"))
    wanted_candidates = case.candidates()
    met = len(found & wanted) + len(candidates & wanted_candidates)
    wrong = len(found - wanted) + len(candidates - wanted_candidates)
    return met / (len(wanted) + len(wanted_candidates)), wrong


async def _set_up_hnsw(search: Search, case: Case, superuser: psycopg.Connection) -> list[str]:
    """Build the index, set it to the recall asked for, and say what came of it."""
    index = hnsw.build(superuser)
    reached = 0.0
    tried: list[str] = []
    for setting in hnsw.settings():
        hnsw.create_search(superuser, setting)
        await execute(search.pool, *hnsw.session_settings(setting))
        found = {query: set(await find(search, query)) for query in case.asked}
        reached = hnsw.recall(found, {query: set(near_it) for query, near_it in case.near.items()})
        tried.append(f"{reached:.3f} at {setting}")
        if reached >= _RECALL:
            break
    best = "" if reached >= _RECALL else f"; {_RECALL} is beyond it, and the last is its best"
    return [
        f"HNSW (bit_hamming_ops, m 16, ef_construction 64) was built in {index.build_s:.0f} s, "
        f"{index.size_bytes / 2**20:.0f} MB",
        f"Its recall, of all that is near: {', '.join(tried)}{best}",
    ]


async def _time_singles(search: Search, case: Case) -> AsyncIterator[float]:
    # One transaction for all, as its beginning and its end take as long as a look-up by bands.
    async with search.pool.connection() as connection:
        for query in case.asked[: search.singles]:
            started_s = time.perf_counter()
            await _near(connection, search, query)
            yield (time.perf_counter() - started_s) * 1000


async def _time_batch(search: Search, case: Case) -> float:
    """Return the milliseconds per hash of the product's own query for a batch of originals' images."""
    statement = queries()["find_near"].replace("near_phash(", f"{search.function}(")
    started_s = time.perf_counter()
    async with search.pool.connection() as connection:
        rows = await connection.execute(
            statement.encode(),
            {
                "sha256s": case.images(),
                "other_side": "suspect",
                "asked_variants": list(VARIANTS["original"]),
                "found_variants": list(VARIANTS["suspect"]),
                "radius_bits": RADIUS_BITS,
            },
        )
        await rows.fetchall()
    return (time.perf_counter() - started_s) * 1000 / len(case.asked)


def _goals(what: str, times: Times, *, judged: bool) -> Iterator[Goal]:
    bands_ms = median(times["bands"])
    for name, least in _LEAST.items():
        if name in times:
            yield Goal(text=f"{what}: {name} / bands", ratio=median(times[name]) / bands_ms, least=least, judged=judged)


def _neighbours(case: Case) -> str:
    counts = [len(near_it) for near_it in case.near.values()]
    near_one = f"{fmean(counts):.0f} on average, {median(counts):g} in the median, {max(counts)} at most"
    return f"Hashes near one of these: {near_one}"


def _sha256(side: str, number: int) -> bytes:
    return sha256(f"{side} {number}".encode()).digest()
