"""The work of `theftwatch erase`."""

from collections.abc import Awaitable, Callable, Iterator

from theftwatch.clock import system_clock
from theftwatch.commands.relating import find_artisan, find_vendor
from theftwatch.commands.suppressing import bring_up_to_date, opened, person
from theftwatch.config import settings
from theftwatch.db.queries import Connection
from theftwatch.erasure import Plan, delete_files, erase, plan_artisan, plan_old, plan_vendor
from theftwatch.image_store import open_files
from theftwatch.interval import read_time
from theftwatch.reports.words import count, one_line

_MB = 1_000_000


async def erase_artisan(artisan: str, *, yes: bool, by: str | None) -> None:
    """Erase an artisan, or print what that would do."""

    async def plan(connection: Connection) -> tuple[str, Plan]:
        key, name = await find_artisan(connection, artisan)
        return f"artisan {one_line(name)}", await plan_artisan(connection, key)

    await _erase(plan, yes=yes, by=by)


async def erase_vendor(vendor: str, *, yes: bool, by: str | None) -> None:
    """Erase a vendor, or print what that would do."""

    async def plan(connection: Connection) -> tuple[str, Plan]:
        seller, name = await find_vendor(connection, vendor)
        return f"vendor {one_line(name)}", await plan_vendor(connection, seller)

    await _erase(plan, yes=yes, by=by)


async def drop_old(older_than: str, *, yes: bool, by: str | None) -> None:
    """Drop photos that nothing rests on, or print how many there are."""
    before = system_clock() - read_time(older_than)

    async def plan(connection: Connection) -> tuple[str, Plan]:
        return f"photos not shown for {older_than}", await plan_old(connection, before)

    await _erase(plan, yes=yes, by=by)


async def _erase(plan: Callable[[Connection], Awaitable[tuple[str, Plan]]], *, yes: bool, by: str | None) -> None:
    """Print what a plan does, and with `yes` do it."""
    who = person(by)
    async with opened() as connection:
        async with connection.transaction(force_rollback=not yes):
            name, planned = await plan(connection)
            print("\n".join(_lines(name, planned)))
            if yes:
                await erase(connection, planned, by=who, now=system_clock())
        if not yes:
            print("Nothing was erased; --yes does it.")
            return
        await bring_up_to_date(connection)
        deleted = await delete_files(connection, await open_files(connection, settings()))
    print(f"Erased; {count(deleted, 'file')} deleted. Backups and reports made before still hold what they held.")


def _lines(name: str, plan: Plan) -> Iterator[str]:
    yield f"{name[:1].upper()}{name[1:]}:"
    captures = f", {count(len(plan.captures), 'capture')}" if plan.captures else ""
    yield f"  go    {count(len(plan.photos), 'photo')}{captures}, {plan.byte_count / _MB:,.1f} MB"
    if not plan.is_by_wish:
        return
    whose = "name, contact, names of files, texts of notices" if plan.artisan is not None else "name and country"
    yield f"  go    {whose}, titles and prices of listings"
    if plan.shared:
        yield f"  stay  {count(plan.shared, 'photo')} that others show too"
    yield (
        f"  stay  {count(plan.findings, 'finding')}, {count(plan.verdicts, 'verdict')}, {count(plan.cases, 'case')}, "
        "with digests, decisions, keys and addresses"
    )
    yield "From then on nothing of it is crawled or taken in."
