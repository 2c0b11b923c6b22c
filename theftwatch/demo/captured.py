"""The captured pages, byte for byte at their own addresses, and photos that stand in for theirs."""

import csv
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from theftwatch.demo.catalogue import DemoSeller, Edit, Offer, Picture, SellerKind, Served, Shown
from theftwatch.listing import Seller
from theftwatch.pages.read import read_page

#: What the blocks look like, for any address that is blocked
CAPTCHA = "etsy_captcha.html.gz"
SLIDER = "alibaba_slider.html.gz"
ROBOTS = {"etsy": "etsy_robots.txt.gz", "alibaba": "alibaba_robots.txt.gz"}

# Photos of no seller in the catalogue; those of one side never stand on the other, so that they match nothing
STAND_INS = {
    "etsy": "b63a3da355ef b64ff9f0c428 b171e41d9e45 c311c2a2f986 e4e948262fa5 f0ad6366d9f6 f3a037c86a4f dedf44c83956",
    "alibaba": "14e5d391191e 168f1c86ecae 1edd616bef57 251f2fae96b8 4660c42f1fe2 468d9fd607ed "
    "579752f0d107 630546629767 667e0564f308 7bba26eb26ed 7c60f222dfb7 84197360fd72",
}
_LISTING_NUMBER = re.compile(r"^https://[a-z]+\.(?:etsy|alibaba)\.com/.*?(?:listing/|[_-])(\d{9,14})\b")
_IMAGE_KEYS = {
    "etsy": re.compile(r"etsystatic\.com\\?/[^\"' ]*?/il_\w+\.(\d+)"),
    "alibaba": re.compile(r"alicdn\.com\\?/(?:@sc\d+\\?/)?kf\\?/(\w{20,40})"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedPage:
    """A captured page; `url` is empty for a block, which stands at many addresses."""

    file: str
    url: str
    status: int
    sha256: str


@cache
def captured_pages() -> tuple[CapturedPage, ...]:
    """Return what `pages/captured/CAPTURED.tsv` lists."""
    rows = csv.DictReader(_folder().joinpath("CAPTURED.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return tuple(
        CapturedPage(file=row["file"], url=row["url"], status=int(row["status"]), sha256=row["sha256"]) for row in rows
    )


@cache
def read_captured(file: str) -> bytes:
    """Return a captured page as it came."""
    return gzip.decompress(_folder().joinpath(file).read_bytes())


def find_captured(url: str) -> CapturedPage | None:
    """Return the captured page of an address.

    One captured without query stands for any query but that of another page of a list. A listing counts by its number,
    whatever words stand beside it.
    """
    plain, _, query = url.partition("?")
    found = _by_address().get(url) or (None if "page=" in query else _by_address().get(plain))
    number = _LISTING_NUMBER.search(plain)
    return found or (_by_listing_number().get(number[1]) if number else None)


def captured_listings(marketplace: str) -> list[str]:
    """Return the addresses of the captured pages of single listings."""
    return [page.url for page in _listing_pages() if page.file.startswith(marketplace)]


@cache
def captured_offers(marketplace: str) -> tuple[Offer, ...]:
    """Return what the captured pages of single listings offer, for what else shows the same listing."""
    offers = []
    for url in captured_listings(marketplace):
        page = find_captured(url)
        (listing,) = read_page(read_captured(page.file).decode(), url).listings if page else ()
        seller = listing.seller or Seller(marketplace=marketplace)
        owner = DemoSeller(
            seller=seller,
            handle=seller.name or "",
            currency=listing.currency or "USD",
            kind=SellerKind.CAPTURED,
            member=0,
        )
        shown = tuple(Shown(picture=_picture(marketplace, one.key), url=one.url, image=one) for one in listing.images)
        offers.append(Offer(seller=owner, listing=listing, shown=shown, served=Served.PAGE))
    return tuple(offers)


def stand_in(marketplace: str, image_key: str) -> Picture | None:
    """Return what stands in for an image of a captured page; None for a key that none of them names."""
    return _picture(marketplace, image_key) if image_key in _captured_keys(marketplace) else None


@cache
def _by_address() -> dict[str, CapturedPage]:
    return {page.url: page for page in captured_pages() if page.url}


@cache
def _by_listing_number() -> dict[str, CapturedPage]:
    return {number: page for page in _listing_pages() for number in _LISTING_NUMBER.findall(page.url)}


def _listing_pages() -> list[CapturedPage]:
    return [page for page in captured_pages() if "_listing" in page.file]


def _picture(marketplace: str, image_key: str) -> Picture:
    photos = STAND_INS[marketplace].split()
    number = int.from_bytes(hashlib.sha256(image_key.encode()).digest()[:4], "big")
    return Picture(edit=Edit.NONE, photos=(f"{photos[number % len(photos)]}.jpg",))


@cache
def _captured_keys(marketplace: str) -> frozenset[str]:
    pages = (page for page in captured_pages() if page.file.startswith(marketplace))
    texts = (read_captured(page.file).decode(errors="replace") for page in pages)
    return frozenset(key for text in texts for key in _IMAGE_KEYS[marketplace].findall(text))


def _folder() -> resources.abc.Traversable:
    return resources.files(__package__).joinpath("pages", "captured")
