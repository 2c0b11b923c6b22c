"""Each view of the analysts, opened as a program opens it, and each question of the document, on a large record."""

import asyncio
import re
from pathlib import Path

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from bench.database import temporary_postgres
from bench.fill import fill
from bench.result import Goal, Measure, Result
from theftwatch.db.sums import update_sums
from theftwatch.match.queue import update_queue

SIZE = 100_000
QUICK_SIZE = 1_000
UNIT = "matches, and ten times the listings"

_ROUNDS = 3
_ROWS = 200
_ANSWER_MS = 100
_QUESTION = re.compile(r"^### (\d+)\. .*?^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: The listing that the document asks about, and one of the record here
_LISTING = ("1900000143", "o1")
_DOCUMENT = Path(__file__).parents[1] / "docs/analysis.md"


def measure(size: int) -> Result:
    """Fill a record, work out what is kept, and ask."""
    with temporary_postgres() as postgres:
        dsn = postgres.clone("views")
        fill(make_conninfo(postgres.superuser_dsn, dbname="views"), size)
        asyncio.run(_keep(dsn))
        # in one process, whose work can be told from that of the machine
        options = "-c jit=off -c max_parallel_workers_per_gather=0"
        with psycopg.connect(dsn, autocommit=True, options=options) as connection:
            names = connection.execute("select viewname from pg_views where schemaname = 'analysis' order by 1")
            asked = {name: f"select * from analysis.{name} limit {_ROWS}" for (name,) in names.fetchall()}
            asked |= {f"question {number}": query for number, query in questions()}
            times = {name: [_ms(connection, query) for _ in range(_ROUNDS)] for name, query in asked.items()}
            anew_ms = _ms(connection, "select marketplace, vendor, count(*) from finding_state group by 1, 2")
            kept_ms = _ms(connection, "select marketplace, vendor, count(*) from review_queue group by 1, 2")
    measures = [Measure(name=name, values=values, unit="ms of processor time") for name, values in times.items()]
    measures.sort(key=lambda each: -each.median)
    return Result(
        title=f"Views and questions with {size:,} matches and {10 * size:,} listings",
        measures=measures,
        goals=[
            Goal(
                text=f"{measures[0].name}, the slowest, against {_ANSWER_MS} ms",
                ratio=measures[0].median / _ANSWER_MS,
                most=1,
                judged=size >= SIZE,
            ),
            Goal(text="findings worked out anew against kept", ratio=anew_ms / kept_ms, least=10, judged=size >= SIZE),
        ],
        notes=[f"A view is opened with its first {_ROWS} rows, a question of docs/analysis.md is answered whole."],
    )


def questions() -> list[tuple[str, str]]:
    """Return the questions of the document, by their numbers, put to the record here."""
    return [(number, query.replace(*_LISTING)) for number, query in _QUESTION.findall(_DOCUMENT.read_text())]


async def _keep(dsn: str) -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True, options="-c jit=off") as connection:
        await update_queue(connection, everything=True)
        await update_sums(connection)
        await connection.execute("vacuum analyze")


def _ms(connection: psycopg.Connection, query: str) -> float:
    """Ask, and return how long the process of the server was at work, whatever else keeps the machine busy."""
    before_ns = _at_work_ns(connection)
    connection.execute(query.encode()).fetchall()
    return (_at_work_ns(connection) - before_ns) / 1_000_000


def _at_work_ns(connection: psycopg.Connection) -> int:
    at_work, _, _ = Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()
    return int(at_work)
