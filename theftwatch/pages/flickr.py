"""Flickr: what its API says of when a photo was put up and taken. No network.

The call is described at https://www.flickr.com/services/api/flickr.photos.getInfo.html. The owner of a photo can set
both dates (flickr.photos.setDates), so neither is more than the owner's word.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from theftwatch.errors import PageBlockedError, PageChangedError, TheftWatchError, UnknownPageError, UsageError
from theftwatch.listing import DateClaim

SOURCE = "flickr.com"
CALL_URL = "https://api.flickr.com/services/rest/"
#: Forms of the addresses of photo pages, as SQL has patterns
PAGES_LIKE = ("https://www.flickr.com/photos/%", "https://flickr.com/photos/%")

_PAGE = re.compile(r"https?://(?:www\.)?flickr\.com/photos/[^/?#]+/(?P<id>\d{1,20})(?:[/?#].*)?")
_NAME = re.compile(r"\w{1,40}")
#: The API gives local time without its zone, which lies between these
_ZONES = (timedelta(hours=-12), timedelta(hours=14))
#: How long what a taken date names may have lasted, by its granularity; circa (8) bounds nothing
_GRANULARITIES = {0: timedelta(0), 4: timedelta(days=31), 6: timedelta(days=366)}
_NOT_FOUND = {1, 2}
_INVALID_KEY = 100
_UNAVAILABLE = 105


@dataclass(frozen=True, kw_only=True, slots=True)
class FlickrPhoto:
    """A photo that Flickr shows."""

    #: Where its bytes are, at 1024 pixels
    image_url: str
    claims: tuple[DateClaim, ...]


def photo_id(url: str) -> str | None:
    """Return the number of the photo that a page shows; None for another address."""
    found = _PAGE.fullmatch(url.strip())
    return found["id"] if found else None


def call_form(key: str, photo: str) -> dict[str, str]:
    """Return the form to post to `CALL_URL`; the key does not belong into an address, which logs keep."""
    return {
        "method": "flickr.photos.getInfo",
        "api_key": key,
        "photo_id": photo,
        "format": "json",
        "nojsoncallback": "1",
    }


def read_info(body: str) -> FlickrPhoto:
    """Read an answer of the API.

    Raises UnknownPageError where there is no such photo, PageBlockedError where Flickr has no time, UsageError for a
    key that it does not know, and PageChangedError for what is no such answer.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise PageChangedError(f"{CALL_URL}: answered no JSON ({body[:60]!r}); ask again later") from exc
    if not isinstance(answer, dict):
        raise _changed("no object")
    if answer.get("stat") != "ok":
        raise _refusal(answer)
    photo = answer.get("photo")
    if not isinstance(photo, dict):
        raise _changed("no photo")
    names = [photo.get(name) for name in ("server", "id", "secret")]
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise _changed("no server, id and secret")
    server, number, secret = names
    dates = photo.get("dates")
    return FlickrPhoto(
        image_url=f"https://live.staticflickr.com/{server}/{number}_{secret}_b.jpg",
        claims=tuple(_claims(dates)) if isinstance(dates, dict) else (),
    )


def _claims(dates: dict[str, Any]) -> list[DateClaim]:
    claims = []
    posted = _number(dates.get("posted"))
    if posted:
        at = datetime.fromtimestamp(posted, UTC)
        claims.append(DateClaim(kind="posted", source=SOURCE, strength="weak", latest_at=at))
    taken = _local(dates.get("taken"))
    lasted = _GRANULARITIES.get(_number(dates.get("takengranularity")) or 0)
    if taken and lasted is not None and not _number(dates.get("takenunknown")):
        # Where it is behind UTC by most, the moment comes latest.
        claims.append(
            DateClaim(
                kind="taken",
                source=SOURCE,
                strength="weak",
                earliest_at=taken - _ZONES[1],
                latest_at=taken + lasted - _ZONES[0],
            )
        )
    return claims


def _refusal(answer: dict[str, Any]) -> TheftWatchError:
    code, message = answer.get("code"), str(answer.get("message", ""))[:200]
    said = f"Flickr's API said {message!r}"
    if code in _NOT_FOUND:
        return UnknownPageError(f"{said}; there is no such photo, or it is not public")
    if code == _INVALID_KEY:
        return UsageError(f"{said}; set THEFTWATCH_FLICKR_API_KEY to a key of https://www.flickr.com/services/apps")
    if code == _UNAVAILABLE:
        return PageBlockedError(f"{said}; try again later")
    return PageChangedError(f"{said} with code {code!r}; mend theftwatch/pages/flickr.py")


def _changed(what: str) -> PageChangedError:
    return PageChangedError(f"{CALL_URL}: answered {what}; mend theftwatch/pages/flickr.py")


def _number(value: object) -> int | None:
    """Return a whole number, which the API writes as a number or as text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,11}", text) else None


def _local(value: object) -> datetime | None:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
