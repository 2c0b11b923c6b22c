"""Writes listings to the record, in batches."""

import asyncio
import logging
from typing import Self

import psycopg
from psycopg_pool import PoolTimeout
from scrapy.crawler import Crawler

from spiders.run import Run
from theftwatch.db import store
from theftwatch.db.records import ListingRecord

logger = logging.getLogger(__name__)

_BATCH_MAX = 500
#: How long a batch waits for company, and how often a database that is down is asked again
_LINGER_S = 0.25
_RETRY_DELAYS_S = (1, 2, 4, 8, 15, 30)


class StorePipeline:
    """Commits whatever has come together while the last batch was being written.

    A listing leaves this pipeline when it is committed, so the queue cannot outgrow Scrapy's bound on items at work.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
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
        """Write a batch; a database that is away is waited for a minute, then the crawl stops."""
        for delay_s in (*_RETRY_DELAYS_S, None):
            try:
                async with self._run.pool.connection() as connection:
                    await store.save_listings(connection, records, run=self._run.id, now=self._run.clock())
            except (psycopg.OperationalError, PoolTimeout):
                if delay_s is None:
                    logger.exception("the database stays away; run the crawl again when `theftwatch db status` is well")
                    assert self._crawler.engine is not None
                    self._closing = asyncio.create_task(self._crawler.engine.close_spider_async(reason="database_down"))
                    raise
                logger.warning("the database is away; asking again in %d s", delay_s)
                await asyncio.sleep(delay_s)
            else:
                return
