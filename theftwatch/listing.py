"""What a page says: sellers, listings and their images, as values that never change."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

Side = Literal["original", "suspect"]


class PageKind(StrEnum):
    """What a page is for."""

    LISTING = "listing"  # one offer
    SHOP = "shop"  # the goods of one seller, page by page
    SEARCH = "search"  # offers of many sellers
    SUPPLIER_SEARCH = "supplier_search"  # sellers, no offers
    PROFILE = "profile"  # one seller, no offers
    SOLD = "sold"  # what a shop has sold
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """Another key under which a seller is known, such as its subdomain."""

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Seller:
    """The account behind a listing."""

    marketplace: str
    #: The marketplace's own firm key (company id, shop id); None where the page shows aliases only
    ref: str | None = None
    name: str | None = None
    url: str | None = None
    country: str | None = None
    aliases: tuple[Alias, ...] = ()
    #: Keys that other accounts of the same company, or the same owner, bear too
    company: tuple[Alias, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingImage:
    """One image of a listing, at its original size."""

    url: str
    #: The marketplace's own name of the image, the same under all hosts and sizes
    key: str
    #: From 0; the listing's photos in order, then its description images
    position: int
    published_at: datetime | None = None
    #: Where the bytes are to be had when not at `url`, such as an archive's copy of it
    fetch_url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DateClaim:
    """A bound on when a listing existed: not before `earliest_at`, by `latest_at` at the latest."""

    kind: str
    source: str
    strength: Literal["strong", "medium", "weak"]
    earliest_at: datetime | None = None
    latest_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One offer as one page shows it."""

    marketplace: str
    listing_ref: str
    url: str
    title: str | None = None
    seller: Seller | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str | None = None
    listed_at: datetime | None = None
    images: tuple[ListingImage, ...] = ()
    claims: tuple[DateClaim, ...] = ()
    #: Whether the page shows all images of the listing; a card in a list shows some
    complete: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What was read from one page."""

    kind: PageKind
    listings: tuple[Listing, ...] = ()
    sellers: tuple[Seller, ...] = ()
    #: Addresses of listing pages and of sellers' pages that this page leads to, without query strings
    listing_urls: tuple[str, ...] = ()
    seller_urls: tuple[str, ...] = ()
    #: Addresses of listings that were asked for by their keys, and are no longer there as the answer says
    gone_urls: tuple[str, ...] = ()
    next_page: str | None = None
    #: Number of the last page of the list, where the page leads there
    last_page: int | None = None
    #: How many listings all pages of the list hold, by its own word
    total: int | None = None
