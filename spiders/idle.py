"""The end of a crawl that asks for no page: Scrapy asks only every five seconds whether one is reached."""

import asyncio

from scrapy.crawler import Crawler

_LOOK_S = 0.05


async def wait_for_items(crawler: Crawler) -> None:
    """Wait until all that a spider's `start` has passed on went through the pipelines; then Scrapy ends at once."""
    assert crawler.engine is not None
    slot = crawler.engine.scraper.slot
    assert slot is not None
    while not slot.is_idle():  # noqa: ASYNC110  Scrapy has no event that says so
        await asyncio.sleep(_LOOK_S)
