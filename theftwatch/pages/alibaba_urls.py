"""Alibaba's addresses: which listing or vendor one names, and the one form in which it is kept.

A listing's number decides; the words before it change with title and language. The form kept is that of the main site,
without a query, which robots.txt allows:

    https://www.alibaba.com/product-detail/<words>_<number>.html

Language hosts part words and number with a hyphen (`arabic.alibaba.com/product-detail/<words>-<number>.html`), old
vendor pages put the number first (`<vendor>.en.alibaba.com/product/<number>-<group>/<words>.html`).
"""

import re
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from theftwatch.pages.embedded import text_of

MAIN_SITE = "https://www.alibaba.com/"
_LISTING = (
    re.compile(r"/product-detail/(?:(?P<words>[^/]*?)[_-])?(?P<ref>[0-9]{6,16})(?:\.html?)?/?$"),
    re.compile(r"/product(?:-\w+)?/(?P<ref>[0-9]{6,16})(?:-[0-9]+)?/(?P<words>[^/]*?)(?:\.html?)?$"),
)
_REF = re.compile(r"[0-9]{6,16}")
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9._~-]+")
_VENDOR = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)\.(?:m\.)?(?P<zone>en|trustpass|fm)\.alibaba\.com")


def listing_ref(address: Any) -> str | None:
    """Return the number of the listing that an address names."""
    found = _read_listing(address)
    return found[0] if found else None


def ref_of(*values: Any) -> str | None:
    """Return the first value that is a listing's number, as page data give it: a number or text."""
    return next((text for value in values if (text := text_of(value)) and _REF.fullmatch(text)), None)


def listing_url(ref: str, *addresses: Any) -> str:
    """Return the address of a listing, with the words of the first of the addresses that names it."""
    named = (found[1] for address in addresses if (found := _read_listing(address)) and found[0] == ref)
    words = next((words for words in named if _PLAIN_WORDS.fullmatch(words)), "")
    return f"{MAIN_SITE}product-detail/{words}_{ref}.html"


def subdomain(address: Any) -> str | None:
    """Return the name under which a vendor has its pages, from an address of one of them or from a host alone."""
    found = _read_vendor(address)
    return found["name"] if found else None


def vendor_url(address: Any, page: str = "") -> str | None:
    """Return the address of a vendor's page on its desktop host, without language and query."""
    found = _read_vendor(address)
    return f"https://{found['name']}.{found['zone']}.alibaba.com/{page}" if found else None


def product_list_url(address: Any) -> str | None:
    """Return the address of the first page of a vendor's product list, from an address of any of the vendor's pages."""
    return vendor_url(address, "productlist.html")


def profile_url(address: Any) -> str | None:
    """Return the address of a vendor's company profile, from an address of any of the vendor's pages."""
    return vendor_url(address, "company_profile.html")


def showroom_url(words: str) -> str | None:
    """Return the address of the page of many vendors' goods under some words; None for words that make no address."""
    plain = "-".join(re.findall("[a-z0-9]+", words.lower()))
    return f"{MAIN_SITE}showroom/{plain}.html" if plain else None


def is_showroom(address: str) -> bool:
    """Return whether an address is that of a showroom."""
    parts = split(address)
    return parts is not None and parts.path.startswith("/showroom/")


def split(address: Any, base: str = MAIN_SITE) -> SplitResult | None:
    """Return the parts of an address, made absolute by that of its page; None where it is none."""
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(urljoin(base, address.strip()))
        host = parts.hostname
    except ValueError:
        return None
    return parts if host else None


def absolute(address: Any, base: str = MAIN_SITE) -> str | None:
    """Return an address, made absolute by that of its page; None where it is none."""
    parts = split(address, base)
    return parts.geturl() if parts else None


def _read_listing(address: Any) -> tuple[str, str] | None:
    parts = split(address)
    if parts is None or not f".{parts.hostname}".endswith(".alibaba.com"):
        return None
    found = next((found for form in _LISTING if (found := form.search(parts.path))), None)
    return (found["ref"], found["words"] or "") if found else None


def _read_vendor(address: Any) -> re.Match[str] | None:
    if not isinstance(address, str):
        return None
    host = address.strip().lower()
    if "/" in host:
        parts = split(host)
        host = (parts.hostname or "") if parts else ""
    return _VENDOR.fullmatch(host)
