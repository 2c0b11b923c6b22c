"""Fetches the images of a listing and keeps their exact bytes."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import TextResponse

from spiders.budget import IMAGES, HostRestsError
from spiders.ending import EndingError
from spiders.leases import ErasedSellerError
from spiders.robots import RobotsAwayError
from spiders.run import Run
from spiders.validators import NOT_MODIFIED, PHOTO, image_validator_of
from theftwatch.db.images import KnownImage, find_known_images
from theftwatch.db.queries import Connection
from theftwatch.db.records import ImageRecord, ListingImageRecord, ListingRecord
from theftwatch.db.sellers import is_erased
from theftwatch.db.validators import ImageValidator, find_image_validator
from theftwatch.files import kept
from theftwatch.listing import Listing, ListingImage

logger = logging.getLogger(__name__)

#: Fetches remembered until the record knows of them; many times what one batch of the store holds
_FETCHES_REMEMBERED = 20_000
_REFUSED = 400
_NOT_THERE = {404, 410}


@dataclass(frozen=True, slots=True)
class _Sent:
    """An image that came, and with what it can be asked for again."""

    image: ImageRecord
    validator: ImageValidator | None


#: An image that came, the digest of one that is still the same, or the reason why there is none
type Fetched = _Sent | bytes | str


class ImagesPipeline:
    """Fetches each image once, however many listings show it, and none that the record holds.

    Damaged ones are asked for again all the same; copies in an open case too, on the condition that they have changed.
    Nothing is decoded or encoded here: what is kept may become evidence.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._run = Run.of(crawler)
        self._fetches: OrderedDict[tuple[str, str], asyncio.Task[Fetched]] = OrderedDict()
        # A slot of Scrapy's keeps to its number only where it has a delay; without one it lets all go at once.
        self._turns = asyncio.Semaphore(crawler.settings.getdict("DOWNLOAD_SLOTS")[IMAGES]["concurrency"])

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def open_spider(self) -> None:
        """Connect to the record."""
        await self._run.open()

    async def process_item(self, item: Listing) -> ListingRecord:
        """Return the listing with its images, each with its bytes or the reason why there are none.

        Raises ErasedSellerError, before anything is fetched.
        """

        async def look_up(connection: Connection) -> dict[str, KnownImage] | None:
            if await is_erased(connection, item):
                return None
            return await find_known_images(connection, item, now=self._run.clock())

        stored = await self._run.ask(look_up)
        if stored is None:
            self._run.counts.inc("listing/erased")
            raise ErasedSellerError(f"{item.marketplace}/{item.listing_ref}: its seller was erased; nothing is stored")
        # What someone deleted from the folder is fetched again.
        there = await asyncio.to_thread(kept, self._run.files, [image.sha256 for image in stored.values()])
        known = {key: image for key, image in stored.items() if image.sha256 in there}
        wanted = [image for image in item.images if image.key not in known or _is_asked_again(item, known[image.key])]
        fetched = await asyncio.gather(*(self._fetch_once(item, image, known.get(image.key)) for image in wanted))
        found = dict(zip((image.key for image in wanted), fetched, strict=True))
        self._run.counts.inc("image/known", len(item.images) - len(wanted))
        return ListingRecord(
            listing=item,
            images=tuple(_record(image, known.get(image.key), found.get(image.key)) for image in item.images),
            new_images=tuple(each.image for each in found.values() if isinstance(each, _Sent)),
            side=getattr(self._crawler.spider, "side", None),
        )

    async def _fetch_once(self, listing: Listing, image: ListingImage, known: KnownImage | None) -> Fetched:
        key = (listing.marketplace, image.key)
        if key not in self._fetches:
            is_watched = known is not None and known.is_watched
            self._fetches[key] = asyncio.create_task(self._fetch(listing, image, is_watched=is_watched))
            if len(self._fetches) > _FETCHES_REMEMBERED:
                self._fetches.popitem(last=False)
        return await asyncio.shield(self._fetches[key])

    async def _fetch(self, listing: Listing, image: ListingImage, *, is_watched: bool) -> Fetched:
        url = image.fetch_url or image.url
        before = await self._run.ask(lambda connection: find_image_validator(connection, url)) if is_watched else None
        if before and not await asyncio.to_thread(self._run.files.has, before.sha256):
            before = None
        request = Request(
            url,
            headers={"Referer": listing.url, "Accept": "image/jpeg,image/png,image/webp,image/*;q=0.8"},
            # The delays of pages are not for images; see DOWNLOAD_SLOTS.
            meta={"download_slot": IMAGES, "autothrottle_dont_adjust_delay": True, PHOTO: before},
        )
        assert self._crawler.engine is not None
        try:
            async with self._turns:
                response = await self._crawler.engine.download_async(request)
        except Exception as exc:  # whatever a hostile host makes fail, the listing is still worth storing
            return self._not_had(request, exc)
        if response.status >= _REFUSED:
            return self._missing(request, f"http_{response.status}", is_known=response.status in _NOT_THERE)
        if response.status == NOT_MODIFIED and before:
            self._run.counts.inc("image/known")
            return before.sha256
        if not response.body:
            return self._missing(request, "empty")
        if isinstance(response, TextResponse):
            # A captcha, say. Were it kept for the image, nobody would ask for that again.
            return self._missing(request, "text")
        sha256 = await self._run.keep(self._run.files.put, response.body)
        self._run.counts.inc("image/fetched")
        return _Sent(ImageRecord(sha256=sha256, byte_count=len(response.body)), image_validator_of(response, sha256))

    def _not_had(self, request: Request, exc: Exception) -> str:
        match exc:
            case EndingError():
                # Nothing failed, and a line for each would hide what did.
                self._run.counts.inc("image/missing")
                return "not_fetched"
            case HostRestsError() | RobotsAwayError():
                return self._missing(request, "not_fetched", str(exc))
            case IgnoreRequest():
                return self._missing(request, "refused_by_robots")
            case DownloadCancelledError():
                return self._missing(request, "too_large")
            case _:
                return self._missing(request, "not_fetched", str(exc))

    def _missing(self, request: Request, reason: str, detail: str = "", *, is_known: bool = False) -> str:
        """Note that there are no bytes; `is_known` where the host itself says that there are none."""
        self._run.counts.inc("image/missing")
        if not is_known:
            self._run.counts.inc("image/failed")
        logger.warning("no image at %s: %s %s", request.url, reason, detail)
        return reason


def _is_asked_again(listing: Listing, known: KnownImage) -> bool:
    """Return whether an image is to be had anew; of a card's, no change would count."""
    return listing.complete and (known.is_damaged or known.is_watched)


def _record(image: ListingImage, known: KnownImage | None, fetched: Fetched | None) -> ListingImageRecord:
    match fetched:
        case None:
            assert known is not None
            return ListingImageRecord(image=image, sha256=known.sha256, is_damaged=known.is_damaged)
        case bytes():
            return ListingImageRecord(image=image, sha256=fetched)
        case _Sent(sent, validator):
            is_damaged = known is not None and known.is_damaged and known.sha256 == sent.sha256
            validator = validator if known is not None and known.is_watched else None
            return ListingImageRecord(image=image, sha256=sent.sha256, is_damaged=is_damaged, validator=validator)
        case reason:
            return ListingImageRecord(image=image, missing_reason=reason)
