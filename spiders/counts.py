"""What a crawl counts and notes of itself, among Scrapy's stats: alarms compare it, and status and reports show it."""

import json
from collections.abc import Iterable
from typing import Any

from scrapy.statscollectors import StatsCollector

from theftwatch.listing import Listing

#: Counters that show that something moves on
_PROGRESS = ("downloader/", "theftwatch/")


class Counts:
    """The counters and notes of one crawl; ours have names such as `page/blocked`."""

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats

    def get(self, name: str) -> int:
        """Return a counter of ours."""
        return int(self._stats.get_value(f"theftwatch/{name}", 0))

    def inc(self, name: str, count: int = 1) -> None:
        """Add to a counter of ours."""
        self._stats.inc_value(f"theftwatch/{name}", count)

    def inc_read(self, listings: Iterable[Listing]) -> None:
        """Count the listings that a page shows, in full or by their cards, and what they have."""
        for listing in listings:
            page = "page" if listing.complete else "card"
            self.inc(f"read/{page}")
            self.inc(f"read/{page}/photos", len(listing.images))
            for field, has in (
                ("title", bool(listing.title)),
                ("price", listing.price_min is not None),
                ("seller", listing.seller is not None),
                ("images", bool(listing.images)),
            ):
                self.inc(f"read/{page}/{field}", int(has))

    def note(self, name: str, value: str) -> None:
        """Note a fact of ours beside the counters, such as `recognition/index`."""
        self._stats.set_value(f"theftwatch/{name}", value)

    def progress(self) -> dict[str, Any]:
        """Return what changes while a crawl gets on: what came and went, and what became of it."""
        return {name: value for name, value in self._stats.get_stats().items() if name.startswith(_PROGRESS)}

    def as_json(self) -> str:
        """Return all stats, Scrapy's own included."""
        values: dict[str, Any] = self._stats.get_stats()
        return json.dumps(values, default=str, sort_keys=True)
