"""Bringing suppressions and directions up to date: after a few listings were saved, in small and large records."""

import asyncio
import time
from datetime import UTC, datetime

from psycopg import AsyncConnection

from bench.database import temporary_postgres
from bench.result import Goal, Measure, Result
from bench.store import listings
from theftwatch.db import store
from theftwatch.db.queries import Connection
from theftwatch.db.records import DecisionRecord, OriginalFileRecord
from theftwatch.match.context import update_context

SIZE = 50_000
QUICK_SIZE = 2_000
UNIT = "listings"

_BATCH = 1000
#: One listing of so many shows a photo that an artisan gave
_MATCHED_EACH = 10
#: Listings saved between two updates: what a crawl stores at once
_CHANGED = 64
_ROUNDS = 5
_SMALLER = 10
_NOW = datetime(2026, 11, 1, tzinfo=UTC)


def measure(size: int) -> Result:
    """Measure in a record of the size, and in one of a tenth."""
    with temporary_postgres() as postgres:
        small, _ = asyncio.run(_measure(postgres.clone("small"), max(_CHANGED * _MATCHED_EACH, size // _SMALLER)))
        large, everything_s = asyncio.run(_measure(postgres.clone("large"), size))
    at_small = Measure(name=f"after {_CHANGED} listings, a tenth stored", values=small, unit="ms")
    at_large = Measure(name=f"after {_CHANGED} listings, all stored", values=large, unit="ms")
    matched = size // _MATCHED_EACH
    whole = Measure(name="everything", values=[1000 * everything_s / matched], unit="ms a matched photo")
    return Result(
        title=f"What matches mean, kept up to date: {size:,} listings, {matched:,} of them with a matched photo",
        measures=[at_small, at_large, whole],
        goals=[
            Goal(
                text="ten times the record against one",
                ratio=at_large.median / at_small.median,
                most=2.5,
                judged=size >= SIZE,
            )
        ],
        notes=["All of the listings saved have a matched photo; those that have none cost nothing but their vendor."],
    )


async def _measure(dsn: str, size: int) -> tuple[list[float], float]:
    """Return the milliseconds of some updates, and the seconds of one of everything."""
    records = listings(size)
    matched = records[::_MATCHED_EACH]
    async with await AsyncConnection.connect(dsn, autocommit=True, options="-c jit=off") as connection:
        for start in range(0, size, _BATCH):
            async with connection.transaction():
                await store.save_listings(connection, records[start : start + _BATCH], run=None, now=_NOW)
        files = [
            OriginalFileRecord(image=record.new_images[0], kind="original", name=record.listing.listing_ref)
            for record in matched
        ]
        for start in range(0, len(files), _BATCH):
            chosen = files[start : start + _BATCH]
            async with connection.transaction():
                await store.save_original_files(connection, "Ana", chosen, now=_NOW)
                decided = [_same(file.image.sha256) for file in chosen]
                await store.save_decisions(connection, decided, [], algorithm_version=1, now=_NOW)
        await connection.execute("vacuum analyze")
        everything_s = await _update(connection)
        times_ms = []
        for number in range(_ROUNDS):
            async with connection.transaction():
                # of few vendors, as a crawl goes through them
                changed = matched[number * 7 % len(matched) :][:_CHANGED]
                await store.save_listings(connection, changed, run=None, now=_NOW)
            times_ms.append(1000 * await _update(connection))
    return times_ms, everything_s


async def _update(connection: Connection) -> float:
    started_s = time.perf_counter()
    await update_context(connection, load=_missing, now=_NOW)
    return time.perf_counter() - started_s


def _missing(sha256: bytes) -> bytes:
    raise FileNotFoundError(sha256.hex())


def _same(sha256: bytes) -> DecisionRecord:
    return DecisionRecord(
        original=sha256,
        suspect=sha256,
        decision="match",
        score=1.0,
        method="exact",
        explanation="The two files are the same, byte for byte.",
    )
