"""A pair of photos that match, and what is known of it: its places, their dates, who was first, and what was said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from theftwatch.reports.words import done_to_the_photo, grounds


@dataclass(frozen=True, kw_only=True, slots=True)
class DateBound:
    """What is known of when a listing existed: not before `earliest_at`, by `latest_at` at the latest."""

    listing_id: int
    kind: str
    earliest_at: datetime | None
    latest_at: datetime | None
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a photo stands: in a listing, or among the files that an artisan gave."""

    kind: Literal["listing", "original", "outtake"]
    marketplace: str | None
    seller: str | None
    seller_url: str | None
    listing_id: int | None
    listing_ref: str | None
    title: str | None
    url: str | None
    image_url: str | None
    first_seen_at: datetime
    #: By what the marketplace says; of a file, when it was made by what the artisan says
    published_at: datetime | None
    state: str = "live"
    #: Whether the listing still showed the photo when it was last read
    shown: bool = True
    bounds: tuple[DateBound, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Direction:
    """Who was first in a finding that a pair belongs to, by the dates and by the pixels."""

    direction: Literal["original_first", "suspect_first", "undecided"]
    margin_days: int | None
    weakest_link: str | None
    missing_proof: str | None
    likelier_source: Literal["original", "suspect", "undecided"]
    pixel_reasons: list[str]

    @property
    def disagrees(self) -> bool:
        """Whether dates and pixels point to different sides."""
        return {self.direction.removesuffix("_first"), self.likelier_source} == {"original", "suspect"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a person said of a pair in one of its findings."""

    finding: int
    verdict: Literal["confirmed", "unsure"]
    judged_by: str
    judged_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """A time in which a suspect listing did not show what it had copied, and where that was seen instead."""

    #: Of the suspect listing
    url: str
    how: Literal["gone", "photo"]
    removed_at: datetime
    #: Null while it does not show it again
    shown_again_at: datetime | None
    #: Addresses of other listings of the vendor and its siblings
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two photos that match, and everywhere that they stand; the suspect ones at one vendor."""

    vendor_id: int | None
    marketplace: str
    match_id: int
    decision: Literal["match", "possible"]
    score: float
    method: str
    transform: dict[str, Any] | None
    explanation: str
    first_matched_at: datetime
    original_sha256: bytes
    original_width_px: int | None
    original_height_px: int | None
    suspect_sha256: bytes
    suspect_width_px: int | None
    suspect_height_px: int | None
    #: The place seen first comes first
    originals: tuple[Place, ...]
    suspects: tuple[Place, ...]
    #: One for each answer among the findings that it belongs to; none while that was not looked at
    directions: tuple[Direction, ...] = ()
    #: One for each of its findings that was judged
    verdicts: tuple[Judged, ...] = ()
    #: One for each time that the copied photos of one of its findings were removed, the latest first
    removals: tuple[Removal, ...] = ()

    @property
    def done(self) -> str:
        """What was done to the original, in words."""
        return done_to_the_photo(self.method, self.transform)

    @property
    def grounds(self) -> str:
        """What the decision rests on, without what was done where the explanation starts with it."""
        return grounds(self.explanation, self.done)

    @property
    def said(self) -> str:
        """What people said of it, such as "confirmed"; empty where nobody judged it."""
        return " and ".join(sorted({each.verdict for each in self.verdicts}))

    @property
    def mirrored(self) -> bool:
        """Whether the suspect photo shows the original mirrored."""
        return bool((self.transform or {}).get("mirrored"))


def read_directions(directions: Iterable[Any]) -> tuple[Direction, ...]:
    """Read directions from the objects that the query makes of them, the most telling first."""
    read = (Direction(**direction) for direction in directions)
    return tuple(
        sorted(read, key=lambda each: (each.direction == "undecided", each.direction, -(each.margin_days or 0)))
    )


def read_verdicts(verdicts: Iterable[Any]) -> tuple[Judged, ...]:
    """Read verdicts from the objects that the query makes of them, in the order of their findings."""
    read = (Judged(**each | {"judged_at": datetime.fromisoformat(each["judged_at"])}) for each in verdicts)
    return tuple(sorted(read, key=lambda each: each.finding))


def read_removals(removals: Iterable[Any]) -> tuple[Removal, ...]:
    """Read removals from the objects that the query makes of them, the latest first."""
    read = [
        Removal(
            url=each["url"],
            how=each["how"],
            removed_at=datetime.fromisoformat(each["removed_at"]),
            shown_again_at=_moment(each["shown_again_at"]),
            elsewhere=tuple(each["elsewhere"]),
        )
        for each in removals
    ]
    return tuple(sorted(read, key=lambda each: each.removed_at, reverse=True))


def read_places(places: Iterable[Any]) -> tuple[Place, ...]:
    """Read places from the objects that the query makes of them."""
    read = (
        Place(**place | {name: _moment(place[name]) for name in ("first_seen_at", "published_at")}) for place in places
    )
    return tuple(
        sorted(read, key=lambda place: (place.first_seen_at, place.marketplace or "", place.listing_ref or ""))
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
