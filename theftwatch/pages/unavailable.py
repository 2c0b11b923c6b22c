"""Telling that a page, though it was served, says of its listing that it is no longer there.

Its words alone prove nothing, as a vendor may write them, nor do its data, as goods that are sold out may be there all
the same, photos and all. So callers ask only where a page shows no photo of the listing, and both have to say so.
"""

from collections.abc import Iterable

from parsel import Selector

from theftwatch.pages.jsonld import Product
from theftwatch.pages.markup import clean

_TEXTS = "//body//text()[not(ancestor::script or ancestor::style or ancestor::template or ancestor::noscript)]"
_OFF_SALE = {"discontinued", "outofstock", "soldout"}


def shows_sentence(document: Selector, sentences: Iterable[str]) -> bool:
    """Return whether a piece of the page's text is one of the sentences and nothing else, but for a full stop."""
    wanted = {_plain(sentence) for sentence in sentences}
    return any(_plain(text) in wanted for text in document.xpath(_TEXTS).getall())


def is_off_sale(product: Product) -> bool:
    """Return whether all offers of a schema.org Product say that it is not to be had."""
    return bool(product.availability) and {each.lower() for each in product.availability} <= _OFF_SALE


def _plain(text: str) -> str:
    return clean(text).rstrip(".").casefold()
