"""A watched shop that has not changed, crawled again by its list and by each page, against the first time."""

import tempfile
from pathlib import Path

import psycopg

from bench.database import temporary_postgres
from bench.market import running_market, settings_for
from bench.process import run_python
from bench.result import Goal, Measure, Result

SIZE = 1000
QUICK_SIZE = 100
UNIT = "listings in a shop"

#: Photos of a listing, each of them new
_PHOTOS = 3
#: What is due at each crawl, by the name of its measures
_DUE = {
    "first crawl": "false",
    "next crawl, of its list": "kind = 'vendor'",
    "crawl that asks for each page too": "true",
}


def measure(size: int) -> Result:
    """Crawl a vendor's shop of `size` listings as a target, again when its list is due, and when all pages are."""
    judged = size >= SIZE
    cpu_s: list[float] = []
    requests: list[int] = []
    fetched: list[int] = []
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as name:
        dsn, folder = postgres.clone("shop"), Path(name)
        with running_market(folder, vendors=1, listings=size, photos=_PHOTOS) as market:
            environment = settings_for(dsn, folder / "data", market.port)
            run_python(["-m", "theftwatch", "target", "add", "alibaba", "vendor=drawn0"], **environment)
            for due in _DUE.values():
                with psycopg.connect(dsn) as connection:
                    connection.execute(f"update target set due_at = added_at where {due}".encode())
                cpu_s.append(run_python(["-m", "scrapy", "crawl", "alibaba"], **environment).cpu_s)
                requests.append(len(market.take_requests()))
                fetched.append(_fetched_last(dsn))
    return Result(
        title=f"A watched shop of {size:,} listings of {_PHOTOS} photos that has not changed, crawled again",
        measures=[
            *(Measure(name=name, values=[s], unit="s of processor time") for name, s in zip(_DUE, cpu_s, strict=True)),
            *(Measure(name=name, values=[count], unit="requests") for name, count in zip(_DUE, requests, strict=True)),
        ],
        goals=[
            Goal(
                text="images fetched by the first crawl, of all", ratio=fetched[0] / (size * _PHOTOS), least=1, most=1
            ),
            Goal(text="images fetched again", ratio=sum(fetched[1:]), most=0),
            Goal(text="next crawl / first, processor time", ratio=cpu_s[1] / cpu_s[0], most=0.15, judged=judged),
            Goal(text="next crawl / first, requests", ratio=requests[1] / requests[0], most=0.1, judged=judged),
        ],
        notes=["The time of the spider with its start; the replica and Postgres have processes of their own."],
    )


def _fetched_last(dsn: str) -> int:
    """Return how many images the last run fetched."""
    with psycopg.connect(dsn) as connection:
        [(count,)] = connection.execute(
            "select coalesce((stats ->> 'theftwatch/image/fetched')::int, 0) from run order by id desc limit 1"
        ).fetchall()
    return int(count)
