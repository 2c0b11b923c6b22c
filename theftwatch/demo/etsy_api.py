"""Etsy's Open API v3 as its description has it: shops and listings as JSON, for a key, within limits."""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from PIL import Image

from theftwatch.demo import captured, etsy_data, photos
from theftwatch.demo.answers import Answer, Request, Shelves
from theftwatch.demo.catalogue import TAKEN_DOWN, DemoSeller, Offer, Served
from theftwatch.listing import ListingImage

_PREFIX = "/v3/application"
_KEY = re.compile(r"[^:\s]+:[^:\s]+")
_MAX_COUNT = 100
_DEFAULT_COUNT = 25
#: What a new key is commonly given
CALLS_PER_SECOND = 10
CALLS_PER_DAY = 10_000
_WINDOW_S = 1.0
#: How long to wait, by its own word, once the calls of the day are spent
_DAY_SPENT_WAIT_S = 7_200
#: For what a captured page does not say
_UNKNOWN_DATE = datetime(2023, 1, 1, tzinfo=UTC)


class CallLimit:
    """The limit of calls that one key has, in any second of a clock and in all."""

    def __init__(
        self,
        *,
        per_second: int = CALLS_PER_SECOND,
        per_day: int = CALLS_PER_DAY,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second, self._per_day = per_second, per_day
        self._clock_s = clock_s
        self._recent: deque[float] = deque()
        self._count = 0
        self._lock = Lock()

    def take(self) -> tuple[bool, dict[str, str]]:
        """Count one call; return whether it is within the limit, and the headers that say what is left."""
        with self._lock:
            now = self._clock_s()
            while self._recent and now - self._recent[0] >= _WINDOW_S:
                self._recent.popleft()
            allowed = len(self._recent) < self._per_second and self._count < self._per_day
            if allowed:
                self._recent.append(now)
                self._count += 1
            headers = {
                "x-limit-per-second": str(self._per_second),
                "x-remaining-this-second": str(self._per_second - len(self._recent)),
                "x-limit-per-day": str(self._per_day),
                "x-remaining-today": str(self._per_day - self._count),
            }
            wait_s = _DAY_SPENT_WAIT_S if self._count >= self._per_day else 1
        return allowed, headers if allowed else {**headers, "retry-after": str(wait_s)}


def answer_api(request: Request, shelves: Shelves, limit: CallLimit) -> Answer:
    """Answer a call of the API."""
    key = request.headers.get("x-api-key", "")
    if not _KEY.fullmatch(key):
        return _error(403, "Invalid API key: should be in the format 'keystring:shared_secret'.")
    allowed, headers = limit.take()
    if not allowed:
        which = "second" if headers["retry-after"] == "1" else "day"
        return _error(429, f"Exceeded per {which} rate limit", headers)
    result = _find(request.path.removeprefix(_PREFIX), parse_qs(request.query), shelves)
    if not request.path.startswith(_PREFIX) or result is None:
        return _error(404, "Resource not found", headers)
    return Answer(content_type="application/json", body=json.dumps(result).encode(), headers=headers)


def _find(path: str, query: dict[str, list[str]], shelves: Shelves) -> dict[str, Any] | None:
    includes = {name.lower() for value in query.get("includes", []) for name in value.split(",")}
    match path.strip("/").split("/"):
        case ["shops"]:
            shop = shelves.seller("etsy", query.get("shop_name", [""])[0])
            return _listed([_shop(shop, shelves)] if shop else [], query)
        case ["shops", ref]:
            shop = _find_shop(ref, shelves)
            return _shop(shop, shelves) if shop else None
        case ["shops", ref, "listings", "active"]:
            shop = _find_shop(ref, shelves)
            return _listed([_listing(offer) for offer in _active(shop, shelves)], query) if shop else None
        case ["listings", "active"]:
            return _listed([_listing(offer) for offer in _matching(query, shelves)], query)
        case ["listings", "batch"]:
            refs = [ref for value in query.get("listing_ids", []) for ref in value.split(",")][:_MAX_COUNT]
            offers = [offer for ref in refs if (offer := _find_offer(ref, shelves))]
            return _all([_with_associations(offer, includes, shelves) for offer in offers])
        case ["listings", ref]:
            offer = _find_offer(ref, shelves)
            return _with_associations(offer, includes, shelves) if offer else None
        case ["listings", ref, "images"]:
            offer = _find_offer(ref, shelves)
            return _all(_images(offer)) if offer else None
    return None


def _find_shop(ref: str, shelves: Shelves) -> DemoSeller | None:
    shops = (one for one in shelves.catalogue.sellers if one.seller.marketplace == "etsy")
    return next((shop for shop in shops if shop.seller.ref == ref), None)


def _find_offer(ref: str, shelves: Shelves) -> Offer | None:
    captured_ones = (offer for offer in captured.captured_offers("etsy") if offer.listing.listing_ref == ref)
    offer = shelves.offer("etsy", ref) or next(captured_ones, None)
    return offer if offer and offer.served not in TAKEN_DOWN - {Served.UNAVAILABLE} else None


def _active(shop: DemoSeller, shelves: Shelves) -> list[Offer]:
    return [offer for offer in shelves.catalogue.of_seller(shop) if offer.served not in TAKEN_DOWN]


def _matching(query: dict[str, list[str]], shelves: Shelves) -> list[Offer]:
    words = query.get("keywords", [""])[0].lower().split()
    shops = (one for one in shelves.catalogue.sellers if one.seller.marketplace == "etsy")
    offers = (offer for shop in shops for offer in _active(shop, shelves))
    return [offer for offer in offers if all(word in (offer.listing.title or "").lower() for word in words)]


def _listed(results: Sequence[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    """Return one window of results, with the number of all of them."""
    first = _number(query, "offset", 0)
    count = min(_number(query, "limit", _DEFAULT_COUNT), _MAX_COUNT)
    return {"count": len(results), "results": list(results[first : first + count])}


def _all(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"count": len(results), "results": list(results)}


def _number(query: dict[str, list[str]], name: str, default: int) -> int:
    value = query.get(name, [""])[0]
    return int(value) if value.isdecimal() else default


def _with_associations(offer: Offer, includes: set[str], shelves: Shelves) -> dict[str, Any]:
    result = _listing(offer)
    if "images" in includes:
        result["images"] = _images(offer)
    if "shop" in includes:
        result["shop"] = _shop(offer.seller, shelves)
    return result


def _shop(shop: DemoSeller, shelves: Shelves) -> dict[str, Any]:
    offers = _active(shop, shelves)
    return {
        "shop_id": int(shop.seller.ref or 0),
        "shop_name": shop.seller.name,
        "created_timestamp": min((_listed_timestamp(offer) for offer in offers), default=0),
        "title": None,
        "currency_code": shop.currency,
        "listing_active_count": len(offers),
        "url": f"{shop.seller.url}?utm_source=demo&utm_medium=api&utm_campaign=api",
        "shop_location_country_iso": "US",
    }


def _listing(offer: Offer) -> dict[str, Any]:
    listing = offer.listing
    return {
        "listing_id": int(listing.listing_ref),
        "shop_id": int(offer.seller.seller.ref or 0),
        "title": listing.title,
        "description": f"{listing.title}\n\nMade to order.",
        "state": "inactive" if offer.served is Served.UNAVAILABLE else "active",
        # A listing is made anew every four months, and this begins again; the original one stays
        "creation_timestamp": _listed_timestamp(offer) + 120 * 24 * 3600,
        "created_timestamp": _listed_timestamp(offer) + 120 * 24 * 3600,
        "original_creation_timestamp": _listed_timestamp(offer),
        "quantity": 3,
        "url": f"{listing.url}?utm_source=demo&utm_medium=api&utm_campaign=api",
        "listing_type": "physical",
        "who_made": "i_did",
        "when_made": "made_to_order",
        "has_variations": listing.price_min != listing.price_max,
        "language": "en-US",
        "price": {
            "amount": int((listing.price_min or Decimal(0)) * 100),
            "divisor": 100,
            "currency_code": listing.currency,
        },
    }


def _images(offer: Offer) -> list[dict[str, Any]]:
    return [
        _image(offer, image, shown.picture.photos[0])
        for image, shown in zip(offer.listing.images, offer.shown, strict=True)
    ]


def _image(offer: Offer, image: ListingImage, photo: str) -> dict[str, Any]:
    with Image.open(BytesIO(photos.photo_bytes(photo))) as opened:
        width_px, height_px = opened.size
    return {
        "listing_id": int(offer.listing.listing_ref),
        "listing_image_id": int(image.key),
        "creation_tsz": _listed_timestamp(offer),
        "created_timestamp": _listed_timestamp(offer),
        "rank": image.position + 1,
        "url_75x75": etsy_data.sized_url(image, "75x75"),
        "url_170x135": etsy_data.sized_url(image, "170x135"),
        "url_570xN": etsy_data.sized_url(image, "570xN"),
        "url_fullxfull": image.url,
        "full_height": height_px,
        "full_width": width_px,
        "alt_text": None,
    }


def _listed_timestamp(offer: Offer) -> int:
    return int((offer.listing.listed_at or _UNKNOWN_DATE).timestamp())


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps({"error": message}).encode()
    return Answer(status=status, content_type="application/json", body=body, headers=headers or {})
