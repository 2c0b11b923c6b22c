"""HTML as shops write it, and what it says of a product in microdata (`itemprop`) and in OpenGraph (`meta`).

Microdata: https://html.spec.whatwg.org/multipage/microdata.html. OpenGraph: https://ogp.me.
"""

import re

from parsel import Selector

_UNSTORABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SCOPE = "ancestor::*[@itemscope or @itemtype][1]"
# Where the value of a property stands, if not in the text. A name or price inside a link is its text, whatever the
# standard says: authors mean that.
_ATTRIBUTES = {"image": ("content", "src", "href"), "url": ("content", "href")}


def read_html(body: str) -> Selector:
    """Return a page, whatever characters stand in it."""
    return Selector(_UNSTORABLE.sub("", body) or "<html/>", type="html")


def attributes(element: Selector) -> dict[str, str]:
    """Return the attributes of an element, also where one is named `{{x}}`, on which `Selector.attrib` fails."""
    return {str(name): str(value) for name, value in element.root.attrib.items()}


def product_values(document: Selector, name: str) -> list[str]:
    """Return the values of a property of the page's product and of its offers, in page order.

    What belongs to other items, such as related products, breadcrumbs and reviews, is left out. Where the page marks no
    product, properties that belong to no item are taken.
    """
    product = next(iter(document.xpath("//*[contains(@itemtype, 'schema.org/Product')]")), None)
    owned: list[str] = []
    loose: list[str] = []
    for element in document.xpath(f"//*[contains(concat(' ', normalize-space(@itemprop), ' '), ' {name} ')]"):
        owner = _owner(element)
        if owner is None:
            loose.append(_value(element, name))
        elif product is not None and owner.root is product.root:
            owned.append(_value(element, name))
    return [value for value in owned or loose if value]


def meta_values(document: Selector, *names: str) -> list[str]:
    """Return the contents of the `meta` elements of these names, in the order of the names."""
    found = {name: document.xpath("//meta[@property=$name or @name=$name]/@content", name=name) for name in names}
    return [value for name in names for content in found[name] if (value := clean(content.get()))]


def clean(text: str) -> str:
    """Return text on one line, without control characters and lone surrogates, which no database stores."""
    return " ".join(_UNSTORABLE.sub("", text).split())


def _owner(element: Selector) -> Selector | None:
    """Return the item that an element describes; an offer stands for the item that it offers."""
    owner = next(iter(element.xpath(_SCOPE)), None)
    while owner is not None and "Offer" in owner.xpath("@itemtype").get(""):
        owner = next(iter(owner.xpath(_SCOPE)), None)
    return owner


def _value(element: Selector, name: str) -> str:
    own = attributes(element)
    for attribute in _ATTRIBUTES.get(name, ("content",)):
        if attribute in own:
            return clean(own[attribute])
    return clean(element.xpath("string()").get(""))
