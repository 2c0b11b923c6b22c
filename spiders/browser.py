"""Chromium, for pages that show nothing without scripts: its host map, and what it may load.

Imported only where `THEFTWATCH_BROWSER` is set, as a plain crawl has no use for it.
"""

from urllib.parse import urlsplit

from playwright.async_api import Page, Route
from playwright.async_api import Request as BrowserRequest
from scrapy import Request
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

from spiders.net import HostMapped
from theftwatch.config import settings


class BrowserHandler(HostMapped, ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]  # an untyped base
    """Plain HTTP, and Chromium for requests that ask for it."""


async def map_hosts(page: Page, _request: Request) -> None:
    """Make a Chromium page fetch mapped hosts from their stand-ins; the `playwright_page_init_callback` of requests."""
    if settings().host_map:
        await page.route("**/*", _fetch_mapped)


async def _fetch_mapped(route: Route) -> None:
    real = urlsplit(route.request.url)
    address = settings().mapped(real.hostname or "")
    if address is None or is_needless(route.request):
        await route.fallback()
        return
    response = await route.fetch(
        url=real._replace(scheme="http", netloc=address).geturl(),
        headers={**route.request.headers, "host": real.netloc},
    )
    await route.fulfill(response=response)


def is_needless(request: BrowserRequest) -> bool:
    """Return whether Chromium should not load something: what carries no data, and hosts no marketplace owns.

    The guard of the resolver does not reach into Chromium, so unknown hosts are refused by name.
    """
    return is_foreign(request.url) or request.resource_type in {"image", "font", "media", "stylesheet"}


def is_foreign(url: str) -> bool:
    """Return whether an address is on a host that no marketplace owns."""
    host = urlsplit(url).hostname or ""
    return not any(host == domain or host.endswith("." + domain) for domain in _BROWSER_DOMAINS)


_BROWSER_DOMAINS = ("alibaba.com", "alicdn.com", "etsy.com", "etsystatic.com", "artfire.com")
