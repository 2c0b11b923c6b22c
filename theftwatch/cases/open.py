"""Opening a case, and adding to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from theftwatch.cases.clock import find_portal
from theftwatch.cases.enter import Entry, enter
from theftwatch.cases.ground import find_grounds
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.db.sellers import company_of
from theftwatch.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A finding that is no ground for a case, and why."""

    finding: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A case, and what was put into it."""

    case: int
    #: Listings that are new in it
    listings: int
    #: Findings that it rests on besides what it rested on before
    findings: int
    left_out: tuple[LeftOut, ...]


async def open_case(
    connection: Connection,
    artisan: int,
    seller: int,
    *,
    by: str,
    now: datetime,
    findings: Sequence[int] = (),
    override: str | None = None,
) -> Opened:
    """Open the case of an artisan with a vendor, or add to it, on given findings or on all on which one may rest.

    In the caller's transaction. There is one case for all shops of the vendor's company; one that was closed is opened
    again. With `override`, a reason that is kept, also on given findings that a relation covers or whose original is
    not known to have been first. Raises UsageError for a given finding on which no case may rest, where there is none
    at all, and for a reason without findings.
    """
    if override and not findings:
        raise UsageError("--override goes with --finding: it is for findings that you have looked at one by one")
    await execute(connection, "lock_writes")
    sellers = await company_of(connection, seller)
    known = await fetch(connection, "find_case_of", artisan=artisan, sellers=sellers)
    case, is_open = known[0] if known else (None, False)
    found = await find_grounds(connection, artisan, seller, case)
    wanted = [each for each in found if each.finding in findings] if findings else found
    if missing := set(findings).difference(each.finding for each in wanted):
        raise UsageError(
            f"finding {min(missing)}: not between this artisan and this vendor; see `theftwatch finding list`"
        )
    barriers = {each.finding: each.barrier(override) for each in wanted}
    left_out = tuple(LeftOut(finding=finding, why=why) for finding, why in barriers.items() if why is not None)
    if findings and left_out:
        raise UsageError(f"finding {left_out[0].finding}: {left_out[0].why}")
    grounds = [each for each in wanted if barriers[each.finding] is None]
    if not grounds:
        confirmed = {each.finding for each in wanted if each.verdict == "confirmed"}
        first = min(left_out, key=lambda each: (each.finding not in confirmed, each.finding), default=None)
        why = f"finding {first.finding}: {first.why}" if first else "nothing between the two matches"
        raise UsageError(f"no case to open: {why}")
    if case is None:
        [(marketplace, *_)] = await fetch(connection, "find_owner", seller=seller)
        portal = await find_portal(connection, marketplace)
        [(case,)] = await fetch(connection, "insert_case", artisan=artisan, seller=seller, portal=portal.code, now=now)
    elif not is_open:
        await execute(connection, "reopen_case", case=case)
    listings = sorted({each.listing for each in grounds})
    overridden = {each.listing for each in grounds if each.barrier(None) is not None}
    in_case = {each.listing for each in grounds if each.case_listing is not None}
    rows = await fetch(
        connection,
        "insert_case_listings",
        case=case,
        listings=listings,
        override_reasons=[override if listing in overridden else None for listing in listings],
        by=by,
        now=now,
    )
    await execute(connection, "insert_case_grounds", case=case, findings=[each.finding for each in grounds], now=now)
    await execute(connection, "insert_case_targets", listings=listings, now=now)
    about = [key for key, listing in rows if listing not in in_case or not is_open]
    if about:
        await enter(connection, Entry(case=case, at=now, now=now, by=by, note=override), "opened", about)
    return Opened(
        case=case,
        listings=len(set(listings) - in_case),
        findings=sum(not each.is_ground for each in grounds),
        left_out=left_out,
    )
