"""ArtFire: shops and listings, live or as the Internet Archive keeps them."""

import re
from typing import ClassVar
from urllib.parse import quote_plus

from scrapy import Request

from spiders.arguments import Kind, Start
from spiders.base import MarketplaceSpider
from theftwatch.errors import UsageError
from theftwatch.pages.archive import index_url
from theftwatch.pages.artfire_urls import HOME

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
                return [Request(f"{HOME}/ext/shop/home/{start.value}")]
            case "archive" if _SHOP.fullmatch(start.value):
                return [Request(index_url(f"{HOME}/ext/shop/product_view/{start.value}/", prefix=True))]
            case "shop" | "url" if start.value.startswith(("https://", "http://")):
                return [Request(start.value)]
            case "search":
                words = quote_plus(start.value)
                return [Request(f"{HOME}/ext/discover/?search_term={words}&sort_by=newest&json=yup")]
        raise UsageError(f"-a {start.kind}={start.value}: give a shop's name, or an address with https://")
