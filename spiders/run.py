"""One execution of a spider: its row in the record, its connections, its files and its threads."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Self

import psycopg
from psycopg_pool import PoolTimeout
from scrapy import signals
from scrapy.crawler import Crawler

import theftwatch
from spiders.counts import Counts
from spiders.ending import Ending
from theftwatch.alarms.examine import examine
from theftwatch.clock import Clock, system_clock
from theftwatch.config import settings
from theftwatch.db import hosts
from theftwatch.db.pool import Pool, connection_pool
from theftwatch.db.queries import Connection, execute
from theftwatch.db.runs import finish_run, insert_run
from theftwatch.db.server import connect_dsn
from theftwatch.errors import DatabaseError, FileStoreError
from theftwatch.files import Files
from theftwatch.image_store import open_files
from theftwatch.reports.alarms import remedy_of, what_of

logger = logging.getLogger(__name__)

_AWAY = "database_away"
HEARTBEAT_S: float = 30
#: How long a database that is away is waited for: less than a run may be silent before another one takes it for killed
PATIENCE_S = 240
_PAUSE_S = 1
#: The last word of a run that ends as the database stays away is not waited for any longer
_LAST_WORD_S = 1


class Run:
    """What the spider and the pipelines of one crawl share; a Scrapy extension, taken by `Run.of`."""

    pool: Pool
    files: Files
    id: int

    def __init__(self, crawler: Crawler) -> None:
        assert crawler.stats is not None
        self.clock: Clock = system_clock
        self.counts = Counts(crawler.stats)
        self.ending = Ending(crawler)
        #: Fingerprinting and verification release the interpreter lock for most of their time
        self.threads = ThreadPoolExecutor(settings().workers, thread_name_prefix="images")
        self._crawler = crawler
        #: Hosts that this crawl has found to refuse us
        self.resting: set[str] = set()
        self._showing: set[str] = set()
        self._opening = asyncio.Lock()
        self._before_close: list[Callable[[], Awaitable[None]]] = []
        self._heart: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_away = False
        #: Why the crawl was ended by `stop`
        self._stopped: str | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        run = cls(crawler)
        crawler.signals.connect(run.close, signals.spider_closed)
        return run

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """Return the run of a crawl."""
        run = crawler.get_extension(cls)
        assert run is not None, "spiders.run.Run is missing from EXTENSIONS"
        return run

    def before_close(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have some work done when the crawl has ended, while the record can still be written to."""
        self._before_close.append(work)

    async def open(self) -> None:
        """Connect and write the run's row; the first of several callers does it.

        Raises DatabaseError, and FileStoreError where the image store is not that of the database.
        """
        async with self._opening:
            if self._heart is not None:
                return
            spider = self._crawler.spider
            assert spider is not None
            self.pool = connection_pool(await asyncio.to_thread(connect_dsn, settings()))
            await self.pool.open()
            self.files = await self.ask(lambda connection: open_files(connection, settings(), clock=self.clock))
            self.id = await self.ask(
                lambda connection: insert_run(
                    connection,
                    spider=spider.name,
                    arguments=getattr(spider, "arguments", {}),
                    jobid=getattr(spider, "jobid", None),
                    host=socket.gethostname(),
                    version=theftwatch.__version__,
                    now=self.clock(),
                )
            )
            self._heart = asyncio.create_task(self._beat())
            self._watch = asyncio.create_task(self.ending.watch())

    async def close(self, reason: str) -> None:
        """Write how the run ended, after everything else of it was written."""
        if self._heart is None or self._watch is None:
            return
        for task in (self._heart, self._watch):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        try:
            for work in self._before_close:
                await work()
            lost = await self.ask(
                lambda connection: finish_run(
                    connection,
                    self.id,
                    reason=self._stopped or reason,
                    outcome=self.outcome(reason),
                    stats=self.counts.as_json(),
                    now=self.clock(),
                )
            )
            if lost.gone:
                logger.info("%d listings are gone: their own addresses say so for the second time", lost.gone)
            if lost.removed:
                logger.info("the photos of %d findings are removed: not to be seen for the second time", lost.removed)
            await self._compare()
        except DatabaseError:
            # Why was logged.
            logger.error("how this crawl ended is not in the record; the next one notes that it broke off")  # noqa: TRY400
        finally:
            await self.pool.close()
        self.threads.shutdown()

    async def _compare(self) -> None:
        """Compare this run with those before it, and say what is wrong, and what is over."""
        alarms = await self.ask(lambda connection: examine(connection, now=self.clock()))
        for alarm in alarms:
            if alarm.closed_at:
                logger.info("alarm %d is over: %s", alarm.alarm_id, what_of(alarm))
            else:
                logger.warning("alarm %d: %s; %s", alarm.alarm_id, what_of(alarm), remedy_of(alarm))

    async def ask[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do some work on the record in a transaction of its own, and return what it gives.

        A database that is away is waited for. Raises DatabaseError when it stays away; then the crawl ends, as what it
        saw could not be kept.
        """
        since_s: float | None = None
        left_s: float = PATIENCE_S
        while True:
            try:
                wait_s = _LAST_WORD_S if self._stopped == _AWAY else min(left_s, self.pool.timeout)
                async with self.pool.connection(timeout=wait_s) as connection:
                    answer = await work(connection)
            except psycopg.errors.ProgramLimitExceeded:
                raise  # of what is written, not of a database that is away
            except (psycopg.OperationalError, PoolTimeout) as exc:
                since_s = since_s or time.monotonic()
                left_s = PATIENCE_S - (time.monotonic() - since_s)
                why = next(iter(str(exc).splitlines()), type(exc).__name__)
                if self._stopped or left_s <= 0:
                    message = f"the database stays away ({why}); run it again when `theftwatch db status` is well"
                    self.stop(_AWAY, message)
                    raise DatabaseError(message) from exc
                if not self._is_away:
                    logger.warning("the database is away, and waited for, %d s at most: %s", PATIENCE_S, why)
                    self._is_away = True
                await asyncio.sleep(_PAUSE_S)
            else:
                if self._is_away:
                    logger.info("the database is back")
                    self._is_away = False
                return answer

    async def keep[**P](self, put: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs) -> bytes:
        """Have something put among the files, and return its SHA-256.

        Raises OSError or FileStoreError where they take no more; then the crawl ends, as what it fetches could not be
        kept.
        """
        try:
            return await asyncio.to_thread(put, *args, **kwargs)
        except (OSError, FileStoreError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else exc
            self.stop(
                "files_refused", f"{self.files.place} keeps nothing more ({why}); make room there and run it again"
            )
            raise

    def stop(self, reason: str, message: str) -> None:
        """End the crawl, which has failed; the first reason counts, and its message names the remedy."""
        if self._stopped is None:
            logger.error("the crawl ends: %s", message)
            self._stopped = reason
            self.ending.begin()
            assert self._crawler.engine is not None
            self._stopping = asyncio.create_task(self._crawler.engine.close_spider_async(reason=reason))

    def outcome(self, reason: str) -> Literal["ok", "partial", "blocked", "failed"]:
        """Return what the run may be taken for: a blocked one says nothing about any listing that it did not see."""
        reason = self._stopped or reason
        if reason not in {"finished", "api_quota"}:
            return "blocked" if reason == "blocked" else "failed"
        if self.counts.get("page/blocked") or self.counts.get("page/refused_by_robots"):
            return "blocked"
        if self.counts.get("target/resting") and not self.counts.get("target/ok"):
            return "blocked"  # nothing was left to be asked
        troubles = ("page/changed", "page/unknown", "page/failed", "listing/failed", "image/failed")
        cut_short = reason != "finished"
        return "partial" if cut_short or any(self.counts.get(trouble) for trouble in troubles) else "ok"

    async def leave_alone(self, host: str) -> None:
        """Have no job ask a host for a while that goes on refusing us."""
        self.resting.add(host)
        until = await self.ask(lambda connection: hosts.leave_alone(connection, host, now=self.clock()))
        if until:
            logger.warning(
                "%s goes on refusing us; all jobs leave it alone until %s", host, f"{until:%Y-%m-%d %H:%M} UTC"
            )

    async def note_shown(self, host: str) -> None:
        """Note, once a crawl, that a host shows us pages."""
        if host not in self._showing:
            self._showing.add(host)
            await self.ask(lambda connection: hosts.end_rests(connection, host))

    async def _beat(self) -> None:
        counted = None
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            before, counted = counted, self.counts.progress()
            values = {"now": self.clock(), "stats": self.counts.as_json(), "progressed": counted != before}
            try:
                async with self.pool.connection() as connection:
                    await execute(connection, "beat_run", id=self.id, **values)
            except Exception:
                logger.warning("no heartbeat could be written; the next one comes in %g s", HEARTBEAT_S, exc_info=True)
