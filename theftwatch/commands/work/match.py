"""The work of the commands that compare: lookups are worked off, with progress on a terminal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from theftwatch.clock import system_clock
from theftwatch.commands.work.progress import progress_bar
from theftwatch.commands.work.stamp import stamp
from theftwatch.config import settings
from theftwatch.db import store
from theftwatch.db.pool import Pool, reading
from theftwatch.db.queries import fetch
from theftwatch.db.records import OriginalFileRecord, image_record
from theftwatch.evidence.timestamp import authority_of
from theftwatch.files import Files
from theftwatch.images.taken import taken_claims
from theftwatch.match.drain import Drain, Drained, Helpers, open_drain
from theftwatch.match.rematch import put_down_all, withdraw
from theftwatch.match.routes import warn_of_routes
from theftwatch.match.share import Cluster, terms_of
from theftwatch.originals import GivenFile
from theftwatch.reports.words import count

#: Photos a transaction
_BATCH = 200


async def rematch(*, pending: bool, ray: tuple[str, int] | None) -> None:
    """Compare all that is stored, or with `pending` what has not been compared yet, and print what came of it.

    With `ray`, by the workers of the cluster whose head has this address and port.
    """
    async with _drain() as (drain, pool):
        cluster = None
        if ray:
            # Before anything is put down: an address that is wrong changes nothing.
            async with pool.connection() as connection:
                terms = await terms_of(connection)
            cluster = await asyncio.to_thread(Cluster, *ray, terms)
        if not pending:
            async with pool.connection() as connection:
                await put_down_all(connection)
        await _work_off(drain, pool, cluster or drain)
        async with pool.connection() as connection:
            await withdraw(connection, now=system_clock())
        await drain.run(wait=True, everything=not pending)
        async with reading(pool) as connection:
            dropped = await fetch(connection, "find_dropped_findings")
    if dropped:
        numbers = ", ".join(str(finding) for (finding,) in dropped)
        print(
            f"Confirmed, and no longer matched: {count(len(dropped), 'finding')}, {numbers}; to be looked at again: "
            "`theftwatch finding list`"
        )


async def add_originals(given: list[GivenFile], artisan: str) -> None:
    """Store an artisan's photos, have them timestamped, compare them, and print what came of it."""
    authority = authority_of(settings())
    unusable = 0
    async with _drain() as (drain, pool):
        with progress_bar() as progress:
            task = progress.add_task("Reading photos", total=len(given))
            for start in range(0, len(given), _BATCH):
                records = [_record(each, drain.files) for each in given[start : start + _BATCH]]
                unusable += sum(record.image.unusable_reason is not None for record in records)
                async with pool.connection() as connection:
                    await store.save_original_files(connection, artisan, records, now=system_clock())
                progress.advance(task, len(records))
        print(f"{len(given):,} photos of {artisan} are in the record; {unusable:,} of them cannot be compared.")
        async with reading(pool) as connection:
            await stamp(connection, drain.files, authority)
        await _work_off(drain, pool)


def _record(given: GivenFile, files: Files) -> OriginalFileRecord:
    data = given.path.read_bytes()
    files.put(data)
    return OriginalFileRecord(
        image=image_record(data),
        kind=given.kind,
        name=given.name,
        dated_at=given.dated_at,
        published_url=given.published_url,
        claims=taken_claims(data, now=system_clock()),
    )


async def _work_off(drain: Drain, pool: Pool, helpers: Helpers | None = None) -> None:
    """Work pending lookups off, and say what came of it."""
    async with pool.connection() as connection:
        [(total,)] = await fetch(connection, "count_pending_lookups")
    with progress_bar() as progress:
        task = progress.add_task("Comparing photos", total=total)

        def show(done: Drained) -> None:
            progress.update(task, completed=done.looked_up)

        done = await drain.run(wait=True, progress=show, helpers=helpers)
    if not done.looked_up:
        print("Not looked: no photo is waiting to be compared.")
        return
    print(f"{done.looked_up:,} photos compared: {done.matches:,} new matches, {done.possible:,} worth a look.")


@asynccontextmanager
async def _drain() -> AsyncIterator[tuple[Drain, Pool]]:
    async with open_drain(settings().workers) as (drain, pool):
        async with pool.connection() as connection:
            await warn_of_routes(connection)
        yield drain, pool
