"""The docket: all cases with where each stands, and what is due in them."""

from dataclasses import dataclass
from datetime import datetime

from theftwatch.cases.clock import Portal
from theftwatch.cases.listings import CaseListing
from theftwatch.db.queries import Connection, fetch_as
from theftwatch.errors import UsageError
from theftwatch.reports.words import count, day, moment, one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseStanding:
    """A case with where it stands; fields as in `analysis.case`."""

    case_id: int
    artisan_id: int
    artisan: str
    vendor_id: int
    vendor: str
    marketplace: str
    portal: str | None
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None
    is_open: bool
    state: str
    listings: int
    listings_asked: int
    listings_filed: int
    listings_countered: int
    listings_removed: int
    listings_relisted: int
    listings_in_doubt: int
    relisted_elsewhere: int
    relistings: int
    found_at: datetime
    filed_at: datetime | None
    last_event_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What a case waits for; fields as in the query `find_due_in_cases`."""

    case_id: int
    artisan: str
    vendor: str
    portal: str | None
    what: str
    due_at: datetime
    listings: int
    #: Numbers of the complaints that it is about; None where there is none
    complaints: list[str] | None
    is_overdue: bool
    #: Listings that are to be captured before that
    to_capture: int
    #: How many things are due in all, of which these are the first
    of_all: int

    @property
    def to_do(self) -> str:
        """What a person does about it."""
        return _TO_DO[self.what]

    @property
    def to_do_by_command(self) -> str:
        """The same, with the commands that do or enter it."""
        commands = ", ".join(f"`theftwatch {command}`" for command in _COMMANDS.get(self.what, ()))
        to_do = f"{self.to_do}: {commands}" if commands else self.to_do
        if not self.to_capture:
            return to_do
        return f"{to_do}; {count(self.to_capture, 'listing')} to be captured first: `theftwatch crawl capture`"

    @property
    def waits_for_others(self) -> bool:
        """Whether the portal or the vendor is late once it is overdue; the rest waits for a person since it came up."""
        return self.what in ("answer", "removal")

    @property
    def when(self) -> str:
        """Until when it has time, or since when it waits."""
        if not self.is_overdue:
            return f"due {moment(self.due_at)}"
        return f"{'overdue' if self.waits_for_others else 'to be done'} since {moment(self.due_at)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened in a case; fields as in the query `find_case_events`."""

    event: int
    kind: str
    route: str | None
    reference: str | None
    note: str | None
    happened_at: datetime
    answer_due_at: datetime | None
    removal_due_at: datetime | None
    made_by: str
    made_at: datetime
    #: How many listings it is about
    listings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenAgain:
    """Where photos of a case were seen again after a removal; fields as in the query `find_case_relistings`."""

    place: str
    finding: int
    vendor: str | None
    url: str
    relisted_at: datetime


_ALL = 2**31 - 1
_TO_DO = {
    "file": "write to the vendor, or file a complaint",
    "answer": "an answer is due, enter it when it comes",
    "removal": "it is to be down; where it is not, ask the portal under the complaint's number",
    "reply": "disputed or refused, reply at the portal, file anew, or close the case",
    "relisted": "shown again, confirm the finding, open the case on it and file again",
    "look": "no confirmation stands any more, look at the findings, or withdraw the complaint",
    "close": "all is removed, close the case",
}
_COMMANDS = {
    "file": ("case write-vendor", "case file"),
    "answer": ("case answer",),
    "relisted": ("case open",),
    "look": ("finding list",),
    "close": ("case close --as removed",),
}


async def find_cases(
    connection: Connection,
    *,
    every: bool = False,
    artisan: str | None = None,
    vendor: str | None = None,
    before: int | None = None,
    most: int = _ALL,
) -> list[CaseStanding]:
    """Return the open cases, or `every` one; of an artisan or a vendor, by name.

    With `most` they are the newest, or the newest of those `before` a case.
    """
    narrowed = {"all": every, "artisan": artisan, "vendor": vendor, "before": before, "most": most}
    return await fetch_as(connection, CaseStanding, "find_cases", case=None, **narrowed)


async def find_standing(connection: Connection, case: int) -> CaseStanding:
    """Return one case.

    Raises UsageError where there is none of this number.
    """
    one = {"all": True, "artisan": None, "vendor": None, "before": None, "most": 1}
    found = await fetch_as(connection, CaseStanding, "find_cases", case=case, **one)
    if not found:
        raise UsageError(f"{case}: no such case; `theftwatch case list --all` shows their numbers")
    return found[0]


async def find_due(
    connection: Connection,
    *,
    now: datetime,
    artisan: str | None = None,
    vendor: str | None = None,
    case: int | None = None,
    to_capture: bool = True,
    most: int | None = None,
) -> list[Due]:
    """Return what is due by the end of the day where the portal is, or has been since; in all cases, or in one.

    With `most` it is the first of it, by when it is due; what is `to_capture` before need not be counted.
    """
    narrowed = {"artisan": artisan, "vendor": vendor, "case": case, "to_capture": to_capture, "most": most}
    return await fetch_as(connection, Due, "find_due_in_cases", now=now, **narrowed)


async def find_events(connection: Connection, case: int) -> list[Event]:
    """Return what happened in a case, in order."""
    return await fetch_as(connection, Event, "find_case_events", case=case)


async def find_seen_again(connection: Connection, case: int) -> list[SeenAgain]:
    """Return where the photos of a case were seen again after a removal."""
    return await fetch_as(connection, SeenAgain, "find_case_relistings", case=case)


def clock_in_words(listing: CaseListing, portal: Portal, *, now: datetime) -> list[str]:
    """Return what is to be said of a listing beside its state: since when, by which complaint, and until when."""
    facts = [f"since {day(listing.removed_at)}"] if listing.removed_at else []
    if listing.reference:
        facts.append(f"complaint {one_line(listing.reference)}")
    if listing.state in ("asked", "filed") and listing.answer_due_at and now < listing.answer_due_at:
        facts.append(f"awaiting an answer until {portal.there(listing.answer_due_at)}")
    elif listing.state in ("filed", "accepted") and listing.removal_due_at:
        late = ", overdue" if now >= listing.removal_due_at else ""
        facts.append(f"removal due by {portal.there(listing.removal_due_at)}{late}")
    elif listing.state == "asked":
        facts.append("no answer came in time")
    if not listing.still_confirmed:
        facts.append("no confirmation stands")
    if listing.override_reason:
        facts.append(f"taken in because {one_line(listing.override_reason)}")
    return facts
