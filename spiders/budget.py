"""Each request waits for its site's turn, which all jobs share; a host that refuses us or asks for it is left alone."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from spiders.ending import EndingError
from spiders.run import Run
from theftwatch.db import hosts
from theftwatch.db.hosts import Turn
from theftwatch.pages.etsy_api import read_limits
from theftwatch.pages.read import pace_of

#: Answers that may say how long to wait
_ASKS_FOR_TIME = {429, 503}
_RETRY_AFTER_MAX_S = 7 * 24 * 3600
#: The slot that all hosts of images share, which are asked as one
IMAGES = "images"


class HostRestsError(IgnoreRequest):
    """Raised for a request to a host that refused us and is left alone for a while."""


class CallsSpentError(HostRestsError):
    """Raised for a call to a host whose calls of the day are spent."""


class HostBudget:
    """A downloader middleware, the last before the network."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._unused: list[Turn] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let a request go when it is its turn.

        Raises HostRestsError while its host is left alone, EndingError when the crawl is to end.
        """
        run = Run.of(self._crawler)
        if run.ending.has_begun:
            raise EndingError
        if "shown" in request.meta:
            return  # to Chromium, and to no host
        host = host_of(request)
        # Scrapy's own slots too are those of the pace: it asks for one page at a time in each.
        pace = request.meta["download_slot"] = pace_of(host)
        usual, delay = self._delays(pace)
        await run.open()
        now = run.clock()
        turn_at = await run.ask(
            lambda connection: hosts.take_turn(
                connection, host, pace=pace, delay=delay, asked_for=None if delay == usual else delay, now=now
            )
        )
        if turn_at is not None:
            try:
                await run.ending.sleep((turn_at - now).total_seconds())
            except EndingError:
                if not self._unused:
                    run.before_close(self._give_back)
                self._unused.append(Turn(at=turn_at, pace=pace, delay=delay))
                raise
            if host not in run.resting:
                return
        rest = await run.ask(lambda connection: hosts.find_rest(connection, host))
        until = f"{rest.until:%Y-%m-%d %H:%M} UTC" if rest else "now"
        if rest and rest.spent:
            raise CallsSpentError(f"{host} grants no more calls today; it is asked again from {until}")
        raise HostRestsError(f"{host} refused us, and is left alone until {until}")

    async def process_response(self, request: Request, response: Response) -> Response:
        """Note for all jobs what a host says of its limits, and pass its answer on."""
        if "shown" in request.meta:
            return response  # what its host said of its limits was read when it came
        run = Run.of(self._crawler)
        now = run.clock()
        limits = read_limits({name.decode(): values[-1].decode() for name, values in response.headers.items()})
        wait = _retry_after(response, now) if response.status in _ASKS_FOR_TIME else None
        if wait is not None or limits.remaining_today is not None:
            host = host_of(request)
            await run.ask(
                lambda connection: hosts.note_limits(
                    connection,
                    host,
                    pace=pace_of(host),
                    wait=wait,
                    calls_per_day=limits.per_day,
                    calls_left=limits.remaining_today,
                    now=now,
                )
            )
        return response

    async def _give_back(self) -> None:
        """Give back the turns that came to nothing, so that the next run need not wait for them."""
        await Run.of(self._crawler).ask(lambda connection: hosts.give_back(connection, self._unused))

    def _delays(self, slot: str) -> tuple[timedelta, timedelta]:
        """Return the usual delay, and that of a slot now, which slowness, limits or a rule for it may have changed."""
        engine = self._crawler.engine
        assert engine is not None
        known = engine.downloader.slots.get(slot)
        fixed = self._crawler.settings.getdict("DOWNLOAD_SLOTS").get(slot, {})
        usual = self._crawler.settings.getfloat("DOWNLOAD_DELAY")
        return timedelta(seconds=usual), timedelta(seconds=known.delay if known else fixed.get("delay", usual))


def _retry_after(response: Response, now: datetime) -> timedelta | None:
    """Return how long a host wants to be left alone: so many seconds, or until a moment (RFC 9110, 10.2.3)."""
    text = (response.headers.get("Retry-After") or b"").decode("ascii", "replace").strip()
    try:
        if text.isdecimal():
            return timedelta(seconds=min(int(text), _RETRY_AFTER_MAX_S))
        return max(parsedate_to_datetime(text) - now, timedelta(0))
    except (ValueError, TypeError):
        # no date, one that does not say in which zone, or thousands of digits
        return None


def host_of(request: Request) -> str:
    """Return the host of a request; those of images have one name for all."""
    if request.meta.get("download_slot") == IMAGES:
        return IMAGES
    return urlsplit(request.url).hostname or ""
