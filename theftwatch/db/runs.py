"""Runs: one execution of a spider each, from its start to what it found to be gone."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from theftwatch.db.queries import Connection, execute, fetch

#: How long a run may be silent, whose heart beats twice a minute, before it counts as killed
SILENT_AT_MOST = timedelta(minutes=5)
#: How long a listing's own address has to say that there is nothing, from the first run that it says so in to the last
GONE_AT_LEAST = timedelta(hours=6)


async def insert_run(
    connection: Connection,
    *,
    spider: str,
    arguments: dict[str, str],
    jobid: str | None,
    host: str,
    version: str,
    now: datetime,
) -> int:
    """Open a run and return its id; runs that were killed are closed."""
    await close_lost_runs(connection, now=now)
    [(run,)] = await fetch(
        connection,
        "insert_run",
        spider=spider,
        arguments=json.dumps(arguments),
        jobid=jobid,
        host=host,
        version=version,
        now=now,
    )
    return int(run)


async def close_lost_runs(connection: Connection, *, now: datetime) -> None:
    """Close runs that were killed, and have asked again what they said for nothing."""
    lost = [run for (run,) in await fetch(connection, "close_lost_runs", now=now, silent=SILENT_AT_MOST)]
    await execute(connection, "ask_again", runs=lost, now=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """What a run, together with an earlier one, found to be there no more: listings, and findings whose photos are."""

    gone: int = 0
    removed: int = 0


async def finish_run(connection: Connection, run: int, *, reason: str, outcome: str, stats: str, now: datetime) -> Lost:
    """Close a run, and take listings for gone, and findings for removed, that it and an earlier one found to be so.

    Only a run with the outcome `ok` says that, as a blocked one, or one that broke off, says nothing. What is not yet
    confirmed becomes due when a second look can do that.
    """
    await execute(connection, "lock_writes")
    await execute(connection, "finish_run", id=run, finish_reason=reason, outcome=outcome, stats=stats, now=now)
    lost = Lost()
    if outcome == "failed":
        await execute(connection, "ask_again", runs=[run], now=now)
    if outcome == "ok":
        lost = Lost(
            gone=len(await fetch(connection, "note_gone", run=run, at_least=GONE_AT_LEAST, now=now)),
            removed=len(await fetch(connection, "note_removed", run=run, at_least=GONE_AT_LEAST)),
        )
    await execute(connection, "look_again", run=run, at_least=GONE_AT_LEAST)
    return lost
