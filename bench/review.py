"""The first page of the review queue, from the queue that is kept and from the view that it is kept from."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from starlette.types import ASGIApp, Message

from bench.database import temporary_postgres
from bench.fill import fill
from bench.result import Goal, Measure, Result
from theftwatch.clock import system_clock
from theftwatch.db.pool import connection_pool
from theftwatch.db.queries import Connection
from theftwatch.db.sums import update_sums
from theftwatch.files import Files
from theftwatch.match.sample import draw_sample
from theftwatch.web.command import run_command
from theftwatch.web.crawling import Crawling
from theftwatch.web.inbox import Inbox
from theftwatch.web.pages import Context
from theftwatch.web.queue import Filters, count_waiting, find_cards, find_page
from theftwatch.web.review import review

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
        dsn = postgres.clone("review")
        fill(make_conninfo(postgres.superuser_dsn, dbname="review"), size)
        pages, anew_ms = asyncio.run(_measure(dsn))
        whole = asyncio.run(_measure_whole(dsn))
    measures = [Measure(name=name, values=values, unit="ms") for name, values in pages.items()]
    measures += [Measure(name=f"whole page of {name}", values=values, unit="ms") for name, values in whole.items()]
    slowest = max(each.median for each in measures)
    return Result(
        title=f"The queue of the review with {size:,} matches",
        measures=[
            *measures,
            Measure(name="worked out anew", values=[anew_ms], unit="ms"),
        ],
        goals=[
            Goal(text=f"the slowest against {_PAGE_MS} ms", ratio=slowest / _PAGE_MS, most=1, judged=size >= SIZE),
            Goal(
                text="worked out anew against kept", ratio=anew_ms / measures[0].median, least=20, judged=size >= SIZE
            ),
        ],
        notes=[
            "What the database does for a page: its findings, what their cards show, and how many wait.",
            "A whole page is all that the application does for it, template and all.",
            "Times are processor time of the application and of the database.",
        ],
    )


async def _measure(dsn: str) -> tuple[dict[str, list[float]], float]:
    async with await AsyncConnection.connect(dsn, autocommit=True, options="-c jit=off") as connection:
        await update_sums(connection)
        await draw_sample(connection, now=system_clock())
        await connection.execute("vacuum analyze")
        pages = {
            name: [await _ms(connection, partial(_page, connection, narrowed)) for _ in range(_ROUNDS)]
            for name, narrowed in _NARROWED.items()
        }
        return pages, await _ms(connection, partial(_anew, connection))


async def _measure_whole(dsn: str) -> dict[str, list[float]]:
    """Ask the application itself for pages, as a server would."""
    async with connection_pool(dsn, max_size=1) as pool:
        async with pool.connection() as connection:
            # in one process of the server, whose work can be told from that of the machine
            await connection.execute("set max_parallel_workers_per_gather = 0")
            paths = await _paths(connection)
        with tempfile.TemporaryDirectory() as folder:
            context = Context(
                pool=pool,
                files=Files(Path(folder)),
                inbox=Inbox(Path(folder), pool, run_command),
                crawling=Crawling(run_command, on_nodes=False, logs=Path(folder), clock=system_clock),
                clock=system_clock,
                by="bench",
            )
            app = review(context, hosts=["bench"])
            return {
                name: [await _ms(connection, partial(_get, app, path)) for _ in range(_ROUNDS)]
                for name, path in paths.items()
            }


async def _paths(connection: Connection) -> dict[str, str]:
    """Return the address of each page, of what the record holds much about."""
    found = await connection.execute(
        """select
            (select id from seller where seller_ref = 'v7'),
            (select artisan from artisan_finding group by artisan order by count(*) desc limit 1),
            (select encode(sha256, 'hex') from match join image on image.id = original_image limit 1),
            (select min(finding) from review_queue), (select min(finding) from blind_sample),
            (select takedown_case from case_listing group by takedown_case order by count(*) desc limit 1),
            (select min(id) from target)"""
    )
    [(vendor, artisan, photo, finding, blind, case, target)] = await found.fetchall()
    return {
        "the start": "/",
        "the queue": "/queue",
        "a finding": f"/findings/{finding}",
        "a finding of the blind sample": f"/findings/{blind}",
        "a vendor": f"/vendors/{vendor}",
        "the findings with a vendor": f"/vendors/{vendor}/findings",
        "the artisans": "/artisans",
        "an artisan": f"/artisans/{artisan}",
        "a photo": f"/photos/{photo}",
        "the cases": "/cases",
        "what is due in cases": "/cases/due",
        "a case": f"/cases/{case}",
        "what is watched": "/watched",
        "a vendor that is watched": f"/watched/{target}",
        "the crawls": "/crawls",
    }


async def _get(app: ASGIApp, path: str) -> None:
    statuses = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"bench")],
        "server": ("bench", 80),
        "client": ("bench", 1),
    }
    await app(scope, receive, send)
    assert statuses == [200], (path, statuses)


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


async def _ms(connection: Connection, work: Callable[[], Awaitable[object]]) -> float:
    """Do some work, and return how long this process and that of the connection's server were at it."""
    before_ns = time.process_time_ns() + _at_work_ns(connection)
    await work()
    return (time.process_time_ns() + _at_work_ns(connection) - before_ns) / 1_000_000


def _at_work_ns(connection: Connection) -> int:
    at_work, _, _ = Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()
    return int(at_work)
