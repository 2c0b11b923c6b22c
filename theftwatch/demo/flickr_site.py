"""Flickr in the replica: `flickr.photos.getInfo` for the photos that the shops put up there first, and the photos."""

import hashlib
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from theftwatch.demo import photos
from theftwatch.demo.answers import Answer, Request, Shelves, not_found, text_answer
from theftwatch.demo.catalogue import Edit, Offer, Picture

_CALL_PATH = "/services/rest/"
_IMAGE = re.compile(r"/(?P<server>\d+)/(?P<id>\d+)_(?P<secret>\w+)_b\.jpg")
_KEY = re.compile("[0-9a-f]{32}")
#: An artisan shows a photo before the goods are on offer
_POSTED_BEFORE, _TAKEN_BEFORE = timedelta(days=20), timedelta(days=21)
_LONGEST_SIDE_PX = 1024


def photo_page(photo: str) -> str:
    """Return the address of the page of a photo, by its name among the demo's photos."""
    return f"https://www.flickr.com/photos/demoartisan/{_number(photo)}/"


def answer_call(request: Request, shelves: Shelves) -> Answer:
    """Answer a call of the API."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode("ascii", "replace")).items()}
    if request.path != _CALL_PATH:
        return not_found(request)
    if not _KEY.fullmatch(form.get("api_key", "")):
        return _answer({"stat": "fail", "code": 100, "message": "Invalid API Key (Key has invalid format)"})
    if form.get("method") != "flickr.photos.getInfo":
        return _answer({"stat": "fail", "code": 112, "message": "Method not found"})
    found = _find(shelves, form.get("photo_id", ""))
    if found is None:
        return _answer({"stat": "fail", "code": 1, "message": "Photo not found"})
    return _answer({"stat": "ok", "photo": _info(*found)})


def answer_photo(request: Request, shelves: Shelves) -> Answer:
    """Answer a request to the host of the photos."""
    asked = _IMAGE.fullmatch(request.path)
    found = _find(shelves, asked["id"]) if asked else None
    if not asked or not found or asked["secret"] != _secret(found[0]):
        return not_found(request)
    picture = Picture(edit=Edit.NONE, photos=(found[0],))
    return Answer(content_type="image/jpeg", body=photos.sized_bytes(picture, _LONGEST_SIDE_PX))


def _find(shelves: Shelves, number: str) -> tuple[str, Offer] | None:
    """Return the photo of a number, and the offer that shows it first."""
    for offer in shelves.catalogue.offers:
        if offer.listing.marketplace != "alibaba" and offer.listing.listed_at:
            for shown in offer.shown:
                if shown.picture.edit is Edit.NONE and _number(shown.picture.photos[0]) == number:
                    return shown.picture.photos[0], offer
    return None


def _info(photo: str, offer: Offer) -> dict[str, Any]:
    listed_at = offer.listing.listed_at
    assert listed_at is not None
    posted_at = listed_at - _POSTED_BEFORE
    return {
        "id": _number(photo),
        "secret": _secret(photo),
        "server": "65535",
        "dateuploaded": str(int(posted_at.timestamp())),
        "owner": {"nsid": "90000001@N01", "username": "demoartisan"},
        "title": {"_content": offer.listing.title},
        "visibility": {"ispublic": 1, "isfriend": 0, "isfamily": 0},
        "dates": {
            "posted": str(int(posted_at.timestamp())),
            "taken": f"{listed_at - _TAKEN_BEFORE:%Y-%m-%d %H:%M:%S}",
            "takengranularity": 0,
            "takenunknown": "0",
            "lastupdate": str(int(listed_at.timestamp())),
        },
        "media": "photo",
    }


def _number(photo: str) -> str:
    return str(50_000_000_000 + int(hashlib.sha256(photo.encode()).hexdigest()[:8], 16))


def _secret(photo: str) -> str:
    return hashlib.sha256(f"secret of {photo}".encode()).hexdigest()[:10]


def _answer(value: dict[str, Any]) -> Answer:
    return text_answer(json.dumps(value), content_type="application/json")
