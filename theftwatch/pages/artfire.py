"""Pages of ArtFire: a listing, a shop, a search; live, or as the Internet Archive keeps them.

No saved ArtFire page is known to us. The addresses, the image addresses and the item records are real; the rest is read
tolerant, from schema.org markup and from what a scraper of 2016 looked for. What is proven and what is not stands in
docs/pages.md; a real page that does not read ends with PageChangedError, and is what we need to learn more.
"""

import html
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from parsel import Selector

from theftwatch.errors import PageBlockedError, PageChangedError, UnknownPageError
from theftwatch.listing import Listing, Page, PageKind
from theftwatch.pages import archive, jsonld
from theftwatch.pages.artfire_images import listing_images, read_image_url
from theftwatch.pages.artfire_lists import MARKETPLACE, image_attributes, read_cards, read_records, seller_of
from theftwatch.pages.artfire_urls import (
    HOME,
    ListingAddress,
    artfire_path,
    is_search_url,
    page_number,
    read_listing_url,
    read_shop_url,
    resolve,
    with_page_number,
)
from theftwatch.pages.blocked import block_mark
from theftwatch.pages.markup import clean, meta_values, product_values, read_html
from theftwatch.pages.money import read_amount, read_price

# From the scraper of 2016
_LISTINGS_PER_PAGE = 24
_PREVIEW_IMAGES = ("og:image", "twitter:image", "twitter:image:src")


def read_page(body: str, url: str) -> Page:
    """Read one page of ArtFire.

    Raises PageBlockedError, UnknownPageError or PageChangedError.
    """
    return _read(body, url, archived=False)


def read_archived_page(body: str, url: str) -> Page:
    """Read one page of ArtFire as the Internet Archive keeps it, or an answer of the archive's index.

    Every listing gets the capture time as a claim. It and its images keep the addresses that ArtFire gave them; where
    the bytes are to be had, and what the page leads to, is in the archive.

    Raises PageBlockedError, UnknownPageError or PageChangedError.
    """
    if archive.is_index_url(url):
        return _read_index(body, url)
    capture = archive.read_capture_url(url)
    if capture is None or not artfire_path(capture.original):
        raise UnknownPageError(
            f"{url}: no capture of an ArtFire page; give an address like "
            "https://web.archive.org/web/20160311040506id_/https://www.artfire.com/…, with 14 digits"
        )
    try:
        page = _read(body, capture.original, archived=True)
    except PageChangedError:
        archive.check_refusal(body, url)
        raise
    return replace(
        page,
        listings=tuple(_archived(listing, capture) for listing in page.listings),
        listing_urls=tuple(archive.capture_url(capture.captured_at, link) for link in page.listing_urls),
        seller_urls=tuple(archive.capture_url(capture.captured_at, link) for link in page.seller_urls),
        next_page=archive.capture_url(capture.captured_at, page.next_page) if page.next_page else None,
    )


def _archived(listing: Listing, capture: archive.Capture) -> Listing:
    images = (replace(image, fetch_url=archive.capture_url(capture.captured_at, image.url)) for image in listing.images)
    return replace(listing, claims=(*listing.claims, capture.claim), images=tuple(images))


def _read_index(body: str, url: str) -> Page:
    """Read the archive's index: it leads to the oldest capture of each listing, the strongest claim."""
    answer = archive.read_index(body)
    oldest: dict[str, archive.Capture] = {}
    for capture in sorted(answer.captures, key=lambda capture: capture.captured_at):
        if address := read_listing_url(capture.original):
            oldest.setdefault(address.listing_ref, capture)
    return Page(
        kind=PageKind.SEARCH,
        listing_urls=tuple(capture.url for capture in oldest.values()),
        next_page=archive.resumed_url(url, answer.resume_key) if answer.resume_key else None,
    )


def _read(body: str, url: str, *, archived: bool) -> Page:
    if body.lstrip()[:1] in {"{", "["}:
        return _read_answer(body, url, archived=archived)
    document = read_html(body)
    if listing := read_listing_url(url):
        return _read_listing(document, body, listing, archived=archived)
    if shop := read_shop_url(url):
        return _read_shop(document, body, url, shop, archived=archived)
    if is_search_url(url):
        return _read_search(document, body, url, archived=archived)
    raise _unknown(url)


def _read_answer(body: str, url: str, *, archived: bool) -> Page:
    """Read a JSON answer."""
    answer = jsonld.load_json(body)
    listings = read_records(answer, url, archived=archived)
    if wanted := read_listing_url(url):
        listings = tuple(listing for listing in listings if listing.listing_ref == wanted.listing_ref)
        if not listings:
            raise _changed(body, url, "a record of the listing")
        return Page(kind=PageKind.LISTING, listings=listings)
    total = _total(answer.get("total_found")) if isinstance(answer, dict) else None
    if not listings and total != 0:
        raise _changed(body, url, "any item record") if _has_known_kind(url) else _unknown(url)
    return Page(
        kind=PageKind.SHOP if read_shop_url(url) else PageKind.SEARCH,
        listings=listings,
        next_page=_next_by_number(url, total) if listings else None,
    )


def _read_listing(document: Selector, body: str, address: ListingAddress, *, archived: bool) -> Page:
    product = next((jsonld.read_product(block) for block in _product_blocks(document)), jsonld.Product())
    own_urls = [*_photo_strip(document, address), *product.images, *product_values(document, "image")]
    own_urls = [resolve(address.url, url) for url in own_urls]
    # The preview for social networks shows one photo of several
    preview_urls = [resolve(address.url, url) for url in meta_values(document, *_PREVIEW_IMAGES)]
    images = listing_images([*own_urls, *preview_urls], archived=archived)
    if not images:
        raise _changed(body, address.url, "any photo of the listing")

    price_min, price_max, currency = _price(document, product)
    shop_url = _shop_link(document, address)
    listing = Listing(
        marketplace=MARKETPLACE,
        listing_ref=address.listing_ref,
        url=address.url,
        title=_title(document, product),
        seller=seller_of(address.shop, url=shop_url),
        price_min=price_min,
        price_max=price_max,
        currency=currency,
        images=images,
        complete=bool(listing_images(own_urls, archived=archived)),
    )
    return Page(kind=PageKind.LISTING, listings=(listing,), seller_urls=(shop_url,) if shop_url else ())


def _read_shop(document: Selector, body: str, url: str, shop: str, *, archived: bool) -> Page:
    cards = read_cards(document, url, archived=archived)
    # A shop page may show goods of other shops, as advertisements
    own = tuple(card for card in cards if card.seller and _same_shop(card.seller.ref, shop))
    if not own:
        raise _changed(body, url, f"a link to a listing of {shop}")
    return Page(
        kind=PageKind.SHOP,
        listings=own,
        sellers=(seller_of(shop, url=HOME + artfire_path(url)),),
        listing_urls=tuple(card.url for card in own),
        next_page=_next_link(document, url),
    )


def _read_search(document: Selector, body: str, url: str, *, archived: bool) -> Page:
    cards = read_cards(document, url, archived=archived)
    total = _total(document.xpath("//input[@name='total_found']/@value").get())
    if not cards and total is None:
        raise _changed(body, url, "a link to a listing, or the number found,")
    return Page(
        kind=PageKind.SEARCH,
        listings=cards,
        listing_urls=tuple(card.url for card in cards),
        next_page=(_next_link(document, url) or _next_by_number(url, total)) if cards else None,
    )


def _product_blocks(document: Selector) -> Iterator[jsonld.Block]:
    return (block for block in jsonld.find_blocks(document) if jsonld.has_type(block, "Product"))


def _photo_strip(document: Selector, address: ListingAddress) -> Iterator[str]:
    """Yield the addresses of photos that are marked for zooming or lie in the folder of this listing."""
    yield from image_attributes(document.xpath("//img[@data-x-large]"), address.url)
    for url in image_attributes(document.xpath("//img"), address.url):
        image = read_image_url(url)
        if image and image.listing_ref == address.listing_ref:
            yield url


def _title(document: Selector, product: jsonld.Product) -> str | None:
    titles = [
        product.name or "",
        *product_values(document, "name"),
        *meta_values(document, "og:title", "twitter:title"),
        *document.xpath("//h1 | //title").xpath("string()").getall(),
    ]
    return next(filter(None, (clean(html.unescape(title)) for title in titles)), None)


def _price(document: Selector, product: jsonld.Product) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Return the lowest and the highest price and the currency; a bare `$` means US dollars."""
    currencies = [
        product.currency or "",
        *product_values(document, "priceCurrency"),
        *meta_values(document, "product:price:currency", "og:price:currency"),
    ]
    currency = next((currency.upper() for currency in currencies if re.fullmatch("[A-Za-z]{3}", currency)), None)
    if product.price_min is not None:
        return product.price_min, product.price_max, currency
    texts = (
        product_values(document, "price")[:1]
        or [*product_values(document, "lowPrice")[:1], *product_values(document, "highPrice")[:1]]
        or meta_values(document, "product:price:amount", "og:price:amount")[:1]
    )
    amounts = [amount for text in texts if (amount := read_amount(text)) is not None]
    signs = [sign for text in texts if (sign := read_price(text)[1])]
    return min(amounts, default=None), max(amounts, default=None), currency or (signs[0] if signs else None)


def _shop_link(document: Selector, address: ListingAddress) -> str | None:
    urls = (resolve(address.url, href) for href in document.xpath("//a/@href").getall())
    return next((HOME + artfire_path(url) for url in urls if _same_shop(read_shop_url(url), address.shop)), None)


def _same_shop(one: str | None, other: str) -> bool:
    return one is not None and one.casefold() == other.casefold()


def _total(value: object) -> int | None:
    amount = read_amount(value)
    return int(amount) if amount is not None else None


def _next_by_number(url: str, total: int | None) -> str | None:
    number = page_number(url)
    return with_page_number(url, number + 1) if number < math.ceil((total or 0) / _LISTINGS_PER_PAGE) else None


def _next_link(document: Selector, url: str) -> str | None:
    """Return the next page: the one that is marked as next, else the link to this address with the next number."""
    marked = document.xpath("//*[self::a or self::link][contains(concat(' ', @rel, ' '), ' next ')]/@href").getall()
    for link in (resolve(url, href) for href in marked):
        if artfire_path(link) and link != url:
            return link
    for link in (resolve(url, href) for href in document.xpath("//a/@href").getall()):
        if artfire_path(link) == artfire_path(url) and page_number(link) == page_number(url) + 1:
            return link
    return None


def _has_known_kind(url: str) -> bool:
    return bool(read_listing_url(url) or read_shop_url(url) or is_search_url(url))


def _unknown(url: str) -> UnknownPageError:
    return UnknownPageError(f"{url}: an ArtFire page of no kind that we read; give a listing, a shop or a search")


def _changed(body: str, url: str, what: str) -> PageBlockedError | PageChangedError:
    if mark := block_mark(body):
        return PageBlockedError(f"{url}: {mark} in place of the page; slow down, or give a page saved from a browser")
    return PageChangedError(f"{url}: {what} was not found; save the page and mend theftwatch/pages/artfire.py")
