"""Each request waits for its host's turn, which all jobs share; a host that goes on refusing us is left alone."""

import asyncio
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from spiders.run import Run
from theftwatch.db import hosts


class HostRestsError(IgnoreRequest):
    """Raised for a request to a host that refused us and is left alone for a while."""


class HostBudget:
    """A downloader middleware, the last before the network."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let a request go when it is its turn.

        Raises HostRestsError while its host is left alone.
        """
        run = Run.of(self._crawler)
        host = slot_of(request)
        delay = self._delay(host)
        await run.open()
        now = run.clock()
        turn_at = await run.ask(lambda connection: hosts.take_turn(connection, host, delay=delay, now=now))
        if turn_at is not None:
            await asyncio.sleep((turn_at - now).total_seconds())
            if host not in run.resting:
                return
        until = await run.ask(lambda connection: hosts.find_rest(connection, host))
        raise HostRestsError(f"{host} refused us, and is left alone until {until:%Y-%m-%d %H:%M} UTC")

    def _delay(self, slot: str) -> timedelta:
        """Return the delay that holds for a slot now, which the host's slowness or its limits may have changed."""
        engine = self._crawler.engine
        assert engine is not None
        known = engine.downloader.slots.get(slot)
        fixed = self._crawler.settings.getdict("DOWNLOAD_SLOTS").get(slot, {})
        seconds = known.delay if known else fixed.get("delay", self._crawler.settings.getfloat("DOWNLOAD_DELAY"))
        return timedelta(seconds=seconds)


def slot_of(request: Request) -> str:
    """Return under which name a request's host is asked: its own, or that of several."""
    slot: str = request.meta.get("download_slot") or urlsplit(request.url).hostname or ""
    return slot
