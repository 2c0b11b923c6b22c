"""`scrapy crawl` that refuses a wrong argument, a missing contact or an absent database before it starts."""

import argparse
import sys

from scrapy.commands import crawl
from scrapy.spiderloader import SpiderLoader

from spiders.base import MarketplaceSpider
from theftwatch.config import settings
from theftwatch.db.server import connect_dsn
from theftwatch.errors import TheftWatchError, UsageError


class Command(crawl.Command):
    """Scrapy's command with our checks before it."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check, in one line and with an exit code, before Scrapy sets itself up and logs pages of it."""
        super().process_options(args, opts)
        assert self.settings is not None
        spiders = SpiderLoader.from_settings(self.settings)
        try:
            if len(args) == 1:
                if args[0] not in spiders.list():
                    raise UsageError(f"no spider is called {args[0]!r}; there are {', '.join(sorted(spiders.list()))}")
                spider = spiders.load(args[0])
                assert issubclass(spider, MarketplaceSpider)
                spider.check(opts.spargs, settings())
                connect_dsn(settings())
        except TheftWatchError as exc:
            sys.stderr.write(f"theftwatch: {exc}\n")
            raise SystemExit(exc.exit_code) from None
