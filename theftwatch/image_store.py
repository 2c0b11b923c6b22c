"""Which image store is used: the one of the settings, and only where it is the one that the database names.

A database has an id for its store from the start, and the store is told when it is first used. So a wrong folder, a
disk that is not mounted or the store of another database is met before anything is written or missed.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from theftwatch.bucket import open_bucket
from theftwatch.clock import Clock, system_clock
from theftwatch.config import Settings
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.errors import FileStoreError
from theftwatch.files import Files, kept

#: Where a store says which one it is; no dot in front, so that it comes along when a folder is copied
MARKER = "store-id"
#: How a run ended that did not see the image store of its database
NO_IMAGE_STORE = "no_image_store"

#: Files of which one has to be there, where a record that has some is given a store that says nothing of itself
_SAMPLE = 20


async def open_files(connection: Connection, settings: Settings, *, clock: Clock = system_clock) -> Files:
    """Return the image store of the settings, which is that of the database.

    A store that is used for the first time is told so. Raises FileStoreError for another one, and where it is away;
    UsageError for an address that names none.
    """
    files = place_of(settings)
    [(own, is_named)] = await fetch(connection, "find_image_store")
    told = await asyncio.to_thread(read_marker, files)
    if told == own:
        if not is_named:
            await execute(connection, "name_image_store", now=clock())
        return files
    if told is not None:
        raise FileStoreError(
            f"{files.place} is the image store of another database: it says {told}, and this one names {own}; "
            "mend THEFTWATCH_FILES or THEFTWATCH_DATABASE, or, where that database is gone, `theftwatch files adopt`"
        )
    if is_named:
        raise FileStoreError(
            f"{files.place} is not the image store of this database: it holds no {MARKER}; mount or mend what "
            "THEFTWATCH_FILES names, or make it the store by `theftwatch files adopt`"
        )
    some = [sha256 for (sha256,) in await fetch(connection, "find_some_files", most=_SAMPLE)]
    if some and not await asyncio.to_thread(kept, files, some):
        raise FileStoreError(
            f"{files.place} holds none of the files that the database stands for; mend THEFTWATCH_FILES, or make it "
            "the store all the same by `theftwatch files adopt`"
        )
    await adopt(connection, files, clock=clock)
    return files


def look_for_store(dsn: str, settings: Settings, *, clock: Clock = system_clock) -> None:
    """Raise what `open_files` raises: for callers beside whom an event loop is being made, which this leaves alone."""

    async def look() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await open_files(connection, settings, clock=clock)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, look()).result()


async def adopt(connection: Connection, files: Files, *, clock: Clock = system_clock) -> None:
    """Make a store that of the database, whatever it said of itself before."""
    [(own, _)] = await fetch(connection, "find_image_store")
    # The store first: after a kill in between it says what the database names.
    await asyncio.to_thread(files.place.write, MARKER, f"{own}\n".encode())
    await execute(connection, "name_image_store", now=clock())


def place_of(settings: Settings) -> Files:
    """Return the image store of the settings, whosever it is."""
    if settings.files is None:
        return Files(settings.files_dir)
    return place_at(settings.files, named_by="THEFTWATCH_FILES")


def place_at(address: str, *, named_by: str = "the address") -> Files:
    """Return what is at the address of a folder or a bucket; `named_by` says what to mend where it leads nowhere.

    Raises UsageError for an address that names none.
    """
    return Files(open_bucket(address, named_by=named_by) if "://" in address else Path(address))


def read_marker(files: Files) -> str | None:
    """Return what a store says of itself; None where it says nothing."""
    try:
        return files.place.read(MARKER).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
