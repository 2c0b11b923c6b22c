"""Partitions of the tables that grow with suspects, beside the plain ones: hashes, and the photos that listings show.

A partitioned table has the columns and the indexes of the plain one, which are read from the schema. Foreign keys are
left out of both.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise
from statistics import fmean

import numpy as np
import psycopg

from bench.database import temporary_postgres
from bench.hashes import Hashes, asked_hashes, stored_hashes
from bench.process import processor_of
from bench.result import Goal, Measure, Result
from theftwatch.db.queries import parse_queries

SIZE = 10_000_000
QUICK_SIZE = 100_000
UNIT = "rows of each table"

_PARTITIONS = 16
#: Rows stored beside all others, and in one statement, as a crawl stores them
_NEW, _BATCH = 100_000, 1000
_ASKED, _TOGETHER = 100, 100
#: One row in so many is changed before the vacuum
_SEEN_EVERY = 100
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_SQL = parse_queries(resources.files("bench").joinpath("partitions.sql").read_text("utf-8"))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A table in one layout, beside the plain one."""

    #: The table of the schema
    of: str
    name: str
    #: What follows the columns in `create table`; empty where it is not partitioned
    by: str = ""
    #: What each partition holds
    holds: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """Return the name of the table."""
        return f"{self.of}_{self.name}"


@dataclass(slots=True)
class Measured:
    """What was measured of a layout, in processor time of the server."""

    insert_us: list[float] = field(default_factory=list)
    look_up_ms: dict[str, list[float]] = field(default_factory=dict)
    vacuum_s: float = 0
    longest_vacuum_s: float = 0
    row_bytes: float = 0
    index_bytes: float = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Server:
    connection: psycopg.Connection
    #: Tells the seconds of processor time that the session has had
    processor: Callable[[], float]

    def timed(self, statement: str, **parameters: object) -> float:
        """Return the seconds of processor time of a statement whose rows are fetched."""
        started_s = self.processor()
        cursor = self.connection.execute(statement.encode(), parameters)
        if cursor.description:
            cursor.fetchall()
        return self.processor() - started_s

    def times_ms(self, statement: str, asked: Sequence[Mapping[str, object]]) -> list[float]:
        """Return the milliseconds of a statement with each of some parameters, once all of them have been asked."""
        rounds = [[self.timed(statement, **each) * 1000 for each in asked] for _ in range(2)]
        return rounds[1]


def measure(size: int) -> Result:
    """Store `size` rows in each layout, and measure what storing more, looking up and a vacuum cost."""
    measured: dict[Layout, Measured] = {}
    with temporary_postgres() as postgres, psycopg.connect(postgres.dsn, autocommit=True) as connection:
        server = _Server(connection=connection, processor=processor_of(connection.info.backend_pid))
        for setting in ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers", "jit"):
            # so that the session's own time is all
            connection.execute(f"set {setting} = 0".encode())
        connection.execute("set maintenance_work_mem = '256MB'")
        hashes = np.random.default_rng(1).permutation(stored_hashes(size + _new(size)))
        for layout in _layouts(size):
            # One at a time, for the room on a disk
            if layout.of == "phash":
                measured[layout] = _measure_hashes(server, layout, hashes, size)
            else:
                measured[layout] = _measure_photos(server, layout, len(hashes), size)
            connection.execute(f"drop table {layout.table} cascade".encode())
    return _result(size, measured)


def _layouts(size: int) -> Iterator[Layout]:
    modulus = tuple(f"with (modulus {_PARTITIONS}, remainder {each})" for each in range(_PARTITIONS))
    yield Layout(of="phash", name="plain")
    yield Layout(of="phash", name="hashed", by="partition by hash (hash)", holds=modulus)
    listings = (size + _new(size)) // 2 + 1
    edges = [listings * each // _PARTITIONS for each in range(_PARTITIONS + 1)]
    yield Layout(of="listing_image", name="plain")
    yield Layout(of="listing_image", name="hashed", by="partition by hash (listing)", holds=modulus)
    yield Layout(
        of="listing_image",
        name="ranged",
        by="partition by range (listing)",
        holds=tuple(f"from ({first}) to ({last})" for first, last in pairwise(edges)),
    )


def _new(size: int) -> int:
    return min(size // 10, _NEW)


def _create(server: _Server, layout: Layout) -> None:
    """Make the table, without its indexes."""
    connection = server.connection
    like = f"create table {layout.table} (like {layout.of} including generated) {layout.by}"
    connection.execute(like.encode())
    for number, what in enumerate(layout.holds):
        part = f"create table {layout.table}_{number} partition of {layout.table} for values {what}"
        connection.execute(part.encode())
    for leaf in _leaves(server, layout):
        connection.execute(f"alter table {leaf} set (autovacuum_enabled = false)".encode())


def _index(server: _Server, layout: Layout) -> None:
    """Give the table the indexes of the schema, and have all of it known to be visible."""
    for name, definition in server.connection.execute(_SQL["indexes_of"], {"table": layout.of}).fetchall():
        own = definition.replace(f" {name} ON ", f" {layout.table}_{name} ON ")
        server.connection.execute(re.sub(r" ON \S+ ", f" ON {layout.table} ", own).encode())
    server.connection.execute(f"vacuum (analyze) {layout.table}".encode())


def _leaves(server: _Server, layout: Layout) -> list[str]:
    return [leaf for (leaf,) in server.connection.execute(_SQL["leaves"], {"table": layout.table}).fetchall()]


def _measure_hashes(server: _Server, layout: Layout, hashes: Hashes, size: int) -> Measured:
    measured = Measured()
    table = layout.table
    _create(server, layout)
    with server.connection.cursor() as cursor, cursor.copy(f"copy {table} (hash) from stdin".encode()) as copy:
        for value in hashes[:size].tolist():
            copy.write_row([value])
    _index(server, layout)
    [(function,)] = server.connection.execute(_SQL["function_of"]).fetchall()
    own = function.replace("near_phash(", f"near_{table}(").replace("from phash p", f"from {table} p")
    server.connection.execute(own.encode())
    asked = [{"hash": each} for each in asked_hashes(hashes[:size], _ASKED).tolist()]
    measured.look_up_ms["one hash"] = server.times_ms(f"select * from near_{table}(%(hash)s::bigint, 8)", asked)
    insert = _SQL["insert_phash"].format(table=table)
    for start in range(size, len(hashes), _BATCH):
        batch = hashes[start : start + _BATCH].tolist()
        measured.insert_us.append(server.timed(insert, hashes=batch) * 1e6 / len(batch))
    _measure_vacuum(server, layout, measured)
    return measured


def _measure_photos(server: _Server, layout: Layout, last: int, size: int) -> Measured:
    measured = Measured()
    sql = {name: text.format(table=layout.table) for name, text in _SQL.items() if "{table}" in text}
    _create(server, layout)
    server.connection.execute(sql["load_listing_image"].encode(), {"size": size, "now": _NOW})
    _index(server, layout)
    random = np.random.default_rng(2)
    for name, query, largest in (
        (f"the photos of {_TOGETHER} listings", "find_by_listing", size // 2),
        (f"the listings of {_TOGETHER} photos", "find_by_image", size * 4 // 5),
    ):
        asked = [{"ids": random.integers(0, largest, _TOGETHER).tolist()} for _ in range(_ASKED // 5)]
        measured.look_up_ms[name] = server.times_ms(sql[query], asked)
    for first in range(size, last, _BATCH):
        rows = min(_BATCH, last - first)
        took_s = server.timed(sql["insert_listing_image"], first=first, rows=rows, now=_NOW)
        measured.insert_us.append(took_s * 1e6 / rows)
    seen_again = {"now": _NOW + timedelta(days=1), "first": (size - size // _SEEN_EVERY) // 2}
    server.connection.execute(sql["see_again"].encode(), seen_again)
    _measure_vacuum(server, layout, measured)
    return measured


def _measure_vacuum(server: _Server, layout: Layout, measured: Measured) -> None:
    leaves = _leaves(server, layout)
    took_s = [server.timed(f"vacuum {leaf}") for leaf in leaves]
    measured.vacuum_s, measured.longest_vacuum_s = sum(took_s), max(took_s)
    [(heap, indexes)] = server.connection.execute(_SQL["sizes"], {"leaves": leaves}).fetchall()
    measured.row_bytes, measured.index_bytes = float(heap), float(indexes)


def _result(size: int, measured: Mapping[Layout, Measured]) -> Result:
    measures, goals = [], []
    plain: dict[str, Measured] = {}
    for layout, each in measured.items():
        first = plain.setdefault(layout.of, each)
        name = f"{layout.of}, {layout.name}"
        measures += [
            Measure(name=f"{name}: a row more", values=each.insert_us, unit="us"),
            *(Measure(name=f"{name}: {what}", values=values, unit="ms") for what, values in each.look_up_ms.items()),
            Measure(name=f"{name}: vacuum", values=[each.vacuum_s], unit="s"),
            Measure(name=f"{name}: its longest part", values=[each.longest_vacuum_s], unit="s"),
            Measure(name=f"{name}: rows", values=[each.row_bytes / 2**20], unit="MB"),
            Measure(name=f"{name}: indexes", values=[each.index_bytes / 2**20], unit="MB"),
        ]
        if each is not first:
            goals += [
                Goal(
                    text=f"{name}: {what}, of the plain table",
                    ratio=fmean(values) / fmean(first.look_up_ms[what]),
                    least=1,
                    judged=size >= SIZE,
                )
                for what, values in each.look_up_ms.items()
            ]
    return Result(
        title=f"Partitions: {size:,} rows in {_PARTITIONS} of them, and in a plain table",
        notes=[
            "Times are the server's processor time; no statement has a second process.",
            f"After {_new(size):,} rows more; 1 % of the photos of listings were seen again before the vacuum",
        ],
        measures=measures,
        goals=goals,
    )
