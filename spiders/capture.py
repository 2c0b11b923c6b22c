"""Keeps suspect listings as proof: the page as served, how it looked, its photos, and when."""

import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, cast, get_args

from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from spiders.arguments import Arguments, Kind, Start
from spiders.base import MarketplaceSpider, host_of_page
from spiders.budget import HostRestsError
from spiders.ending import EndingError
from spiders.finish import finish
from spiders.reading import problem_kind
from spiders.robots import RobotsAwayError
from spiders.run import Run
from spiders.shown import SLOT, Shown
from spiders.visit import Visit
from theftwatch.chromium import find_chromium, launch_options
from theftwatch.config import Settings, check_live
from theftwatch.config import settings as own_settings
from theftwatch.db.queries import Connection
from theftwatch.errors import PageBlockedError, PageBrokenOffError, PageError, UsageError
from theftwatch.evidence.capture import Due, Why, find_due, find_named, find_subject
from theftwatch.evidence.timestamp import authority_of

logger = logging.getLogger(__name__)

#: Of two pages at once, Chromium draws the one behind wrongly
_BROWSER_PAGES = 1
_ALLOWED = ("finding", "listing", "why", "limit")


class CaptureSpider(MarketplaceSpider):
    """Captures what is due: what was found, what is to be filed, what was removed; or the listing that is named.

    A capture that lacks something as the crawl is to end is none, and stays due.
    """

    name = "capture"
    kinds: ClassVar[tuple[Kind, ...]] = ()

    custom_settings: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # Scrapy's is a variable of instances too
        "ITEM_PIPELINES": {"pipelines.keep.KeepPipeline": 100},
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": _BROWSER_PAGES,
    }

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Add what a capture needs to what holds for every crawl, and use Chromium where there is one."""
        super().update_settings(settings)
        # the next to the network, where answers are as they came
        _add(settings, "DOWNLOADER_MIDDLEWARES", {"spiders.visit.Recorder": 960})
        _add(settings, "DOWNLOAD_SLOTS", {SLOT: {"concurrency": _BROWSER_PAGES, "delay": 0}})
        chromium = find_chromium(own_settings())
        if chromium is not None:
            _add(settings, "DOWNLOAD_HANDLERS", dict.fromkeys(("http", "https"), "spiders.browser.BrowserHandler"))
            settings.set("PLAYWRIGHT_LAUNCH_OPTIONS", launch_options(chromium), priority="spider")

    @classmethod
    def read(cls, given: dict[str, str]) -> Arguments:
        """Check the arguments.

        Raises UsageError.
        """
        for name, value in given.items():
            if name not in (*_ALLOWED, "_job") or not value.strip():
                raise UsageError(f"-a {name}={value}: spider {cls.name} takes {', '.join(_ALLOWED)}; docs/evidence.md")
        if "finding" in given and "listing" in given:
            raise UsageError("-a finding= and -a listing= both name what to capture; give one of them")
        for name in ("finding", "limit"):
            if name in given and not (given[name].isdecimal() and int(given[name])):
                raise UsageError(f"-a {name}={given[name]}: give a number from 1")
        why = given.get("why", "found")
        if why not in get_args(Why.__value__):
            raise UsageError(f"-a why={why}: give one of {', '.join(get_args(Why.__value__))}")
        if why != "found" and not {"finding", "listing"} & given.keys():
            raise UsageError(f"-a why={why}: name what to capture, by -a finding= or -a listing=")
        return Arguments(starts=(), limit=int(given["limit"]) if "limit" in given else None)

    @classmethod
    def is_shared(cls, _given: dict[str, str]) -> bool:
        """Return that they may not, as each would capture the same listings."""
        return False

    @classmethod
    def check(cls, given: dict[str, str], own: Settings) -> None:
        """Check everything that can be wrong before a crawl starts.

        Raises UsageError.
        """
        cls.read(given)
        authority_of(own)
        find_chromium(own)
        if not own.host_map:
            check_live(own)

    @classmethod
    def requests(cls, _start: Start) -> list[Request]:
        """Return nothing, as what to capture stands in the record."""
        return []

    async def start(self) -> AsyncIterator[Any]:
        """Yield a request for each listing to be captured."""
        run = Run.of(self.crawler)
        await run.open()
        self._browser = find_chromium(own_settings()) is not None
        if not self._browser:
            logger.warning("no Chromium is found, so pages are kept without pictures; `make chromium` installs one")
        for due in await run.ask(self._find):
            subject = await run.ask(partial(find_subject, due=due))
            yield Request(
                subject.url,
                callback=self.parse_page,
                errback=self.note_lost,
                meta={"visit": Visit(subject=subject, why=due.why, crawler=self.crawler)},
                dont_filter=True,
            )

    async def _find(self, connection: Connection) -> list[Due]:
        named = {name: self.arguments[name].strip() for name in ("finding", "listing") if name in self.arguments}
        if not named:
            return await find_due(connection, now=Run.of(self.crawler).clock(), most=self._asked.limit)
        finding = int(named["finding"]) if "finding" in named else None
        why = cast("Why", self.arguments.get("why", "found"))
        found = await find_named(connection, why, listing=named.get("listing"), finding=finding)
        if len(found) != 1:
            logger.error(
                "%s: %s by this; give the listing's address, or the number of a finding that counts",
                *named.values(),
                "several listings go" if found else "no listing with a match that counts goes",
            )
            Run.of(self.crawler).counts.inc("page/failed")
            return []
        return found

    async def parse_page(self, response: Response) -> AsyncIterator[Any]:
        """Look at a listing's page: in Chromium, unless it is a block."""
        visit: Visit = response.meta["visit"]
        visit.document = response
        try:
            self.read_response(response)
        except PageBlockedError as exc:
            yield await finish(visit, "blocked", str(exc))
            await self.note_trouble(response, exc)
            return
        except PageError as exc:
            # A page that shows nothing without scripts, or is of no kind that we read, is what it is.
            if isinstance(exc, PageBrokenOffError):
                visit.notes.append("the page came broken off in the middle")
            visit.gone = problem_kind(exc, response.status) == "gone"
            if visit.gone:
                await self.note_trouble(response, exc)
        self.refusals.note_shown(host_of_page(response))
        if not self._browser:
            visit.notes.append("no Chromium was there to show it")
            with suppress(EndingError):
                yield await finish(visit, "page_only")
            return
        # loaded where there is a Chromium, as every crawl loads this module
        from scrapy_playwright.page import PageMethod

        from spiders.shoot import LOADS, VIEWPORT, shoot

        yield Request(
            response.url,
            callback=self.parse_shown,
            errback=self.note_unshown,
            dont_filter=True,
            meta={
                "visit": visit,
                "handle_httpstatus_all": True,
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
                "playwright_page_methods": [PageMethod(shoot, visit)],
                **Shown(document=response, crawler=self.crawler, loads=LOADS, meta=visit.meta).request_meta(
                    context="capture", viewport=VIEWPORT, timezone_id="UTC"
                ),
            },
        )

    async def parse_shown(self, response: Response) -> AsyncIterator[Any]:
        """Finish a capture whose page was shown."""
        with suppress(EndingError):
            yield await finish(response.meta["visit"], "taken")

    async def note_unshown(self, failure: Failure) -> AsyncIterator[Any]:
        """Finish a capture whose page could not be shown, with what there is of it."""
        if isinstance(failure.value, EndingError):
            return
        visit: Visit = failure.request.meta["visit"]  # type: ignore[attr-defined]  # Scrapy puts it there
        logger.warning("%s could not be shown whole: %r", visit.subject.url, failure.value)
        if visit.screenshot is None:
            visit.notes.append("Chromium could not show it")
        with suppress(EndingError):
            yield await finish(visit, "page_only" if visit.screenshot is None else "taken")

    async def note_lost(self, failure: Failure) -> AsyncIterator[Any]:
        """Finish a capture whose page could not be had: barred, or not to be reached."""
        visit: Visit = failure.request.meta["visit"]  # type: ignore[attr-defined]  # Scrapy puts it there
        await self.note_failure(failure)
        match failure.value:
            case EndingError():
                pass
            case HostRestsError():
                yield await finish(visit, "blocked", str(failure.value))
            case RobotsAwayError():
                yield await finish(visit, "failed", str(failure.value))
            case IgnoreRequest():
                why = "robots.txt does not allow it; a person may save the page, and `theftwatch import` it"
                yield await finish(visit, "refused", why)
            case _:
                yield await finish(visit, "failed", f"no answer: {failure.value!r}")


def _add(settings: BaseSettings, name: str, more: dict[str, Any]) -> None:
    settings.set(name, settings.getdict(name) | more, priority="spider")
