"""`scrapy crawl` that refuses a wrong argument, a missing contact or an absent database before it starts."""

import argparse
import sys

from scrapy.commands import crawl
from theftwatch.db.server import connect_dsn

from spiders.base import MarketplaceSpider
from theftwatch.config import settings
from theftwatch.errors import TheftWatchError


class Command(crawl.Command):
    """Scrapy's command with our checks before it."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check, then crawl."""
        assert self.crawler_process is not None
        try:
            if len(args) == 1 and args[0] in self.crawler_process.spider_loader.list():
                spider = self.crawler_process.spider_loader.load(args[0])
                assert issubclass(spider, MarketplaceSpider)
                spider.check(opts.spargs, settings())
                connect_dsn(settings())
        except TheftWatchError as exc:
            sys.stderr.write(f"theftwatch: {exc}\n")
            self.exitcode = exc.exit_code
            return
        super().run(args, opts)
