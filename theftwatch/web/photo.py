"""A photo: everywhere it was seen, what it matches, and the findings with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import fetch, fetch_as
from theftwatch.reports.words import done_to_the_photo
from theftwatch.web.image_files import digest_of
from theftwatch.web.pages import context_of, key_of, page
from theftwatch.web.queue import find_cards

_PLACES_MAX = 60
_MATCHES_MAX = 60
_FINDINGS_MAX = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A photo as the record has it; fields as in the query `find_photo`."""

    image: int
    sha256: str
    format: str | None
    width_px: int | None
    height_px: int | None
    byte_count: int
    held: bool
    first_seen_at: datetime
    unusable_reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A listing that shows the photo, or showed it."""

    listing_id: int
    side: str
    marketplace: str
    seller_id: int | None
    seller: str | None
    artisan_id: int | None
    artisan: str | None
    title: str | None
    url: str
    state: str
    first_seen_at: datetime
    last_seen_at: datetime
    shown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """As what an artisan gave the photo."""

    artisan_id: int
    artisan: str
    kind: str
    name: str
    dated_at: datetime | None
    first_seen_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """A photo that it matches."""

    other_is: str
    sha256: str
    method: str
    transform: dict[str, Any] | None
    first_matched_at: datetime
    of_all: int

    @property
    def done(self) -> str:
        """What was done to the original of the two, in words."""
        return done_to_the_photo(self.method, self.transform)


async def _photo(request: Request) -> Response:
    sha256 = digest_of(request)
    after = key_of(request.query_params.get("after", ""))
    async with reading(context_of(request).pool) as connection:
        found = await fetch_as(connection, Photo, "find_photo", sha256=sha256)
        if not found:
            raise HTTPException(404, "No photo is known under this name.")
        image = found[0].image
        places = await fetch_as(connection, Place, "find_photo_places", image=image, after=after, most=_PLACES_MAX + 1)
        files = await fetch_as(connection, Given, "find_photo_files", image=image)
        others = await fetch_as(connection, Other, "find_photo_matches", image=image, most=_MATCHES_MAX)
        findings = await fetch(connection, "find_photo_findings", image=image, most=_FINDINGS_MAX)
        cards = await find_cards(connection, [finding for finding, _ in findings])
    shown = places[:_PLACES_MAX]
    return page(
        request,
        "photo.html.j2",
        photo=found[0],
        places=shown,
        further=shown[-1].listing_id if len(places) > _PLACES_MAX else None,
        first=after is None,
        files=files,
        others=others,
        cards=cards,
        findings=findings[0][1] if findings else 0,
    )


ROUTES = [Route("/photos/{sha256}", _photo, methods=["GET"])]
