"""Comparing runs with those before them, once each has ended; whoever comes next does what a killed run could not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from theftwatch.alarms import rules
from theftwatch.alarms.record import Alarm, Shown, find_alarms, note_shown
from theftwatch.alarms.rules import Counters, Figure, ListFigure, Pause, Seen
from theftwatch.db.queries import Connection, execute, fetch

_PREFIX = "theftwatch/"
#: Pages that a person saved are watched by that person
_BY_HAND = "saved"


async def examine(connection: Connection, *, now: datetime) -> list[Alarm]:
    """Compare the runs that have ended and were not compared, look for runs that hang, and return the alarms of them.

    These are the ones raised, shown again, or closed. Everything happens in one transaction, so that a run is compared
    once, whoever does it.
    """
    touched = []
    async with connection.transaction():
        await execute(connection, "lock_alarms")
        runs = await fetch(connection, "find_unexamined")
        for run, spider, arguments, finished_at, stats in runs:
            if spider != _BY_HAND:
                figures = await _measure(connection, run, spider, arguments, stats, until=finished_at)
                shown = [Shown(run=run, spider=spider, arguments=arguments, figure=figure) for figure in figures]
                touched += await note_shown(connection, shown, now=finished_at)
        await execute(connection, "note_examined", ids=[run for run, *_ in runs], now=now)
        touched += await _note_hanging(connection, now=now)
        return await find_alarms(connection, touched) if touched else []


async def _measure(
    connection: Connection,
    run: int,
    spider: str,
    arguments: dict[str, str] | None,
    stats: Mapping[str, Any],
    *,
    until: datetime,
) -> list[Figure]:
    own = _counters(stats)
    key = None if arguments is None else Jsonb(arguments)
    rows = await fetch(connection, "find_usual", spider=spider, arguments=key)
    usual = {(kind, detail): value for kind, detail, value in rows}
    if arguments is not None:
        rows = await fetch(
            connection, "find_earlier_runs", spider=spider, arguments=key, run=run, until=until, most=rules.DAYS
        )
        # One that was started by hand is watched by whoever started it.
        if len(rows) < rules.EARLIER_MIN:
            return []
        earlier = [_counters(counters) for (counters,) in rows]
        return rules.judge_counters(Seen(run=own, day=own, earlier=earlier, usual=usual))
    rows = await fetch(connection, "sum_up_days", spider=spider, until=until, days=rules.DAYS + 1)
    days = {age: _counters(counters) for age, counters in rows}
    earlier = [counters for age, counters in days.items() if age > 0]
    figures = rules.judge_counters(Seen(run=own, day=days.get(0, own), earlier=earlier, usual=usual))
    lists = await fetch(connection, "find_list_figures", run=run, most=rules.LIST_VISITS_MOST + 1)
    figures += rules.judge_lists([ListFigure(*row) for row in lists])
    pauses = await fetch(connection, "find_pauses", spider=spider, until=until, days=rules.PAUSE_DAYS)
    pauses += await fetch(connection, "find_list_pauses", run=run, until=until, days=rules.PAUSE_DAYS)
    return figures + [figure for row in pauses if (figure := rules.judge_pause(Pause(*row)))]


async def _note_hanging(connection: Connection, *, now: datetime) -> list[int]:
    at_least = timedelta(minutes=rules.HANGING_MINUTES)
    closed = await fetch(connection, "close_hanging", at_least=at_least, now=now)
    shown = [
        Shown(
            run=run,
            spider=spider,
            arguments=None,
            figure=Figure(kind="hanging", detail=str(run), value=minutes, size=1, fires=True),
        )
        for run, spider, minutes in await fetch(connection, "find_hanging", at_least=at_least, now=now)
    ]
    return [alarm for (alarm,) in closed] + await note_shown(connection, shown, now=now)


def _counters(stats: Mapping[str, Any]) -> Counters:
    return {
        name.removeprefix(_PREFIX): value
        for name, value in stats.items()
        if name.startswith(_PREFIX) and isinstance(value, int)
    }
