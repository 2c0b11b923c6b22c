"""How stale the visibility map of the hashes may get: the look-up by hash in the worst state that each setting allows.

The table is only inserted into, and the search reads its indexes alone where the map knows their rows; what was stored
since the last vacuum it looks for in the table too. The first setting is Postgres' own, the second that of the schema.
"""

import json
from statistics import fmean

import numpy as np
import psycopg

from bench.database import temporary_postgres
from bench.hashes import Hashes, asked_hashes, stored_hashes
from bench.result import Goal, Measure, Result

SIZE = 1_000_000
QUICK_SIZE = 50_000
UNIT = "stored hashes"

_OURS, _POSTGRES = 0.02, 0.2
_ASKED = 100
_ROUNDS = 3
#: What the search costs by its pages; times depend on whatever else runs
_EXPLAIN = "explain (analyze, buffers, timing off, format json) select * from near_phash(%s, 8)"


def measure(size: int) -> Result:
    """Measure the look-up right after a vacuum, and with as much stored since then as each setting lets be."""
    hashes = stored_hashes(size)
    np.random.default_rng(1).shuffle(hashes)
    asked = asked_hashes(hashes, _ASKED).tolist()
    # of a table that is vacuumed when a share of it is new, so much is new at most
    newest = {share: int(size * share / (1 + share)) for share in (0.0, _OURS, _POSTGRES)}
    pages: dict[float, list[float]] = {}
    times_ms: dict[float, list[float]] = {}
    with temporary_postgres() as postgres, psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("alter table phash set (autovacuum_enabled = false)")
        for share, new in newest.items():
            connection.execute("truncate phash cascade")
            _store(connection, hashes[: size - new])
            connection.execute("vacuum (analyze) phash")
            _store(connection, hashes[size - new :])
            looked = [_look_up(connection, query) for _ in range(_ROUNDS) for query in asked]
            pages[share] = [read for read, _ in looked[_ASKED:]]  # the first round warms up
            times_ms[share] = [took for _, took in looked[_ASKED:]]
    called = {
        0.0: "nothing stored since the last vacuum",
        _OURS: "as much as the schema lets be, 2 %",
        _POSTGRES: "as much as Postgres lets be, 20 %",
    }
    return Result(
        title="Look-up by hash and the last vacuum",
        notes=[f"{size:,} hashes; {_ASKED} look-ups within 8 bits, {_ROUNDS - 1} times each"],
        measures=[
            *(Measure(name=f"pages read: {called[share]}", values=values, unit="") for share, values in pages.items()),
            *(Measure(name=f"time: {called[share]}", values=values, unit="ms") for share, values in times_ms.items()),
        ],
        goals=[
            Goal(
                text="pages of a look-up, at worst, of those right after a vacuum",
                ratio=fmean(pages[_OURS]) / fmean(pages[0.0]),
                most=1.1,
                judged=size >= SIZE,
            ),
            Goal(
                text="the same by Postgres' own setting",
                ratio=fmean(pages[_POSTGRES]) / fmean(pages[0.0]),
                least=1,
                judged=size >= SIZE,
            ),
        ],
    )


def _store(connection: psycopg.Connection, hashes: Hashes) -> None:
    with connection.cursor() as cursor, cursor.copy("copy phash (hash) from stdin") as copy:
        for value in hashes.tolist():
            copy.write_row([value])


def _look_up(connection: psycopg.Connection, query: int) -> tuple[float, float]:
    """Return how many pages a look-up read, and its milliseconds."""
    [(plan,)] = connection.execute(_EXPLAIN, [query]).fetchall()
    [told] = json.loads(plan) if isinstance(plan, str) else plan
    return told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"], told["Execution Time"]
