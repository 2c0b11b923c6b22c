"""ArtFire's page addresses.

Proven by addresses found in public files: `/ext/shop/product_view/<shop>/<id>/<slug>/<category>/…` for a listing and
`/ext/discover/?search_term=…&sort_by=newest&json=yup&page=<n>` and `/browse/?term=…` for a search. Not proven:
`/ext/shop/home/<shop>` and `/ext/shop/studio/<shop>` for a shop; only `/ext/shop/blog/<shop>` was seen. The addresses
of the site before `/ext/` (`modules.php?name=…`) are not read.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

from theftwatch.pages import archive

HOME = "https://www.artfire.com"

_LISTING = re.compile(r"/ext/shop/product_view/(?P<shop>[^/]+)/(?P<ref>[0-9]{1,15})(?:/.*)?")
_SHOP = re.compile(r"/ext/shop/(?:home|studio)/(?P<shop>[^/]+)(?:/.*)?")
_SEARCH = re.compile(r"/(?:ext/discover|browse)(?:/.*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingAddress:
    """The address of a listing, without query string."""

    url: str
    shop: str
    listing_ref: str


def read_listing_url(url: str) -> ListingAddress | None:
    """Return what the address of a listing says; None for another address."""
    path = artfire_path(url)
    found = _LISTING.fullmatch(path)
    shop = _shop(found)
    if not found or not shop:
        return None
    return ListingAddress(url=HOME + path.rstrip("/"), shop=shop, listing_ref=found["ref"])


def read_shop_url(url: str) -> str | None:
    """Return the shop whose page an address is; None for another address."""
    return _shop(_SHOP.fullmatch(artfire_path(url)))


def is_search_url(url: str) -> bool:
    """Return whether an address is one of a search."""
    return bool(_SEARCH.fullmatch(artfire_path(url)))


def artfire_path(url: str) -> str:
    """Return the path of an address on ArtFire; empty for an address elsewhere."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not (host == "artfire.com" or host.endswith(".artfire.com")):
        return ""
    return parts.path or "/"


def page_number(url: str) -> int:
    """Return which page of a shop or a search an address is, from 1."""
    number = _query(url).get("page", "")
    return int(number) if re.fullmatch("[1-9][0-9]{0,5}", number) else 1


def with_page_number(url: str, number: int) -> str:
    """Return the address of another page of the same shop or search."""
    return f"{HOME}{artfire_path(url)}?{urlencode({**_query(url), 'page': number})}"


def listing_url(shop: str, listing_ref: str) -> str:
    """Return the address of a listing whose title is not known; whether ArtFire answers it is not proven."""
    return listing_prefix(shop) + listing_ref


def listing_prefix(shop: str) -> str:
    """Return what the addresses of all listings of a shop begin with, for the Internet Archive's index."""
    return f"{HOME}/ext/shop/product_view/{quote(shop)}/"


def shop_url(shop: str) -> str:
    """Return the address of a shop; not proven."""
    return f"{HOME}/ext/shop/home/{quote(shop)}"


def search_url(term: str, number: int = 1) -> str:
    """Return the address of one page of a search, newest first."""
    query = {"search_term": term, "sort_by": "newest", "json": "yup", "page": number}
    return f"{HOME}/ext/discover/?{urlencode(query)}"


def resolve(base: str, href: str) -> str:
    """Return the address that a link on a page means, the archive's rewriting undone; empty where it means none."""
    original = archive.original_url(href)
    try:
        return urljoin(base, original.strip())
    except ValueError:
        return ""


def _shop(found: re.Match[str] | None) -> str | None:
    shop = unquote(found["shop"]) if found else ""
    return shop if shop.isprintable() and shop.strip() else None


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
