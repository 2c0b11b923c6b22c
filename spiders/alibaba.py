"""Alibaba: vendors' product lists and listings."""

import re
from typing import ClassVar
from urllib.parse import quote_plus

from scrapy import Request

from spiders.arguments import Kind, Start
from spiders.base import MarketplaceSpider
from theftwatch.errors import UsageError
from theftwatch.pages.alibaba_urls import showroom_url

_SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*", re.IGNORECASE)


class AlibabaSpider(MarketplaceSpider):
    """Crawls vendors; robots.txt bars the trade search, so a search is refused unless the host's rules change."""

    name = "alibaba"
    allowed_domains: ClassVar = ["alibaba.com", "alicdn.com"]
    kinds: ClassVar[tuple[Kind, ...]] = ("vendor", "url", "showroom", "search")

    @classmethod
    def requests(cls, start: Start) -> list[Request]:
        """Return where a vendor's product list, a page, a showroom or a search begins."""
        match start.kind:
            case "vendor" if _SUBDOMAIN.fullmatch(start.value):
                return [Request(f"https://{start.value}.en.alibaba.com/productlist.html")]
            case "vendor" | "url" if start.value.startswith("https://"):
                return [Request(start.value)]
            case "showroom" if address := showroom_url(start.value):
                return [Request(address)]
            case "search":
                return [Request(f"https://www.alibaba.com/trade/search?SearchText={quote_plus(start.value)}")]
        raise UsageError(
            f"-a {start.kind}={start.value}: give a vendor's subdomain, words, or an address with https://"
        )
