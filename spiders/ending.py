"""The end of a crawl that something asks for while requests wait for their turns: these are left for the next run."""

import asyncio

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

_LOOK_S = 0.1


class EndingError(IgnoreRequest):
    """Raised for a request that was not sent, as its crawl is to end; it says nothing of its host or its page."""

    def __init__(self) -> None:
        super().__init__("not asked for, as the crawl is to end")


class Ending:
    """Whether a crawl was told to end, before it comes to its end: Scrapy waits for each request that it has let go."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._begun = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        """Whether nothing more is to be asked for."""
        return self._begun.is_set()

    async def sleep(self, seconds: float) -> None:
        """Wait so long.

        Raises EndingError as soon as the crawl is to end.
        """
        try:
            await asyncio.wait_for(self._begun.wait(), seconds)
        except TimeoutError:
            return
        raise EndingError

    async def watch(self) -> None:
        """Wait until Scrapy is told to end the crawl, by Ctrl-C or another signal, and begin."""
        while self._crawler.crawling:  # noqa: ASYNC110  Scrapy has no event that says so
            await asyncio.sleep(_LOOK_S)
        self.begin()

    def begin(self) -> None:
        """Have all requests fail that were not sent."""
        self._begun.set()
        assert self._crawler.engine is not None
        for slot in self._crawler.engine.downloader.slots.values():
            # Their turns have come, and the delay of Scrapy's own slot has not passed.
            while slot.queue:
                _, answer = slot.queue.popleft()
                answer.errback(EndingError())
