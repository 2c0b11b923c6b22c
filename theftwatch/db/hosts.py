"""How politely hosts are asked, by all jobs together: whose turn it is, and which are left alone.

A pace is that of a site, for all its hosts together; each of them is left alone by itself.
A host is left alone after it refused us again and again, while it asks for that, and while the calls that it grants a
day are spent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from theftwatch.db.queries import Connection, execute, fetch

#: How long a host is left alone that refused us several times in a row; doubled each time, up to the longest
_FIRST_REST, _LONGEST_REST = timedelta(minutes=15), timedelta(days=1)
#: Up to this long a host that asks for time is waited for; beyond it, it is left alone and jobs go on without it
_WAIT_MAX = timedelta(minutes=1)
#: When a host is asked again whose calls are spent, where it does not say. Its day is a window that slides, so calls
#: come back bit by bit
_SPENT_FOR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """When a request was to go out, and how long before the next one."""

    at: datetime
    pace: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when a host is not asked."""

    until: datetime
    #: Whether the day's calls are spent; else it refused us, or asked for it
    spent: bool


async def take_turn(
    connection: Connection, host: str, *, pace: str, delay: timedelta, asked_for: timedelta | None, now: datetime
) -> datetime | None:
    """Return when a request may go out, a delay after the one before whoever sends it; None while the host rests.

    `asked_for` is the delay where slowness or limits ask for another than the usual one; nights are planned by it.
    """
    rows = await fetch(
        connection,
        "take_turn",
        host=host,
        pace=pace,
        delay=delay,
        asked_for=asked_for,
        again=_SPENT_FOR,
        now=now,
    )
    return rows[0][0] if rows else None


async def give_back(connection: Connection, turns: Iterable[Turn]) -> None:
    """Give back turns at which nothing is asked, as far as nobody was promised a later one."""
    for turn in sorted(turns, key=lambda turn: turn.at, reverse=True):
        await execute(connection, "give_turn_back", pace=turn.pace, turn_at=turn.at, delay=turn.delay)


async def find_rest(connection: Connection, host: str) -> Rest | None:
    """Return until when a host is left alone, and why."""
    rows = await fetch(connection, "find_rest", host=host)
    return Rest(*rows[0]) if rows and rows[0][0] else None


async def note_limits(
    connection: Connection,
    host: str,
    *,
    pace: str,
    wait: timedelta | None,
    now: datetime,
    calls_per_day: int | None = None,
    calls_left: int | None = None,
) -> None:
    """Note what a host says of its limits: how long it wants to be waited for, and how many calls are left today.

    For a short wait all are waited for that are asked at its pace.
    """
    wait = min(wait or timedelta(0), _LONGEST_REST)
    long = wait > _WAIT_MAX
    await execute(
        connection,
        "note_limits",
        name=host if long else pace,
        next_at=now if long else now + wait,
        rests_until=now + wait if long and calls_left != 0 else None,
        per_day=calls_per_day,
        left=calls_left,
        spent_until=now + (wait if long else _SPENT_FOR),
    )


async def leave_alone(connection: Connection, host: str, *, now: datetime) -> datetime | None:
    """Leave a host alone, and return until when; None where another job has just seen to it."""
    rows = await fetch(connection, "leave_alone", host=host, first=_FIRST_REST, longest=_LONGEST_REST, now=now)
    return rows[0][0] if rows else None


async def end_rests(connection: Connection, host: str) -> None:
    """Note that a host shows us pages again."""
    await execute(connection, "end_rests", host=host)
