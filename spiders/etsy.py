"""Etsy: shops and listings, by its Open API where a key is set, else by its pages."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote_plus, urlsplit

from scrapy import Request
from scrapy.http import Response, TextResponse

from spiders.arguments import Kind, Start
from spiders.base import MarketplaceSpider
from spiders.run import Run
from theftwatch.config import Settings, settings
from theftwatch.db import store
from theftwatch.errors import PageBlockedError, PageError, UsageError
from theftwatch.listing import Listing, Page, PageKind
from theftwatch.pages import etsy_api
from theftwatch.pages.etsy_urls import listing_url, read_address, shop_url

_SHOP = re.compile(r"\w{1,50}")
_TOO_MANY = 429
_CALLS_AGAIN_MAX = 5
#: Listings that a shop no longer lists and that are asked for in one visit, those first that were seen the longest ago
_UNLISTED_MOST = 500
_PAUSE_MAX_S = 60


class EtsySpider(MarketplaceSpider):
    """Crawls shops; Etsy's pages refuse most plain clients, so a key for the API is the way to go."""

    name = "etsy"
    allowed_domains: ClassVar = ["etsy.com", "etsystatic.com"]
    kinds: ClassVar[tuple[Kind, ...]] = ("shop", "url", "search")

    @classmethod
    def check(cls, given: dict[str, str], own: Settings) -> None:
        """Check the arguments and the form of the key.

        Raises UsageError.
        """
        if own.etsy_api_key:
            etsy_api.key_header(own.etsy_api_key.get_secret_value())
        super().check(given, own)

    @classmethod
    def requests(cls, start: Start) -> list[Request]:
        """Return where a shop, a page or a search begins."""
        if start.kind == "search":
            words = quote_plus(start.value)
            call = f"{etsy_api.BASE_URL}/listings/active?limit={etsy_api.BATCH_SIZE}&keywords={words}"
            url = call if _key() else f"https://www.etsy.com/search?q={words}"
        elif start.kind == "shop" and _SHOP.fullmatch(start.value):
            url = etsy_api.shop_by_name_url(start.value) if _key() else shop_url(start.value)
        elif start.value.startswith("https://"):
            url = _call_for(start.value) if _key() else start.value
        else:
            raise UsageError(f"-a {start.kind}={start.value}: give a shop's name, or an address with https://")
        return [_call(url) if url.startswith(etsy_api.BASE_URL) else Request(url)]

    def __init__(self, *args: Any, **kwargs: str) -> None:
        super().__init__(*args, **kwargs)
        #: Of each shop whose lists the API has given so far, the listings on them
        self._listed: dict[str, set[str]] = {}

    def read_response(self, response: Response) -> Page:
        """Read a page, or an answer of the API with what its headers say of the limits.

        Raises PageError.
        """
        if not _is_call(response.url):
            return super().read_response(response)
        self._obey_limits(response)
        if response.status >= 400:
            refusal = etsy_api.read_refusal(
                response.status, response.text if isinstance(response, TextResponse) else ""
            )
            raise refusal if isinstance(refusal, PageError) else PageBlockedError(str(refusal))
        return super().read_response(response)

    def again(self, response: Response, exc: PageError) -> Iterator[Request]:
        """Yield the call that came too fast once more; the host's slot holds it back as long as Etsy asked."""
        calls = response.meta.get("calls", 1)
        if _is_call(response.url) and response.status == _TOO_MANY and calls <= _CALLS_AGAIN_MAX:
            assert response.request is not None
            yield response.request.replace(dont_filter=True, meta={**response.request.meta, "calls": calls + 1})
        else:
            yield from super().again(response, exc)

    def go_on(self, page: Page, response: Response) -> Iterator[Listing | Request]:
        """Yield what a page leads to; the API's lists lead to batches, as only these give images."""
        if not _is_call(response.url):
            yield from super().go_on(page, response)
            return
        if page.kind is PageKind.PROFILE:
            yield from self._listings_of(page, response)
        elif page.kind is PageKind.LISTING:
            yield from page.listings
        else:
            refs = [listing.listing_ref for listing in page.listings if self.take()]
            if refs:
                yield self.page_request(_call(etsy_api.batch_url(refs), priority=1))
            if page.next_page and self.wants_more:
                yield self.page_request(_call(page.next_page))

    async def _compare(self, target: int | None, page: Page, response: Response) -> Iterable[Listing | Request]:
        """Return what is to be done of a page; of the API's lists, also calls for what a shop no longer lists."""
        work = await super()._compare(target, page, response)
        if not _is_call(response.url):
            return work
        if response.meta.get("unlisted"):
            return [*work, *self._ask_for_each(page, response)]
        return [*work, *await self._find_unlisted(page, response)]

    async def _find_unlisted(self, page: Page, response: Response) -> list[Request]:
        """Return calls, after the last list of a shop, for the listings that are in the record and on none of them.

        They have no addresses of their own among the targets, and it is for them to say what became of them.
        """
        shop_ref = etsy_api.listed_shop(response.url)
        if shop_ref is None:
            return []
        listed = self._listed.setdefault(shop_ref, set())
        listed.update(listing.listing_ref for listing in page.listings)
        if page.next_page or not self.wants_more:
            return []
        refs = await Run.of(self.crawler).ask(
            lambda connection: store.find_unlisted(connection, self.name, shop_ref, listed, most=_UNLISTED_MOST)
        )
        batches = [refs[start : start + etsy_api.BATCH_SIZE] for start in range(0, len(refs), etsy_api.BATCH_SIZE)]
        calls = [_call(etsy_api.batch_url(batch)) for batch in batches]
        return [
            self.page_request(call.replace(meta={**call.meta, "unlisted": batch}))
            for call, batch in zip(calls, batches, strict=True)
        ]

    def _ask_for_each(self, page: Page, response: Response) -> list[Request]:
        """Return calls for the listings of a batch of which its answer says nothing: their own may say "not found"."""
        told = {listing.url for listing in page.listings} | set(page.gone_urls)
        silent = [ref for ref in response.meta["unlisted"] if listing_url(ref) not in told]
        return [self.page_request(_call(etsy_api.api_listing_url(ref))) for ref in silent]

    def listing_urls(self, page: Page, response: Response) -> tuple[str, ...]:
        """Return the listings that a page's list leads to; those of the API's lists come in batches."""
        return () if _is_call(response.url) else super().listing_urls(page, response)

    def is_kept(self, response: Response) -> bool:
        """Return whether a page may be asked for with a condition; the API knows none."""
        return not _is_call(response.url)

    def _listings_of(self, page: Page, response: Response) -> Iterator[Request]:
        """Yield the first list of the shop that was asked for; the search by name also finds similar names."""
        asked = dict(parse_qsl(urlsplit(response.url).query)).get("shop_name", "").lower()
        for seller in page.sellers:
            if seller.ref and (seller.name or "").lower() == asked:
                yield self.page_request(_call(etsy_api.active_listings_url(seller.ref)))

    def _obey_limits(self, response: Response) -> None:
        limits = etsy_api.read_limits({name.decode(): values[-1].decode() for name, values in response.headers.items()})
        assert self.crawler.engine is not None
        slot = self.crawler.engine.downloader.slots.get(response.meta["download_slot"])
        if slot:
            # What all jobs have to wait for, and the calls of the day, `spiders.budget` keeps for them.
            slot.delay = min(limits.pause_s, _PAUSE_MAX_S)
            slot.jitter = 0.0  # any sooner would be one call too many


def _key() -> str | None:
    key = settings().etsy_api_key
    return key.get_secret_value() if key else None


def _call(url: str, *, priority: int = 0) -> Request:
    """Return a call of the API: it has limits of its own in place of robots.txt and a delay."""
    meta = {"dont_obey_robotstxt": True, "autothrottle_dont_adjust_delay": True}
    return Request(url, headers=etsy_api.key_header(_key() or ""), meta=meta, priority=priority)


def _is_call(url: str) -> bool:
    return url.startswith(etsy_api.BASE_URL)


def _call_for(url: str) -> str:
    """Return the call that gives what a page of the site shows; the address itself where none does."""
    address = read_address(url)
    if address.kind is PageKind.LISTING and address.listing_ref:
        return etsy_api.api_listing_url(address.listing_ref)
    if address.kind is PageKind.SHOP and address.shop_name:
        return etsy_api.shop_by_name_url(address.shop_name)
    return url
