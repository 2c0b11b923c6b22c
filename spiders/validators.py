"""Pages of targets are asked for with the condition that they have changed, where their hosts gave means to say so.

So are photos that are stored and asked for again.
"""

from collections.abc import Iterable
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from spiders.leases import target_of
from spiders.run import Run
from theftwatch.db.validators import ImageValidator, Validator, find_validator

_META = "validator"
#: Where the request for a photo names with what it is asked for
PHOTO = "photo_validator"
NOT_MODIFIED = 304
_CONDITIONS = ("If-None-Match", "If-Modified-Since")
#: No host needs more; a longer one is not worth its place in the record
_LENGTH_MAX = 1000


class Conditional:
    """A downloader middleware: what a person starts is read anew, and so is what Chromium is to show."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Add the condition that belongs to this address, and none that a redirected request brought along."""
        for name in _CONDITIONS:
            request.headers.pop(name, None)
        request.meta.pop(_META, None)
        photo: ImageValidator | None = request.meta.get(PHOTO)
        if photo and photo.url == request.url:
            request.headers.update(photo.headers)
        target = target_of(request)
        if target is None or request.meta.get("playwright"):
            return
        run = Run.of(self._crawler)
        validator = await run.ask(
            lambda connection: find_validator(connection, request.url, target=target, now=run.clock())
        )
        if validator:
            request.headers.update(validator.headers)
            request.meta[_META] = validator


def unchanged_page(response: Response) -> Validator | None:
    """Return what was kept of a page that has not changed; None for a page that was sent."""
    validator: Validator | None = response.meta.get(_META)
    return validator if response.status == NOT_MODIFIED else None


def validator_of(response: Response, *, listing_refs: Iterable[str], leads_to: Iterable[str]) -> Validator | None:
    """Return what is to be kept of a page that was read; None where its host gave no means to ask for it again."""
    given = _given(response)
    return (
        Validator(url=response.url, listing_refs=tuple(listing_refs), leads_to=tuple(leads_to), **given)
        if given
        else None
    )


def image_validator_of(response: Response, sha256: bytes) -> ImageValidator | None:
    """Return what is to be kept of an image that was sent; None where its host gave no means to ask for it again."""
    given = _given(response)
    return ImageValidator(url=response.url, sha256=sha256, **given) if given else None


def _given(response: Response) -> dict[str, str]:
    """Return what a host gave to ask for something again, by the names of our fields."""
    given = {"etag": _header(response, "ETag"), "last_modified": _header(response, "Last-Modified")}
    return {name: value for name, value in given.items() if value}


def _header(response: Response, name: str) -> str | None:
    value = (response.headers.get(name) or b"").decode("latin-1").strip()
    return value if value and len(value) <= _LENGTH_MAX and value.isprintable() else None
