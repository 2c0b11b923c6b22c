"""A record of listings in a real database, compared in this process: for tests of looking up and deciding anew."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from theftwatch.db import store
from theftwatch.db.digest import digest_tables
from theftwatch.db.pool import connection_pool
from theftwatch.db.queries import Connection
from theftwatch.db.records import ListingImageRecord, ListingRecord, image_record
from theftwatch.files import Files, Folder
from theftwatch.image_store import adopt
from theftwatch.listing import Listing, ListingImage, Seller
from theftwatch.match.drain import Drain, Drained
from theftwatch.match.rematch import put_down_all, withdraw

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SHOP = Seller(marketplace="etsy", ref="1")
VENDOR = Seller(marketplace="alibaba", ref="1")


def path_of(files: Files, sha256: bytes) -> Path:
    """Return where a folder keeps the bytes of a SHA-256, to spoil them."""
    assert isinstance(files.place, Folder)
    return files.place.root / sha256.hex()[:2] / sha256.hex()


def adopt_store(dsn: str, files: Files) -> None:
    """Make a store that of a record which has no files: it would be refused, as one that is not the record's."""

    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await adopt(connection, files)

    asyncio.run(main())


def listing(seller: Seller, photos: Sequence[bytes], ref: str = "1") -> ListingRecord:
    """Return a listing that shows photos."""
    images = [image_record(data) for data in photos]
    shown = [
        ListingImageRecord(
            image=ListingImage(url=f"https://images.example/{ref}/{n}.jpg", key=f"{ref}-{n}", position=n),
            sha256=image.sha256,
        )
        for n, image in enumerate(images)
    ]
    return ListingRecord(
        listing=Listing(
            marketplace=seller.marketplace,
            listing_ref=ref,
            url=f"https://{seller.marketplace}.com/{ref}",
            seller=seller,
            images=tuple(each.image for each in shown),
        ),
        images=tuple(shown),
        new_images=tuple(images),
    )


@dataclass(frozen=True, slots=True)
class Record:
    """A database with the files of its images."""

    dsn: str
    files: Files

    def save(self, seller: Seller, photos: Sequence[bytes], ref: str = "1") -> None:
        """Store a listing with its photos."""
        for data in photos:
            self.files.put(data)
        record = listing(seller, photos, ref)
        self._run(lambda connection: store.save_listings(connection, [record], run=None, now=NOW))

    def compare(self, now: datetime = NOW, threads: int = 2, *, anew: bool = False) -> Drained:
        """Work off all pending lookups; with `anew`, as is done with those of a whole record."""

        async def main() -> Drained:
            async with connection_pool(self.dsn) as pool:
                with ThreadPoolExecutor(threads) as executor:
                    drain = Drain(pool=pool, files=self.files, threads=executor, clock=lambda: now)
                    return await drain.run(wait=True, helpers=drain if anew else None)

        return asyncio.run(main())

    def rematch(self, now: datetime = NOW) -> Drained:
        """Decide everything anew, as `theftwatch rematch` does."""
        self._run(put_down_all)
        done = self.compare(now, anew=True)
        self.withdraw(now)
        self.compare(now)
        return done

    def withdraw(self, now: datetime = NOW) -> None:
        """Withdraw what an older version matched and this one did not meet again."""
        self._run(lambda connection: withdraw(connection, now=now))

    def digest(self) -> dict[str, str]:
        """Return the digests of the tables."""
        return self._run(digest_tables)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query).fetchall()

    def matches(self) -> set[tuple[bytes, bytes, str]]:
        """Return pairs with their decisions, those that are no match left out."""
        return {
            (original, suspect, decision)
            for original, suspect, decision in self.rows(
                "select o.sha256, s.sha256, m.decision from match m join image o on o.id = m.original_image"
                " join image s on s.id = m.suspect_image where m.decision <> 'no_match'"
            )
        }

    def _run[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async def main() -> T:
            async with await psycopg.AsyncConnection.connect(self.dsn, options="-c timezone=UTC") as connection:
                return await work(connection)

        return asyncio.run(main())
