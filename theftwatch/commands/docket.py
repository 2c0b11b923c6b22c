"""Cases as lines on a terminal: where each stands, and what is due in them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from theftwatch.cases.clock import Portal, find_portal
from theftwatch.cases.listings import CaseListing, find_case_listings
from theftwatch.clock import system_clock
from theftwatch.commands.suppressing import opened
from theftwatch.db.queries import Connection, fetch_as
from theftwatch.errors import UsageError
from theftwatch.reports.words import count, day, moment, one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
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
class _Due:
    case_id: int
    artisan: str
    vendor: str
    portal: str | None
    what: str
    due_at: datetime
    listings: int
    complaints: list[str] | None
    is_overdue: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Event:
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
    listings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Relisting:
    place: str
    finding: int
    vendor: str | None
    url: str
    relisted_at: datetime


#: What a case waits for, and what is to be done about it
_DUE = {
    "file": "to be asked or filed: `theftwatch case write-vendor`, `theftwatch case file`",
    "answer": "an answer is due; enter it with `theftwatch case answer`",
    "removal": "to be down; where it is not, ask the portal under the complaint's number",
    "reply": "disputed or refused: reply at the portal, file anew, or close the case",
    "relisted": "shown again: confirm the finding, `theftwatch case open` and file again",
    "look": "no confirmation stands any more: see `theftwatch finding list`, or withdraw the complaint",
    "close": "all is removed: `theftwatch case close --as removed`",
}


async def list_cases(*, due: bool, every: bool, artisan: str | None, vendor: str | None, as_json: bool) -> None:
    """Print cases, or what is due in them, one a line."""
    rows: Sequence[Case | _Due]
    async with opened() as connection:
        if due:
            rows = await fetch_as(
                connection, _Due, "find_due_in_cases", now=system_clock(), artisan=artisan, vendor=vendor
            )
        else:
            rows = await _find(connection, all=every, artisan=artisan, vendor=vendor)
    for row in rows:
        if as_json:
            print(json.dumps(asdict(row), default=str, ensure_ascii=False))
        else:
            print(_due_line(row) if isinstance(row, _Due) else _line(row))
    if not rows and not as_json:
        print("Nothing is due today." if due else "No such case." if every or artisan or vendor else "No case is open.")


async def show(case: int, *, as_json: bool) -> None:
    """Print a case, its listings, where its photos were seen again, and what happened."""
    async with opened() as connection:
        found = await _find(connection, case=case, all=True)
        if not found:
            raise UsageError(f"{case}: no such case; `theftwatch case list --all` shows their numbers")
        [row] = found
        listings = await find_case_listings(connection, case)
        again = await fetch_as(connection, _Relisting, "find_case_relistings", case=case)
        events = await fetch_as(connection, _Event, "find_case_events", case=case)
        portal = await find_portal(connection, row.marketplace)
    if as_json:
        lists = {
            "case_listings": [asdict(each) for each in listings],
            "seen_again": [asdict(each) for each in again],
            "events": [asdict(each) for each in events],
        }
        print(json.dumps(asdict(row) | lists, default=str, ensure_ascii=False))
        return
    now = system_clock()
    print(_line(row))
    print(f"  at {portal.name}{f', {portal.url}' if portal.url else ''}")
    for each in listings:
        print(_listing_line(each, portal, now))
    for relisting in again:
        print(
            f"  seen again {day(relisting.relisted_at)} ({relisting.place.replace('_', ' ')}), "
            f"finding {relisting.finding}: {one_line(relisting.url)}"
        )
    for event in events:
        print(_event_line(event))


def there(at: datetime, portal: Portal) -> str:
    """Return a moment where the portal is; the end of a day is told as that day's."""
    local = at.astimezone(ZoneInfo(portal.time_zone))
    if local.hour == local.minute == 0:
        return f"the end of {local - timedelta(minutes=1):%a %Y-%m-%d} ({portal.time_zone})"
    return f"{local:%a %Y-%m-%d %H:%M} ({portal.time_zone})"


async def _find(connection: Connection, **asked: object) -> list[Case]:
    wanted: dict[str, object] = {"case": None, "all": False, "artisan": None, "vendor": None} | asked
    return await fetch_as(connection, Case, "find_cases", **wanted)


def _line(row: Case) -> str:
    again = f", {count(row.relistings, 'relisting')}" if row.relistings else ""
    closed = f", closed {day(row.closed_at)} as {row.outcome}" if row.closed_at else ""
    return (
        f"{row.case_id}  {row.state}{closed}  {one_line(row.artisan)} and {one_line(row.vendor)}: "
        f"{count(row.listings, 'listing')}, {row.listings_filed} filed, {row.listings_removed} removed{again}"
    )


def _due_line(row: _Due) -> str:
    numbers = f" ({', '.join(one_line(number) for number in row.complaints)})" if row.complaints else ""
    when = f"overdue since {moment(row.due_at)}" if row.is_overdue else f"due {moment(row.due_at)}"
    return (
        f"{when}  case {row.case_id}, {one_line(row.artisan)} and {one_line(row.vendor)}, "
        f"{count(row.listings, 'listing')}{numbers}: {_DUE[row.what]}"
    )


def _listing_line(each: CaseListing, portal: Portal, now: datetime) -> str:
    facts = [f"since {day(each.removed_at)}"] if each.removed_at else []
    if each.reference:
        facts.append(f"complaint {one_line(each.reference)}")
    if each.state in ("asked", "filed") and each.answer_due_at and now < each.answer_due_at:
        facts.append(f"awaiting an answer until {there(each.answer_due_at, portal)}")
    elif each.state in ("filed", "accepted") and each.removal_due_at:
        late = ", overdue" if now >= each.removal_due_at else ""
        facts.append(f"removal due by {there(each.removal_due_at, portal)}{late}")
    elif each.state == "asked":
        facts.append("no answer came in time")
    if not each.still_confirmed:
        facts.append("no confirmation stands")
    if each.override_reason:
        facts.append(f"taken in because {one_line(each.override_reason)}")
    about = f" ({'; '.join(facts)})" if facts else ""
    return (
        f"  {each.state}{about}  {one_line(each.url)}  findings {', '.join(map(str, each.finding_ids))}, "
        f"decisions {', '.join(map(str, each.match_decision_ids))}"
    )


def _event_line(event: _Event) -> str:
    about = f" {count(event.listings, 'listing')}" if event.listings else ""
    by_way = f" by {event.route}" if event.route else ""
    number = f" as {one_line(event.reference)}" if event.reference else ""
    said = f": {one_line(event.note)}" if event.note else ""
    return f"{moment(event.happened_at)}  {one_line(event.made_by)}  {event.kind}{about}{by_way}{number}{said}"
