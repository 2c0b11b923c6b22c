"""The work of `theftwatch alarm`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from theftwatch.alarms.examine import examine
from theftwatch.alarms.record import Alarm, acknowledge, find_alarms, silence
from theftwatch.clock import system_clock
from theftwatch.commands.work.names import person
from theftwatch.commands.work.record import opened
from theftwatch.reports.alarms import remedy_of, what_of
from theftwatch.reports.words import count, day, moment, one_line


async def list_alarms(*, every: bool, as_json: bool) -> None:
    """Print alarms, one or two lines each."""
    now = system_clock()
    async with opened() as connection:
        await examine(connection, now=now)
        alarms = await find_alarms(connection, closed=every)
    if as_json:
        for alarm in alarms:
            told = asdict(alarm) | {"what": what_of(alarm), "remedy": remedy_of(alarm)}
            print(json.dumps(told, default=str))
        return
    for alarm in alarms:
        print(f"{alarm.alarm_id}  {_state(alarm, now)}  {one_line(what_of(alarm))}")
        if not alarm.closed_at:
            print(f"    {one_line(remedy_of(alarm))}")
    if not alarms:
        print("No alarm." if every else "No alarm stands.")


async def acknowledge_alarms(alarms: Sequence[int], *, by: str | None) -> None:
    """Enter that somebody knows of alarms."""
    who = person(by)
    async with opened() as connection, connection.transaction():
        for alarm in await acknowledge(connection, alarms, by=who, now=system_clock()):
            print(f"{alarm.alarm_id}: acknowledged by {one_line(who)}: {one_line(what_of(alarm))}")


async def silence_alarms(alarms: Sequence[int], *, until: str, reason: str, by: str | None) -> None:
    """Have nobody told of alarms until a day."""
    who, now = person(by), system_clock()
    async with opened() as connection, connection.transaction():
        for alarm in await silence(connection, alarms, until=until, reason=reason, by=who, now=now):
            print(f"{alarm.alarm_id}: silent until {until}: {one_line(what_of(alarm))}")


def _state(alarm: Alarm, now: datetime) -> str:
    if alarm.closed_at:
        return f"{day(alarm.first_seen_at)} to {day(alarm.closed_at)}"
    since = f"since {moment(alarm.first_seen_at)}, {count(alarm.times, 'run')}"
    if alarm.acknowledged_at:
        return f"{since}, acknowledged by {one_line(alarm.acknowledged_by or '')}"
    if alarm.silenced_until and alarm.silenced_until > now:
        return f"{since}, silent until {day(alarm.silenced_until)}"
    return since
