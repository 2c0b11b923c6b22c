"""JSON-LD: the schema.org data that shops embed in their pages for search engines.

It changes far less often than the markup around it, but it is written by hand-made templates: text escaped twice,
trailing commas, one object where a list is due. Everything here is read tolerant, and what cannot be read is left out.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from parsel import Selector

from theftwatch.pages.money import read_amount

Block = dict[str, Any]

# Strings are matched whole, so that a comma within one stays; possessive, so that broken ones cost no more time
_STRING_OR_TRAILING_COMMA = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|,(?=\s*+[\]}])', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\/bfnrtu])?')
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_WRAPPERS = re.compile(r"<!--|-->|/\*\s*<!\[CDATA\[\s*\*/|/\*\s*\]\]>\s*\*/|(?://\s*)?<!\[CDATA\[|(?://\s*)?\]\]>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """A schema.org Product; what it does not say is None or empty."""

    name: str | None = None
    url: str | None = None
    sku: str | None = None
    #: Name of the brand, else of the seller or the maker
    brand: str | None = None
    #: Addresses of the full images, in order, each once
    images: tuple[str, ...] = ()
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str | None = None
    #: What its offers say of whether it is to be had, such as `InStock`
    availability: tuple[str, ...] = ()
    #: Days on which buyers' reviews of it were published
    review_days: tuple[date, ...] = ()


def find_blocks(page: Selector) -> tuple[Block, ...]:
    """Return the JSON-LD objects of a page in document order; those that cannot be mended are left out."""
    scripts = page.xpath("//script[contains(@type, 'ld+json')]/text()").getall()
    return tuple(block for script in scripts for block in load_blocks(script))


def load_blocks(text: str) -> tuple[Block, ...]:
    """Return the objects in a JSON-LD text: the object itself, those of a list, those of an `@graph`."""
    return blocks_of(load_json(text))


def blocks_of(value: object) -> tuple[Block, ...]:
    """Return the objects in a JSON-LD value, as `load_blocks` does of its text."""
    return tuple(_flatten(value))


def load_json(text: str) -> Any:
    """Return the first JSON value of a text, mending what templates break; None where that does not help."""
    text = _WRAPPERS.sub("", text).strip() if "<!" in text else text.strip()
    if text.startswith(("{&", "[{&")):
        text = html.unescape(text)
    value = _decode(text)
    return value if value is not None else _decode(_STRING_OR_TRAILING_COMMA.sub(_mend, text))


def has_type(block: object, *names: str) -> bool:
    """Return whether an object is of one of these schema.org types, however its type is written."""
    if not isinstance(block, dict):
        return False
    return any(str(kind).rpartition("/")[2].rpartition(":")[2] in names for kind in _as_list(block.get("@type")))


def find_products(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Return the Product objects among blocks, and those that a page names as its main entity."""
    entities = (entity for block in blocks for entity in (block, *_as_list(block.get("mainEntity"))))
    return tuple(entity for entity in entities if has_type(entity, "Product", "ProductGroup", "IndividualProduct"))


def item_products(item_list: Block) -> tuple[Block, ...]:
    """Return the products of an ItemList, in its order, whether wrapped in ListItem objects or not."""
    elements = [element for element in _as_list(item_list.get("itemListElement")) if isinstance(element, dict)]
    items = [element["item"] if isinstance(element.get("item"), dict) else element for element in elements]
    return tuple(
        item for item in items if has_type(item, "Product", "ListItem") and (item.get("url") or item.get("name"))
    )


def read_product(block: Block) -> Product:
    """Return the fields of a Product object."""
    prices, currency = _read_offers(block.get("offers"))
    brand = _name_of(block.get("brand")) or _name_of(block.get("seller")) or _name_of(block.get("manufacturer"))
    return Product(
        name=clean_text(block.get("name")),
        url=_text(block.get("url")) or _text(block.get("@id")),
        sku=_text(block.get("sku")) or _text(block.get("productID")),
        brand=brand or _name_of_first_seller(block.get("offers")),
        images=tuple(dict.fromkeys(_image_urls(block.get("image")))),
        price_min=min(prices, default=None),
        price_max=max(prices, default=None),
        currency=currency,
        availability=tuple(_availability(block.get("offers"))),
        review_days=tuple(_review_days(block.get("review"))),
    )


def clean_text(value: object) -> str | None:
    """Return a text without its character references, which templates write twice; None for an empty one.

    Control characters and lone surrogates, which no database stores, are left out.
    """
    text = html.unescape(html.unescape(_text(value) or ""))
    return _UNSTORABLE.sub("", text).strip() or None


def _decode(text: str) -> Any:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _mend(found: re.Match[str]) -> str:
    """Return a string without escapes that JSON does not know; nothing for a trailing comma."""
    return _ESCAPE.sub(lambda escape: escape[0] if escape[1] else "", found[1] or "")


def _flatten(value: object, depth: int = 0) -> Iterator[Block]:
    if isinstance(value, list) and depth < 3:
        for element in value:
            yield from _flatten(element, depth + 1)
    elif isinstance(value, dict):
        if "@type" in value or "@graph" not in value:
            yield value
        yield from _flatten(value.get("@graph"), depth + 1)


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str | None:
    """Return a text or a number as text; of a list its first; of an object its `@value` or `@id`."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("@value") or value.get("@id")
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30 else None


def _name_of(value: object) -> str | None:
    value = value[0] if isinstance(value, list) and value else value
    return clean_text(value.get("name") if isinstance(value, dict) else value)


def _name_of_first_seller(offers: object) -> str | None:
    names = (_name_of(offer.get("seller")) for offer in _as_list(offers) if isinstance(offer, dict))
    return next((name for name in names if name), None)


def _image_urls(value: object) -> Iterator[str]:
    for image in _as_list(value):
        # Etsy writes contentURL; the vocabulary has contentUrl
        forms = (
            [image.get(key) for key in ("contentUrl", "contentURL", "url", "@id")]
            if isinstance(image, dict)
            else [image]
        )
        addresses = (_text(form) for form in forms if not isinstance(form, int))
        if address := next((address for address in addresses if address), None):
            yield html.unescape(address)


def _read_offers(value: object) -> tuple[list[Decimal], str | None]:
    """Return all prices of an Offer, an AggregateOffer or a list of them, and the currency of the first."""
    prices: list[Decimal] = []
    currency = None
    pending = _as_list(value)[:1000]
    for offer in pending:
        if not isinstance(offer, dict):
            continue
        specification = next((each for each in _as_list(offer.get("priceSpecification")) if isinstance(each, dict)), {})
        own = [offer.get("lowPrice"), offer.get("price"), offer.get("highPrice")]
        if all(read_amount(price) is None for price in own):
            own = [specification.get(key) for key in ("minPrice", "price", "maxPrice")]
        if all(read_amount(price) is None for price in own):
            pending.extend(_as_list(offer.get("offers"))[:1000])
        prices.extend(amount for price in own if (amount := read_amount(price)) is not None)
        currency = currency or _text(offer.get("priceCurrency")) or _text(specification.get("priceCurrency"))
    return prices, currency.upper() if currency and re.fullmatch("[A-Za-z]{3}", currency) else None


def _availability(offers: object) -> Iterator[str]:
    for offer in _as_list(offers):
        if isinstance(offer, dict):
            if told := _text(offer.get("availability")):
                yield told.rstrip("/").rpartition("/")[2].rpartition(":")[2]
            yield from _availability(offer.get("offers"))


def _review_days(value: object) -> Iterator[date]:
    for review in _as_list(value):
        day = _text(review.get("datePublished")) if isinstance(review, dict) else None
        try:
            if day:
                yield date.fromisoformat(day[:10])
        except ValueError:
            continue
