"""What a report rests on: what was compared, what was not, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.db.runs import SILENT_AT_MOST
from theftwatch.reports.words import count

#: Named one by one; the rest is in the database
_RUNS_SHOWN = 12
_PAGES_SHOWN = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What was looked at on one side of a marketplace; without a marketplace, the files of artisans."""

    marketplace: str | None
    side: str
    sellers: int
    sellers_compared: int
    listings: int
    images_held: int
    images_compared: int
    images_unusable: int
    images_missing: int
    last_good_look_at: datetime | None
    last_compared_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """How many shops, vendors, searches and pages that are watched were looked at so far, and why no further."""

    marketplace: str
    looked: str
    because: str | None
    targets: int
    matches: int | None
    last_good_visit_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageTrouble:
    """How many photos could not be compared for one reason."""

    marketplace: str | None
    side: str
    trouble: str
    reason: str
    photos: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubledRun:
    """A run that was not ok; without an outcome, one that never ended."""

    run_id: int
    spider: str
    arguments: dict[str, Any]
    outcome: str | None
    finish_reason: str | None
    started_at: datetime
    heartbeat_at: datetime
    pages_blocked: int
    pages_refused_by_robots: int
    pages_gone: int
    pages_changed: int
    pages_unknown: int
    pages_failed: int
    images_missing: int
    listings_failed: int

    def became(self, now: datetime) -> str:
        """Return what became of it."""
        return self.outcome or ("broken off" if now - self.heartbeat_at > SILENT_AT_MOST else "running")

    @property
    def met(self) -> list[str]:
        """What it met, in words."""
        pages = (
            (self.pages_blocked, "blocked by the marketplace"),
            (self.pages_refused_by_robots, "not allowed by robots.txt"),
            (self.pages_gone, "gone"),
            (self.pages_changed, "not understood, as pages of their kind have changed"),
            (self.pages_unknown, "of no known kind"),
            (self.pages_failed, "not fetched"),
        )
        met = [f"{count(number, 'page')} {what}" for number, what in pages if number]
        if self.images_missing:
            met.append(f"{count(self.images_missing, 'photo')} not fetched")
        if self.listings_failed:
            met.append(f"{count(self.listings_failed, 'listing')} not stored")
        return met


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubledPage:
    """A page that gave no data."""

    kind: str
    url: str
    detail: str
    http_status: int | None
    spider: str
    seen_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What was compared, what was not, and why."""

    looks: list[Look]
    watched: list[Watched]
    image_troubles: list[ImageTrouble]
    #: How many runs had which outcome; None stands for those that never ended, or are under way
    runs: dict[str | None, int]
    #: The newest of those that were not ok, or are under way
    troubled_runs: list[TroubledRun]
    troubled_pages: list[TroubledPage]

    @property
    def looked(self) -> bool:
        """Whether any photo was compared with any of the other side."""
        return any(look.images_compared for look in self.looks)

    def running(self, now: datetime) -> int:
        """Return how many runs are under way."""
        return sum(run.became(now) == "running" for run in self.troubled_runs)

    def total(self, name: str, side: str) -> int:
        """Return the sum of a field of all looks at one side."""
        return sum(getattr(look, name) for look in self.looks if look.side == side)


async def find_coverage(connection: Connection) -> Coverage:
    """Return what was compared, what was not, and why."""
    return Coverage(
        looks=await fetch_as(connection, Look, "report_coverage"),
        watched=await fetch_as(connection, Watched, "report_watched"),
        image_troubles=await fetch_as(connection, ImageTrouble, "report_image_troubles"),
        runs=dict(await fetch(connection, "report_runs")),
        troubled_runs=await fetch_as(connection, TroubledRun, "report_troubled_runs", most=_RUNS_SHOWN),
        troubled_pages=await fetch_as(connection, TroubledPage, "report_troubled_pages", most=_PAGES_SHOWN),
    )
