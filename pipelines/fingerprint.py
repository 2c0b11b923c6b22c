"""Fingerprints the images that the record does not hold yet."""

import asyncio
from dataclasses import replace
from typing import Self

from scrapy.crawler import Crawler

from spiders.run import Run
from theftwatch.db.images import find_stored_images
from theftwatch.db.records import ImageRecord, ListingRecord, image_record


class FingerprintPipeline:
    """Computes hashes off the event loop, in as many threads as there are cores to spare."""

    def __init__(self, crawler: Crawler) -> None:
        self._run = Run.of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def process_item(self, item: ListingRecord) -> ListingRecord:
        """Return the listing with its new images fingerprinted, or marked with why they cannot be compared."""
        if not item.new_images:
            return item
        sha256s = [image.sha256 for image in item.new_images]
        stored = await self._run.ask(lambda connection: find_stored_images(connection, sha256s))
        loop = asyncio.get_running_loop()
        images = await asyncio.gather(
            *(
                loop.run_in_executor(self._run.threads, self._fingerprint, image.sha256)
                for image in item.new_images
                if image.sha256 not in stored
            )
        )
        self._run.counts.inc("image/fingerprinted", len(images))
        self._run.counts.inc("image/unusable", sum(image.unusable_reason is not None for image in images))
        return replace(item, new_images=tuple(images))

    def _fingerprint(self, sha256: bytes) -> ImageRecord:
        return image_record(self._run.files.get(sha256))
