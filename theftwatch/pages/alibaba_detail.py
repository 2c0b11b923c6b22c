"""Alibaba's product pages, from the data that the server writes into them (`detailData`, JSON-LD)."""

import html
import re
from collections.abc import Iterator
from typing import Any

from parsel import Selector

from theftwatch.listing import Listing, Seller
from theftwatch.pages.alibaba_images import listing_images
from theftwatch.pages.alibaba_markup import html_images
from theftwatch.pages.alibaba_prices import Price, price_of, read_price, span
from theftwatch.pages.alibaba_sellers import MARKETPLACE, seller_of
from theftwatch.pages.alibaba_urls import listing_ref, listing_url, ref_of
from theftwatch.pages.embedded import dig, items_of, named_values, plain_text_of, storable, text_of, values_of
from theftwatch.pages.jsonld import Block, Product, has_type, item_products, load_blocks, read_product
from theftwatch.pages.unavailable import is_off_sale, shows_sentence

# Parts of the description that show the goods; the others show the company, its papers, its packing and other goods
_DESCRIPTION_PARTS = (
    "productDescription",
    "specification",
    "sizeChart",
    "dimensionDrawing",
    "productDetails",
    "customizationImages",
)
_PRICES = ("price", "customPrice", "dropshippingPrice")
_SHOWN_PRICES = ("formatLadderPrice", "formatPrice", "formatFixedPrice", "priceRangeText", "formatPriceRange")
_SIZES = ("original", "big", "normal", "small", "thumb")
_UNAVAILABLE_KEY, _UNAVAILABLE = "pc.detail.product.available.title", "This product is no longer available."
_JSON_LD = re.compile(r"<script\b[^>]*\bld\+json\b[^>]*>(.*?)</script", re.DOTALL | re.IGNORECASE)
_OWN_ADDRESS = re.compile(r"og:url|canonical")


def read_listing(body: str, url: str) -> Listing | None:
    """Read the listing of a product page; None where the page holds no data of one."""
    data = _find_data(body)
    product = _product_of(data)
    schema = _find_schema(body) or Product()
    named = listing_ref(schema.url) or listing_ref(url)
    ref = ref_of(product.get("productId"), product.get("id"), named)
    photos = listing_images([*_photos(product)] or schema.images)
    if not ref or not photos:
        return None
    price = _price(product) or price_of([schema.price_min, schema.price_max], schema.currency)
    return Listing(
        marketplace=MARKETPLACE,
        listing_ref=ref,
        url=listing_url(ref, *_own_addresses(body), schema.url, url),
        title=plain_text_of(product.get("subject"), product.get("title"), schema.name),
        seller=_seller(data) or seller_of(name=schema.brand),
        price_min=price.minimum,
        price_max=price.maximum,
        currency=price.currency,
        images=listing_images([*(photo.url for photo in photos), *_description_images(data)]),
        complete=bool(product),  # JSON-LD alone names no images of the description
    )


def is_unavailable(body: str, document: Selector, url: str) -> bool:
    """Return whether a page that shows no photo says, by its words and its data, that its listing is gone."""
    data = _find_data(body)
    product, schema = _product_of(data), _find_schema(body) or Product()
    ref = listing_ref(url)
    own_data = ref is not None and ref_of(product.get("productId"), product.get("id")) == ref
    own_schema = ref is not None and listing_ref(schema.url) == ref
    if not (own_data and product.get("tradeAvailable") is False) and not (own_schema and is_off_sale(schema)):
        return False
    # The page brings its sentences along, in its own language
    told = text_of(*(texts.get(_UNAVAILABLE_KEY) for texts in values_of(data, "i18n") if isinstance(texts, dict)))
    return shows_sentence(document, filter(None, (told, _UNAVAILABLE)))


def _find_data(body: str) -> dict[str, Any]:
    """Return the page's data, wherever it stands: under its own name, or in parts within another object."""
    for data in named_values(body, "detailData"):
        if _product_of(data):
            return dict(data)
    for part in named_values(body, "globalData"):
        if dig(part, "product"):
            return {"globalData": part, "nodeMap": next(named_values(body, "nodeMap"), None)}
    return {}


def _product_of(data: Any) -> dict[str, Any]:
    found = dig(data, "globalData", "product") or dig(data, "product")
    return found if isinstance(found, dict) else {}


def read_schema_cards(body: str) -> list[Listing]:
    """Return the listings of a list that a page names in JSON-LD alone, each with the photos named there."""
    products = (
        read_product(product)
        for block in _schema_blocks(body)
        if has_type(block, "ItemList")
        for product in item_products(block)
    )
    return [
        Listing(
            marketplace=MARKETPLACE,
            listing_ref=ref,
            url=listing_url(ref, product.url),
            title=plain_text_of(product.name),
            price_min=product.price_min,
            price_max=product.price_max,
            currency=product.currency,
            images=listing_images(product.images),
            complete=False,
        )
        for product in products
        if (ref := listing_ref(product.url))
    ]


def _find_schema(body: str) -> Product | None:
    return next((read_product(block) for block in _schema_blocks(body) if has_type(block, "Product")), None)


def _schema_blocks(body: str) -> Iterator[Block]:
    return (block for match in _JSON_LD.finditer(body) for block in load_blocks(match[1]))


def _own_addresses(body: str) -> Iterator[str]:
    """Yield what the page's head says to be its address."""
    for match in _OWN_ADDRESS.finditer(body):
        start, end = body.rfind("<", 0, match.start()), body.find(">", match.end())
        tag = body[start : min(end, start + 2_000)]
        if tag.startswith(("<meta", "<link")) and (found := re.search(r"\b(?:content|href)\s*=\s*[\"']([^\"']+)", tag)):
            yield html.unescape(found[1])


def _photos(product: dict[str, Any]) -> Iterator[Any]:
    for item in items_of(product, "mediaItems"):
        if item.get("type", "image") == "image":
            image = item.get("imageUrl")
            yield next(filter(None, map(image.get, _SIZES)), None) if isinstance(image, dict) else image


def _seller(data: dict[str, Any]) -> Seller | None:
    seller = dig(data, "globalData", "seller") or dig(data, "seller") or dig(data, "company")
    if not isinstance(seller, dict):
        return None
    return seller_of(
        ref=seller.get("companyId"),
        name=seller.get("companyName"),
        country=seller.get("companyRegisterCountry"),
        member=seller.get("aliMemberId") or seller.get("ownerMemberSeq"),
        addresses=(seller.get("subDomain"), seller.get("homeUrl"), seller.get("companyProfileUrl")),
    )


def _price(product: dict[str, Any]) -> Price:
    """Return the price in dollars, which stands beside the one in the visitor's currency; else the latter."""
    for prices in map(product.get, _PRICES):
        fields = list(_fields(prices))
        dollars = price_of([value for key, value in fields if "dollarprice" in key.lower()], "USD")
        if price := dollars or span(read_price(value) for key, value in fields if key in _SHOWN_PRICES):
            return price
        if price := read_price(prices):
            return price
    return Price()


def _fields(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an object, of the objects in it and of those in its lists."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _description_images(data: dict[str, Any]) -> Iterator[Any]:
    """Yield the addresses of the description's images: those of its parts, or those in its HTML."""
    nodes = dig(data, "nodeMap")
    modules = list(nodes.values()) if isinstance(nodes, dict) else []
    for module in modules:
        for part in _DESCRIPTION_PARTS:
            for detail in items_of(module, "privateData", part, "details"):
                if detail.get("type") == "image":
                    yield detail.get("url")
    for owner in (_product_of(data), *(dig(module, "privateData") for module in modules)):
        text = dig(owner, "productHtmlDescription")
        if isinstance(text, str) and "<" in text:
            yield from html_images(Selector(storable(text), type="html"))
