"""The work of `theftwatch files`."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from theftwatch.clock import system_clock
from theftwatch.commands.work.progress import progress_bar
from theftwatch.commands.work.record import opened
from theftwatch.config import settings
from theftwatch.db.files import find_files
from theftwatch.db.queries import Connection, execute
from theftwatch.erasure import delete_files
from theftwatch.errors import FileStoreError, UsageError
from theftwatch.file_copy import AT_ONCE, Copied, copy_files
from theftwatch.files import PREFIXES, Files
from theftwatch.image_store import MARKER, adopt, open_files, place_at, place_of, read_marker
from theftwatch.reports.words import count, megabytes
from theftwatch.store_check import Checked, Missed, check_files, still_missed

#: Missed files that are named one by one
NAMED = 20


async def compare_store(connection: Connection, files: Files, *, read: bool) -> tuple[Checked, list[Missed]]:
    """Compare a store with the record, with progress, and return what was seen and the files that are missed."""
    with ThreadPoolExecutor(AT_ONCE) as threads, progress_bar() as bar:
        task = bar.add_task("Reading files" if read else "Checking files", total=len(PREFIXES))
        async with connection.transaction():
            checked = await check_files(
                connection,
                files,
                threads,
                read=read,
                now=system_clock(),
                progress=lambda done: bar.update(task, completed=done),
            )
    return checked, await still_missed(connection, checked)


async def check(*, read: bool, delete_strays: bool) -> None:
    """Print what store and record say of each other, and with `delete_strays` delete what nothing stands for.

    Raises FileStoreError where a file is missed or damaged.
    """
    async with opened() as connection:
        files = await open_files(connection, settings())
        checked, missed = await compare_store(connection, files, read=read)
        deleted = swept = 0
        if delete_strays:
            await execute(connection, "insert_unneeded_files", sha256s=checked.strays)
            deleted = await delete_files(connection, files)
            swept = sum(await asyncio.gather(*(asyncio.to_thread(files.place.sweep, prefix) for prefix in PREFIXES)))
    told = "; all of them were read" if read else "; `--read` also reads them"
    print(f"{count(checked.files, 'file')} in {files.place}, {megabytes(checked.byte_count)}{told}.")
    if checked.strays:
        told = f"{deleted} deleted" if delete_strays else "`--delete-strays` deletes them"
        strays = count(len(checked.strays), "file")
        print(f"{strays} that nothing stands for, {megabytes(checked.stray_bytes)}; {told}.")
    if swept:
        print(f"{count(swept, 'file')} that a kill broke off; deleted.")
    if missed:
        print("\n".join(_lines(missed)))
        raise FileStoreError(
            f"{count(len(missed), 'file')} missed or damaged; a backup may hold them, and a crawl fetches anew the "
            "photos that listings still show"
        )


async def copy_to(address: str) -> None:
    """Copy what the record stands for to another store, and say what is to be set then.

    Raises UsageError for a store of another database, FileStoreError where files are missed.
    """
    target = place_at(address)
    async with opened() as connection:
        files = await open_files(connection, settings())
        own, told = await asyncio.to_thread(read_marker, files), await asyncio.to_thread(read_marker, target)
        if told not in (None, own):
            raise UsageError(f"{address} is the image store of another database; name another place")
        with ThreadPoolExecutor(AT_ONCE) as threads, progress_bar() as bar:
            task = bar.add_task("Copying files", total=len(PREFIXES))
            async with connection.transaction():
                copied = Copied()
                async for prefix, needed, _ in find_files(connection):
                    copied += await copy_files(files, target, needed, threads)
                    bar.update(task, completed=int(prefix, 16) + 1)
        # Last, so that a place that was copied to in part is no store.
        await asyncio.to_thread(target.place.write, MARKER, f"{own}\n".encode())
    print(f"{count(copied.files, 'file')} copied, {megabytes(copied.byte_count)}; {copied.there:,} were there.")
    print(f"Set THEFTWATCH_FILES={address} for all nodes, and delete what is at {files.place} when they use it.")
    if copied.missed:
        raise FileStoreError(f"{count(len(copied.missed), 'file')} missed; `theftwatch files check --read` names them")


async def adopt_store() -> None:
    """Make the store of the settings that of the database."""
    files = place_of(settings())
    async with opened() as connection:
        await adopt(connection, files)
    print(f"{files.place} is the image store of this database.")


def _lines(missed: Sequence[Missed]) -> Iterator[str]:
    kinds = Counter((each.kind, "damaged" if each.is_damaged else "missed") for each in missed)
    yield "; ".join(f"{count(number, kind)} {state}" for (kind, state), number in sorted(kinds.items()))
    for each in missed[:NAMED]:
        yield f"  {each.sha256.hex()}  {each.kind}, {'damaged' if each.is_damaged else 'missed'}"
    if len(missed) > NAMED:
        yield f"  and {len(missed) - NAMED:,} more"
