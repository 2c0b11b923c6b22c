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
    choose_listings,
    choose_to_accuse,
    find_case,
    find_case_listings,
)
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.errors import UsageError

Route = Literal["report", "portal"]
Answer = Literal["accepted", "countered", "refused"]
Outcome = Literal["removed", "withdrawn", "given_up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered:
    """An event that was entered, with its clock."""

    event: int
    listings: int
    answer_due_at: datetime | None
    removal_due_at: datetime | None


async def enter_letter(
    connection: Connection,
    case: int,
    *,
    at: datetime,
    by: str,
    now: datetime,
    listings: Sequence[str] = (),
    note: str | None = None,
) -> Entered:
    """Enter that a person sent the letter on listings of a case: those given, or those nothing was asked of yet."""
    known = await find_case(connection, case)
    about = await choose_to_accuse(connection, known, listings, TO_ASK)
    await _reopen(connection, known)
    portal = await find_portal(connection, known.marketplace)
    return await enter(
        connection,
        case,
        "asked",
        [each.case_listing_id for each in about],
        route="letter",
        note=note,
        at=at,
        by=by,
        now=now,
        answer_due_at=portal.answer_due(at),
    )


async def enter_complaint(
    connection: Connection,
    case: int,
    route: Route,
    reference: str,
    *,
    at: datetime,
    by: str,
    now: datetime,
    listings: Sequence[str] = (),
    without_account: bool = False,
    note: str | None = None,
) -> Entered:
    """Enter that a person filed a complaint on listings of a case: those given, or all that are to be filed.

    The time to answer runs from the filing, and that to take down from its end. Raises UsageError for more listings
    than the portal takes in one request.
    """
    known = await find_case(connection, case)
    about = await choose_to_accuse(connection, known, listings, TO_FILE)
    portal = await find_portal(connection, known.marketplace)
    if route == "portal":
        _refuse_portal(portal, len(about), without_account=without_account)
    await _reopen(connection, known)
    answer_due_at = portal.answer_due(at)
    return await enter(
        connection,
        case,
        "filed",
        [each.case_listing_id for each in about],
        route=route,
        reference=reference,
        note=note,
        at=at,
        by=by,
        now=now,
        answer_due_at=answer_due_at,
        removal_due_at=portal.removal_due(answer_due_at),
    )


async def enter_answer(
    connection: Connection,
    case: int,
    answer: Answer,
    *,
    at: datetime,
    by: str,
    now: datetime,
    listings: Sequence[str] = (),
    note: str | None = None,
) -> Entered:
    """Enter what the vendor or the portal answered on listings of a case: those given, or all that wait for an answer.

    What was accepted is to come down within the portal's hours.
    """
    known = await find_case(connection, case)
    about = await choose_listings(connection, known, listings, TO_ANSWER)
    portal = await find_portal(connection, known.marketplace)
    return await enter(
        connection,
        case,
        answer,
        [each.case_listing_id for each in about],
        note=note,
        at=at,
        by=by,
        now=now,
        removal_due_at=portal.removal_due(at) if answer == "accepted" else None,
    )


async def enter_note(connection: Connection, case: int, note: str, *, by: str, now: datetime) -> Entered:
    """Enter a note on a case."""
    await find_case(connection, case)
    return await enter(connection, case, "note", [], note=note, at=now, by=by, now=now)


async def close_case(
    connection: Connection, case: int, outcome: Outcome, *, by: str, now: datetime, note: str | None = None
) -> Entered:
    """Close a case.

    Raises UsageError for one that is closed, and as removed where the watch does not say so of each listing.
    """
    known = await find_case(connection, case)
    if known.closed_at is not None:
        raise UsageError(f"case {case}: closed already, as {known.outcome} on {known.closed_at:%Y-%m-%d}")
    listings = await find_case_listings(connection, case)
    if outcome == "removed" and (left := [each for each in listings if each.state != "removed"]):
        raise UsageError(
            f"case {case}: the watch has not seen {left[0].url} come down ({left[0].state}); "
            "wait for it, or close the case as given_up or withdrawn"
        )
    entered = await enter(
        connection, case, "closed", [each.case_listing_id for each in listings], note=note, at=now, by=by, now=now
    )
    await execute(connection, "close_case", case=case, outcome=outcome, now=now)
    return entered


async def enter(
    connection: Connection,
    case: int,
    kind: str,
    case_listings: Sequence[int],
    *,
    at: datetime,
    by: str,
    now: datetime,
    route: str | None = None,
    reference: str | None = None,
    note: str | None = None,
    answer_due_at: datetime | None = None,
    removal_due_at: datetime | None = None,
) -> Entered:
    """Write an event of a case.

    Raises UsageError for one that lies ahead.
    """
    if at > now:
        raise UsageError(f"{at:%Y-%m-%d %H:%M} UTC is not past yet; enter what has happened, when it has")
    [(event,)] = await fetch(
        connection,
        "insert_case_event",
        case=case,
        kind=kind,
        route=route,
        reference=reference,
        note=note,
        at=at,
        answer_due_at=answer_due_at,
        removal_due_at=removal_due_at,
        by=by,
        now=now,
        case_listings=list(case_listings),
    )
    return Entered(event=event, listings=len(case_listings), answer_due_at=answer_due_at, removal_due_at=removal_due_at)


async def _reopen(connection: Connection, case: Case) -> None:
    """Open a case again that was closed, and whose photos were seen again since."""
    if case.closed_at is not None:
        await execute(connection, "reopen_case", case=case.id)


def _refuse_portal(portal: Portal, listings: int, *, without_account: bool) -> None:
    if portal.code is None:
        raise UsageError("no portal is known for this marketplace; file by its report button and enter --route report")
    most = portal.links_without_account_max if without_account else portal.links_max
    if listings > most:
        raise UsageError(
            f"{listings} listings, and {portal.name} takes {most} addresses a request"
            f"{' without an account' if without_account else ''}; file them in parts, with --listing"
        )
