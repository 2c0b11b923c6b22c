"""Refuses what cannot be stored, and cleans the text of hostile listings."""

import re
from dataclasses import replace

from scrapy.exceptions import DropItem

from theftwatch.listing import Listing, Seller

#: No marketplace lets a listing hold near as many; a page that names more is not what we took it for
IMAGES_MAX = 100
TEXT_MAX = 2_000

# Postgres cannot hold NUL, and a lone surrogate is no text; the other control characters upset terminals.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class ValidatePipeline:
    """Passes listings on that have a key, an address and a sane number of images."""

    def process_item(self, item: Listing) -> Listing:
        """Return a listing with clean text.

        Raises DropItem for one that cannot be stored.
        """
        key = f"{item.marketplace}/{item.listing_ref}"
        if not item.listing_ref or not item.url.startswith(("http://", "https://")):
            raise DropItem(f"{key}: no key or no web address ({item.url!r}); the page module must give both")
        if len(item.images) > IMAGES_MAX:
            raise DropItem(f"{key}: {len(item.images)} images where {IMAGES_MAX} is the most; the page was misread")
        if item.price_min is not None and item.price_max is not None and item.price_min > item.price_max:
            item = replace(item, price_min=item.price_max, price_max=item.price_min)
        return replace(
            item,
            title=clean(item.title),
            currency=clean(item.currency),
            seller=_clean_seller(item.seller),
            images=tuple(image for image in item.images if image.url.startswith(("http://", "https://")) and image.key),
        )


def clean(text: str | None) -> str | None:
    """Return text that every store and terminal can hold; None for nothing."""
    if text is None:
        return None
    return _UNPRINTABLE.sub("", text)[:TEXT_MAX] or None


def _clean_seller(seller: Seller | None) -> Seller | None:
    if seller is None:
        return None
    return replace(seller, name=clean(seller.name), ref=clean(seller.ref))
