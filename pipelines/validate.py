"""Refuses what cannot be stored, and cleans the text of hostile listings."""

import re
from dataclasses import replace

from scrapy.exceptions import DropItem

from theftwatch.listing import Listing, Seller

#: No marketplace lets a listing hold near as many; a page that names more is not what we took it for
IMAGES_MAX = 100
TEXT_MAX = 2_000
#: Beyond these no index of Postgres holds a value, and no marketplace has one
KEY_MAX_BYTES = 500
NAME_MAX_BYTES = 1_000
#: As Scrapy's URLLENGTH_LIMIT
ADDRESS_MAX_BYTES = 2_083

# Postgres cannot hold NUL, and a lone surrogate is no text; the other control characters upset terminals.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class ValidatePipeline:
    """Passes listings on that have a key, an address and a sane number of images."""

    def process_item(self, item: Listing) -> Listing:
        """Return a listing with clean text.

        Raises DropItem for one that cannot be stored.
        """
        key = f"{item.marketplace}/{item.listing_ref}"
        if not _is_key(item.listing_ref) or not _is_address(item.url):
            raise DropItem(f"{key[:KEY_MAX_BYTES]!r}: no key or no web address ({item.url[:ADDRESS_MAX_BYTES]!r})")
        if len(item.images) > IMAGES_MAX:
            raise DropItem(f"{key}: {len(item.images)} images where {IMAGES_MAX} is the most; the page was misread")
        if item.price_min is not None and item.price_max is not None and item.price_min > item.price_max:
            item = replace(item, price_min=item.price_max, price_max=item.price_min)
        return replace(
            item,
            title=clean(item.title),
            currency=clean(item.currency),
            seller=_clean_seller(item.seller),
            images=tuple(image for image in item.images if _is_address(image.url) and _is_key(image.key)),
        )


def clean(text: str | None) -> str | None:
    """Return text that every store and terminal can hold; None for nothing."""
    if text is None:
        return None
    return _UNPRINTABLE.sub("", text)[:TEXT_MAX] or None


def _is_key(text: str) -> bool:
    return bool(text) and not _UNPRINTABLE.search(text) and len(text.encode()) <= KEY_MAX_BYTES


def _is_address(text: str) -> bool:
    is_web = text.startswith(("http://", "https://")) and not _UNPRINTABLE.search(text)
    return is_web and len(text.encode()) <= ADDRESS_MAX_BYTES


def _clean_seller(seller: Seller | None) -> Seller | None:
    """Return a seller with clean text; None for one that nothing identifies."""
    if seller is None:
        return None
    name = (clean(seller.name) or "").encode()[:NAME_MAX_BYTES].decode(errors="ignore")
    ref = seller.ref if seller.ref and _is_key(seller.ref) else None
    aliases = tuple(alias for alias in seller.aliases if _is_key(alias.value))
    if ref is None and not aliases:
        return None
    return replace(
        seller,
        ref=ref,
        name=name or None,
        url=seller.url if seller.url and _is_address(seller.url) else None,
        aliases=aliases,
        company=tuple(alias for alias in seller.company if _is_key(alias.value)),
    )
