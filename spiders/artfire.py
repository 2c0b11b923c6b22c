"""ArtFire: shops and listings, live or as the Internet Archive keeps them."""

import re
from typing import ClassVar

from scrapy import Request

from spiders.arguments import Kind, Start
from spiders.base import MarketplaceSpider
from theftwatch.errors import UsageError
from theftwatch.pages.archive import index_url
from theftwatch.pages.artfire_urls import listing_prefix, search_url, shop_url

_SHOP = re.compile(r"[\w.-]+")


class ArtfireSpider(MarketplaceSpider):
    """Crawls shops; `archive=SHOP` reads the archive's copies of a shop's listings, whose times are date claims."""

    name = "artfire"
    allowed_domains: ClassVar = ["artfire.com", "web.archive.org"]
    kinds: ClassVar[tuple[Kind, ...]] = ("shop", "archive", "url", "search")

    @classmethod
    def requests(cls, start: Start) -> list[Request]:
        """Return where a shop, a page or a search begins."""
        match start.kind:
            case "shop" if _SHOP.fullmatch(start.value):
                return [Request(shop_url(start.value))]
            case "archive" if _SHOP.fullmatch(start.value):
                return [Request(index_url(listing_prefix(start.value), prefix=True))]
            case "shop" | "url" if start.value.startswith(("https://", "http://")):
                return [Request(start.value)]
            case "search":
                return [Request(search_url(start.value))]
        raise UsageError(f"-a {start.kind}={start.value}: give a shop's name, or an address with https://")
