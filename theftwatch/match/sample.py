"""The weekly blind sample: findings judged without their score, from which it is estimated what is missed.

A reviewer who saw that a finding is only possible would judge it as one. So the sample stands among the first of the
queue with its score hidden, and as many matches are hidden beside it: that a score is hidden says nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from theftwatch.clock import monday_of
from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.match.queue import queue

#: Findings of each decision that are drawn a week, and one in ten of them at most: few are all looked at anyway
_MOST = 10
#: Among how many of the first they are put
_AMONG = 100
#: Weeks that are summed up
_WEEKS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """What the sample of the last weeks says of the findings that are only possible."""

    #: How many there were when they were last drawn from
    findings: int
    drawn: int
    judged: int
    confirmed: int
    rejected: int
    #: Share confirmed of those confirmed or rejected, with its 95 % interval; None where there are none
    share: float | None
    share_low: float | None
    share_high: float | None


async def draw_sample(connection: Connection, *, now: datetime) -> int:
    """Draw the sample of this week, where that was not done, and put it into the queue; return how many were drawn.

    In the caller's transaction.
    """
    await execute(connection, "lock_writes")
    rows = await fetch(connection, "draw_sample", week=monday_of(now), most=_MOST, among=_AMONG, now=now)
    drawn = [finding for (finding,) in rows]
    if drawn:
        await queue(connection, drawn)
    return len(drawn)


async def find_missed(connection: Connection, *, now: datetime) -> Missed | None:
    """Return what the samples of the last twelve weeks say; None where none was drawn."""
    since = monday_of(now) - timedelta(weeks=_WEEKS - 1)
    found = await fetch_as(connection, Missed, "sum_up_missed", since=since)
    return found[0] if found else None
