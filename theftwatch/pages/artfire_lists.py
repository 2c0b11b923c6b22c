"""Many ArtFire listings at once: the cards of a shop or search page, and the item records of a JSON answer.

The records' fields are known from item records of 2014 to 2018 as another program kept them, beside fields of its own.
The answer around them is not known, so records are looked for at any depth. Cards are known from the selectors of a
scraper of 2016 (`div.product`, with a link around an image that bears the title); here any link to a listing makes a
card, whatever stands around it.
"""

import html
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from parsel import Selector

from theftwatch.listing import Alias, DateClaim, Listing, Seller
from theftwatch.pages.artfire_images import listing_images
from theftwatch.pages.artfire_urls import ListingAddress, listing_url, read_listing_url, resolve
from theftwatch.pages.markup import attributes, clean, read_html
from theftwatch.pages.money import read_amount

MARKETPLACE = "artfire"
#: Kind of the date claim that a record's `created` gives
LISTED = "listed"

# `created` names no time zone; local times are at most so far ahead of UTC and behind it
_AHEAD = timedelta(hours=14)
_BEHIND = timedelta(hours=12)
# ArtFire opened in 2008; a date far from its life is damage
_YEARS = range(2000, 2100)


def seller_of(shop: str, *, url: str | None = None, seller_id: str | None = None) -> Seller:
    """Return a seller; the shop's name is its key, since every address of a listing holds it."""
    aliases = (Alias(kind="seller_id", value=seller_id),) if seller_id else ()
    return Seller(marketplace=MARKETPLACE, ref=shop, name=shop, url=url, aliases=aliases)


def read_cards(document: Selector, base: str, *, archived: bool) -> tuple[Listing, ...]:
    """Return a listing for each listing that a page links to, in page order, with the image that the link shows."""
    links: dict[str, list[tuple[ListingAddress, Selector]]] = {}
    for link in document.xpath("//a[@href]"):
        if address := read_listing_url(resolve(base, link.xpath("@href").get(""))):
            links.setdefault(address.listing_ref, []).append((address, link))
    return tuple(
        Listing(
            marketplace=MARKETPLACE,
            listing_ref=listing_ref,
            url=found[0][0].url,
            title=next(filter(None, (_link_title(link) for _, link in found)), None),
            seller=seller_of(found[0][0].shop),
            images=listing_images(
                (url for _, link in found for url in image_attributes(link.xpath(".//img"), base)), archived=archived
            ),
            complete=False,
        )
        for listing_ref, found in links.items()
    )


def image_attributes(images: Iterable[Selector], base: str) -> Iterator[str]:
    """Yield each address that an image element names, whatever attribute it stands in."""
    for image in images:
        # A scraper of 2016 took the photos of a listing from this one
        for name, text in sorted(attributes(image).items(), key=lambda item: item[0] != "data-x-large"):
            values = re.split(r"[\s,]+", text) if name.endswith("srcset") else [text]
            yield from (resolve(base, value) for value in values if "/" in value)


def read_records(answer: Any, base: str, *, archived: bool) -> tuple[Listing, ...]:
    """Return the listings of a JSON answer: its item records, and the cards of any HTML in it."""
    listings: dict[str, Listing] = {}
    pending = [answer]
    while pending:
        value = pending.pop()
        found: tuple[Listing, ...] = ()
        if isinstance(value, dict):
            record = _read_record(value, base, archived=archived)
            found = (record,) if record else ()
            pending.extend(reversed(value.values()))
        elif isinstance(value, list):
            pending.extend(reversed(value))
        elif isinstance(value, str) and "<a" in value and "/product_view/" in value:
            found = read_cards(read_html(value), base, archived=archived)
        for listing in found:
            listings.setdefault(listing.listing_ref, listing)
    return tuple(listings.values())


def _read_record(record: dict[str, Any], base: str, *, archived: bool) -> Listing | None:
    """Return the listing of an item record; None for an object that is none."""
    texts = {name: value for name, value in record.items() if isinstance(value, str)}
    listing_ref, title = _number(record.get("id")), clean(html.unescape(texts.get("title", "")))
    addresses = filter(None, (read_listing_url(resolve(base, text)) for text in texts.values() if "/" in text))
    address = next((address for address in addresses if address.listing_ref == listing_ref), None)
    shop = clean(texts.get("seller_name", "")) or (address.shop if address else None)
    if not (listing_ref and title and shop):
        return None
    amount = read_amount(record.get("price"))
    created_at, claim = _read_created(texts.get("created", ""))
    return Listing(
        marketplace=MARKETPLACE,
        listing_ref=listing_ref,
        url=address.url if address else listing_url(shop, listing_ref),
        title=title,
        seller=seller_of(shop, seller_id=_number(record.get("seller_id"))),
        price_min=amount,
        price_max=amount,
        listed_at=created_at,
        images=listing_images((resolve(base, text) for text in texts.values() if "/" in text), archived=archived),
        claims=(claim,) if claim else (),
        complete=False,
    )


def _read_created(text: str) -> tuple[datetime | None, DateClaim | None]:
    """Return when a listing was created, taken as UTC, and what that proves in whatever time zone it was meant."""
    try:
        created_at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None, None
    if created_at.year not in _YEARS:
        return None, None
    zoned = created_at.tzinfo is not None
    created_at = created_at.astimezone(UTC) if zoned else created_at.replace(tzinfo=UTC)
    claim = DateClaim(
        kind=LISTED,
        source="artfire.com",
        strength="medium",
        earliest_at=created_at if zoned else created_at - _AHEAD,
        latest_at=created_at if zoned else created_at + _BEHIND,
    )
    return created_at, claim


def _number(value: object) -> str | None:
    """Return a whole number, or a text of digits, as text."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15:
        return str(value)
    return value if isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,14}", value) else None


def _link_title(link: Selector) -> str:
    titles = link.xpath(".//img/@title | .//img/@alt | @title").getall()
    return next(filter(None, map(clean, titles)), "") or clean(link.xpath("string()").get(""))
