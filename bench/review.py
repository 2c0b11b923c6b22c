"""The first page of the review queue, from the queue that is kept and from the view that it is kept from."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import resources

from psycopg import AsyncConnection

from bench.database import temporary_postgres
from bench.result import Goal, Measure, Result
from theftwatch.db.queries import Connection, parse_queries
from theftwatch.web.queue import Filters, count_waiting, find_cards, find_page

SIZE = 1_000_000
QUICK_SIZE = 5_000
UNIT = "matches"

_ROUNDS = 7
_PER_PAGE = 24
#: What is told of the first page of the review
_PAGE_MS = 200
_NARROWED = {
    "first page": Filters(),
    "narrowed to a vendor": Filters(vendor="alibaba/v7"),
    "narrowed to a rare edit": Filters(edit="turned"),
    "all with a verdict": Filters(verdict="confirmed"),
}


def measure(size: int) -> Result:
    """Fill a record with matches, one to a finding, and ask for first pages."""
    with temporary_postgres() as postgres:
        pages, anew_ms = asyncio.run(_measure(postgres.clone("review"), size))
    measures = [Measure(name=name, values=values, unit="ms") for name, values in pages.items()]
    slowest = max(each.median for each in measures)
    return Result(
        title=f"The queue of the review with {size:,} matches",
        measures=[*measures, Measure(name="worked out anew", values=[anew_ms], unit="ms")],
        goals=[
            Goal(text=f"the slowest against {_PAGE_MS} ms", ratio=slowest / _PAGE_MS, most=1, judged=size >= SIZE),
            Goal(
                text="worked out anew against kept", ratio=anew_ms / measures[0].median, least=20, judged=size >= SIZE
            ),
        ],
        notes=["What the database does for a page: its findings, what their cards show, and how many wait."],
    )


async def _measure(dsn: str, size: int) -> tuple[dict[str, list[float]], float]:
    async with await AsyncConnection.connect(dsn, autocommit=True, options="-c jit=off") as connection:
        for statement in parse_queries(resources.files("bench").joinpath("review.sql").read_text("utf-8")).values():
            await connection.execute(statement, {"size": size})
        await connection.execute("vacuum analyze")
        pages = {
            name: [await _ms(partial(_page, connection, narrowed)) for _ in range(_ROUNDS)]
            for name, narrowed in _NARROWED.items()
        }
        return pages, await _ms(partial(_anew, connection))


async def _page(connection: Connection, filters: Filters) -> None:
    findings = await find_page(connection, filters, most=_PER_PAGE + 1)
    assert findings, filters
    await find_cards(connection, findings[:_PER_PAGE])
    await count_waiting(connection)


async def _anew(connection: Connection) -> None:
    await connection.execute(
        "select * from finding_state where because is not null order by best_score desc, last_matched_at desc limit %s",
        [_PER_PAGE],
    )


async def _ms(work: Callable[[], Awaitable[object]]) -> float:
    started_s = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - started_s)
