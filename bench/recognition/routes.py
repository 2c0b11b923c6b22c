"""The two ways of this program from photos to matches: over two folders, and through the database."""

import asyncio
import hashlib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench.database import temporary_postgres
from bench.recognition.metrics import Pair
from theftwatch.config import settings
from theftwatch.db import store
from theftwatch.db.pool import Pool, connection_pool
from theftwatch.db.records import ListingImageRecord, ListingRecord, OriginalFileRecord, image_record
from theftwatch.files import Files
from theftwatch.listing import Listing, ListingImage, Seller
from theftwatch.match import scan as scanning
from theftwatch.match.drain import Drain
from theftwatch.match.scan import list_photos
from theftwatch.match.workers import Processes

_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_BATCH = 200
_DECISIONS = """
    select o.sha256, s.sha256, m.score, m.decision
    from match m join image o on o.id = m.original_image join image s on s.id = m.suspect_image
    order by o.sha256, s.sha256
"""


def by_folders(originals: Path, suspects: Path) -> list[Pair]:
    """Scan two folders, as `theftwatch scan --all-scores` does."""
    return asyncio.run(_scan(originals, suspects))


def by_database(originals: Path, suspects: Path) -> list[Pair]:
    """Store both sides in an empty database, compare what is stored, and read the decisions from it.

    The database keeps no pair that is neither a match nor worth a look, so a ranking ends there.
    """
    with temporary_postgres() as postgres:
        return asyncio.run(_drain(postgres.dsn, originals, suspects))


async def _scan(originals: Path, suspects: Path) -> list[Pair]:
    with Processes(settings().workers) as workers:
        folders = [await scanning.read_folder(folder, workers) for folder in (originals, suspects)]
        return [
            Pair(
                suspect=pair.suspect,
                original=pair.original,
                score=pair.decision.score,
                claimed=pair.decision.decision == "match",
            )
            async for pair in scanning.scan(folders[0], folders[1], workers)
        ]


async def _drain(dsn: str, originals: Path, suspects: Path) -> list[Pair]:
    files = Files(suspects.parent / "files")
    names: dict[str, dict[bytes, list[str]]] = {"originals": defaultdict(list), "suspects": defaultdict(list)}
    for folder, side in ((originals, "originals"), (suspects, "suspects")):
        for path in list_photos(folder):
            names[side][hashlib.sha256(path.read_bytes()).digest()].append(path.name)
    with ThreadPoolExecutor(settings().workers) as threads:
        async with connection_pool(dsn) as pool:
            await store_originals(pool, files, list_photos(originals), threads)
            await store_suspects(pool, files, list_photos(suspects), threads)
            await Drain(pool=pool, files=files, threads=threads, clock=lambda: _NOW).run(wait=True)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(_DECISIONS).fetchall()
    return [
        Pair(suspect=suspect, original=original, score=float(score), claimed=decision == "match")
        for original_sha256, suspect_sha256, score, decision in rows
        for original in names["originals"][bytes(original_sha256)]
        for suspect in names["suspects"][bytes(suspect_sha256)]
    ]


async def store_originals(pool: Pool, files: Files, paths: list[Path], threads: ThreadPoolExecutor) -> None:
    """Store photos as an artisan's."""
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        data = [path.read_bytes() for path in batch]
        for each in data:
            files.put(each)
        records = [
            OriginalFileRecord(image=image, kind="original", name=path.name)
            for path, image in zip(batch, threads.map(image_record, data), strict=True)
        ]
        async with pool.connection() as connection:
            await store.save_original_files(connection, "Artisan", records, now=_NOW)


async def store_suspects(pool: Pool, files: Files, paths: list[Path], threads: ThreadPoolExecutor) -> None:
    """Store photos as a vendor's, a listing each."""
    vendor = Seller(marketplace="alibaba", ref="1", name="Vendor")
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        data = [path.read_bytes() for path in batch]
        for each in data:
            files.put(each)
        records = []
        for path, image in zip(batch, threads.map(image_record, data), strict=True):
            shown = ListingImage(url=f"https://s.alicdn.com/kf/{path.name}", key=path.name, position=0)
            listing = Listing(
                marketplace="alibaba",
                listing_ref=path.stem,
                url=f"https://www.alibaba.com/product-detail/_{path.stem}.html",
                title=path.stem,
                seller=vendor,
                images=(shown,),
            )
            records.append(
                ListingRecord(
                    listing=listing,
                    images=(ListingImageRecord(image=shown, sha256=image.sha256),),
                    new_images=(image,),
                )
            )
        async with pool.connection() as connection:
            await store.save_listings(connection, records, run=None, now=_NOW)
