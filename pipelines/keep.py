"""Keeps captures: first their files, then their row, then a timestamp."""

import logging
from typing import Self

import psycopg
from psycopg_pool import PoolTimeout
from scrapy.crawler import Crawler

from spiders.run import Run
from theftwatch.config import settings
from theftwatch.db.pool import reading
from theftwatch.evidence.capture import Capture, put_files, save_capture
from theftwatch.evidence.stamping import work_off
from theftwatch.evidence.timestamp import authority_of

logger = logging.getLogger(__name__)


class KeepPipeline:
    """Writes a capture when all its files are on disk, so that there is never half of one."""

    def __init__(self, crawler: Crawler) -> None:
        self._run = Run.of(crawler)
        self._authority = authority_of(settings())

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def open_spider(self) -> None:
        """Connect to the record."""
        await self._run.open()

    async def process_item(self, item: Capture) -> Capture:
        """Keep a capture, and have its manifest dated at once."""
        sha256 = await self._run.keep(put_files, item, self._run.files)
        await self._run.ask(lambda connection: save_capture(connection, item, sha256, run=self._run.id))
        await self._stamp()
        return item

    async def close_spider(self) -> None:
        """Have dated what came while another was being dated."""
        await self._stamp()

    async def _stamp(self) -> None:
        if self._authority is None:
            return
        try:
            async with reading(self._run.pool) as connection:
                done = await work_off(connection, self._run.files, self._authority, clock=self._run.clock)
        except (psycopg.OperationalError, PoolTimeout):
            # The capture is kept; the next one, or the end of the crawl, has both dated.
            logger.warning("no timestamp, as the database went away; `theftwatch evidence stamp` asks again")
            return
        if done.failure:
            logger.warning("%s; `theftwatch evidence stamp` asks again", done.failure)
            self._authority = None  # for this crawl: it would keep every capture waiting
