"""What matched: vendors, the pairs of photos, and the places where each of the two stands."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from theftwatch.db.queries import Connection, fetch_as
from theftwatch.reports.chosen import Chosen
from theftwatch.reports.words import done_to_the_photo, grounds, rejection, relation_kind, suppression_rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Vendor:
    """A seller on the suspect side, with or without a match; without an id, listings whose seller is not known."""

    vendor_id: int | None
    marketplace: str
    vendor_ref: str | None
    vendor: str | None
    url: str | None
    country: str | None
    matches: int
    possible: int
    listings_with_matches: int
    artisans_concerned: int
    findings_confirmed: int
    best_score: float | None
    listings: int
    images_held: int
    images_compared: int
    looked: Literal["not looked", "in part", "in full"]
    last_good_look_at: datetime | None

    @property
    def name(self) -> str:
        """What to call it."""
        return self.vendor or self.vendor_ref or "Vendor not known"

    @property
    def pairs(self) -> int:
        """How many pairs of photos it has."""
        return self.matches + self.possible


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
class NotCounted:
    """A pair that matched and proves nothing, that somebody may show, or that a person rejected."""

    marketplace: str
    vendor: str | None
    shop: str | None
    original: str | None
    original_url: str | None
    suspect: str | None
    suspect_url: str | None
    suppressed_by: list[str] | None
    relation: str | None
    rejected_as: str | None
    score: float
    #: How many such pairs there are in all
    of_all: int

    @property
    def why(self) -> str:
        """Why it does not count, in words."""
        reasons = [suppression_rule(rule) for rule in self.suppressed_by or ()]
        reasons += [relation_kind(self.relation)] if self.relation else []
        reasons += [f"rejected, {rejection(self.rejected_as)}"] if self.rejected_as else []
        return "; ".join(reasons)


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


async def find_vendors(connection: Connection, chosen: Chosen) -> list[Vendor]:
    """Return the chosen vendors, the most serious first, with what counts of the chosen pairs."""
    return await fetch_as(connection, Vendor, "report_vendors", **chosen.parameters)


async def find_pairs(connection: Connection, vendor: Vendor, chosen: Chosen) -> list[Pair]:
    """Return the pairs of one vendor: matches before possible ones, the surest first, copies of one photo together."""
    if vendor.vendor_id is None:
        pairs = await _fetch(connection, chosen, unknown_on=vendor.marketplace)
    else:
        pairs = await _fetch(connection, replace(chosen, vendors=(vendor.vendor_id,)))
    bounds = await _find_bounds(connection, pairs)
    return [
        replace(pair, originals=_dated(pair.originals, bounds), suspects=_dated(pair.suspects, bounds))
        for pair in pairs
    ]


async def find_not_counted(connection: Connection, chosen: Chosen, *, most: int = 200) -> list[NotCounted]:
    """Return the chosen pairs that matched and do not count."""
    return await fetch_as(connection, NotCounted, "report_not_counted", most=most, **chosen.parameters)


async def match_rows(connection: Connection, chosen: Chosen) -> list[tuple[Vendor, list[Pair]]]:
    """Return the vendors that have chosen pairs, each with its pairs; the most serious first.

    All at once, for a table of them; `find_pairs` goes vendor by vendor.
    """
    of_vendor: dict[tuple[int | None, str], list[Pair]] = defaultdict(list)
    for pair in await _fetch(connection, chosen):
        of_vendor[pair.vendor_id, pair.marketplace].append(pair)
    vendors = await find_vendors(connection, chosen)
    rows = ((each, of_vendor.get((each.vendor_id, each.marketplace), [])) for each in vendors)
    return [(each, pairs) for each, pairs in rows if pairs]


async def _fetch(connection: Connection, chosen: Chosen, *, unknown_on: str | None = None) -> list[Pair]:
    rows = await fetch_as(connection, Pair, "report_pairs", unknown_on=unknown_on, **chosen.parameters)
    return [
        replace(
            row,
            originals=_read_places(row.originals),
            suspects=_read_places(row.suspects),
            directions=_read_directions(row.directions),
            verdicts=_read_verdicts(row.verdicts),
            removals=_read_removals(row.removals),
        )
        for row in rows
    ]


def _read_directions(directions: Iterable[Any]) -> tuple[Direction, ...]:
    """Read directions from the objects that the query makes of them, the most telling first."""
    read = (Direction(**direction) for direction in directions)
    return tuple(
        sorted(read, key=lambda each: (each.direction == "undecided", each.direction, -(each.margin_days or 0)))
    )


def _read_verdicts(verdicts: Iterable[Any]) -> tuple[Judged, ...]:
    """Read verdicts from the objects that the query makes of them, in the order of their findings."""
    read = (Judged(**each | {"judged_at": datetime.fromisoformat(each["judged_at"])}) for each in verdicts)
    return tuple(sorted(read, key=lambda each: each.finding))


def _read_removals(removals: Iterable[Any]) -> tuple[Removal, ...]:
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


def _read_places(places: Iterable[Any]) -> tuple[Place, ...]:
    """Read places from the objects that the query makes of them."""
    read = (
        Place(**place | {name: _moment(place[name]) for name in ("first_seen_at", "published_at")}) for place in places
    )
    return tuple(
        sorted(read, key=lambda place: (place.first_seen_at, place.marketplace or "", place.listing_ref or ""))
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


async def _find_bounds(connection: Connection, pairs: Sequence[Pair]) -> dict[int, list[DateBound]]:
    listings = {place.listing_id for pair in pairs for place in (*pair.originals, *pair.suspects) if place.listing_id}
    bounds: dict[int, list[DateBound]] = defaultdict(list)
    for bound in await fetch_as(connection, DateBound, "report_date_claims", listings=sorted(listings)):
        bounds[bound.listing_id].append(bound)
    return bounds


def _dated(places: Sequence[Place], bounds: dict[int, list[DateBound]]) -> tuple[Place, ...]:
    return tuple(replace(place, bounds=tuple(bounds.get(place.listing_id or 0, ()))) for place in places)
