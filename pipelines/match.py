"""Looks new images up among those of the other side."""

import asyncio
import logging
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg_pool import PoolTimeout
from scrapy.crawler import Crawler

from spiders.run import Run
from theftwatch.db.queries import Connection, fetch
from theftwatch.db.records import ListingRecord

if TYPE_CHECKING:
    from theftwatch.match.drain import Drain

logger = logging.getLogger(__name__)


class MatchPipeline:
    """Works the lookups off that the store put down, beside the crawl; what a killed crawl left over included."""

    def __init__(self, crawler: Crawler) -> None:
        self._run = Run.of(crawler)
        self._drain: Drain | None = None
        self._work: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def open_spider(self) -> None:
        """Connect to the record."""
        await self._run.open()

    async def process_item(self, item: ListingRecord) -> ListingRecord:
        """Return the listing as it is; its lookups are in the record."""
        if item.new_images and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._look_up(wait=False))
        return item

    async def close_spider(self) -> None:
        """Finish all lookups, those that another crawl left over too."""
        if self._work is not None:
            await self._work
        if await self._run.ask(_pending):
            await self._look_up(wait=True)

    async def _look_up(self, *, wait: bool) -> None:
        """Work lookups off; where another process is at it, wait for it to end only when this crawl ends."""
        try:
            # Each batch is counted, as nothing else shows that a long comparison gets on.
            done = await (await self._lookups()).run(wait=wait, progress=lambda _: self._run.counts.inc("match/batch"))
        except (psycopg.OperationalError, PoolTimeout):
            # The next listing, or the end of the crawl, takes the lookups up again.
            self._run.counts.inc("match/interrupted")
            logger.warning("matching was interrupted, as the database went away")
            if wait:
                await self._run.ask(_pending)
                await self._look_up(wait=True)
            return
        except Exception:
            # The lookups stay down in the record: the next crawl, or `theftwatch rematch`, works them off.
            self._run.counts.inc("match/failed")
            logger.exception("matching broke off; `theftwatch rematch --pending` takes it up again")
            return
        self._run.counts.inc("image/looked_up", done.looked_up)
        self._run.counts.inc("match/match", done.matches)
        self._run.counts.inc("match/possible", done.possible)

    async def _lookups(self) -> "Drain":
        # Made with the first look-up: a crawl that meets no new image does without OpenCV.
        from theftwatch.match.drain import Drain
        from theftwatch.match.routes import warn_of_routes

        if self._drain is None:
            async with self._run.pool.connection() as connection:
                routes = await warn_of_routes(connection)
            self._run.counts.note("recognition/descriptor", routes.descriptor)
            self._run.counts.note("recognition/index", routes.index)
            self._drain = Drain(
                pool=self._run.pool, files=self._run.files, threads=self._run.threads, clock=self._run.clock
            )
        return self._drain


async def _pending(connection: Connection) -> bool:
    [(pending,)] = await fetch(connection, "has_pending")
    return bool(pending)
