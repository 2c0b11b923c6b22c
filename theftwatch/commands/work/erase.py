"""The work of `theftwatch erase` and `theftwatch keep`."""

from collections.abc import Awaitable, Callable, Iterator

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_or_make_artisan, find_vendor, person
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.config import settings
from theftwatch.db.queries import Connection
from theftwatch.erasure import Limits, Plan, delete_files, drop_old, erase, plan_artisan, plan_old, plan_vendor
from theftwatch.image_store import open_files
from theftwatch.interval import write_time
from theftwatch.reports.words import count, megabytes, one_line


async def erase_artisan(artisan: str, *, yes: bool, by: str | None) -> None:
    """Erase an artisan, or print what that would do."""

    async def plan(connection: Connection) -> tuple[str, Plan]:
        key, name = await find_or_make_artisan(connection, artisan)
        return f"artisan {one_line(name)}", await plan_artisan(connection, key)

    await _erase(plan, yes=yes, by=by)


async def erase_vendor(vendor: str, *, yes: bool, by: str | None) -> None:
    """Erase a vendor, or print what that would do."""

    async def plan(connection: Connection) -> tuple[str, Plan]:
        seller, name = await find_vendor(connection, vendor)
        return f"vendor {one_line(name)}", await plan_vendor(connection, seller)

    await _erase(plan, yes=yes, by=by)


async def keep(*, apply: bool, by: str | None) -> None:
    """Drop what is older than the settings keep it, or print what that would be."""
    own, who, now = settings(), person(by), system_clock()
    kept = {"photos": own.keep_photos, "captures": own.keep_captures, "pages": own.keep_pages}
    if not any(kept.values()):
        print("All is kept: none of THEFTWATCH_KEEP_PHOTOS, THEFTWATCH_KEEP_CAPTURES and THEFTWATCH_KEEP_PAGES is set.")
    limits = Limits(**{kind: now - long for kind, long in kept.items() if long})
    async with opened() as connection:
        files = await open_files(connection, own)
        planned = await plan_old(connection, limits)
        counts = {"photos": len(planned.photos), "captures": len(planned.captures), "pages": planned.pages}
        for kind, long in kept.items():
            if long:
                print(f"{kind}, kept for {write_time(long)}: {counts[kind]:,} may go")
        if not apply:
            print(f"{megabytes(planned.byte_count)} without the pages. Nothing was dropped; --apply does it.")
            return
        await drop_old(connection, limits, planned, by=who, now=now)
        await bring_up_to_date(connection)
        deleted = await delete_files(connection, files)
    print(f"Dropped; {count(deleted, 'file')} deleted.")


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
    yield f"  go    {count(len(plan.photos), 'photo')}{captures}, {megabytes(plan.byte_count)}"
    whose = "name, contact, names of files, texts of notices" if plan.artisan is not None else "name and country"
    yield f"  go    {whose}, titles and prices of listings"
    if plan.shared:
        yield f"  stay  {count(plan.shared, 'photo')} that others show too"
    yield (
        f"  stay  {count(plan.findings, 'finding')}, {count(plan.verdicts, 'verdict')}, {count(plan.cases, 'case')}, "
        "with digests, decisions, keys and addresses"
    )
    yield "From then on nothing of it is crawled or taken in."
