"""Storing listings with two images each, in batches and one commit a listing."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from bench.database import temporary_postgres
from bench.result import Goal, Measure, Result
from theftwatch.db import store
from theftwatch.db.pool import connection_pool
from theftwatch.db.records import ImageRecord, ListingImageRecord, ListingRecord
from theftwatch.images.phash import Variant, VariantHash
from theftwatch.listing import Alias, Listing, ListingImage, Seller

SIZE = 10_000
QUICK_SIZE = 500
UNIT = "listings"

_BATCH = 1000
#: Listings stored one commit each; all of them would take minutes and show the same
_SINGLE_COMMITS = 300
_PER_SELLER = 200
_VARIANTS: tuple[Variant, ...] = ("plain", "mirror")
_NOW = datetime(2026, 11, 1, tzinfo=UTC)


def measure(size: int) -> Result:
    """Store the same kind of listings both ways into empty databases."""
    with temporary_postgres() as postgres:
        batched_s = asyncio.run(_store(postgres.clone("batched"), _batches(listings(size), _BATCH)))
        singles = listings(min(size, _SINGLE_COMMITS))
        single_s = asyncio.run(_store(postgres.clone("single"), _batches(singles, 1)))
    batched, single = size / batched_s, len(singles) / single_s
    return Result(
        title=f"Storing {size:,} listings with two images each, two hashes an image",
        measures=[
            Measure(name=f"batches of {_BATCH}", values=[batched], unit="listings/s"),
            Measure(name=f"one commit a listing ({len(singles)} of them)", values=[single], unit="listings/s"),
        ],
        goals=[Goal(text="batches against single commits", ratio=batched / single, least=20, judged=size >= SIZE)],
        notes=["The same function both ways, on the embedded Postgres as it is shipped."],
    )


def listings(count: int) -> list[ListingRecord]:
    """Return listings of several vendors, each with two new images."""
    random = np.random.default_rng(7)
    hashes = random.integers(-(2**63), 2**63 - 1, size=(count, 2, len(_VARIANTS)), dtype=np.int64)
    return [_listing(number, hashes[number].tolist()) for number in range(count)]


def _listing(number: int, hashes: list[list[int]]) -> ListingRecord:
    images = [_image(f"{number} {position}", values) for position, values in enumerate(hashes)]
    shown = tuple(
        ListingImage(url=f"https://s.alicdn.com/kf/{image.sha256.hex()}.jpg", key=image.sha256.hex(), position=position)
        for position, image in enumerate(images)
    )
    vendor = str(number // _PER_SELLER)
    return ListingRecord(
        listing=Listing(
            marketplace="alibaba",
            listing_ref=str(number),
            url=f"https://www.alibaba.com/product-detail/_{number}.html",
            title=f"Ring number {number}, sterling silver, handmade",
            seller=Seller(
                marketplace="alibaba", ref=vendor, name=vendor, aliases=(Alias(kind="subdomain", value=vendor),)
            ),
            price_min=Decimal("1.50"),
            price_max=Decimal("2.80"),
            currency="USD",
            images=shown,
        ),
        images=tuple(
            ListingImageRecord(image=listing_image, sha256=image.sha256)
            for listing_image, image in zip(shown, images, strict=True)
        ),
        new_images=tuple(images),
    )


def _image(name: str, hashes: list[int]) -> ImageRecord:
    sha256 = hashlib.sha256(name.encode()).digest()
    variants = (
        VariantHash(variant=variant, hash=value, hash_256=sha256)
        for variant, value in zip(_VARIANTS, hashes, strict=True)
    )
    return ImageRecord(
        sha256=sha256, byte_count=200_000, format="JPEG", width_px=1200, height_px=900, hashes=tuple(variants)
    )


def _batches(records: Sequence[ListingRecord], size: int) -> list[Sequence[ListingRecord]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


async def _store(dsn: str, batches: Sequence[Sequence[ListingRecord]]) -> float:
    """Store batches, a transaction each, and return the seconds it took."""
    async with connection_pool(dsn) as pool:
        started_s = time.perf_counter()
        for batch in batches:
            async with pool.connection() as connection:
                await store.save_listings(connection, batch, run=None, now=_NOW)
        return time.perf_counter() - started_s
