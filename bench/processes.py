"""Two processes that share the targets on many hosts, against one; and two that ask one host, against its limit."""

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bench.database import temporary_postgres
from bench.market import Asked, drawn_catalogue, running_market, settings_for
from bench.process import clean_environment
from bench.result import Goal, Measure, Result
from theftwatch.db import store, targets
from theftwatch.db.records import ListingImageRecord, ListingRecord
from theftwatch.db.targets import Target
from theftwatch.demo.catalogue import Catalogue

SIZE = 240
QUICK_SIZE = 32
UNIT = "hosts"

_LATENCY_S, _SHORT_LATENCY_S = 2.0, 0.2
#: Of the one host: its delay, and how many pages are asked for at most
_DELAY_S, _PAGES = 0.5, 80
_SITE = "www.alibaba.com"
_NOW = datetime(2026, 11, 1, tzinfo=UTC)


def measure(size: int) -> Result:
    """Crawl lists on `size` hosts whose answers take their time, by one process and by two; then one host by two."""
    judged = size >= SIZE
    latency_s = _LATENCY_S if judged else _SHORT_LATENCY_S
    pages = min(size, _PAGES)
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dsn = postgres.clone("processes_many")
        asyncio.run(_prepare(dsn, drawn_catalogue(size, 1, 1), "vendor"))
        spans: dict[int, list[Asked]] = {}
        with running_market(folder, vendors=size, listings=1, photos=1, latency_s=latency_s) as market:
            for processes in (1, 2):
                _make_due(dsn)
                _crawl(processes, settings_for(dsn, folder / "many", market.port))
                spans[processes] = market.take_requests(".en.alibaba.com")
        dsn = postgres.clone("processes_one")
        asyncio.run(_prepare(dsn, drawn_catalogue(1, pages, 1), "listing"))
        with running_market(folder, vendors=1, listings=pages, photos=1) as market:
            _make_due(dsn)
            _crawl(2, settings_for(dsn, folder / "one", market.port, delay_s=_DELAY_S))
            one_host = market.take_requests(_SITE)
    one_s, two_s = _span_s(spans[1]), _span_s(spans[2])
    return Result(
        title=f"Two processes: {size:,} hosts that answer after {latency_s:g} s, and {pages} pages of one host",
        measures=[
            Measure(name="many hosts, one process", values=[one_s], unit="s"),
            Measure(name="many hosts, two processes", values=[two_s], unit="s"),
            Measure(name="one host, two processes", values=[_span_s(one_host)], unit="s"),
        ],
        goals=[
            Goal(text="one process / two, many hosts", ratio=one_s / two_s, least=1.8, judged=judged),
            Goal(
                # Scrapy's own jitter moves the first and the last request, and not the pace.
                text="pace of two processes / limit, one host",
                ratio=(len(one_host) - 1) * _DELAY_S / _span_s(one_host),
                most=1.02,
                judged=judged,
            ),
            Goal(text="pages asked for twice", ratio=sum(map(_twice, (*spans.values(), one_host))), most=0),
            Goal(
                text="pages asked for, of all that were due",
                ratio=sum(len(_pages(each)) for each in (*spans.values(), one_host)) / (2 * size + pages),
                least=1,
                most=1,
            ),
        ],
        notes=["The time from the first request to the last, so without starting the processes."],
    )


async def _prepare(dsn: str, catalogue: Catalogue, watched: str) -> None:
    """Fill a record that knows all listings, so that their lists lead nowhere, and watch the lists or the listings."""
    cards = [replace(offer.listing, complete=False) for offer in catalogue.offers]
    records = [
        ListingRecord(
            listing=card,
            images=tuple(ListingImageRecord(image=image, missing_reason="not_fetched") for image in card.images),
        )
        for card in cards
    ]
    vendors = [
        Target(marketplace="alibaba", kind="vendor", ref=one.handle, every=timedelta(days=1), reason="a benchmark")
        for one in catalogue.sellers
    ]
    listings = [
        Target(
            marketplace="alibaba",
            kind="listing",
            ref=card.listing_ref,
            url=card.url,
            every=timedelta(days=7),
            reason="a benchmark",
        )
        for card in cards
    ]
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await store.save_listings(connection, records, run=None, now=_NOW)
        await targets.save_targets(connection, vendors + listings, now=_NOW)
        await connection.execute("update target set paused_at = added_at where kind <> %s", [watched])


def _make_due(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("update target set due_at = added_at")


def _crawl(processes: int, environment: dict[str, str]) -> None:
    """Crawl what is due by several processes at once.

    Raises CalledProcessError where one fails.
    """
    command = [sys.executable, "-m", "scrapy", "crawl", "alibaba"]
    running = [
        subprocess.Popen(
            command, env=clean_environment() | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(processes)
    ]
    for process in running:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command)


def _pages(asked: Sequence[Asked]) -> list[tuple[str, str]]:
    return [(each.host, each.path) for each in asked if each.path != "/robots.txt"]


def _twice(asked: Sequence[Asked]) -> int:
    return sum(number - 1 for number in Counter(_pages(asked)).values())


def _span_s(asked: Sequence[Asked]) -> float:
    moments = [each.at for each in asked]
    return (max(moments) - min(moments)).total_seconds()
