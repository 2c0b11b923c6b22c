"""Leasing targets: four jobs at once, and what is due among ten million, beside the query that comes to mind first.

That one sorts by priority and time in a single step, which no index of priorities can give it in part.
"""

import asyncio
import time
from datetime import UTC, datetime
from importlib import resources
from statistics import fmean
from uuid import uuid4

import psycopg

from bench.database import temporary_postgres
from bench.result import Goal, Measure, Result
from theftwatch.db import targets
from theftwatch.db.pool import connection_pool
from theftwatch.db.queries import parse_queries, queries

SIZE = 10_000_000
QUICK_SIZE = 200_000
UNIT = "stored targets"

_JOBS, _BATCH = 4, 32
#: One target in so many is due
_DUE_EVERY = 100
_ROUNDS = 20
_MOST_MS, _LEAST_PER_S = 20, 5000
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_SQL = parse_queries(resources.files("bench").joinpath("leases.sql").read_text("utf-8"))


def measure(size: int) -> Result:
    """Measure leases among `size` targets, one in a hundred due."""
    with temporary_postgres() as postgres:
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            connection.execute(_SQL["insert_drawn"], {"size": size, "due_every": _DUE_EVERY, "now": _NOW})
            connection.execute("vacuum analyze target")
            ours_ms, plain_ms = _decide(connection, "lease_targets"), _decide(connection, "lease_plainly")
        got, took_s = asyncio.run(_lease_all(postgres.dsn))
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            nothing_ms = _decide(connection, "lease_targets")
    judged = size >= SIZE
    due = -(-size // _DUE_EVERY)
    return Result(
        title=f"Leasing targets: {due:,} are due among {size:,}",
        measures=[
            Measure(name=f"{_BATCH} that are due", values=ours_ms, unit="ms"),
            Measure(name="the same, sorted in one step", values=plain_ms, unit="ms"),
            Measure(name="where none is due any more", values=nothing_ms, unit="ms"),
            Measure(name=f"{_JOBS} jobs leasing all", values=[len(got) / took_s], unit="targets/s"),
        ],
        goals=[
            Goal(text="mean of deciding what is due, ms", ratio=fmean(ours_ms), most=_MOST_MS, judged=judged),
            Goal(
                text="sorted in one step / by priority", ratio=fmean(plain_ms) / fmean(ours_ms), least=1, judged=judged
            ),
            Goal(text="targets leased a second", ratio=len(got) / took_s, least=_LEAST_PER_S, judged=judged),
            Goal(text="targets leased twice", ratio=len(got) - len(set(got)), most=0),
            Goal(text="of those that were due, leased", ratio=len(set(got)) / due, least=1, most=1),
        ],
    )


def _decide(connection: psycopg.Connection, query: str) -> list[float]:
    """Lease a batch and give it back, some times; return the milliseconds of each."""
    statement = (_SQL | queries())[query]
    times_ms = []
    for _ in range(_ROUNDS):
        with connection.transaction(force_rollback=True):
            started_s = time.perf_counter()
            connection.execute(
                statement,
                {
                    "marketplace": "alibaba",
                    "token": uuid4(),
                    "run": None,
                    "most": _BATCH,
                    "now": _NOW,
                    "until": _NOW + targets.LEASE,
                },
            )
            times_ms.append((time.perf_counter() - started_s) * 1000)
    return times_ms


async def _lease_all(dsn: str) -> tuple[list[int], float]:
    """Have several jobs lease until nothing is due; return all that they got, and the seconds."""
    async with connection_pool(dsn, max_size=_JOBS) as pool:

        async def job() -> list[int]:
            token, got = uuid4(), list[int]()
            while True:
                async with pool.connection() as connection:
                    leased = await targets.lease(connection, "alibaba", token=token, run=None, most=_BATCH, now=_NOW)
                if not leased:
                    return got
                got += [each.id for each in leased]

        started_s = time.perf_counter()
        shares = await asyncio.gather(*(job() for _ in range(_JOBS)))
        return [each for share in shares for each in share], time.perf_counter() - started_s
