"""Erasure: what an artisan or a vendor may want gone, and what goes by its age.

Bytes and contacts go; digests, decisions, verdicts and cases stay, so that what was done can still be explained. What
is to be done is worked out first, in one place, for people to see; what is done is that and nothing else.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.errors import UsageError
from theftwatch.files import Files

logger = logging.getLogger(__name__)

#: Files deleted in one transaction, during which nobody else writes
_FILES_AT_ONCE = 500
#: Photos, captures and runs that go in one transaction
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an erasure is about to do."""

    artisan: int | None = None
    sellers: tuple[int, ...] = ()
    #: By their keys in the record
    photos: tuple[int, ...] = field(default=(), repr=False)
    captures: tuple[int, ...] = field(default=(), repr=False)
    #: Runs with pages that could not be read and were kept, and how many pages
    page_runs: tuple[int, ...] = field(default=(), repr=False)
    pages: int = 0
    #: Of photos and captures together
    byte_count: int = 0
    #: Photos that stay, as others show them too
    shared: int = 0
    #: What stays of what was decided
    findings: int = 0
    verdicts: int = 0
    cases: int = 0

    @property
    def is_by_wish(self) -> bool:
        """Whether somebody wants it; else it is by age alone."""
        return self.artisan is not None or bool(self.sellers)


async def plan_artisan(connection: Connection, artisan: int) -> Plan:
    """Return what erasing an artisan does, with the artisan's shops and files.

    In the caller's transaction; nobody else writes until that ends. Raises UsageError for one with an open case.
    """
    await execute(connection, "lock_writes")
    sellers = [seller for (seller,) in await fetch(connection, "find_sellers_of", artisan=artisan)]
    return await _plan(connection, artisan, sellers)


async def plan_vendor(connection: Connection, seller: int) -> Plan:
    """Return what erasing a vendor does.

    In the caller's transaction; nobody else writes until that ends. Raises UsageError for one with an open case.
    """
    await execute(connection, "lock_writes")
    return await _plan(connection, None, [seller])


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Since when what is kept by age is kept: older photos, captures and pages may go; where None, none may."""

    photos: datetime | None = None
    captures: datetime | None = None
    pages: datetime | None = None


async def plan_old(connection: Connection, limits: Limits, *, of: Plan | None = None) -> Plan:
    """Return what is older than some limits and may go, or which part of an earlier plan that still is.

    Photos of vendors that never matched, and that no listing shows since then; captures that no case needs, and of
    nothing that a person confirmed and no case settled; pages that could not be read.
    """

    async def find(query: str, before: datetime | None, only: tuple[int, ...] | None) -> list[tuple[int, int]]:
        if before is None or only == ():
            return []
        rows = await fetch(connection, query, before=before, only=None if only is None else list(only))
        return [(key, number) for key, number in rows]

    photos = await find("find_old_photos", limits.photos, of.photos if of else None)
    captures = await find("find_old_captures", limits.captures, of.captures if of else None)
    pages = await find("find_old_pages", limits.pages, of.page_runs if of else None)
    return Plan(
        photos=tuple(image for image, _ in photos),
        captures=tuple(capture for capture, _ in captures),
        page_runs=tuple(run for run, _ in pages),
        pages=sum(number for _, number in pages),
        byte_count=sum(byte_count for _, byte_count in (*photos, *captures)),
    )


async def drop_old(connection: Connection, limits: Limits, plan: Plan, *, by: str, now: datetime) -> None:
    """Do in the record what a plan by age says, a part at a time; what is needed again by then stays.

    Each part is a transaction of its own, so that crawls wait for none long, and a kill loses nothing.
    """
    for part in _parts(plan):
        async with connection.transaction():
            await execute(connection, "lock_writes")
            still = await plan_old(connection, limits, of=part)
            if still.page_runs:
                await execute(connection, "drop_pages", runs=list(still.page_runs), before=limits.pages)
            if still != Plan():
                await erase(connection, still, by=by, now=now)


def _parts(plan: Plan) -> Iterator[Plan]:
    for start in range(0, max(len(plan.photos), len(plan.captures), len(plan.page_runs)), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        yield Plan(photos=plan.photos[part], captures=plan.captures[part], page_runs=plan.page_runs[part])


async def erase(connection: Connection, plan: Plan, *, by: str, now: datetime) -> None:
    """Do in the record what a plan of this transaction says; `delete_files` does it on disk afterwards."""
    state = "erased" if plan.is_by_wish else "dropped"
    await execute(connection, "erase_photos", images=list(plan.photos), state=state)
    await execute(connection, "erase_captures", captures=list(plan.captures), now=now)
    await execute(connection, "erase_sellers", sellers=list(plan.sellers), now=now)
    if plan.artisan is not None:
        await execute(connection, "erase_artisan", artisan=plan.artisan, by=by, now=now)
    await execute(
        connection,
        "insert_erasure",
        artisan=plan.artisan,
        seller=plan.sellers[0] if plan.sellers and plan.artisan is None else None,
        photos=len(plan.photos),
        captures=len(plan.captures),
        pages=plan.pages,
        byte_count=plan.byte_count,
        by=by,
        now=now,
    )


async def delete_files(connection: Connection, files: Files) -> int:
    """Delete the files that nothing in the record stands for any more, and return how many there were.

    What a kill leaves is deleted by the next call; so is everything while a backup is under way, which may be about to
    copy it.
    """
    deleted = 0
    while True:
        async with connection.transaction():
            await execute(connection, "lock_writes")  # so that no batch makes one of them needed meanwhile
            [(may,)] = await fetch(connection, "may_delete_files")
            if not may:
                logger.warning("a backup is under way; files that are not needed any more are deleted after it")
                return deleted
            unneeded = [sha256 for (sha256,) in await fetch(connection, "find_unneeded_files", most=_FILES_AT_ONCE)]
            if not unneeded:
                return deleted
            deleted += sum(await asyncio.gather(*(asyncio.to_thread(files.delete, each) for each in unneeded)))
            await execute(connection, "delete_unneeded_files", sha256s=unneeded)


async def _plan(connection: Connection, artisan: int | None, sellers: Sequence[int]) -> Plan:
    of = {"artisan": artisan, "sellers": list(sellers)}
    if found := await fetch(connection, "find_open_case", **of):
        raise UsageError(
            f"case {found[0][0]} is open, and what it rests on is not erased; close it first: `theftwatch case close`"
        )
    photos = await fetch(connection, "find_photos_to_erase", **of)
    captures = await fetch(connection, "find_captures_to_erase", **of)
    [(findings, verdicts, cases)] = await fetch(connection, "count_what_stays", **of)
    own = [(image, byte_count) for image, byte_count, others_show in photos if not others_show]
    return Plan(
        artisan=artisan,
        sellers=tuple(sellers),
        photos=tuple(image for image, _ in own),
        captures=tuple(capture for capture, *_ in captures),
        byte_count=sum(byte_count for _, byte_count in own) + sum(byte_count for *_, byte_count in captures),
        shared=len(photos) - len(own),
        findings=findings,
        verdicts=verdicts,
        cases=cases,
    )
