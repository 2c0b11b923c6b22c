"""Cases as lines on a terminal: where each stands, and what is due in them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from theftwatch.cases.captured import find_captured, find_to_capture
from theftwatch.cases.clock import Portal, find_portal
from theftwatch.cases.docket import (
    CaseStanding,
    Due,
    Event,
    clock_in_words,
    find_cases,
    find_due,
    find_events,
    find_seen_again,
    find_standing,
)
from theftwatch.cases.listings import CaseListing, find_case_listings
from theftwatch.clock import system_clock
from theftwatch.commands.work.record import opened
from theftwatch.reports.words import count, day, moment, one_line


async def list_cases(*, due: bool, every: bool, artisan: str | None, vendor: str | None, as_json: bool) -> None:
    """Print cases, or what is due in them, one a line."""
    rows: Sequence[CaseStanding | Due]
    async with opened() as connection:
        if due:
            rows = await find_due(connection, now=system_clock(), artisan=artisan, vendor=vendor)
        else:
            rows = await find_cases(connection, every=every, artisan=artisan, vendor=vendor)
    for row in rows:
        if as_json:
            print(json.dumps(asdict(row), default=str))
        else:
            print(due_line(row) if isinstance(row, Due) else _line(row))
    if not rows and not as_json:
        print("Nothing is due today." if due else "No such case." if every or artisan or vendor else "No case is open.")


async def show(case: int, *, as_json: bool) -> None:
    """Print a case, its listings with what is held of them, where its photos were seen again, and what happened."""
    now = system_clock()
    async with opened() as connection:
        standing = await find_standing(connection, case)
        listings = await find_case_listings(connection, case)
        captured = await find_captured(connection, case)
        to_capture = await find_to_capture(connection, case, now=now)
        again = await find_seen_again(connection, case)
        events = await find_events(connection, case)
        portal = await find_portal(connection, standing.marketplace)
    if as_json:
        lists = {
            "case_listings": [asdict(each) for each in listings],
            "captures": [asdict(each) for each in captured],
            "to_capture": [asdict(each) for each in to_capture],
            "seen_again": [asdict(each) for each in again],
            "events": [asdict(each) for each in events],
        }
        print(json.dumps(asdict(standing) | lists, default=str))
        return
    print(_line(standing))
    print(f"  at {portal.name}{f', {portal.url}' if portal.url else ''}")
    for each in listings:
        print(_listing_line(each, portal, now))
        held = [one.in_words for one in captured if one.case_listing == each.case_listing_id]
        missing = [f"to be captured: {one.in_words}" for one in to_capture if one.case_listing == each.case_listing_id]
        for line in held + missing:
            print(f"    {line}")
    for relisting in again:
        print(
            f"  seen again {day(relisting.relisted_at)} ({relisting.place.replace('_', ' ')}), "
            f"finding {relisting.finding}: {one_line(relisting.url)}"
        )
    for event in events:
        print(_event_line(event))


def due_line(due: Due) -> str:
    """Return what is due in a case, since when or until when, and what to do about it."""
    numbers = f" ({', '.join(one_line(number) for number in due.complaints)})" if due.complaints else ""
    return (
        f"{due.when}  case {due.case_id}, {one_line(due.artisan)} and {one_line(due.vendor)}, "
        f"{count(due.listings, 'listing')}{numbers}: {due.to_do_by_command}"
    )


def _line(case: CaseStanding) -> str:
    again = f", {count(case.relistings, 'relisting')}" if case.relistings else ""
    closed = f", closed {day(case.closed_at)} as {case.outcome}" if case.closed_at else ""
    return (
        f"{case.case_id}  {case.state}{closed}  {one_line(case.artisan)} and {one_line(case.vendor)}: "
        f"{count(case.listings, 'listing')}, {case.listings_filed} filed, {case.listings_removed} removed{again}"
    )


def _listing_line(each: CaseListing, portal: Portal, now: datetime) -> str:
    facts = clock_in_words(each, portal, now=now)
    about = f" ({'; '.join(facts)})" if facts else ""
    return (
        f"  {each.state}{about}  {one_line(each.url)}  findings {', '.join(map(str, each.finding_ids))}, "
        f"decisions {', '.join(map(str, each.match_decision_ids))}"
    )


def _event_line(event: Event) -> str:
    about = f" {count(event.listings, 'listing')}" if event.listings else ""
    by_way = f" by {event.route}" if event.route else ""
    number = f" as {one_line(event.reference)}" if event.reference else ""
    said = f": {one_line(event.note)}" if event.note else ""
    return f"{moment(event.happened_at)}  {one_line(event.made_by)}  {event.kind}{about}{by_way}{number}{said}"
