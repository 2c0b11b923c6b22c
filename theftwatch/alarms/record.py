"""Alarms in the record: raised, closed, and what people say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from theftwatch.alarms.rules import Figure, Kind
from theftwatch.db.queries import Connection, columns, fetch, fetch_as
from theftwatch.errors import UsageError

_ALL = 2**31 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """Something that went wrong; fields as in the query `find_alarms`."""

    alarm_id: int
    kind: Kind
    #: Whose runs showed it, and of what: one target; runs of the same arguments; else all crawls of what is due
    spider: str
    target_id: int | None
    target_kind: str | None
    target_ref: str | None
    arguments: dict[str, str] | None
    detail: str
    value: float
    usual: float | None
    size: int
    #: The run that showed it last
    run_id: int
    host: str
    jobid: str | None
    finish_reason: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    times: int
    closed_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    silenced_until: datetime | None
    silenced_by: str | None
    silence_reason: str | None

    def is_told(self, now: datetime) -> bool:
        """Whether people are to be told of it."""
        silent = self.silenced_until is not None and self.silenced_until > now
        return self.closed_at is None and self.acknowledged_at is None and not silent


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a run showed of something that may go wrong."""

    run: int
    spider: str
    arguments: dict[str, str] | None
    figure: Figure


async def note_shown(connection: Connection, shown: Sequence[Shown], *, now: datetime) -> list[int]:
    """Raise alarms where figures are too much, close them where they are not, and return those that this touched."""
    too_much = [each for each in shown if each.figure.fires]
    well = [each for each in shown if not each.figure.fires]
    rows = []
    if too_much:
        measured = (
            _key(each)
            | {
                "values": each.figure.value,
                "usuals": each.figure.usual,
                "sizes": each.figure.size,
                "runs": each.run,
            }
            for each in too_much
        )
        rows += await fetch(connection, "raise_alarms", now=now, **columns(measured))
    if well:
        rows += await fetch(connection, "close_alarms", now=now, **columns(map(_key, well)))
    return [alarm for (alarm,) in rows]


async def find_alarms(
    connection: Connection,
    ids: Sequence[int] | None = None,
    *,
    closed: bool = False,
    before: int | None = None,
    most: int = _ALL,
) -> list[Alarm]:
    """Return the alarms that stand, the newest first; those with given numbers; or also those that are over.

    With `before` they are those that come after that one in the list.
    """
    return await fetch_as(
        connection,
        Alarm,
        "find_alarms",
        ids=None if ids is None else list(ids),
        all=closed,
        before=before,
        most=most,
    )


async def acknowledge(connection: Connection, ids: Sequence[int], *, by: str, now: datetime) -> list[Alarm]:
    """Note that somebody knows of alarms, and return them.

    Raises UsageError for one that is not there, is over, or is known already.
    """
    await _check_there(connection, ids)
    noted = await fetch(connection, "acknowledge_alarms", ids=list(ids), by=by, now=now)
    if not_noted := set(ids) - {alarm for (alarm,) in noted}:
        raise UsageError(
            f"alarm {min(not_noted)} is over or acknowledged; `theftwatch alarm list` and the page Crawls show those "
            "that stand"
        )
    return await find_alarms(connection, ids)


async def silence(
    connection: Connection, ids: Sequence[int], *, until: str, reason: str, by: str, now: datetime
) -> list[Alarm]:
    """Have nobody told of alarms, nor of later ones of the same things, until the beginning of a day; and return them.

    Raises UsageError for an alarm that is not there, for a day that is none or over, and where no reason is given.
    """
    ends_at = _read_day(until)
    if ends_at <= now:
        raise UsageError(f"until {until} is over; give a later day")
    if not reason.strip():
        raise UsageError("the reason is empty; say why, for whoever wonders that nothing was told")
    await _check_there(connection, ids)
    await fetch(connection, "silence_alarms", ids=list(ids), until=ends_at, reason=reason.strip(), by=by)
    return await find_alarms(connection, ids)


def _read_day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as exc:
        raise UsageError(f"until {text!r}: no day; write it as 2026-12-31") from exc


async def _check_there(connection: Connection, ids: Sequence[int]) -> None:
    if unknown := set(ids) - {alarm.alarm_id for alarm in await find_alarms(connection, ids)}:
        raise UsageError(f"{min(unknown)}: no such alarm; `theftwatch alarm list --all` shows their numbers")


def _key(shown: Shown) -> dict[str, Any]:
    figure = shown.figure
    arguments = None if figure.target is not None or shown.arguments is None else Jsonb(shown.arguments)
    return {
        "kinds": figure.kind,
        "spiders": shown.spider,
        "targets": figure.target,
        "arguments": arguments,
        "details": figure.detail,
    }
