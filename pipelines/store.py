"""Writes listings to the record, in batches."""

import asyncio
from typing import Self

from scrapy.crawler import Crawler

from spiders.run import Run
from theftwatch.db import store
from theftwatch.db.records import ListingRecord

_BATCH_MAX = 1000
#: How long a batch waits for company
_LINGER_S = 0.25


class StorePipeline:
    """Commits whatever has come together while the last batch was being written.

    A listing leaves this pipeline when it is committed, so the queue cannot outgrow Scrapy's bound on items at work.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._run = Run.of(crawler)
        self._waiting: list[tuple[ListingRecord, asyncio.Future[None]]] = []
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
        self._run.inc("listing/stored")
        return item

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(_LINGER_S)
            batch, self._waiting = self._waiting[:_BATCH_MAX], self._waiting[_BATCH_MAX:]
            try:
                await self._commit([record for record, _ in batch])
            except Exception as exc:  # handed to each item, where Scrapy counts and logs it
                self._run.inc("listing/failed", len(batch))
                for _, committed in batch:
                    committed.set_exception(exc)
            else:
                for _, committed in batch:
                    committed.set_result(None)

    async def _commit(self, records: list[ListingRecord]) -> None:
        run = self._run
        new = await run.ask(lambda connection: store.save_listings(connection, records, run=run.id, now=run.clock()))
        run.inc("listing/new", new)
