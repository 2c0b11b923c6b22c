"""Erasure: what an artisan or a vendor may want gone, and photos that nothing rests on, by their age.

Bytes and contacts go; digests, decisions, verdicts and cases stay, so that what was done can still be explained. What
is to be done is worked out first, in one place, for people to see; what is done is that and nothing else.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.errors import UsageError
from theftwatch.files import Files

logger = logging.getLogger(__name__)

#: Files deleted in one transaction, during which nobody else writes
_FILES_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an erasure is about to do."""

    artisan: int | None = None
    sellers: tuple[int, ...] = ()
    #: By their keys in the record
    photos: tuple[int, ...] = field(default=(), repr=False)
    captures: tuple[int, ...] = field(default=(), repr=False)
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


async def plan_old(connection: Connection, before: datetime) -> Plan:
    """Return what dropping old photos does: those of vendors that never matched, and that no listing shows since then.

    In the caller's transaction; nobody else writes until that ends.
    """
    await execute(connection, "lock_writes")
    rows = await fetch(connection, "find_old_photos", before=before)
    return Plan(photos=tuple(image for image, *_ in rows), byte_count=sum(count for _, count, _ in rows))


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
