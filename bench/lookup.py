"""Looking one new suspect image up among a million stored originals, by all routes and with verification.

Real photos are stored with what is computed of them, and their edited copies and other photos are looked up, each as
the product does it that meets an image for the first time. Around them are drawn originals: hashes and descriptors like
those of photos, and each with the local features of a real one, so that an original which is met costs what it would.
"""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import psycopg
from PIL import Image

from bench import hnsw
from bench.database import Postgres, temporary_postgres
from bench.descriptors import CHUNK, LENGTH, Rows, draw_descriptors
from bench.hashes import Hashes, stored_hashes
from bench.process import processor_of
from bench.recognition.build import build
from bench.recognition.photos import committed_photos
from bench.recognition.routes import store_originals, store_suspects
from bench.result import Goal, Measure, Result
from theftwatch.clock import system_clock
from theftwatch.db.images import find_descriptors, save_local_features
from theftwatch.db.migrate import setup_sql
from theftwatch.db.pool import Pool, connection_pool
from theftwatch.db.queries import parse_queries
from theftwatch.files import Files
from theftwatch.images.descriptor import Descriptor, describe, model
from theftwatch.match.candidates import Asked, Candidate
from theftwatch.match.database import DatabaseCandidates, DatabaseKnown
from theftwatch.match.lookup import Lookup, Pair
from theftwatch.match.picture import read_original
from theftwatch.match.scan import list_photos
from theftwatch.match.search import Verifier
from theftwatch.match.workers import Threads

SIZE = 1_000_000
QUICK_SIZE = 20_000
UNIT = "stored originals"

#: Copies looked up, and unrelated photos
_QUERIES_EACH = 100
#: Photos that these are made from and that stand among the originals, for each of them, as far as there are so many
_PHOTOS_EACH = 20
#: How much smaller the record is that growth is measured from
_SMALLER = 10
_MOST_MS, _GROWTH_MOST = 60, 1.6
_NEAREST = 5
#: More memory than the graph of a million codes takes, so that it is built in memory
_BUILD_MEMORY = "2GB"
_SQL = parse_queries(resources.files("bench").joinpath("lookup.sql").read_text("utf-8"))
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        *((f"{name}{part}", kind) for name, kind in (("number", ">i8"), ("plain", ">i8"), ("mirror", ">i8"))
          for part, kind in (("_bytes", ">i4"), ("", kind))),
        ("embedding_bytes", ">i4"), ("embedding", f"V{2 * LENGTH}"),
        ("code_bytes", ">i4"), ("code_bits", ">i4"), ("code", f"V{LENGTH // 8}"),
    ]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A photo to look up."""

    sha256: bytes
    #: SHA-256 of its original; None where it is unrelated to all
    original: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What one looking up took, and what came of it."""

    #: Processor time of the program and of Postgres, without the network's
    cost_ms: float
    postgres_ms: float
    #: Processor time of the network, for parts of the photo
    network_ms: float
    parts: int
    #: Whether it was told a match with its own original
    found: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """All that was measured at one size."""

    copied: Sequence[Looked]
    unrelated: Sequence[Looked]
    notes: Sequence[str]


@dataclass(slots=True)
class _Network:
    """Counts what the network takes, and takes it out of the bill."""

    time_s: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        def describing(grey: Image.Image, *, side_px: int) -> Descriptor | None:
            started_s = time.thread_time()
            try:
                return describe(grey, side_px=side_px)
            finally:
                self.time_s += time.thread_time() - started_s

        with patch("theftwatch.match.picture.describe", describing):
            yield


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    """The database that is measured with, and what was put into it."""

    postgres: Postgres
    files: Files
    queries: Sequence[Query]
    #: SHA-256 and descriptors of the real originals
    real: Sequence[bytes]
    rows: Rows
    superuser: psycopg.Connection
    hashes: Hashes
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))


def measure(size: int) -> Result:
    """Measure look-ups among a tenth of `size` originals, and among all."""
    each = max(2, min(_QUERIES_EACH, size // 500))
    with (
        temporary_postgres() as postgres,
        tempfile.TemporaryDirectory() as folder,
        psycopg.connect(postgres.superuser_dsn, autocommit=True) as superuser,
    ):
        record = asyncio.run(_prepare(postgres, superuser, Path(folder), size, each))
        steps = []
        stored = 0
        for count in (size // _SMALLER, size):
            build_note = _add(record, stored, count)
            stored = count
            steps.append(asyncio.run(_look_up(record, count, build_note)))
    return _result(size, *steps)


def _result(size: int, small: Measured, large: Measured) -> Result:
    judged = size >= SIZE
    measures, goals = [], []
    for kind in ("copied", "unrelated"):
        before, after = (
            Measure(
                name=f"{kind} photo among {count:,}",
                values=[each.cost_ms for each in getattr(measured, kind)],
                unit="ms of processor time",
            )
            for measured, count in ((small, size // _SMALLER), (large, size))
        )
        measures += [before, after]
        goals += [
            Goal(text=f"median look-up of a {kind} photo, ms", ratio=after.median, most=_MOST_MS, judged=judged),
            Goal(
                text=f"growth of a {kind} one over {_SMALLER} times the originals",
                ratio=after.median / before.median,
                most=_GROWTH_MOST,
                judged=judged,
            ),
        ]
    return Result(
        title=f"Looking a new image up among {size:,} originals: by bytes, hashes, descriptor and parts, and verified",
        notes=[*small.notes, *large.notes],
        measures=measures,
        goals=goals,
    )


def _looks(data: bytes) -> bytes:
    """Return the packed looks at an original that copies were found of before."""
    picture = read_original(data)
    assert picture.close_look
    return picture.looks.to_bytes()


async def _prepare(postgres: Postgres, superuser: psycopg.Connection, folder: Path, size: int, each: int) -> _Record:
    """Store real originals with their local features, and the photos to look up."""
    truth = build(folder / "set", committed_photos()[: _PHOTOS_EACH * each], "report", each)
    originals, suspects = folder / "set" / "originals", folder / "set" / "suspects"
    files = Files(folder / "files")
    digests = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in list_photos(originals)}
    with ThreadPoolExecutor() as threads:
        async with connection_pool(postgres.dsn) as pool:
            await store_originals(pool, files, list_photos(originals), threads)
            await store_suspects(pool, files, list_photos(suspects), threads)
            packed = threads.map(lambda sha256: _looks(files.get(sha256)), digests.values())
            async with pool.connection() as connection:
                await save_local_features(connection, dict(zip(digests.values(), packed, strict=True)))
                stored = await find_descriptors(connection, list(digests.values()), model() or "")
    for name in ("lend_features", "create_drawn", "rename_features", "note_real", "create_view", "create_given"):
        superuser.execute(_SQL[name])
    superuser.execute("grant select on all tables in schema public to public")
    if hnsw.has_vector(superuser):
        superuser.execute("create extension if not exists vector")
    return _Record(
        postgres=postgres,
        files=files,
        queries=[
            Query(
                sha256=hashlib.sha256((suspects / each.suspect).read_bytes()).digest(),
                original=digests.get(each.original),
            )
            for each in truth
        ],
        real=list(stored),
        rows=np.stack([np.frombuffer(embedding, np.float16) for embedding in stored.values()]).astype(np.float32),
        superuser=superuser,
        hashes=stored_hashes(2 * size),
    )


def _add(record: _Record, stored: int, count: int) -> str:
    """Draw further originals up to a number, build the index anew, and say what that took."""
    superuser = record.superuser
    superuser.execute(_SQL["drop_indexes"])
    for start, embeddings in zip(range(0, count, CHUNK), draw_descriptors(record.rows, count), strict=True):
        if start + len(embeddings) <= stored:
            continue
        skipped = max(0, stored - start)
        numbers = np.arange(start + skipped, start + len(embeddings))
        superuser.execute("truncate bench_given")
        with superuser.cursor() as cursor, cursor.copy(_SQL["copy_given"]) as copy:
            copy.write(_binary(numbers, record.hashes, embeddings[skipped:]))
        superuser.execute(_SQL["insert_given"], {"now": system_clock(), "model": model(), "real": len(record.real)})
    superuser.execute(f"set maintenance_work_mem = '{_BUILD_MEMORY}'")
    started_s = time.perf_counter()
    superuser.execute(setup_sql("vector"))
    build_s = time.perf_counter() - started_s
    superuser.execute("vacuum analyze")
    [(size_bytes,)] = superuser.execute(_SQL["index_bytes"]).fetchall()
    if size_bytes is None:
        return f"Among {count:,}: the extension vector is not there, so all codes are read"
    return f"Among {count:,}: HNSW over the signs was built in {build_s:.0f} s, {size_bytes / 2**20:.0f} MB"


def _binary(numbers: npt.NDArray[np.int64], hashes: Hashes, embeddings: npt.NDArray[np.float16]) -> bytes:
    """Return rows as Postgres reads them in binary."""
    rows = np.zeros(len(numbers), _ROW)
    rows["fields"] = 5
    for name, values in (("number", numbers), ("plain", hashes[2 * numbers]), ("mirror", hashes[2 * numbers + 1])):
        rows[f"{name}_bytes"], rows[name] = 8, values
    rows["embedding_bytes"] = 2 * LENGTH
    rows["embedding"] = np.ascontiguousarray(embeddings).view(f"V{2 * LENGTH}").ravel()
    rows["code_bytes"], rows["code_bits"] = 4 + LENGTH // 8, LENGTH
    rows["code"] = np.packbits(embeddings > 0, axis=1).view(f"V{LENGTH // 8}").ravel()
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


async def _look_up(record: _Record, count: int, build_note: str) -> Measured:
    looked: dict[bytes, Looked] = {}
    async with connection_pool(record.postgres.dsn, max_size=1) as pool:
        async with pool.connection() as connection:
            postgres_s = processor_of(connection.info.backend_pid)
        for query in (*record.queries[:3], *record.queries):  # the first ones warm what is warm in a running program
            looked[query.sha256] = await _look_one_up(record, pool, query, postgres_s)
        recall_note = await _recall(record, pool, count)
    copied, unrelated = (
        [looked[query.sha256] for query in record.queries if bool(query.original) == copied] for copied in (True, False)
    )
    return Measured(
        copied=copied,
        unrelated=unrelated,
        notes=[
            build_note,
            recall_note,
            *(_note(name, each) for name, each in (("Copied", copied), ("Unrelated", unrelated))),
        ],
    )


def _note(name: str, looked: Sequence[Looked]) -> str:
    costs_ms, asked = [each.cost_ms for each in looked], [each.parts for each in looked]
    found = f", {np.mean([each.found for each in looked]):.0%} found" if name == "Copied" else ""
    return (
        f"{name}: {len(looked)} photos{found}; parts asked of {np.mean([parts > 0 for parts in asked]):.0%}, "
        f"{np.mean(asked):.1f} a photo; mean {np.mean(costs_ms):.0f} ms, nine in ten within "
        f"{np.percentile(costs_ms, 90):.0f} ms, Postgres {np.median([each.postgres_ms for each in looked]):.0f} ms of "
        "the median; not counted: the network for parts, "
        f"{np.mean([each.network_ms for each in looked]):.0f} ms on average"
    )


async def _look_one_up(record: _Record, pool: Pool, query: Query, postgres_s: Callable[[], float]) -> Looked:
    """Look a photo up as a drain does with a new image: its fingerprint is stored, its pixels were not read yet."""
    network = _Network()
    name = model()
    with network.timed():
        started_s, postgres_started_s = time.process_time(), postgres_s()
        verifier = Verifier(
            loader=lambda sha256: partial(record.files.get, sha256),
            known=DatabaseKnown(pool, name),
            workers=Threads(record.threads),
        )
        lookup = Lookup(DatabaseCandidates(pool, name), verifier, _nothing_decided)
        async with pool.connection() as connection:
            described = await find_descriptors(connection, [query.sha256], name or "")
        descriptors = {
            sha256: Descriptor(model=name or "", embedding=embedding) for sha256, embedding in described.items()
        }
        await lookup.run([query.sha256], descriptors, "suspect")
        own_s, in_postgres_s = time.process_time() - started_s, postgres_s() - postgres_started_s
    return Looked(
        cost_ms=(own_s + in_postgres_s - network.time_s) * 1000,
        postgres_ms=in_postgres_s * 1000,
        network_ms=network.time_s * 1000,
        parts=len(lookup.parts.get(query.sha256, ())),
        found=any(
            decision.decision == "match"
            for candidate, decision in lookup.decided
            if candidate.original == query.original
        ),
    )


async def _recall(record: _Record, pool: Pool, count: int) -> str:
    """Say how many of those that the descriptor would find by comparing with all are found with the index."""
    name = model() or ""
    sha256s = [query.sha256 for query in record.queries]
    async with pool.connection() as connection:
        stored = await find_descriptors(connection, sha256s, name)
    asked = [Asked(sha256=sha256, descriptor=Descriptor(model=name, embedding=stored[sha256])) for sha256 in sha256s]
    rows = np.stack([each.descriptor.row for each in asked])
    best = _Best(rows @ record.rows.T)
    own = np.array([record.real.index(query.original) if query.original else -1 for query in record.queries])
    for embeddings in draw_descriptors(record.rows, count):
        best.add(rows @ embeddings.astype(np.float32).T)
    candidates = DatabaseCandidates(pool, name)
    found = [
        {candidate.original for candidate in near[:_NEAREST]}
        for near in await candidates.find_alike(asked, "suspect", _NEAREST)
    ]
    copies = np.flatnonzero(own >= 0)
    exact = [bool(best.first[row, own[row]] >= best.last[row]) for row in copies]
    by_index = [record.real[own[row]] in found[row] for row in copies]
    both = sum(one and other for one, other in zip(exact, by_index, strict=True))
    nearest = np.percentile(best.nearest[own < 0], [50, 90])
    return (
        f"Among {count:,}: of {len(copies)} copies the original is among the {_NEAREST} nearest by exact search for "
        f"{sum(exact)}, and the index finds {both} of these; nearest to an unrelated photo: a cosine of "
        f"{nearest[0]:.2f} in the median, {nearest[1]:.2f} for one in ten"
    )


class _Best:
    """The greatest similarities met so far, for each of some photos."""

    def __init__(self, first: Rows) -> None:
        self.first = first
        self._most = np.sort(first, axis=1)[:, -_NEAREST:]

    @property
    def nearest(self) -> Rows:
        return self._most[:, -1]

    @property
    def last(self) -> Rows:
        return self._most[:, 0]

    def add(self, similarities: Rows) -> None:
        self._most = np.sort(np.concatenate([self._most, similarities], axis=1), axis=1)[:, -_NEAREST:]


async def _nothing_decided(_: Sequence[Candidate]) -> dict[Pair, tuple[str, bool]]:
    return {}
