"""The work of `theftwatch backup` and `theftwatch restore`."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from theftwatch.backup.folder import find_backups, list_line, locked, prune
from theftwatch.backup.make import make_backup
from theftwatch.backup.restore import check_backup, choose, put_back, restore
from theftwatch.clock import system_clock
from theftwatch.commands.work.files import NAMED, compare_store
from theftwatch.commands.work.progress import progress_bar
from theftwatch.commands.work.record import opened
from theftwatch.config import settings
from theftwatch.db.server import connect_dsn
from theftwatch.errors import BackupError
from theftwatch.file_copy import AT_ONCE
from theftwatch.files import PREFIXES
from theftwatch.image_store import open_files
from theftwatch.reports.words import count, megabytes


async def back_up(folder: Path, *, keep: int | None) -> None:
    """Make a backup, and print what came of it."""
    dsn = connect_dsn(settings())
    with ThreadPoolExecutor(AT_ONCE) as threads, progress_bar() as bar:
        task = bar.add_task("Copying files", total=len(PREFIXES))
        made, copied = await make_backup(
            settings(), dsn, folder, threads, clock=system_clock, progress=lambda done: bar.update(task, completed=done)
        )
    print(
        f"{made.path}: {count(made.manifest.files, 'file')}, {copied.there:,} of them from earlier backups; "
        f"{megabytes(copied.byte_count)} copied."
    )
    if copied.missed:
        print(
            f"{count(len(copied.missed), 'file')} not in it, as the image store does not hold them whole: `theftwatch "
            "files check --read` names them",
            file=sys.stderr,
        )
    if keep is not None:
        with locked(folder):
            backups, files = prune(folder, keep)
        print(f"{count(backups, 'older backup')} and {count(files, 'file')} deleted.")


async def restore_all(folder: Path, name: str | None) -> None:
    """Bring a backup back, and print what came of it."""
    chosen = choose(folder, name)
    with ThreadPoolExecutor(AT_ONCE) as threads, progress_bar() as bar:
        task = bar.add_task("Bringing files back", total=len(PREFIXES))
        copied = await restore(
            settings(),
            folder,
            chosen,
            threads,
            clock=system_clock,
            progress=lambda done: bar.update(task, completed=done),
        )
    print(f"{chosen.path} is back, of {chosen.manifest.made_at}: {count(copied.files + copied.there, 'file')}.")
    lost = len(copied.missed) - len(chosen.manifest.missed)
    if lost > 0:
        raise BackupError(f"{count(lost, 'file')} of it missing or damaged; `theftwatch files check` names them")
    print("Accounts of analysts are not part of it: `theftwatch db grant`.")


async def restore_files(folder: Path) -> None:
    """Bring back what the image store misses, and print what came of it."""
    backups = find_backups(folder)
    if not backups:
        raise BackupError(f"{folder} holds no backup; name the folder that `theftwatch backup` was given")
    async with opened() as connection:
        files = await open_files(connection, settings())
        _, missed = await compare_store(connection, files, read=True)
    found = await asyncio.to_thread(put_back, folder, files, missed)
    print(f"{found:,} of {count(len(missed), 'file')} brought back.")
    if found < len(missed):
        raise BackupError(f"{count(len(missed) - found, 'file')} not in {folder}; `theftwatch files check` names them")


async def check_backup_of(folder: Path, name: str | None) -> None:
    """Read a backup, and print what it holds.

    Raises BackupError where something of it is missing or damaged.
    """
    chosen = choose(folder, name)
    with ThreadPoolExecutor(AT_ONCE) as threads, progress_bar() as bar:
        task = bar.add_task("Reading files", total=len(PREFIXES))
        total, lost = await check_backup(
            folder, chosen, threads, progress=lambda done: bar.update(task, completed=done)
        )
    for digest in lost[:NAMED]:
        print(list_line(digest).split()[1])
    if lost:
        raise BackupError(
            f"{chosen.path}: {count(len(lost), 'file')} of {total:,} missing or damaged; delete what there is of them: "
            "the next `theftwatch backup` copies them anew"
        )
    print(f"{chosen.path} is whole: {count(total, 'file')}, dump and list as they were written.")
