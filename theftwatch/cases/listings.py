"""The listings of a case, and which of them a step is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from theftwatch.cases.ground import barrier_to_all, find_grounds
from theftwatch.db.queries import Connection, execute, fetch_as
from theftwatch.errors import UsageError
from theftwatch.reports.words import day

#: States in which a letter, a complaint or an answer may be the next step
TO_ASK = ("opened", "relisted")
TO_FILE = ("opened", "asked", "refused", "relisted")
TO_ANSWER = ("asked", "filed")


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseListing:
    """A listing in a case; fields as in the query `find_case_listings`."""

    case_listing_id: int
    listing_id: int
    marketplace: str
    listing_ref: str
    url: str
    title: str | None
    listing_state: str
    state: str
    finding_ids: list[int]
    match_decision_ids: list[int]
    still_confirmed: bool
    override_reason: str | None
    found_at: datetime
    added_at: datetime
    asked_at: datetime | None
    filed_at: datetime | None
    route: str | None
    reference: str | None
    countered_at: datetime | None
    last_event_at: datetime
    answer_due_at: datetime | None
    removal_due_at: datetime | None
    removed_at: datetime | None
    taken_down_at: datetime | None
    relisted_at: datetime | None
    relistings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Whose case it is; fields as in the query `find_case_key`."""

    id: int
    artisan: int
    seller: int
    marketplace: str
    closed_at: datetime | None
    outcome: str | None


async def find_case(connection: Connection, case: int) -> Case:
    """Return a case; nobody else writes until the transaction ends.

    Raises UsageError where there is none of this number.
    """
    await execute(connection, "lock_writes")
    found = await fetch_as(connection, Case, "find_case_key", case=case)
    if not found:
        raise UsageError(f"{case}: no such case; `theftwatch case list --all` shows their numbers")
    return found[0]


async def find_case_listings(connection: Connection, case: int) -> list[CaseListing]:
    """Return the listings of a case."""
    return await fetch_as(connection, CaseListing, "find_case_listings", case=case)


async def choose_listings(
    connection: Connection, case: Case, names: Sequence[str], states: Sequence[str]
) -> list[CaseListing]:
    """Return those listings of a case that are named, by address or key, or else those in one of the states.

    Raises UsageError for a case that is closed and whose photos were not seen again, an unknown name, and where no
    listing is in these states.
    """
    listings = await find_case_listings(connection, case.id)
    if case.closed_at is not None and not any(each.state == "relisted" for each in listings):
        raise UsageError(
            f"case {case.id}: closed as {case.outcome} on {day(case.closed_at)}; `theftwatch case open` reopens it"
        )
    if names:
        return [_named(case.id, listings, name) for name in dict.fromkeys(names)]
    chosen = [each for each in listings if each.state in states]
    if not chosen:
        raise UsageError(
            f"case {case.id}: none of its listings is {' or '.join(states)}; "
            f"`theftwatch case show {case.id}` says where each stands"
        )
    return chosen


async def choose_to_accuse(
    connection: Connection, case: Case, names: Sequence[str], states: Sequence[str]
) -> list[CaseListing]:
    """Return listings as `choose_listings` does, to be written or complained about.

    What held when they came in may have changed: raises UsageError for one on which no case may rest any more.
    """
    chosen = await choose_listings(connection, case, names, states)
    grounds = {each.finding: each for each in await find_grounds(connection, case.artisan, case.seller, case.id)}
    for listing in chosen:
        if why := barrier_to_all(grounds[finding] for finding in listing.finding_ids if finding in grounds):
            raise UsageError(f"{listing.url}: not to be asked or filed now, {why}")
    return chosen


def _named(case: int, listings: Sequence[CaseListing], name: str) -> CaseListing:
    for each in listings:
        if name in (each.url, each.listing_ref, f"{each.marketplace}/{each.listing_ref}"):
            return each
    raise UsageError(f"{name}: no such listing in case {case}; `theftwatch case show {case}` names them")
