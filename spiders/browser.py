"""Chromium, for what shows nothing without scripts, and for pictures of pages.

Chromium is cut off from the network. The page that it shows has come through Scrapy, and what that asks for is fetched
by Scrapy, so that robots.txt, the pace of each host, the host map and the guard against private addresses hold for it
too. Imported only where Chromium is used, as a plain crawl has no use for it.
"""

import asyncio
import contextlib
import logging
from typing import cast
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route
from playwright.async_api import Error as BrowserError
from playwright.async_api import Request as BrowserRequest
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

from spiders.ending import EndingError
from spiders.net import Handler
from spiders.shown import SHOWN_MAX_S, Shown, fetch, header_lines

logger = logging.getLogger(__name__)

#: Served from content networks, at the pace that is theirs
_STATIC = {"stylesheet", "image", "font", "script"}
_NOT_PASSED_ON = {"content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie"}
#: What one page may ask for; each takes its turn at its host
_REQUESTS_MAX = 300
#: Opening an empty page takes a moment, or for ever
_OPENED_MAX_S = 15
_CLOSED_MAX_S = 10
#: In so many Chromiums a page is shown, where each breaks
_TRIES = 2
_MARKETPLACES = ("alibaba.com", "alicdn.com", "etsy.com", "etsystatic.com", "artfire.com")


class BrowserHandler(Handler):
    """Plain HTTP, and Chromium for requests that ask for it: started for the first of them, and anew where it broke."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._crawler = crawler
        self._starting = asyncio.Lock()
        self._chromium: _Chromium | None = None

    async def download_request(self, request: Request) -> Response:
        """Fetch one request, or show a page.

        Raises EndingError where something of a page is not asked for any more, DownloadTimeoutError for one whose
        scripts never end, DownloadFailedError where Chromium broke each time, and Playwright's Error.
        """
        shown: Shown | None = request.meta.get("shown")
        if shown is None:
            return await super().download_request(request)
        for _ in range(_TRIES):
            try:
                chromium = await self._running()
                return await chromium.show(request, shown)
            except _BrokenError as exc:
                logger.warning("%s: Chromium broke: %s", request.url, exc)
        raise DownloadFailedError(f"{request.url}: Chromium broke {_TRIES} times before it had shown this")

    async def close(self) -> None:
        """End Chromium too."""
        await super().close()
        if self._chromium is not None:
            await self._chromium.close()

    async def _running(self) -> "_Chromium":
        async with self._starting:
            if self._chromium is None or self._chromium.is_broken:
                self._chromium = _Chromium(self._crawler)
                await self._chromium.start()
            return self._chromium


class _BrokenError(Exception):
    """A process of Chromium has ended, or it opens no page."""


class _Chromium(ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]  # an untyped base
    """One Chromium, with all that Playwright and its handler know of it.

    Playwright may wait for ever for what it asked of a Chromium that lost a process, and a Chromium that lost the
    process that makes the others shows nothing any more. So one that broke gets no further pages, and is put away
    with the last that it has, and what waits for it.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # Another one is started instead.
        self.config.restart_disconnected_browser = False
        self.config.target_closed_max_retries = 0
        #: Until it runs
        self.is_broken = True
        self._is_closed = False
        self._showing: set[Shown] = set()

    async def start(self) -> None:
        """Start it.

        Raises _BrokenError.
        """
        try:
            await self._launch()
            await self._maybe_launch_browser()
        except BrowserError as exc:
            await self.close()
            raise _BrokenError(f"it does not start: {exc}") from exc
        self.browser.on("disconnected", self._disconnected)
        # That may have been before anyone listened.
        self.is_broken = not self.browser.is_connected()

    async def show(self, request: Request, shown: Shown) -> Response:
        """Show a page.

        Raises _BrokenError, EndingError, DownloadTimeoutError and Playwright's Error.
        """
        self._showing.add(shown)
        try:
            async with asyncio.timeout(_OPENED_MAX_S) as time:
                shown.begin(time)
                return cast("Response", await self.download_request(request))
        except (BrowserError, TimeoutError) as exc:
            if shown.is_left:
                raise EndingError from exc
            if shown.page is None or shown.is_lost or not self.browser.is_connected():
                self.is_broken = True
                raise _BrokenError("it opens no page" if shown.page is None else "the page was lost") from exc
            if isinstance(exc, BrowserError):
                raise
            raise DownloadTimeoutError(f"{request.url}: not shown within {SHOWN_MAX_S} s") from exc
        finally:
            self._showing.remove(shown)
            if not self.is_broken:
                await _close(shown.page)
            elif not self._showing:
                await self.close()

    async def close(self) -> None:
        """End it, and Playwright with it, whatever they still answer; more than once is as once."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            async with asyncio.timeout(_CLOSED_MAX_S):
                await super().close()
        except (BrowserError, TimeoutError):
            await self.browser_provider.close()

    def _disconnected(self, _browser: Browser) -> None:
        self.is_broken = True
        for shown in self._showing:
            shown.lose()


async def open_page(page: Page, request: Request) -> None:
    """Have a new Chromium page ask Scrapy for all it wants; the `playwright_page_init_callback` of requests."""
    shown: Shown = request.meta["shown"]
    shown.open(page)

    async def answer(route: Route) -> None:
        try:
            await _answer(route, shown)
        except BrowserError:
            logger.debug("the page was closed before %s came", route.request.url)

    await page.route("**/*", answer)
    page.on("popup", _close)


async def _close(page: Page | None) -> None:
    if page is not None and not page.is_closed():
        with contextlib.suppress(BrowserError, TimeoutError):
            await asyncio.wait_for(page.close(), _CLOSED_MAX_S)


async def _answer(route: Route, shown: Shown) -> None:
    wanted = route.request
    document = shown.document
    if not _may_load(wanted, shown) or shown.asked >= _REQUESTS_MAX:
        await route.abort()
        return
    shown.asked += 1
    if wanted.is_navigation_request():
        await _fulfil(route, document)
        return
    headers = {"Referer": document.url, "Accept": wanted.headers.get("accept", "*/*")}
    static = wanted.resource_type in _STATIC
    try:
        response = await fetch(shown.crawler, wanted.url, static=static, headers=headers, meta=shown.meta)
    except EndingError:
        shown.leave()
        await route.abort()
        return
    except Exception as exc:  # barred by robots.txt, too large, not to be had: the page does without it
        logger.debug("%s is left out of the page: %s", wanted.url, exc)
        await route.abort()
        return
    await _fulfil(route, response)


def _may_load(wanted: BrowserRequest, shown: Shown) -> bool:
    """Return whether a page may have something: itself, and to read only, from marketplaces only, what it needs."""
    if wanted.is_navigation_request():
        return wanted.url == shown.document.url and wanted.frame.parent_frame is None
    return wanted.method == "GET" and wanted.resource_type in shown.loads and not _is_foreign(wanted.url)


def _is_foreign(url: str) -> bool:
    """Return whether an address is on a host that no marketplace owns."""
    host = urlsplit(url).hostname or ""
    return not any(host == domain or host.endswith("." + domain) for domain in _MARKETPLACES)


async def _fulfil(route: Route, response: Response) -> None:
    headers = {name: value for name, value in header_lines(response) if name.lower() not in _NOT_PASSED_ON}
    await route.fulfill(status=response.status, headers=headers, body=response.body)
