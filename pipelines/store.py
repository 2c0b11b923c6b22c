"""Writes listings to the record, in batches."""

import asyncio
from collections.abc import Sequence
from typing import Self

import psycopg
from scrapy.crawler import Crawler

from spiders.run import Run
from theftwatch.db import store
from theftwatch.db.records import ListingRecord

#: A listing, and what is told when it is committed
type Waiting = tuple[ListingRecord, asyncio.Future[None]]

_BATCH_MAX = 1000
#: How long a batch waits for company
_LINGER_S = 0.25


class StorePipeline:
    """Commits whatever has come together while the last batch was being written.

    A listing leaves this pipeline when it is committed, so the queue cannot outgrow Scrapy's bound on items at work.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._run = Run.of(crawler)
        self._waiting: list[Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def process_item(self, item: ListingRecord) -> ListingRecord:
        """Return the listing once it is committed."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, committed))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await committed
        self._run.counts.inc("listing/stored")
        return item

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(_LINGER_S)
            batch, self._waiting = self._waiting[:_BATCH_MAX], self._waiting[_BATCH_MAX:]
            await self._settle(batch)

    async def _settle(self, batch: Sequence[Waiting]) -> None:
        """Commit a batch; where one of its listings cannot be stored, the others without it."""
        try:
            await self._commit([record for record, _ in batch])
        except psycopg.Error as exc:
            if len(batch) == 1:
                self._fail(batch, exc)
            else:
                half = len(batch) // 2
                await self._settle(batch[:half])
                await self._settle(batch[half:])
        except Exception as exc:
            self._fail(batch, exc)
        else:
            for _, committed in batch:
                committed.set_result(None)

    def _fail(self, batch: Sequence[Waiting], exc: Exception) -> None:
        """Hand an error to each item, where Scrapy counts and logs it."""
        self._run.counts.inc("listing/failed", len(batch))
        for _, committed in batch:
            committed.set_exception(exc)

    async def _commit(self, records: list[ListingRecord]) -> None:
        run = self._run
        new = await run.ask(lambda connection: store.save_listings(connection, records, run=run.id, now=run.clock()))
        run.counts.inc("listing/new", new)
