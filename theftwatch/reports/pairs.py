"""What matched: vendors, and the pairs of photos, with all that is known of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from theftwatch.db.queries import Connection, fetch_as
from theftwatch.reports.chosen import Chosen
from theftwatch.reports.pair import (
    DateBound,
    Pair,
    Place,
    read_directions,
    read_places,
    read_removals,
    read_verdicts,
)
from theftwatch.reports.words import rejection, relation_kind, suppression_rule


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
            originals=read_places(row.originals),
            suspects=read_places(row.suspects),
            directions=read_directions(row.directions),
            verdicts=read_verdicts(row.verdicts),
            removals=read_removals(row.removals),
        )
        for row in rows
    ]


async def _find_bounds(connection: Connection, pairs: Sequence[Pair]) -> dict[int, list[DateBound]]:
    listings = {place.listing_id for pair in pairs for place in (*pair.originals, *pair.suspects) if place.listing_id}
    bounds: dict[int, list[DateBound]] = defaultdict(list)
    for bound in await fetch_as(connection, DateBound, "report_date_claims", listings=sorted(listings)):
        bounds[bound.listing_id].append(bound)
    return bounds


def _dated(places: Sequence[Place], bounds: dict[int, list[DateBound]]) -> tuple[Place, ...]:
    return tuple(replace(place, bounds=tuple(bounds.get(place.listing_id or 0, ()))) for place in places)
