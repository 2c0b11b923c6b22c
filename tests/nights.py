"""Crawls of what is due, one a night, in one process: to start a process for each would take longer than the nights.

    python -m tests.nights SPIDER MOMENT…

Each crawl begins at its moment, by the clock of tests/simulated.py, whose file the replica reads too.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings


async def crawl_each(process: AsyncCrawlerProcess, spider: str, moments: Iterable[datetime]) -> None:
    """Crawl at each of the moments, one crawl after another."""
    ahead = Path(os.environ["SIMULATED_AHEAD"])
    for moment in moments:
        new = ahead.with_suffix(".new")
        new.write_text(str((moment - datetime.now(UTC)).total_seconds()))
        new.replace(ahead)
        await process.crawl(spider)


def main() -> None:
    spider, *moments = sys.argv[1:]
    process = AsyncCrawlerProcess(get_project_settings())
    from twisted.internet import reactor  # the one that Scrapy has just installed

    installed: Any = reactor
    nights = asyncio.get_event_loop().create_task(
        crawl_each(process, spider, [datetime.fromisoformat(moment) for moment in moments])
    )
    nights.add_done_callback(lambda _: installed.callLater(0, installed.stop))
    process.start(stop_after_crawl=False)
    nights.result()


if __name__ == "__main__":
    main()
