"""ArtFire in the replica: the live site, and what the Internet Archive has of the shops that are gone from it.

The archive answers as https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server describes: an index of
captures, and each capture at its time; another time leads to the nearest capture.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, unquote, urlsplit

from theftwatch.demo import pages
from theftwatch.demo.answers import Answer, Request, Shelves, not_found, text_answer
from theftwatch.demo.catalogue import DemoSeller, Offer, SellerKind
from theftwatch.demo.images import answer_image

_TEXT = "text/plain; charset=utf-8"
_ROBOTS = "User-agent: *\nDisallow: /ext/cart/\n"
_LISTING = re.compile(r"/ext/shop/product_view/(?P<handle>\w+)/(?P<ref>\d+)(?:/.*)?")
_SHOP = re.compile(r"/ext/shop/(?:home|studio)/(?P<handle>\w+)/?")
_CAPTURE = re.compile(r"/web/(?P<timestamp>\d{4,14})(?:\w\w_)?/(?P<original>https?:/.*)")
_INDEX_PATH = "/cdx/search/cdx"
_TIMESTAMP = "%Y%m%d%H%M%S"
#: The archive came by so long after a listing appeared, and again after that
_TAKEN_AFTER = (timedelta(days=90, hours=4, minutes=5, seconds=6), timedelta(days=400))
#: An image is taken after the page that shows it
_IMAGE_AFTER = timedelta(seconds=40)
#: Goods of the same shop that stand beside a listing
_BESIDE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Capture:
    taken_at: datetime
    original: str
    mime_type: str = "text/html"

    @property
    def timestamp(self) -> str:
        return f"{self.taken_at:{_TIMESTAMP}}"

    @property
    def key(self) -> str:
        return _key(self.original)


def answer_artfire(request: Request, shelves: Shelves) -> Answer:
    """Answer a request to ArtFire's own page host."""
    if request.path == "/robots.txt":
        return text_answer(_ROBOTS, content_type=_TEXT)
    return _answer_page(request, shelves, archived=False)


def answer_static(request: Request, shelves: Shelves) -> Answer:
    """Answer a request to ArtFire's own image host, which has dropped the images of the shops that are gone."""
    key = request.path.rpartition("/")[2].partition(".")[0]
    owner = shelves.image_owner("artfire", key)
    return not_found(request) if owner and _is_archived(owner) else answer_image(request, shelves, "artfire")


def answer_archive(request: Request, shelves: Shelves) -> Answer:
    """Answer a request to the Internet Archive."""
    captures = sorted(_captures(shelves), key=lambda capture: (capture.key, capture.timestamp))
    if request.path == _INDEX_PATH:
        return _answer_index(request, captures)
    # A query string of the original belongs to its address
    asked = _CAPTURE.fullmatch(request.url.removeprefix(f"https://{request.host}"))
    taken = [capture for capture in captures if asked and capture.key == _key(asked["original"])]
    if not asked or not taken:
        return not_found(request)
    wanted = asked["timestamp"].ljust(14, "0")
    nearest = min(taken, key=lambda capture: abs(int(capture.timestamp) - int(wanted)))
    if nearest.timestamp != asked["timestamp"]:
        location = f"https://{request.host}/web/{nearest.timestamp}id_/{nearest.original}"
        return Answer(status=302, headers={"Location": location})
    return _answer_original(nearest, shelves)


def _answer_original(capture: _Capture, shelves: Shelves) -> Answer:
    parts = urlsplit(capture.original)
    request = Request(host=parts.hostname or "", path=parts.path, query=parts.query)
    if capture.mime_type == "image/jpeg":
        return answer_image(request, shelves, "artfire")
    return _answer_page(request, shelves, archived=True)


def _answer_page(request: Request, shelves: Shelves, *, archived: bool) -> Answer:
    listing = _LISTING.fullmatch(request.path)
    found = listing or _SHOP.fullmatch(request.path)
    seller = shelves.seller("artfire", found["handle"]) if found else None
    if seller is None or _is_archived(seller) != archived:
        return not_found(request)
    goods = shelves.catalogue.of_seller(seller)
    if not listing:
        page = pages.shop_page(goods, request.page_number)
        return text_answer(page) if page is not None else not_found(request)
    offer = next((offer for offer in goods if offer.listing.listing_ref == listing["ref"]), None)
    if offer is None:
        return not_found(request)
    others = [other for other in goods if other != offer]
    return text_answer(pages.listing_page(offer, others[:_BESIDE]))


def _is_archived(seller: DemoSeller) -> bool:
    return seller.kind is SellerKind.ARCHIVED


def _captures(shelves: Shelves) -> Iterator[_Capture]:
    for seller in shelves.catalogue.sellers:
        if _is_archived(seller):
            for offer in shelves.catalogue.of_seller(seller):
                yield from _captures_of(offer)


def _captures_of(offer: Offer) -> Iterator[_Capture]:
    listed_at = offer.listing.listed_at or datetime(2014, 1, 1, tzinfo=UTC)
    for after in _TAKEN_AFTER:
        taken_at = listed_at + after
        yield _Capture(taken_at=taken_at, original=_as_taken(offer.listing.url, taken_at))
        for image in offer.listing.images:
            yield _Capture(taken_at=taken_at + _IMAGE_AFTER, original=image.url, mime_type="image/jpeg")


def _as_taken(url: str, taken_at: datetime) -> str:
    # Early captures were of plain HTTP, with the port in the address
    return url.replace("https://www.artfire.com/", "http://www.artfire.com:80/") if taken_at.year < 2015 else url


def _key(url: str) -> str:
    """Return what the index sorts and compares by: no scheme, no port, no case."""
    parts = urlsplit(re.sub(r"^(https?):/+", r"\1://", url if "://" in url or ":/" in url else f"http://{url}"))
    return f"{(parts.hostname or '').removeprefix('www.')}{unquote(parts.path)}".lower().rstrip("/")


def _answer_index(request: Request, captures: list[_Capture]) -> Answer:
    query = {name: values[0] for name, values in parse_qs(request.query).items()}
    wanted = _key(query.get("url", "").rstrip("*"))
    prefix = query.get("matchType") == "prefix" or query.get("url", "").endswith("*")
    rows = [
        capture
        for capture in captures
        if (capture.key.startswith(wanted) if prefix else capture.key == wanted)
        and query.get("from", "") <= capture.timestamp <= query.get("to", "9")
    ]
    rows = _collapse(rows, query.get("collapse", ""))
    if after := query.get("resumeKey"):
        rows = [row for row in rows if _resume_key(row) > unquote(after)]
    limit = int(query["limit"]) if query.get("limit", "").isdecimal() else len(rows)
    columns = query.get("fl", "urlkey,timestamp,original,mimetype,statuscode,digest,length").split(",")
    lines = [[_column(row, name) for name in columns] for row in rows[:limit]]
    if query.get("output") != "json":
        return text_answer("".join(" ".join(line) + "\n" for line in lines), content_type=_TEXT)
    answer: list[list[str]] = [columns, *lines] if lines else []
    if len(rows) > limit and query.get("showResumeKey") == "true":
        answer += [[], [quote(_resume_key(rows[limit - 1]))]]
    return text_answer(json.dumps(answer), content_type="application/json")


def _collapse(rows: list[_Capture], field: str) -> list[_Capture]:
    """Keep the first of neighbouring rows that are the same in a field."""
    if not field:
        return rows
    return [row for i, row in enumerate(rows) if i == 0 or _column(row, field) != _column(rows[i - 1], field)]


def _resume_key(row: _Capture) -> str:
    return f"{row.key} {row.timestamp}"


def _column(row: _Capture, name: str) -> str:
    match name:
        case "urlkey":
            return row.key
        case "timestamp":
            return row.timestamp
        case "original":
            return row.original
        case "mimetype":
            return row.mime_type
        case "statuscode":
            return "200"
        case "digest":
            # What was taken does not change between two captures
            return base64.b32encode(hashlib.sha1(row.key.encode(), usedforsecurity=False).digest()).decode()
    return "-"
