"""Chromium, for what shows nothing without scripts, and for pictures of pages.

Chromium is cut off from the network. The page that it shows has come through Scrapy, and what that asks for is fetched
by Scrapy, so that robots.txt, the pace of each host, the host map and the guard against private addresses hold for it
too. Imported only where Chromium is used, as a plain crawl has no use for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page, Route
from playwright.async_api import Request as BrowserRequest
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadTimeoutError
from scrapy.http import Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

from spiders.net import HostMapped
from theftwatch.config import settings

logger = logging.getLogger(__name__)

#: The slot of requests that ask Chromium, and no host
SLOT = "browser"
#: What the data of a page may come by
DATA = frozenset({"document", "script", "xhr", "fetch"})
#: Served from content networks, at the pace that is theirs
_STATIC = {"stylesheet", "image", "font", "script"}
_NOT_PASSED_ON = {"content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie"}
#: What one page may ask for; each takes its turn at its host
_REQUESTS_MAX = 300
#: A page that never comes to rest is given up
_SHOWN_MAX_S = 300
_CLOSED_MAX_S = 10
_MARKETPLACES = ("alibaba.com", "alicdn.com", "etsy.com", "etsystatic.com", "artfire.com")


@dataclass(slots=True)
class Shown:
    """A page that came, and is being shown; in `meta` of the request that shows it."""

    document: Response
    crawler: Crawler
    #: Kinds of resource, as Playwright names them, that it may load
    loads: Set[str]
    #: What each request that it makes carries along
    meta: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    page: Page | None = None

    def request_meta(self, *, context: str = "default", **how: Any) -> dict[str, Any]:
        """Return the `meta` of a request that shows it; `how` adds to the options of the browser's context."""
        return {
            "shown": self,
            "download_slot": SLOT,
            "autothrottle_dont_adjust_delay": True,
            # robots.txt was asked for this very page, which is not fetched again
            "dont_obey_robotstxt": True,
            "dont_retry": True,
            "playwright": True,
            "playwright_context": context,
            "playwright_context_kwargs": {
                "user_agent": settings().user_agent,
                "service_workers": "block",
                "accept_downloads": False,
                **how,
            },
            "playwright_page_init_callback": "spiders.browser.open_page",
        }


class BrowserHandler(HostMapped, ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]  # an untyped base
    """Plain HTTP, and Chromium for requests that ask for it."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # Who waited for a page of a Chromium that is killed would wait for ever, so nobody waits there.
        self._pages = asyncio.Semaphore(crawler.settings.getint("PLAYWRIGHT_MAX_PAGES_PER_CONTEXT"))

    async def download_request(self, request: Request) -> Response:
        """Fetch one request, or show a page.

        Raises DownloadTimeoutError for a page whose scripts never end.
        """
        shown: Shown | None = request.meta.get("shown")
        if shown is None:
            return await super().download_request(request)
        async with self._pages:
            try:
                async with asyncio.timeout(_SHOWN_MAX_S):
                    return await super().download_request(request)
            except TimeoutError as exc:
                raise DownloadTimeoutError(f"{request.url}: not shown within {_SHOWN_MAX_S} s") from exc
            finally:
                if shown.page is not None and not shown.page.is_closed():
                    with contextlib.suppress(BrowserError, TimeoutError):
                        await asyncio.wait_for(shown.page.close(), _CLOSED_MAX_S)


async def open_page(page: Page, request: Request) -> None:
    """Have a new Chromium page ask Scrapy for all it wants; the `playwright_page_init_callback` of requests."""
    shown: Shown = request.meta["shown"]
    shown.page = page

    async def answer(route: Route) -> None:
        try:
            await _answer(route, shown)
        except BrowserError:
            logger.debug("the page was closed before %s came", route.request.url)

    await page.route("**/*", answer)
    page.on("popup", _close)


async def fetch(
    crawler: Crawler, url: str, *, static: bool, headers: dict[str, str] | None = None, meta: dict[str, Any]
) -> Response:
    """Fetch something that belongs to a page, as every request of a crawl is fetched."""
    if static:
        meta = {**meta, "download_slot": "images", "autothrottle_dont_adjust_delay": True}
    assert crawler.engine is not None
    return await crawler.engine.download_async(Request(url, headers=headers, meta=dict(meta)))


def header_lines(response: Response) -> list[tuple[str, str]]:
    """Return the headers of an answer, each as often as it came."""
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    ]


async def _close(popup: Page) -> None:
    with contextlib.suppress(BrowserError):
        await popup.close()


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
