"""`theftwatch backup` and `theftwatch restore`."""

from pathlib import Path
from typing import Annotated

import typer

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backups.")]


def backup(
    folder: _Folder,
    *,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="NUMBER", min=1, help="Then delete all but so many of the newest.")
    ] = None,
) -> None:
    """Back up the database and its image store.

    Crawls may go on. Files that an earlier backup in the folder holds are not copied again. A backup has its name once
    it is whole; what was broken off the next one clears up.
    """
    import asyncio

    from theftwatch.commands.work import backup as work

    asyncio.run(work.back_up(folder, keep=keep))


def restore(
    folder: _Folder,
    *,
    name: Annotated[
        str | None,
        typer.Option("--backup", metavar="NAME", help="Which one, such as 20261126T030000Z; else the newest."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only read it, and compare all digests.")] = False,
    files: Annotated[
        bool, typer.Option("--files", help="Only bring files back that the image store misses or holds damaged.")
    ] = False,
) -> None:
    """Bring a backup back, into an empty database.

    With the files of its image store. A database that holds something is refused.
    """
    import asyncio

    from theftwatch.commands.work import backup as work

    if check:
        asyncio.run(work.check_backup_of(folder, name))
    elif files:
        asyncio.run(work.restore_files(folder))
    else:
        asyncio.run(work.restore_all(folder, name))
