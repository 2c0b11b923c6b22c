"""Addresses of Etsy: what a page is by its address, and the one address that we keep for each thing."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urljoin, urlsplit

from theftwatch.listing import Alias, PageKind, Seller

MARKETPLACE = "etsy"
SITE = "https://www.etsy.com"

# The parts of a query that say what is shown. The rest (ref, click_key, ga_*, utm_* and whatever comes next year)
# only traces the visitor.
_MEANINGFUL = ("q", "search_query", "section_id", "sort_order", "order", "min", "max", "explicit")

_LOCALE = re.compile(r"[a-z]{2}(-[a-z]{2,3})?", re.IGNORECASE)
_SEARCH_PATHS = {"search", "c", "market", "featured", "browse"}
_HOSTS_OF_NO_SHOP = {"www", "m", "openapi", "api", "i", "img0", "img1", "img2", "help", "community"}
_REF = re.compile(r"\d{1,18}", re.ASCII)
_SHOP_NAME = re.compile(r"\w{1,50}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """What the address of a page says about it."""

    #: None for pages of no interest, and for addresses that are not Etsy's
    kind: PageKind | None = None
    listing_ref: str | None = None
    shop_name: str | None = None
    #: From 1
    page_number: int = 1
    #: The address without its page number and without what traces the visitor
    base: str | None = None


def read_address(url: str) -> Address:
    """Return what an address says; any text is allowed."""
    parts = _split(url)
    host = (parts.hostname or "").lower() if parts else ""
    if not parts or (host != "etsy.com" and not host.endswith(".etsy.com")):
        return Address()
    segments = [segment for segment in parts.path.split("/") if segment]
    place = segments[1:] if segments and _LOCALE.fullmatch(segments[0]) else segments
    shop_of_host = host.removesuffix(".etsy.com") if host.count(".") == 2 else ""
    if shop_of_host and shop_of_host not in _HOSTS_OF_NO_SHOP and place[:1] != ["listing"]:
        place = segments = ["shop", shop_of_host, *place]
    kind = _kind(place)
    query = dict(parse_qsl(parts.query))
    return Address(
        kind=kind,
        listing_ref=place[1] if kind is PageKind.LISTING else None,
        shop_name=place[1] if kind in (PageKind.SHOP, PageKind.SOLD) else None,
        page_number=_page_number(query.get("page", "")),
        base=_with_query(f"{SITE}/{'/'.join(segments)}", {key: query[key] for key in _MEANINGFUL if key in query}),
    )


def page_url(base: str, page_number: int) -> str:
    """Return the address of a page of a list; `base` is that of `read_address`."""
    return f"{base}{'&' if '?' in base else '?'}page={page_number}" if page_number > 1 else base


def absolute(url: str, href: str) -> str:
    """Return the address that a link on a page leads to; an empty text where it leads nowhere."""
    try:
        return urljoin(url, href.strip())
    except ValueError:
        return ""


def listing_url(listing_ref: str) -> str:
    """Return the address that we keep of a listing.

    It has no slug: Etsy makes the slug from the title, so it changes with it, and the address works without.
    """
    return f"{SITE}/listing/{listing_ref}"


def shop_url(shop_name: str) -> str:
    """Return the address that we keep of a shop."""
    return f"{SITE}/shop/{quote(shop_name)}"


def as_ref(value: object) -> str | None:
    """Return a listing, shop or image id as text; None for what is no id."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if len(text) < 20 and _REF.fullmatch(text) else None


def shop_seller(
    *, ref: str | None, name: str | None, country: str | None = None, owner: str | None = None
) -> Seller | None:
    """Return a shop as a seller, with the id of the user who owns it; None where neither its id nor its name is known.

    The name is an alias too, in lower case, since Etsy does not tell `Oakywood` from `oakywood`.
    """
    if not ref and not name:
        return None
    is_shop_name = bool(name and _SHOP_NAME.fullmatch(name))
    return Seller(
        marketplace=MARKETPLACE,
        ref=ref,
        name=name,
        url=shop_url(name) if name and is_shop_name else None,
        country=country,
        aliases=(Alias(kind="shop_name", value=name.lower()),) if name and is_shop_name else (),
        company=(Alias(kind="user_id", value=owner),) if owner else (),
    )


def _kind(place: list[str]) -> PageKind | None:
    match place:
        case ["listing", ref, *_] if _REF.fullmatch(ref):
            return PageKind.LISTING
        case ["shop", name, "sold"] if _SHOP_NAME.fullmatch(name):
            return PageKind.SOLD
        case ["shop", name] if _SHOP_NAME.fullmatch(name):
            return PageKind.SHOP
        case [first, *_] if first in _SEARCH_PATHS:
            return PageKind.SEARCH
    return None


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url.strip())
    except ValueError:
        return None


def _page_number(text: str) -> int:
    return int(text) if _REF.fullmatch(text) and 0 < int(text) < 100_000 else 1


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
