"""What a person enters in a case: that a letter was sent, a complaint filed, an answer received, that it is closed.

The program submits nothing anywhere. A person sends and files, and enters that here; each entry is a row that stays,
with its clock, and of one listing the last entry counts. Functions write within the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from theftwatch.cases.clock import Portal, find_portal
from theftwatch.cases.listings import (
    TO_ANSWER,
    TO_ASK,
    TO_FILE,
    Case,
    CaseListing,
    choose_listings,
    choose_to_accuse,
    find_case,
    find_case_listings,
)
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.errors import UsageError
from theftwatch.reports.words import day, moment

Route = Literal["report", "portal"]
Answer = Literal["accepted", "countered", "refused"]
Outcome = Literal["removed", "withdrawn", "given_up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a person enters, and of when: in which case, and on which of its listings."""

    case: int
    #: When it happened, and when it is entered
    at: datetime
    now: datetime
    by: str
    note: str | None = None
    #: By address or key; none: all that the step is about
    listings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered:
    """An event that was entered, with its clock."""

    event: int
    listings: int
    answer_due_at: datetime | None
    removal_due_at: datetime | None


async def enter_letter(connection: Connection, entry: Entry) -> Entered:
    """Enter that a person sent the letter on listings: those given, or those that nothing was asked of yet."""
    case = await find_case(connection, entry.case)
    about = await choose_to_accuse(connection, case, entry.listings, TO_ASK)
    await _reopen(connection, case)
    portal = await find_portal(connection, case.marketplace)
    return await enter(
        connection, entry, "asked", keys(about), route="letter", answer_due_at=portal.answer_due(entry.at)
    )


async def enter_complaint(
    connection: Connection, entry: Entry, route: Route, reference: str, *, without_account: bool = False
) -> Entered:
    """Enter that a person filed a complaint on listings: those given, or all that are to be filed.

    The time to answer runs from the filing, and that to take down from its end. Raises UsageError without a reference,
    and for more listings than the portal takes in one request.
    """
    if not (reference := reference.strip()):
        raise UsageError("enter the number of the complaint, or what else it is found by")
    case = await find_case(connection, entry.case)
    about = await choose_to_accuse(connection, case, entry.listings, TO_FILE)
    portal = await find_portal(connection, case.marketplace)
    if route == "portal":
        _refuse_portal(portal, len(about), without_account=without_account)
    await _reopen(connection, case)
    answer_due_at = portal.answer_due(entry.at)
    return await enter(
        connection,
        entry,
        "filed",
        keys(about),
        route=route,
        reference=reference,
        answer_due_at=answer_due_at,
        removal_due_at=portal.removal_due(answer_due_at),
    )


async def enter_answer(connection: Connection, entry: Entry, answer: Answer) -> Entered:
    """Enter what the vendor or the portal answered on listings: those given, or all that wait for an answer.

    What was accepted is to come down within the portal's hours.
    """
    case = await find_case(connection, entry.case)
    about = await choose_listings(connection, case, entry.listings, TO_ANSWER)
    portal = await find_portal(connection, case.marketplace)
    removal_due_at = portal.removal_due(entry.at) if answer == "accepted" else None
    return await enter(connection, entry, answer, keys(about), removal_due_at=removal_due_at)


async def enter_note(connection: Connection, entry: Entry) -> Entered:
    """Enter a note on a case.

    Raises UsageError for an empty one.
    """
    if entry.note is None:
        raise UsageError("the note is empty; say what the record shall keep")
    await find_case(connection, entry.case)
    return await enter(connection, entry, "note", [])


async def close_case(connection: Connection, entry: Entry, outcome: Outcome) -> Entered:
    """Close a case.

    Raises UsageError for one that is closed, and as removed where the watch does not say so of each listing.
    """
    case = await find_case(connection, entry.case)
    if case.closed_at is not None:
        raise UsageError(f"case {case.id}: closed already, as {case.outcome} on {day(case.closed_at)}")
    listings = await find_case_listings(connection, case.id)
    if outcome == "removed" and (left := [each for each in listings if each.state != "removed"]):
        raise UsageError(
            f"case {case.id}: the watch has not seen {left[0].url} come down ({left[0].state}); "
            "wait for it, or close the case as given_up or withdrawn"
        )
    entered = await enter(connection, entry, "closed", keys(listings))
    await execute(connection, "close_case", case=case.id, outcome=outcome, now=entry.now)
    return entered


def keys(listings: Sequence[CaseListing]) -> list[int]:
    """Return the keys of listings in their case."""
    return [each.case_listing_id for each in listings]


async def enter(
    connection: Connection,
    entry: Entry,
    kind: str,
    about: Sequence[int],
    *,
    route: str | None = None,
    reference: str | None = None,
    answer_due_at: datetime | None = None,
    removal_due_at: datetime | None = None,
) -> Entered:
    """Write an event of a case, about listings by their keys in it.

    Raises UsageError for one that lies ahead.
    """
    if entry.at > entry.now:
        raise UsageError(f"{moment(entry.at)} is not past yet; enter what has happened, when it has")
    [(event,)] = await fetch(
        connection,
        "insert_case_event",
        case=entry.case,
        kind=kind,
        route=route,
        reference=reference,
        note=entry.note,
        at=entry.at,
        answer_due_at=answer_due_at,
        removal_due_at=removal_due_at,
        by=entry.by,
        now=entry.now,
        case_listings=list(about),
    )
    return Entered(event=event, listings=len(about), answer_due_at=answer_due_at, removal_due_at=removal_due_at)


async def _reopen(connection: Connection, case: Case) -> None:
    """Open a case again that was closed, and whose photos were seen again since."""
    if case.closed_at is not None:
        await execute(connection, "reopen_case", case=case.id)


def _refuse_portal(portal: Portal, listings: int, *, without_account: bool) -> None:
    if portal.code is None:
        raise UsageError(
            "no portal is known for this marketplace; file by its report button and enter it with `--route report`"
        )
    most = portal.links_without_account_max if without_account else portal.links_max
    if listings > most:
        raise UsageError(
            f"{listings} listings, and {portal.name} takes {most} addresses a request"
            f"{' without an account' if without_account else ''}; file them in parts, with `--listing`"
        )
