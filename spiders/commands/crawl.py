"""`scrapy crawl` that refuses a wrong argument, a missing contact or an absent database before it starts."""

import argparse
import sys
from pathlib import Path

from scrapy.commands import crawl
from scrapy.crawler import Crawler
from scrapy.spiderloader import SpiderLoader

from spiders.base import MarketplaceSpider
from spiders.run import Run
from theftwatch.config import settings
from theftwatch.db.server import connect_dsn
from theftwatch.errors import TheftWatchError, UsageError

_FAILED = 1
_INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


class Command(crawl.Command):
    """Scrapy's command with our checks before it."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check, in one line and with an exit code, before Scrapy sets itself up and logs pages of it."""
        super().process_options(args, opts)
        assert self.settings is not None
        spiders = SpiderLoader.from_settings(self.settings)
        try:
            names = ", ".join(sorted(spiders.list()))
            if len(args) != 1:
                raise UsageError(f"{len(args)} spiders named; name one of {names}")
            if args[0] not in spiders.list():
                raise UsageError(f"no spider is called {args[0]!r}; there are {names}")
            spider = spiders.load(args[0])
            assert issubclass(spider, MarketplaceSpider)
            spider.check(opts.spargs, settings())
            connect_dsn(settings())
        except TheftWatchError as exc:
            line = f"theftwatch: {exc}\n"
            sys.stderr.write(line)
            if log := self.settings.get("LOG_FILE"):
                # What scrapyd shows as the log of the job.
                with Path(log).open("a", encoding="utf-8") as file:
                    file.write(line)
            raise SystemExit(exc.exit_code) from None

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Crawl, and fail where the run failed: a schedule sees no more of it than the exit code."""
        assert self.crawler_process is not None
        crawler = self._create_crawler(args[0])
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        self.exitcode = _exit_code(crawler)


def _exit_code(crawler: Crawler) -> int:
    assert crawler.stats is not None
    reason = crawler.stats.get_value("finish_reason")
    if reason is None:  # it did not come as far as to start, or to end in order
        return _FAILED
    if reason == "shutdown":
        return _INTERRUPTED
    return _FAILED if Run.of(crawler).outcome(reason) == "failed" else 0
