"""The Internet Archive in the replica: shops that are gone from ArtFire, and some pages and photos of the others.

It answers as https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server describes: an index of captures,
and each capture at its time; another time leads to the nearest capture.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, unquote, urlsplit

from theftwatch.demo import etsy_data, pages
from theftwatch.demo.answers import Answer, Request, Shelves, not_found, text_answer
from theftwatch.demo.artfire_site import answer_page, is_archived
from theftwatch.demo.catalogue import Offer, SellerKind, Served
from theftwatch.demo.images import answer_image

_TEXT = "text/plain; charset=utf-8"
_CAPTURE = re.compile(r"/web/(?P<timestamp>\d{4,14})(?:\w\w_)?/(?P<original>https?:/.*)")
_INDEX_PATH = "/cdx/search/cdx"
_TIMESTAMP = "%Y%m%d%H%M%S"
#: The archive came by so long after a listing appeared, and again after that
_TAKEN_AFTER = (timedelta(days=90, hours=4, minutes=5, seconds=6), timedelta(days=400))
#: An image is taken after the page that shows it
_IMAGE_AFTER = timedelta(seconds=40)
#: Of the shops that are still there the archive has every second listing, of the vendors every fifth
_EVERY = {"etsy": 2, "artfire": 2, "alibaba": 5}
#: For a vendor's listing, whose page does not say since when it is there
_UNKNOWN_DATE = datetime(2025, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Capture:
    offer: Offer
    taken_at: datetime
    original: str
    mime_type: str = "text/html"

    @property
    def timestamp(self) -> str:
        return f"{self.taken_at:{_TIMESTAMP}}"

    @property
    def key(self) -> str:
        return _key(self.original)


def answer_archive(request: Request, shelves: Shelves) -> Answer:
    """Answer a request to the Internet Archive."""
    captures = sorted(_captures(shelves), key=lambda capture: (capture.key, capture.timestamp))
    if request.path == _INDEX_PATH:
        return _answer_index(request, captures, shelves)
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
    marketplace = capture.offer.listing.marketplace
    if capture.mime_type == "image/jpeg":
        return answer_image(request, shelves, marketplace)
    if marketplace == "artfire":
        return answer_page(request, shelves, archived=True)
    return text_answer(pages.listing_page(capture.offer))


def _captures(shelves: Shelves) -> Iterator[_Capture]:
    for offer in shelves.catalogue.offers:
        marketplace = offer.listing.marketplace
        if is_archived(offer.seller):
            for after in _TAKEN_AFTER:
                yield from _captures_of(offer, after)
        elif (
            offer.seller.kind is SellerKind.SHOP
            and offer.served is Served.PAGE
            and int(offer.listing.listing_ref) % _EVERY[marketplace] == 0
        ):
            yield from _captures_of(offer, _TAKEN_AFTER[0])


def _captures_of(offer: Offer, after: timedelta) -> Iterator[_Capture]:
    taken_at = (offer.listing.listed_at or _UNKNOWN_DATE) + after
    yield _Capture(offer=offer, taken_at=taken_at, original=_as_taken(offer.listing.url, taken_at))
    for image in offer.listing.images:
        # Etsy's pages show a photo smaller than it is, and the archive takes what a page shows.
        small = offer.listing.marketplace == "etsy" and image.position > 0
        url = etsy_data.sized_url(image, "794xN") if small else image.url
        yield _Capture(offer=offer, taken_at=taken_at + _IMAGE_AFTER, original=url, mime_type="image/jpeg")


def _as_taken(url: str, taken_at: datetime) -> str:
    # Early captures were of plain HTTP, with the port in the address
    return url.replace("https://www.artfire.com/", "http://www.artfire.com:80/") if taken_at.year < 2015 else url


def _key(url: str) -> str:
    """Return what the index sorts and compares by: no scheme, no port, no case."""
    parts = urlsplit(re.sub(r"^(https?):/+", r"\1://", url if "://" in url or ":/" in url else f"http://{url}"))
    return f"{(parts.hostname or '').removeprefix('www.')}{unquote(parts.path)}".lower().rstrip("/")


def _answer_index(request: Request, captures: list[_Capture], shelves: Shelves) -> Answer:
    query = {name: values[0] for name, values in parse_qs(request.query).items()}
    wanted = _key(query.get("url", "").rstrip("*"))
    prefix = query.get("matchType") == "prefix" or query.get("url", "").endswith("*")
    rows = [
        capture
        for capture in captures
        if (capture.key.startswith(wanted) if prefix else capture.key == wanted)
        and query.get("from", "") <= capture.timestamp <= query.get("to", "9")
    ]
    rows = _collapse(rows, query.get("collapse", ""), shelves)
    if after := query.get("resumeKey"):
        rows = [row for row in rows if _resume_key(row) > unquote(after)]
    limit = int(query["limit"]) if query.get("limit", "").isdecimal() else len(rows)
    columns = query.get("fl", "urlkey,timestamp,original,mimetype,statuscode,digest,length").split(",")
    lines = [[_column(row, name, shelves) for name in columns] for row in rows[:limit]]
    if query.get("output") != "json":
        return text_answer("".join(" ".join(line) + "\n" for line in lines), content_type=_TEXT)
    answer: list[list[str]] = [columns, *lines] if lines else []
    if len(rows) > limit and query.get("showResumeKey") == "true":
        answer += [[], [quote(_resume_key(rows[limit - 1]))]]
    return text_answer(json.dumps(answer), content_type="application/json")


def _collapse(rows: list[_Capture], field: str, shelves: Shelves) -> list[_Capture]:
    """Keep the first of neighbouring rows that are the same in a field."""
    if not field:
        return rows
    values = [_column(row, field, shelves) for row in rows]
    return [row for i, row in enumerate(rows) if i == 0 or values[i] != values[i - 1]]


def _resume_key(row: _Capture) -> str:
    return f"{row.key} {row.timestamp}"


def _column(row: _Capture, name: str, shelves: Shelves) -> str:
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
            body = _answer_original(row, shelves).body
            return base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
    return "-"
