"""The work of `theftwatch evidence stamp`, and of `theftwatch originals certificate`."""

import sys
from pathlib import Path

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_artisan
from theftwatch.commands.work.progress import progress_bar
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.config import settings
from theftwatch.db.queries import Connection, fetch
from theftwatch.errors import TimestampError, UsageError
from theftwatch.evidence.certificate import write_certificate
from theftwatch.evidence.stamping import work_off
from theftwatch.evidence.timestamp import Authority, authority_of
from theftwatch.files import Files
from theftwatch.image_store import open_files
from theftwatch.reports.words import count


async def stamp_all() -> None:
    """Get timestamps for what waits, renew those about to run out, and print what came of it.

    Raises UsageError without an authority, TimestampError where it failed.
    """
    authority = authority_of(settings())
    if authority is None:
        raise UsageError("THEFTWATCH_TIMESTAMP_URL is not set; name an authority to be asked, as docs/evidence.md says")
    async with opened() as connection:
        failure = await stamp(connection, await open_files(connection, settings()), authority)
        await bring_up_to_date(connection)  # what is proved to be older may have been first
    if failure:
        raise TimestampError(f"{failure}; what waits is asked for again by the next call")


async def stamp(connection: Connection, files: Files, authority: Authority | None) -> str | None:
    """Get timestamps for what waits, print what came of it, and return why the authority failed, if it did."""
    [(due,)] = await fetch(connection, "count_timestamps_due")
    with progress_bar() as bar:
        task = bar.add_task("Getting timestamps", total=due)
        done = await work_off(
            connection,
            files,
            authority,
            clock=system_clock,
            progress=lambda stamped: bar.update(task, completed=stamped),
        )
    if authority is None:
        print(
            f"{count(done.waiting, 'file')} without a timestamp: THEFTWATCH_TIMESTAMP_URL is not set; "
            "see docs/evidence.md",
            file=sys.stderr,
        )
        return None
    if done.stamped or not done.waiting:
        print(f"{count(done.stamped, 'timestamp')} by {authority.name}.")
    if done.waiting:
        why = f": {done.failure}" if done.failure else ""
        waiting = count(done.waiting, "file waits", "files wait")
        print(
            f"{waiting} for a timestamp{why}; `theftwatch evidence stamp` asks again",
            file=sys.stderr,
        )
    return done.failure


async def write_certificates(artisan: str, path: Path) -> None:
    """Write the certificate page of an artisan's photos, and print what it certifies."""
    async with opened() as connection:
        files = await open_files(connection, settings())
        key, name = await find_artisan(connection, artisan)
        written = await write_certificate(
            connection, files, key, name, path, now=system_clock(), workers=settings().workers
        )
    if not written.stamped:
        print("No photo of theirs has a timestamp yet; the page says so. `theftwatch evidence stamp` asks for them.")
    else:
        print(f"{written.stamped} of {count(written.files, 'photo')} have a timestamp.")
    print(path)
