"""Etsy without its pages: answers of the Open API (v3, and saved ones of v2), and JSON-LD that was kept alone.

Of the API's listings only those that anyone may see are read, sold-out ones among them: their page and photos stay. One
that the seller, time or Etsy took off the site is gone; a draft has never been there.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from theftwatch.errors import PageBlockedError, PageChangedError, PageError, PageGoneError, UnknownPageError
from theftwatch.listing import Listing, ListingImage, Page, PageKind, Seller
from theftwatch.pages.blocked import block_mark
from theftwatch.pages.etsy_api import called_listing, next_url, refusal_of_message
from theftwatch.pages.etsy_images import find_photo
from theftwatch.pages.etsy_listing import page_of_listings, read_products
from theftwatch.pages.etsy_lists import read_item_lists
from theftwatch.pages.etsy_urls import MARKETPLACE, as_ref, listing_url, shop_seller
from theftwatch.pages.jsonld import blocks_of, clean_text, load_json
from theftwatch.pages.money import read_amount

Entry = dict[str, Any]

_PUBLIC_STATES = ("active", "sold_out", None)
# The first two are in the API's description; the others are said to occur (etsy/open-api, issues 212 and 516)
_GONE_STATES = ("inactive", "expired", "removed", "edit")
# 2000 to 2100: others are no seconds since 1970
_EARLIEST_S, _LATEST_S = 946_684_800, 4_102_444_800


def read_json(text: str, url: str) -> Page:
    """Read one answer of the API, or JSON-LD objects.

    Raises PageBlockedError, PageGoneError, UnknownPageError or PageChangedError.
    """
    value = load_json(text)
    blocks = blocks_of(value)
    page = _read_answer(value, url) or read_products(blocks) or read_item_lists(blocks)
    if page:
        if called_listing(url) and page.gone_urls:
            raise PageGoneError(f"{url}: the listing is no longer there, as the API says of its state")
        return page
    if mark := block_mark(text):
        raise PageBlockedError(f"{url}: Etsy answered with {mark}; slow down, or use its API (THEFTWATCH_ETSY_API_KEY)")
    if isinstance(value, dict) and isinstance(value.get("error"), str):
        error = refusal_of_message(value["error"])
        raise error if isinstance(error, PageError) else PageBlockedError(str(error))
    if _kind_of_call(url):
        raise PageChangedError(f"{url}: an answer without the shops or listings that were asked for; mend etsy_json")
    raise UnknownPageError(f"{url}: no answer of Etsy's API that we read, and no JSON-LD of a listing or a shop")


def _read_answer(value: Any, url: str) -> Page | None:
    match value:
        case {"results": list() as results}:
            return _read_results([each for each in results if isinstance(each, dict)], value.get("count"), url)
        case [{"listing_id": _}, *_]:
            return _read_results([each for each in value if isinstance(each, dict)], len(value), url)
        case {"listing_id": _, "listing_image_id": _}:
            return None
        case {"listing_id": _} | {"shop_id": _, "shop_name": _}:
            return _read_results([value], 1, url)
    return None


def _read_results(results: list[Entry], count: object, url: str) -> Page | None:
    kind = _kind_of_call(url)
    if any("listing_image_id" in each for each in results):
        return None
    if any("listing_id" in each for each in results) or (not results and kind not in (None, PageKind.PROFILE)):
        page = _page_of_answer(results, kind or PageKind.SEARCH, next_url(url, count))
        is_list = kind in {PageKind.SHOP, PageKind.SEARCH}
        return replace(page, total=count) if is_list and isinstance(count, int) else page
    sellers = tuple(seller for each in results if (seller := _read_shop(each)))
    if not sellers and (results or kind is not PageKind.PROFILE):
        return None
    urls = tuple(seller.url for seller in sellers if seller.url)
    return Page(kind=PageKind.PROFILE, sellers=sellers, seller_urls=urls, next_page=next_url(url, count))


def _page_of_answer(results: list[Entry], kind: PageKind, following: str | None) -> Page:
    page = page_of_listings(listing for each in results if (listing := _read_entry(each)))
    leads_on = kind is not PageKind.LISTING
    listing_urls = tuple(listing.url for listing in page.listings) if leads_on else ()
    gone = (as_ref(each.get("listing_id")) for each in results if each.get("state") in _GONE_STATES)
    gone_urls = tuple(listing_url(ref) for ref in gone if ref)
    return replace(page, kind=kind, listing_urls=listing_urls, gone_urls=gone_urls, next_page=following)


def _kind_of_call(url: str) -> PageKind | None:
    """Return what the address of a call asks for."""
    try:
        places = [place for place in urlsplit(url).path.split("/") if place]
    except ValueError:
        return None
    match places[places.index("application") + 1 :] if "application" in places else places[1:]:
        case ["shops"] | ["shops", _]:
            return PageKind.PROFILE
        case ["shops", _, "listings", *_]:
            return PageKind.SHOP
        case ["listings", "active"]:
            return PageKind.SEARCH
        case ["listings", _]:
            return PageKind.LISTING
    return None


def _read_shop(entry: object) -> Seller | None:
    if not isinstance(entry, dict):
        return None
    country = entry.get("shop_location_country_iso")
    return shop_seller(
        ref=as_ref(entry.get("shop_id")),
        name=clean_text(entry.get("shop_name")),
        country=country if isinstance(country, str) and re.fullmatch("[A-Z]{2}", country) else None,
        owner=as_ref(entry.get("user_id")),
    )


def _read_entry(entry: Entry) -> Listing | None:
    """Return a listing of the API; None for one that the site does not show."""
    ref = as_ref(entry.get("listing_id"))
    if not ref or entry.get("state") not in _PUBLIC_STATES:
        return None
    images = _read_images(entry)
    price_min, currency = _read_price(entry)
    return Listing(
        marketplace=MARKETPLACE,
        listing_ref=ref,
        url=listing_url(ref),
        title=clean_text(entry.get("title")),
        seller=_seller_of(entry, images),
        price_min=price_min,
        # The API gives the lowest price; which variations cost more is another call
        price_max=price_min if entry.get("has_variations") is False else None,
        currency=currency,
        listed_at=_moment(entry, "original_creation_timestamp", "original_creation_tsz"),
        images=images,
        # The calls for lists leave the images out, and version 2 gives the first alone
        complete=bool(images) and "MainImage" not in entry,
    )


def _seller_of(entry: Entry, images: Sequence[ListingImage]) -> Seller | None:
    seller = _read_shop(entry.get("shop") or entry.get("Shop"))
    if seller and seller.ref:
        return seller
    # Version 2 does not name the shop, but its images do
    photos = (find_photo(image.url) for image in images)
    ref = as_ref(entry.get("shop_id")) or next((photo.shop_ref for photo in photos if photo), None)
    return shop_seller(ref=ref, name=seller.name if seller else None)


def _read_images(entry: Entry) -> tuple[ListingImage, ...]:
    given = entry.get("images") or entry.get("Images") or [entry.get("MainImage")]
    entries = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    images: dict[str, ListingImage] = {}
    for each in sorted(entries, key=_rank):
        url = each.get("url_fullxfull") or each.get("url_570xN")
        photo = find_photo(url) if isinstance(url, str) else None
        if photo and photo.key not in images:
            published_at = _moment(each, "created_timestamp", "creation_tsz")
            images[photo.key] = ListingImage(
                url=photo.url, key=photo.key, position=len(images), published_at=published_at
            )
    return tuple(images.values())


def _rank(image: Entry) -> int:
    rank = image.get("rank")
    return rank if isinstance(rank, int) else 0


def _read_price(entry: Entry) -> tuple[Decimal | None, str | None]:
    price = entry.get("price")
    if not isinstance(price, dict):
        return read_amount(price), _currency(entry.get("currency_code"))
    amount, divisor = read_amount(price.get("amount")), read_amount(price.get("divisor", 1))
    return (amount / divisor if amount is not None and divisor else None), _currency(price.get("currency_code"))


def _currency(code: object) -> str | None:
    return code if isinstance(code, str) and re.fullmatch("[A-Z]{3}", code) else None


def _moment(entry: Entry, *names: str) -> datetime | None:
    """Return the first of these fields that holds a moment in seconds since 1970."""
    for name in names:
        seconds = entry.get(name)
        if isinstance(seconds, int) and _EARLIEST_S <= seconds < _LATEST_S:
            return datetime.fromtimestamp(seconds, UTC)
    return None
