"""Log lines without the data they are about."""

from typing import Any

from scrapy import Spider, logformatter
from scrapy.http import Response
from twisted.python.failure import Failure


class LogFormatter(logformatter.LogFormatter):
    """Names an item by its key: a listing is hostile text, and long."""

    def scraped(
        self, item: Any, response: Response | Failure | None, spider: Spider
    ) -> logformatter.LogFormatterResult:
        """Log that an item went through all pipelines."""
        return super().scraped(_name(item), response, spider)

    def dropped(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> logformatter.LogFormatterResult:
        """Log that a pipeline refused an item."""
        return super().dropped(_name(item), exception, response, spider)

    def item_error(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> logformatter.LogFormatterResult:
        """Log that a pipeline failed on an item."""
        return super().item_error(_name(item), exception, response, spider)


def _name(item: Any) -> str:
    listing = getattr(item, "listing", getattr(item, "subject", item))
    return f"{getattr(listing, 'marketplace', '?')}/{getattr(listing, 'listing_ref', '?')}"
