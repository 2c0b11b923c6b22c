"""`scrapy crawl` that refuses a wrong argument, an absent database or a second job of the same before it starts."""

import argparse
import json
import socket
import sys
from contextlib import suppress
from pathlib import Path

import psycopg
from scrapy.commands import crawl
from scrapy.crawler import Crawler
from scrapy.spiderloader import SpiderLoader

import theftwatch
from spiders.base import MarketplaceSpider
from spiders.run import Run
from theftwatch.clock import system_clock
from theftwatch.config import settings
from theftwatch.db.connect import connect
from theftwatch.db.job_lock import lock_job
from theftwatch.db.migrate import WRONG_RELEASE
from theftwatch.db.queries import queries
from theftwatch.db.server import bare_dsn, connect_dsn
from theftwatch.errors import SchemaError, TheftWatchError, UsageError
from theftwatch.image_store import NO_IMAGE_STORE, look_for_store

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
            self._lock = _prepare(spider, opts.spargs)
        except TheftWatchError as exc:
            line = f"theftwatch: {exc}\n"
            sys.stderr.write(line)
            if log := self.settings.get("LOG_FILE"):
                # What scrapyd shows as the log of the job.
                with Path(log).open("a", encoding="utf-8") as file:
                    file.write(line)
            raise SystemExit(exc.exit_code) from None

    #: Keeps the same job from starting elsewhere, for as long as this process lives
    _lock: psycopg.Connection | None = None

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Crawl, and fail where the run failed: a schedule sees no more of it than the exit code."""
        assert self.crawler_process is not None
        crawler = self._create_crawler(args[0])
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        self.exitcode = _exit_code(crawler)


def _prepare(spider: type[MarketplaceSpider], given: dict[str, str]) -> psycopg.Connection | None:
    """Check what was given, make the database ready, see its image store, and lock a job that is not shared.

    Raises TheftWatchError; where the schema does not fit or the image store is not seen, a run in the record says so.
    """
    spider.check(given, settings())
    try:
        dsn = connect_dsn(settings())
    except SchemaError:
        _note_refused(spider, given, WRONG_RELEASE)
        raise
    try:
        look_for_store(dsn, settings())
    except TheftWatchError:
        _note_refused(spider, given, NO_IMAGE_STORE)
        raise
    return None if spider.is_shared(given) else lock_job(dsn, spider.name, _arguments(given))


def _note_refused(spider: type[MarketplaceSpider], given: dict[str, str], reason: str) -> None:
    """Note a run that did not begin. A database that has no runs yet, or that went away, can be told nothing."""
    with suppress(TheftWatchError, psycopg.Error), connect(bare_dsn(settings()), remedy="") as connection:
        connection.execute(
            queries()["insert_refused_run"],
            {
                "spider": spider.name,
                "arguments": json.dumps(_arguments(given)),
                "jobid": given.get("_job"),
                "host": socket.gethostname(),
                "version": theftwatch.__version__,
                "finish_reason": reason,
                "now": system_clock(),
            },
        )


def _arguments(given: dict[str, str]) -> dict[str, str]:
    """Return what a job was given, without what scrapyd adds."""
    return {name: value for name, value in given.items() if name != "_job"}


def _exit_code(crawler: Crawler) -> int:
    assert crawler.stats is not None
    reason = crawler.stats.get_value("finish_reason")
    if reason is None:  # it did not come as far as to start, or to end in order
        return _FAILED
    if reason == "shutdown":
        return _INTERRUPTED
    return _FAILED if Run.of(crawler).outcome(reason) == "failed" else 0
