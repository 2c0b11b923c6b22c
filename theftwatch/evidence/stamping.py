"""Getting timestamps for what waits for one: the queue in the record, worked off against an authority."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from theftwatch.clock import Clock
from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.errors import TimestampError
from theftwatch.evidence.timestamp import Authority, Timestamp, ask
from theftwatch.files import Files

logger = logging.getLogger(__name__)

#: How long before a certificate runs out its timestamps are renewed
RENEW_BEFORE = timedelta(days=90)
#: Requests to the authority at once; many that are free of charge ask for patience
_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamped:
    """What getting timestamps came to."""

    stamped: int
    #: How many files still wait
    waiting: int
    #: Why, of the last that failed; None where none did
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class _Due:
    sha256: bytes
    #: The newest valid token of the file, to be renewed; None where there is none
    renews: int | None
    token: bytes | None


async def work_off(
    connection: Connection,
    files: Files,
    authority: Authority | None,
    *,
    clock: Clock,
    progress: Callable[[int], None] | None = None,
) -> Stamped:
    """Get timestamps for all files that wait, and renew those about to run out; `connection` is in autocommit mode.

    The first failure of the authority ends it, and is noted with what waits; the next call tries again. Where another
    process is at it, or without an authority, what waits goes on waiting.
    """
    stamped, failure = 0, None
    [(free,)] = await fetch(connection, "try_lock_timestamps") if authority else [(False,)]
    if authority and free:
        try:
            since = clock()
            await execute(connection, "want_renewals", before=since + RENEW_BEFORE, now=since)
            while failure is None and (due := await _find_due(connection, since, clock)):
                got, failure = await _stamp(connection, files, authority, due, clock=clock)
                stamped += got
                if progress:
                    progress(stamped)
            if failure:
                await execute(
                    connection, "note_timestamp_failures", sha256s=None, since=since, failure=failure, now=clock()
                )
        finally:
            await execute(connection, "unlock_timestamps")
    [(waiting,)] = await fetch(connection, "count_timestamps_due")
    return Stamped(stamped=stamped, waiting=waiting, failure=failure)


async def _find_due(connection: Connection, since: object, clock: Clock) -> list[_Due]:
    rows = await fetch(connection, "find_timestamps_due", since=since, now=clock(), most=_AT_ONCE)
    return [_Due(*row) for row in rows]


async def _stamp(
    connection: Connection, files: Files, authority: Authority, due: Sequence[_Due], *, clock: Clock
) -> tuple[int, str | None]:
    """Get timestamps for a few files at once; return how many came, and what the authority failed by."""
    results = await asyncio.gather(
        *(asyncio.to_thread(_ask, each, files, authority) for each in due), return_exceptions=True
    )
    got: list[tuple[_Due, Timestamp]] = []
    lost: list[bytes] = []
    failure = None
    for each, result in zip(due, results, strict=True):
        match result:
            case Timestamp():
                got.append((each, result))
            case FileNotFoundError():
                lost.append(each.sha256)
            case TimestampError():
                failure = str(result)
            case BaseException():
                raise result
    if got:
        await _save(connection, authority, got, clock=clock)
    if lost:
        logger.warning("%d files wait for a timestamp whose bytes are not kept", len(lost))
        await execute(
            connection,
            "note_timestamp_failures",
            sha256s=lost,
            since=None,
            failure="the bytes of the file are not kept",
            now=clock(),
        )
    return len(got), failure


def _ask(due: _Due, files: Files, authority: Authority) -> Timestamp:
    return ask(authority, files.get(due.sha256) if due.token is None else due.token)


async def _save(
    connection: Connection, authority: Authority, got: Sequence[tuple[_Due, Timestamp]], *, clock: Clock
) -> None:
    async with connection.transaction():
        await execute(connection, "lock_writes")
        [(key,)] = await fetch(
            connection,
            "upsert_timestamp_authority",
            url=authority.url,
            certificates=authority.certificates,
            certificates_sha256=hashlib.sha256(authority.certificates.encode()).digest(),
        )
        rows = await fetch(
            connection,
            "insert_timestamps",
            authority=key,
            source=authority.name,
            now=clock(),
            **columns(
                {
                    "sha256s": due.sha256,
                    "renews": due.renews,
                    "tokens": timestamp.token,
                    "stamped_at": timestamp.at,
                    "expires_at": timestamp.expires_at,
                }
                for due, timestamp in got
            ),
        )
        # a photo that is proved to be older may have been first
        await execute(connection, "insert_due_images", images=[image for (image,) in rows])
