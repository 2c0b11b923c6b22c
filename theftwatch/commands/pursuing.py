"""The work of `theftwatch case`."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from theftwatch.cases.business_days import is_announced
from theftwatch.cases.clock import Portal, find_portal
from theftwatch.cases.enter import (
    Answer,
    Entered,
    Outcome,
    Route,
    close_case,
    enter_answer,
    enter_complaint,
    enter_letter,
    enter_note,
)
from theftwatch.cases.letter import draft_letter
from theftwatch.cases.listings import CaseListing, find_case_listings
from theftwatch.cases.open import open_case
from theftwatch.clock import system_clock
from theftwatch.commands.relating import find_artisan, find_vendor
from theftwatch.commands.suppressing import bring_up_to_date, opened, person
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
    "look": "no confirmation stands any more: look at the finding, or withdraw the complaint",
    "close": "all is removed: `theftwatch case close --as removed`",
}


async def open_(artisan: str, vendor: str, *, findings: Sequence[int], override: str | None, by: str | None) -> None:
    """Open a case or add to it, and print what it rests on and what was left out."""
    who = person(by)
    if override is not None and not override.strip():
        raise UsageError("--override is empty; say why, as the record keeps it")
    async with opened() as connection:
        await bring_up_to_date(connection)  # a relation may have begun or run out since
        async with connection.transaction():
            artisan_id, artisan_name = await find_artisan(connection, artisan)
            seller, vendor_name = await find_vendor(connection, vendor)
            made = await open_case(
                connection,
                artisan_id,
                seller,
                by=who,
                now=system_clock(),
                findings=findings,
                override=override.strip() if override else None,
            )
    print(
        f"Case {made.case}, {one_line(artisan_name)} and {one_line(vendor_name)}: "
        f"{count(made.listings, 'listing')} and {count(made.findings, 'finding')} new in it."
    )
    for each in made.left_out:
        print(f"Left out: finding {each.finding}, {each.why}.")


async def draft(case: int, *, listings: Sequence[str], output: Path | None) -> None:
    """Print the draft of a letter, or write it to a file."""
    async with opened() as connection, connection.transaction():
        text = await draft_letter(connection, case, now=system_clock(), listings=listings)
    if output is None:
        print(text, end="")
        return
    try:
        await asyncio.to_thread(output.write_text, text, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{output}: {exc.strerror}; name a file that can be written") from exc
    print(f"{output}: read it, change it, send it; then `theftwatch case write-vendor {case} --sent`.")


async def enter_sent(
    case: int, *, listings: Sequence[str], at: datetime | None, note: str | None, by: str | None
) -> None:
    """Enter that a letter was sent."""
    who, now = person(by), system_clock()
    async with opened() as connection, connection.transaction():
        entered = await enter_letter(
            connection, case, at=_moment(at, now), by=who, now=now, listings=listings, note=_text(note)
        )
        portal = await _portal(connection, case)
    _tell(case, "asked by letter", entered, portal)


async def file(
    case: int,
    reference: str,
    *,
    route: Route,
    listings: Sequence[str],
    without_account: bool,
    at: datetime | None,
    note: str | None,
    by: str | None,
) -> None:
    """Enter that a complaint was filed."""
    who, now = person(by), system_clock()
    if not reference.strip():
        raise UsageError("--reference is empty; enter the number of the complaint, or what else it is found by")
    async with opened() as connection, connection.transaction():
        entered = await enter_complaint(
            connection,
            case,
            route,
            reference.strip(),
            at=_moment(at, now),
            by=who,
            now=now,
            listings=listings,
            without_account=without_account,
            note=_text(note),
        )
        portal = await _portal(connection, case)
    _tell(case, f"filed as {one_line(reference)}", entered, portal)


async def answer(
    case: int, answer: Answer, *, listings: Sequence[str], at: datetime | None, note: str | None, by: str | None
) -> None:
    """Enter an answer."""
    who, now = person(by), system_clock()
    async with opened() as connection, connection.transaction():
        entered = await enter_answer(
            connection, case, answer, at=_moment(at, now), by=who, now=now, listings=listings, note=_text(note)
        )
        portal = await _portal(connection, case)
    _tell(case, answer, entered, portal)


async def note(case: int, text: str, *, by: str | None) -> None:
    """Enter a note."""
    who = person(by)
    if not text.strip():
        raise UsageError("the note is empty; say what the record shall keep")
    async with opened() as connection, connection.transaction():
        await enter_note(connection, case, text.strip(), by=who, now=system_clock())
    print(f"Case {case}: noted.")


async def close(case: int, outcome: Outcome, *, note: str | None, by: str | None) -> None:
    """Close a case."""
    who = person(by)
    async with opened() as connection, connection.transaction():
        await close_case(connection, case, outcome, by=who, now=system_clock(), note=_text(note))
    print(f"Case {case} is closed as {outcome}.")


async def list_cases(*, due: bool, every: bool, artisan: str | None, vendor: str | None, as_json: bool) -> None:
    """Print cases, or what is due in them, one a line."""
    rows: Sequence[Case | _Due]
    async with opened() as connection:
        if due:
            found = await fetch_as(connection, _Due, "find_due_in_cases", now=system_clock())
            rows = [each for each in found if _named(each, artisan, vendor)]
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


async def _find(connection: Connection, **asked: object) -> list[Case]:
    wanted: dict[str, object] = {"case": None, "all": False, "artisan": None, "vendor": None} | asked
    return await fetch_as(connection, Case, "find_cases", **wanted)


async def _portal(connection: Connection, case: int) -> Portal:
    [row] = await _find(connection, case=case, all=True)
    return await find_portal(connection, row.marketplace)


def _moment(at: datetime | None, now: datetime) -> datetime:
    return now if at is None else at.replace(tzinfo=UTC)


def _text(note: str | None) -> str | None:
    return (note or "").strip() or None


def _named(row: _Due, artisan: str | None, vendor: str | None) -> bool:
    return (artisan is None or artisan.lower() == row.artisan.lower()) and (
        vendor is None or vendor.lower() == row.vendor.lower()
    )


def _tell(case: int, what: str, entered: Entered, portal: Portal) -> None:
    print(f"Case {case}: {count(entered.listings, 'listing')} {what}.")
    if entered.answer_due_at:
        print(f"An answer is due by {_there(entered.answer_due_at, portal)}.")
    if entered.removal_due_at:
        print(f"It is to be down by {_there(entered.removal_due_at, portal)}.")
    for due_at in (entered.answer_due_at, entered.removal_due_at):
        if due_at and not is_announced(due_at.astimezone(ZoneInfo(portal.time_zone)).year, portal.calendar):
            print(f"The make-up days of {due_at.year} are not known to this version; the clock may be some days off.")
            break


def _there(at: datetime, portal: Portal) -> str:
    """Return a moment where the portal is; the end of a day is told as that day's."""
    local = at.astimezone(ZoneInfo(portal.time_zone))
    if local.hour == local.minute == 0:
        return f"the end of {local - timedelta(minutes=1):%a %Y-%m-%d} ({portal.time_zone})"
    return f"{local:%a %Y-%m-%d %H:%M} ({portal.time_zone})"


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
        facts.append(f"awaiting an answer until {_there(each.answer_due_at, portal)}")
    elif each.state in ("filed", "accepted") and each.removal_due_at:
        late = ", overdue" if now >= each.removal_due_at else ""
        facts.append(f"removal due by {_there(each.removal_due_at, portal)}{late}")
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
