"""Etsy's listing pages: one offer with all of its photos, from JSON-LD where there is some, and from the markup."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

from parsel import Selector

from theftwatch.listing import DateClaim, Listing, Page, PageKind
from theftwatch.pages.etsy_images import Photo, as_listing_images, find_photos
from theftwatch.pages.etsy_urls import MARKETPLACE, as_ref, listing_url, read_address, shop_seller
from theftwatch.pages.jsonld import Block, Product, clean_text, find_products, read_product
from theftwatch.pages.markup import attributes, meta_values, product_values
from theftwatch.pages.money import read_amount, read_price
from theftwatch.pages.unavailable import is_off_sale, shows_sentence

# A review's day is that of an unknown time zone; it is over for certain when it is over in the last of them
_LAST_TIME_ZONE = timezone(timedelta(hours=-12))

# That an item is sold out, or a shop on holiday, is no word of its being gone
_UNAVAILABLE = (
    "Sorry, this item is unavailable.",
    "Sorry, this item and shop are currently unavailable.",
    "Sorry, the item listing you are looking for does not exist.",
)
_SITE_SUFFIX = re.compile(r"\s[-|–]\s*Etsy\b.*$", re.DOTALL)


def read_listing_page(page: Selector, blocks: Iterable[Block], url: str) -> Page | None:
    """Return what a listing page says; None where it lacks the listing's photos.

    The page also shows related listings, buyers' photos and portraits; none of these is read.
    """
    products = [read_product(block) for block in find_products(blocks)]
    ref = _own_ref(page, products, url)
    if not ref:
        return None
    # A Product that does not say which listing it describes is that of the page
    product = next((each for each in products if product_ref(each) in (ref, None)), Product())
    product = _complete_from_markup(product, page, ref)
    carousel = _carousel_photos(page)
    photos = _longer_first(carousel, find_photos(product.images))
    # One address in JSON-LD stands for the only photo or for the first of many
    complete = bool(carousel) or len(photos) > 1
    if not photos and ref in _refs_of_itself(page):
        photos = find_photos(meta_values(page, "og:image"))
    return page_of_listings([make_listing(product, ref=ref, photos=photos, complete=complete)]) if photos else None


def is_unavailable(page: Selector, blocks: Iterable[Block], url: str) -> bool:
    """Return whether a page that shows no photo says, by its words and its data, that its listing is gone."""
    ref = read_address(url).listing_ref
    own = (product for product in map(read_product, find_products(blocks)) if ref and product_ref(product) == ref)
    return any(map(is_off_sale, own)) and shows_sentence(page, _UNAVAILABLE)


def read_products(blocks: Iterable[Block]) -> Page | None:
    """Return what the Product objects of listing pages say, without the pages; None where there is none."""
    products = [(product_ref(product), product) for product in map(read_product, find_products(blocks))]
    listings = [
        make_listing(product, ref=ref, photos=photos, complete=len(photos) > 1)
        for ref, product in products
        if ref and (photos := find_photos(product.images))
    ]
    return page_of_listings(listings) if listings else None


def product_ref(product: Product) -> str | None:
    """Return the listing that a Product is about, by its address or by its sku, which Etsy fills with the id."""
    return read_address(product.url or "").listing_ref or as_ref(product.sku)


def make_listing(product: Product, *, ref: str, photos: Sequence[Photo], complete: bool) -> Listing:
    """Return a listing with the fields of its Product."""
    return Listing(
        marketplace=MARKETPLACE,
        listing_ref=ref,
        url=listing_url(ref),
        title=product.name,
        seller=shop_seller(ref=photos[0].shop_ref if photos else None, name=product.brand),
        price_min=product.price_min,
        price_max=product.price_max,
        currency=product.currency,
        images=as_listing_images(photos),
        claims=_review_claims(product.review_days, ref),
        complete=complete,
    )


def page_of_listings(listings: Iterable[Listing]) -> Page:
    """Return the page of one listing, or of several that were asked for together."""
    listings = tuple({listing.listing_ref: listing for listing in listings}.values())
    sellers = tuple(dict.fromkeys(listing.seller for listing in listings if listing.seller))
    return Page(
        kind=PageKind.LISTING,
        listings=listings,
        sellers=sellers,
        seller_urls=tuple(dict.fromkeys(seller.url for seller in sellers if seller.url)),
    )


def _own_ref(page: Selector, products: Sequence[Product], url: str) -> str | None:
    """Return which listing the page is about.

    It is the one that a Product describes, among those that the page and the address we read it with name; where the
    Products describe others or none, what the page calls itself weighs more than what they or the address say.
    """
    asked = read_address(url).listing_ref
    own = _refs_of_itself(page)
    described = [ref for ref in map(product_ref, products) if ref]
    named = [asked, *own] if asked else own
    return next((ref for ref in named if ref in described), next(iter((*own, *described, *named)), None))


def _refs_of_itself(page: Selector) -> list[str]:
    addresses = page.xpath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content").getall()
    return [ref for ref in (read_address(address).listing_ref for address in addresses) if ref]


def _carousel_photos(page: Selector) -> tuple[Photo, ...]:
    """Return the photos of the listing's own carousel, in its order."""
    photos: dict[str, Photo] = {}
    for pane in page.xpath("//*[@data-image-id]"):
        key = attributes(pane)["data-image-id"]
        own = (photo for photo in find_photos(_addresses_within(pane)) if photo.key == key)
        if key not in photos and (photo := next(own, None)):
            photos[key] = photo
    return tuple(photos.values()) or find_photos(
        page.xpath(
            "//*[@data-src-zoom-image or @data-full-image-href or @data-carousel-pane or @data-carousel-first-image]"
            "/descendant-or-self::*/@*[contains(., '/il_')]"
        ).getall()
    )


def _addresses_within(element: Selector) -> list[str]:
    return element.xpath("descendant-or-self::*/@*[contains(., '/il_')]").getall()


def _longer_first(markup: Sequence[Photo], data: Sequence[Photo]) -> tuple[Photo, ...]:
    """Return all photos of both, in the order of the longer one, since a page may load its carousel bit by bit."""
    first, second = (markup, data) if len(markup) >= len(data) else (data, markup)
    return tuple({photo.key: photo for photo in (*first, *second)}.values())


def _complete_from_markup(product: Product, page: Selector, ref: str) -> Product:
    """Return the product with what its data lacks and the markup shows."""
    if product.price_min is None:
        price_min, price_max, currency = _prices_in_markup(page)
        product = replace(product, price_min=price_min, price_max=price_max, currency=currency)
    return replace(
        product,
        name=product.name or _title_in_markup(page),
        brand=product.brand or _shop_name_in_markup(page, ref),
    )


def _title_in_markup(page: Selector) -> str | None:
    title = clean_text(page.xpath("normalize-space(//*[@data-buy-box-listing-title])").get())
    names = [clean_text(name) for name in product_values(page, "name")]
    shared = [_SITE_SUFFIX.sub("", name) for name in meta_values(page, "og:title")]
    headings = (clean_text(text) for text in page.xpath("//h1").xpath("normalize-space()").getall())
    return next(filter(None, (title, *names, *map(clean_text, shared), *headings)), None)


def _shop_name_in_markup(page: Selector, ref: str) -> str | None:
    links = page.xpath("//a[contains(@href, '/shop/')]/@href").getall()
    # The link in the listing's own header says which listing it leads away from
    links.sort(key=lambda link: f"listing_id={ref}" not in link)
    names = (read_address(link).shop_name for link in links)
    return next(filter(None, names), None)


def _prices_in_markup(page: Selector) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Return the lowest and the highest price and their currency."""
    shown = page.xpath("normalize-space(//*[@data-buy-box-region='price'])").get() or ""
    price, currency = read_price(shown)
    if price is not None:
        # "€40.63+" stands for what the cheapest variation costs
        return price, None if "+" in shown else price, currency
    # These are in the shop's own currency, where what is shown is in the visitor's
    lowest = (*product_values(page, "lowPrice"), *product_values(page, "price"))
    price = read_amount(next(iter((*lowest, *meta_values(page, "product:price:amount"))), None))
    highest = read_amount(next(iter(product_values(page, "highPrice")), None))
    currencies = (*product_values(page, "priceCurrency"), *meta_values(page, "product:price:currency"))
    return price, highest or price, next(iter(currencies), None) if price is not None else None


def _review_claims(days: Sequence[date], ref: str) -> tuple[DateClaim, ...]:
    """Return the claim that the listing existed when the oldest of its reviews on the page was published."""
    if not days:
        return ()
    end_of_day = datetime.combine(min(days), time.max, _LAST_TIME_ZONE).astimezone(UTC)
    return (DateClaim(kind="review", latest_at=end_of_day, source=listing_url(ref), strength="medium"),)
