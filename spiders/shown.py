"""A page that came and is to be shown in Chromium, as every crawl knows it: Chromium itself is `spiders.browser`."""

import asyncio
from collections.abc import Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from spiders.budget import IMAGES
from theftwatch.config import settings

if TYPE_CHECKING:
    from playwright.async_api import Page

#: The slot of requests that ask Chromium, and no host
SLOT = "browser"
#: What the data of a page may come by
DATA = frozenset({"document", "script", "xhr", "fetch"})
#: A page that never comes to rest is given up
SHOWN_MAX_S = 300


@dataclass(slots=True, eq=False)
class Shown:
    """A page that came, and is being shown; in `meta` of the request that shows it."""

    document: Response
    crawler: Crawler
    #: Kinds of resource, as Playwright names them, that it may load
    loads: Set[str]
    #: What each request that it makes carries along
    meta: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    page: "Page | None" = None
    #: For how long it may go on
    time: asyncio.Timeout | None = None
    is_lost: bool = False
    #: Whether it lacks something that was not asked for, as its crawl is to end
    is_left: bool = False

    def begin(self, time: asyncio.Timeout) -> None:
        """Begin with an empty page that is still to be opened."""
        self.asked, self.page, self.time, self.is_lost = 0, None, time, False

    def open(self, page: "Page") -> None:
        """Go on with the page that was opened."""
        self.page = page
        page.on("crash", lambda _page: self.lose())
        self._end_in(SHOWN_MAX_S)

    def lose(self) -> None:
        """End at once, as Chromium has lost it and may answer nothing that was asked of it."""
        self.is_lost = True
        self._end_in(0)

    def leave(self) -> None:
        """End at once, as the crawl is to end and the page lacks something."""
        self.is_left = True
        self._end_in(0)

    def _end_in(self, seconds: float) -> None:
        if self.time is not None and not self.time.expired():
            self.time.reschedule(asyncio.get_running_loop().time() + seconds)

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


async def fetch(
    crawler: Crawler, url: str, *, static: bool, headers: dict[str, str] | None = None, meta: dict[str, Any]
) -> Response:
    """Fetch something that belongs to a page, as every request of a crawl is fetched."""
    if static:
        meta = {**meta, "download_slot": IMAGES, "autothrottle_dont_adjust_delay": True}
    assert crawler.engine is not None
    return await crawler.engine.download_async(Request(url, headers=headers, meta=dict(meta)))


def header_lines(response: Response) -> list[tuple[str, str]]:
    """Return the headers of an answer, each as often as it came."""
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    ]
