"""Etsy's Open API v3: addresses of its calls, its key, its limits and its refusals. No network.

The calls are described at https://developers.etsy.com/documentation/reference. A shop is found by name, its active
listings are paged through for their ids, and the ids are asked for in batches, since only the batch gives images.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from theftwatch.errors import (
    PageBlockedError,
    PageChangedError,
    PageError,
    TheftWatchError,
    UnknownPageError,
    UsageError,
)

HOST = "openapi.etsy.com"
BASE_URL = f"https://{HOST}/v3/application"
#: The most that one call gives, for pages of a list as for batches of ids
BATCH_SIZE = 100

_LISTING_CALL = re.compile(rf"{re.escape(BASE_URL)}/listings/([0-9]+)(?:\?|$)")
_LIST_CALL = re.compile(rf"{re.escape(BASE_URL)}/shops/([0-9]+)/listings/active\b")
_DEFAULT_LIMIT = 25
_KEY = re.compile(r"[\x21-\x39\x3b-\x7e]+:[\x21-\x7e]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiLimits:
    """What an answer says of the limits of the key; None for what it does not say."""

    per_second: int | None = None
    remaining_this_second: int | None = None
    #: Of a window that slides over 24 hours, so it fills again bit by bit
    per_day: int | None = None
    remaining_today: int | None = None
    retry_after_s: float | None = None

    @property
    def pause_s(self) -> float:
        """Return the seconds to wait before the next call: what Etsy asks for, else an even share of a second."""
        if self.retry_after_s is not None:
            return self.retry_after_s
        return 1.0 if self.remaining_this_second == 0 else 1 / (self.per_second or 1)


def shop_by_name_url(shop_name: str) -> str:
    """Return the call that finds a shop's id; the answer may hold shops of similar names."""
    return f"{BASE_URL}/shops?{urlencode({'shop_name': shop_name})}"


def active_listings_url(shop_ref: str, *, offset: int = 0) -> str:
    """Return the call for a page of a shop's active listings, which come without images."""
    return f"{BASE_URL}/shops/{shop_ref}/listings/active?{urlencode({'limit': BATCH_SIZE, 'offset': offset})}"


def batch_url(listing_refs: Iterable[str]) -> str:
    """Return the call for up to 100 listings with their images and shops.

    Raises ValueError for no listing or for more than a batch.
    """
    refs = list(dict.fromkeys(listing_refs))
    if not 0 < len(refs) <= BATCH_SIZE:
        raise ValueError(f"{len(refs)} listings in a batch; give 1 to {BATCH_SIZE}")
    return f"{BASE_URL}/listings/batch?listing_ids={','.join(refs)}&includes=Images,Shop"


def api_listing_url(listing_ref: str) -> str:
    """Return the call for one listing with its images and shop."""
    return f"{BASE_URL}/listings/{listing_ref}?includes=Images,Shop"


def called_listing(url: str) -> str | None:
    """Return the listing that a call for one listing asks for; None for every other address."""
    found = _LISTING_CALL.match(url)
    return found[1] if found else None


def listed_shop(url: str) -> str | None:
    """Return the shop whose active listings a call asks for; None for every other address."""
    found = _LIST_CALL.match(url)
    return found[1] if found else None


def next_url(url: str, count: object) -> str | None:
    """Return the call for the page after the one of this address, where `count` listings go on beyond it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    limit, offset = (_whole_number(query.get(name, "")) for name in ("limit", "offset"))
    following = (offset or 0) + (limit or _DEFAULT_LIMIT)
    if not isinstance(count, int) or following >= count:
        return None
    return parts._replace(query=urlencode(query | {"offset": str(following)})).geturl()


def key_header(key: str) -> dict[str, str]:
    """Return the header that carries the key.

    Raises UsageError for a key that is not `keystring:shared_secret`, which Etsy refuses; the message holds no part
    of it.
    """
    if not _KEY.fullmatch(key.strip()):
        raise UsageError(
            "THEFTWATCH_ETSY_API_KEY is not of the form keystring:shared_secret; both stand at"
            " https://www.etsy.com/developers/your-apps"
        )
    return {"x-api-key": key.strip()}


def read_limits(headers: Mapping[str, str]) -> ApiLimits:
    """Return what the headers of an answer say of the limits; names in any case."""
    values = {name.lower(): value for name, value in headers.items()}
    # Etsy's own description spells this one without its last letter
    remaining = values.get("x-remaining-this-second", values.get("x-remaining-this-secon", ""))
    return ApiLimits(
        per_second=_whole_number(values.get("x-limit-per-second", "")),
        remaining_this_second=_whole_number(remaining),
        per_day=_whole_number(values.get("x-limit-per-day", "")),
        remaining_today=_whole_number(values.get("x-remaining-today", "")),
        retry_after_s=_seconds(values.get("retry-after", "")),
    )


def read_refusal(status: int, body: str) -> TheftWatchError:
    """Return what an answer that is not 2xx means, as the error to raise."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    said = str(answer.get("error", "")) if isinstance(answer, dict) else ""
    return refusal_of_message(said, status)


def refusal_of_message(message: str, status: int | None = None) -> TheftWatchError:
    """Return what the `error` of an answer means; the status is not known where only the body was kept."""
    said = f"Etsy's API said {message[:200]!r}" + (f" with status {status}" if status else "")
    lower = message.lower()
    if status == 429 or "rate limit" in lower or "quota" in lower:
        return PageBlockedError(f"{said}; wait as its limit headers say, or ask Etsy for a higher limit")
    if status == 401 or "api key" in lower or "api_key" in lower or "shared secret" in lower or "x-api-key" in lower:
        return UsageError(f"{said}; set THEFTWATCH_ETSY_API_KEY to keystring:shared_secret of an approved app")
    if status == 403:
        return PageBlockedError(f"{said}; the key may not make this call")
    if status == 404 or "not found" in lower or "could not find" in lower:
        return UnknownPageError(f"{said}; there is no such shop or listing, or no more")
    if status == 400:
        return PageChangedError(f"{said}; mend theftwatch.pages.etsy_api")
    return PageError(f"{said}; try again later")


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip()) else None


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[0-9]{1,9}(\.[0-9]{1,9})?\s*", text) else None
