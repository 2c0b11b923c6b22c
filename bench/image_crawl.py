"""One crawl of photos, in a process of its own; prints how many it hashed.

python -m bench.image_crawl theftwatch|scrapy PHOTOS PORT FOLDER
"""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings

from bench.fingerprint import hash_full
from spiders.idle import wait_for_items
from theftwatch.listing import Listing, ListingImage

#: As many as a listing has, more or less
_PER_LISTING = 6
#: The pipelines of the product that take part: those before the store
_PIPELINES = ("pipelines.images.ImagesPipeline", "pipelines.fingerprint.FingerprintPipeline")


class PhotoSpider(Spider):
    """Passes listings on, as if their pages had been read."""

    name = "photos"
    photos: int

    async def start(self) -> AsyncIterator[Listing]:
        """Yield the listings."""
        for first in range(0, self.photos, _PER_LISTING):
            numbers = range(first, min(first + _PER_LISTING, self.photos))
            yield Listing(
                marketplace="alibaba",
                listing_ref=str(first),
                url=f"https://www.alibaba.com/product-detail/_{first}.html",
                images=tuple(
                    ListingImage(url=f"https://s.alicdn.com/kf/{number}.jpg", key=str(number), position=position)
                    for position, number in enumerate(numbers)
                ),
            )
        await wait_for_items(self.crawler)


class PlainSpider(PhotoSpider):
    """Passes the same on in the form that Scrapy's own pipeline takes."""

    port: int

    async def start(self) -> AsyncIterator[Any]:
        """Yield the items."""
        async for listing in super().start():
            urls = [f"http://127.0.0.1:{self.port}/kf/{image.key}.jpg" for image in listing.images]
            yield {"image_urls": urls, "images": []}


class ImagehashPipeline:
    """Hashes what Scrapy's ImagesPipeline has kept."""

    def __init__(self, crawler: Any) -> None:
        self._stats = crawler.stats
        self._folder = Path(crawler.settings["IMAGES_STORE"])

    @classmethod
    def from_crawler(cls, crawler: Any) -> "ImagehashPipeline":
        """Set up for a crawl."""
        return cls(crawler)

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return the item as it is; its hashes are for the clock alone."""
        for image in item["images"]:
            hash_full((self._folder / image["path"]).read_bytes())
            self._stats.inc_value("hashed")
        return item


def main() -> None:
    """Crawl as the command line says."""
    way, photos, port, folder = sys.argv[1:]
    settings = Settings()
    if way == "theftwatch":
        settings.setmodule("theftwatch.settings", priority="project")
        order = settings.getdict("ITEM_PIPELINES")
        settings.set("ITEM_PIPELINES", {name: order[name] for name in _PIPELINES}, priority="cmdline")
    else:
        own = {"scrapy.pipelines.images.ImagesPipeline": 1, "bench.image_crawl.ImagehashPipeline": 2}
        settings.setdict(
            {"ITEM_PIPELINES": own, "IMAGES_STORE": folder, "LOG_LEVEL": "INFO", "TELNETCONSOLE_ENABLED": False},
            priority="project",
        )
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler(PhotoSpider if way == "theftwatch" else PlainSpider)
    process.crawl(crawler, photos=int(photos), port=int(port))
    process.start()
    assert crawler.stats is not None
    counter = "theftwatch/image/fingerprinted" if way == "theftwatch" else "hashed"
    sys.stdout.write(f"{crawler.stats.get_value(counter, 0)}\n")


if __name__ == "__main__":
    main()
