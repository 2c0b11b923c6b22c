"""How politely hosts are asked, by all jobs together: whose turn it is, and which are left alone after a block."""

from datetime import datetime, timedelta

from theftwatch.db.queries import Connection, execute, fetch

#: How long a host is left alone that refused us several times in a row; doubled each time, up to the longest
_FIRST_REST, _LONGEST_REST = timedelta(minutes=15), timedelta(days=1)


async def take_turn(connection: Connection, host: str, *, delay: timedelta, now: datetime) -> datetime | None:
    """Return when a request may go out, a delay after the one before whoever sends it; None while the host rests."""
    rows = await fetch(connection, "take_turn", host=host, delay=delay, now=now)
    return rows[0][0] if rows else None


async def find_rest(connection: Connection, host: str) -> datetime | None:
    """Return until when a host is left alone."""
    rows = await fetch(connection, "find_rest", host=host)
    return rows[0][0] if rows else None


async def leave_alone(connection: Connection, host: str, *, now: datetime) -> datetime | None:
    """Leave a host alone, and return until when; None where another job has just seen to it."""
    rows = await fetch(connection, "leave_alone", host=host, first=_FIRST_REST, longest=_LONGEST_REST, now=now)
    return rows[0][0] if rows else None


async def end_rests(connection: Connection, host: str) -> None:
    """Note that a host shows us pages again."""
    await execute(connection, "end_rests", host=host)
