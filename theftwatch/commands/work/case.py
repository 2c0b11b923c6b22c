"""The work of `theftwatch case`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from theftwatch.cases.business_days import is_announced
from theftwatch.cases.captured import find_to_capture
from theftwatch.cases.clock import find_portal
from theftwatch.cases.enter import (
    Answer,
    Entered,
    Entry,
    Outcome,
    Route,
    close_case,
    enter_answer,
    enter_complaint,
    enter_letter,
    enter_note,
)
from theftwatch.cases.letter import draft_letter
from theftwatch.cases.listings import find_case
from theftwatch.cases.open import open_case
from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_or_make_artisan, find_vendor, person
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.db.queries import Connection
from theftwatch.errors import UsageError
from theftwatch.reports.words import count, one_line

#: Listings that are named one by one
_NAMED = 5


async def open_(artisan: str, vendor: str, *, findings: Sequence[int], override: str | None, by: str | None) -> None:
    """Open a case or add to it, and print what it rests on and what was left out."""
    who = person(by)
    if override is not None and not override.strip():
        raise UsageError("--override is empty; say why, as the record keeps it")
    async with opened() as connection:
        async with connection.transaction():
            artisan_id, artisan_name = await find_or_make_artisan(connection, artisan)
            seller, vendor_name = await find_vendor(connection, vendor)
        # a shop may have its artisan only from now on, and a relation may have begun or run out since
        await bring_up_to_date(connection)
        async with connection.transaction():
            made = await open_case(
                connection,
                artisan_id,
                seller,
                by=who,
                now=system_clock(),
                findings=findings,
                override=override.strip() if override else None,
            )
        to_capture = await find_to_capture(connection, made.case, now=system_clock())
    print(
        f"Case {made.case}, {one_line(artisan_name)} and {one_line(vendor_name)}: "
        f"{count(made.listings, 'listing')} and {count(made.findings, 'finding')} new in it."
    )
    for each in made.left_out:
        print(f"Left out: finding {each.finding}, {each.why}.")
    for one in to_capture[:_NAMED]:
        print(f"To be captured: {one.in_words}")
    if len(to_capture) > 1:
        print(f"`theftwatch crawl capture` captures all {len(to_capture)}.")


async def draft(case: int, *, listings: Sequence[str], out: Path | None) -> None:
    """Print the draft of a letter, or write it to a file."""
    async with opened() as connection, connection.transaction():
        text = await draft_letter(connection, case, now=system_clock(), listings=listings)
    if out is None:
        print(text, end="")
        return
    try:
        await asyncio.to_thread(out.write_text, text, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{out}: {exc.strerror}; name a file that can be written") from exc
    print(f"{out}: read it, change it, send it; then `theftwatch case write-vendor {case} --sent`.")


async def enter_sent(entry: Entry) -> None:
    """Enter that a letter was sent."""
    await _enter(entry, lambda connection: enter_letter(connection, entry), "asked by letter")


async def file(entry: Entry, reference: str, *, route: Route, without_account: bool) -> None:
    """Enter that a complaint was filed."""
    await _enter(
        entry,
        lambda connection: enter_complaint(connection, entry, route, reference, without_account=without_account),
        f"filed as {one_line(reference)}",
    )
    async with opened() as connection:
        to_capture = await find_to_capture(connection, entry.case, now=entry.now)
    for each in to_capture[:_NAMED]:
        print(f"to be captured: {each.in_words}", file=sys.stderr)


async def answer(entry: Entry, answer: Answer) -> None:
    """Enter an answer."""
    await _enter(entry, lambda connection: enter_answer(connection, entry, answer), answer)


async def note(entry: Entry) -> None:
    """Enter a note."""
    async with opened() as connection, connection.transaction():
        await enter_note(connection, entry)
    print(f"Case {entry.case}: noted.")


async def close(entry: Entry, outcome: Outcome) -> None:
    """Close a case."""
    async with opened() as connection, connection.transaction():
        await close_case(connection, entry, outcome)
    print(f"Case {entry.case} is closed as {outcome}.")


def entry(
    case: int,
    *,
    by: str | None,
    note: str | None,
    at: datetime | None = None,
    listings: Sequence[str] | None = None,
) -> Entry:
    """Return what a person enters now.

    Raises UsageError for an empty name.
    """
    now = system_clock()
    return Entry(
        case=case,
        at=now if at is None else at.replace(tzinfo=UTC),
        now=now,
        by=person(by),
        note=(note or "").strip() or None,
        listings=tuple(listings or ()),
    )


async def _enter(entry: Entry, write: Callable[[Connection], Awaitable[Entered]], what: str) -> None:
    """Write an entry, and print what it is about and its clock."""
    async with opened() as connection, connection.transaction():
        entered = await write(connection)
        portal = await find_portal(connection, (await find_case(connection, entry.case)).marketplace)
    print(f"Case {entry.case}: {count(entered.listings, 'listing')} {what}.")
    if entered.answer_due_at:
        print(f"An answer is due by {portal.there(entered.answer_due_at)}.")
    if entered.removal_due_at:
        print(f"It is to be down by {portal.there(entered.removal_due_at)}.")
    for due_at in (entered.answer_due_at, entered.removal_due_at):
        if due_at and not is_announced(due_at.astimezone(ZoneInfo(portal.time_zone)).year, portal.calendar):
            print(f"The make-up days of {due_at.year} are not known to this version; the clock may be some days off.")
            break
