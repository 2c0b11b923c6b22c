"""What a listing and a photo take in the record: the bytes of rows and of indexes, by table."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources

import numpy as np
import psycopg

from bench.database import temporary_postgres
from bench.result import Goal, Measure, Result
from bench.store import listings
from theftwatch.db import store
from theftwatch.db.pool import connection_pool
from theftwatch.db.queries import parse_queries
from theftwatch.db.records import ListingRecord
from theftwatch.images.descriptor import LENGTH, Descriptor

SIZE = 4000
QUICK_SIZE = 500
UNIT = "listings"

_BATCH = 1000
_PHOTOS_EACH = 2
#: Tables with rows for each photo; all others that grow have them for each listing
_OF_PHOTOS = frozenset({"image", "listing_image", "phash", "image_phash", "lookup"})
_OF_DESCRIPTORS = frozenset({"descriptor", "descriptor_code"})
_MOST_BYTES = 8000
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_SQL = parse_queries(resources.files("bench").joinpath("bytes.sql").read_text("utf-8"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What a table takes."""

    name: str
    rows: int
    row_bytes: int
    index_bytes: int


def measure(size: int) -> Result:
    """Store `size` listings with two photos each, described by a network, and measure what that takes."""
    with temporary_postgres() as postgres:
        asyncio.run(_store(postgres.dsn, size))
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            connection.execute("vacuum analyze")
            rows = connection.execute(_SQL["table_bytes"], {"least": size}).fetchall()
    tables = [Table(name=name, rows=count, row_bytes=own, index_bytes=index) for name, count, own, index in rows]
    of_listings = [each for each in tables if each.name not in _OF_PHOTOS | _OF_DESCRIPTORS]
    of_photos = [each for each in tables if each.name in _OF_PHOTOS]
    of_descriptors = [each for each in tables if each.name in _OF_DESCRIPTORS]
    measures = [
        *_measures("a listing", of_listings, size),
        *_measures("a photo", of_photos, size * _PHOTOS_EACH),
        *_measures("a descriptor", of_descriptors, size * _PHOTOS_EACH),
    ]
    total = sum(each.row_bytes + each.index_bytes for each in tables) / size
    return Result(
        title=f"Bytes in the record: {size:,} listings with {_PHOTOS_EACH} photos each, all different",
        notes=[
            f"{each.name}: {each.rows:,} rows, {each.row_bytes / each.rows:.0f} bytes a row and "
            f"{each.index_bytes / each.rows:.0f} in indexes"
            for each in tables
        ],
        measures=measures,
        goals=[Goal(text="bytes a listing with its photos", ratio=total, most=_MOST_BYTES, judged=size >= SIZE)],
    )


def _measures(what: str, tables: Sequence[Table], count: int) -> Iterator[Measure]:
    for name, total in (
        ("rows", sum(each.row_bytes for each in tables)),
        ("indexes", sum(each.index_bytes for each in tables)),
    ):
        yield Measure(name=f"{what}, {name}", values=[total / count], unit="bytes")


async def _store(dsn: str, size: int) -> None:
    random = np.random.default_rng(9)
    records = listings(size)
    async with connection_pool(dsn) as pool:
        for start in range(0, size, _BATCH):
            batch = [_described(each, random) for each in records[start : start + _BATCH]]
            async with pool.connection() as connection:
                await store.save_listings(connection, batch, run=None, now=_NOW)


def _described(record: ListingRecord, random: np.random.Generator) -> ListingRecord:
    """Return a listing whose photos have descriptors, drawn by chance, as nothing compresses those of photos either."""
    images = (
        replace(
            image,
            descriptor=Descriptor(model="drawn", embedding=random.standard_normal(LENGTH).astype(np.float16).tobytes()),
        )
        for image in record.new_images
    )
    return replace(record, new_images=tuple(images))
