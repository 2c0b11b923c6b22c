"""The work of `theftwatch target`."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from theftwatch.clock import system_clock
from theftwatch.commands.work.record import opened
from theftwatch.db.queries import fetch, fetch_as
from theftwatch.db.targets import Kind, Target
from theftwatch.errors import UsageError
from theftwatch.interval import read_time, write_time
from theftwatch.reports.words import count, day, moment, one_line
from theftwatch.targets import read_target, watch

_COLUMNS = ("marketplace", "kind", "ref", "every", "priority", "reason")
_NEEDED = _COLUMNS[:3]
_PRIORITIES = range(10)
_DONE = {"pause": "paused", "resume": "resumed", "remove": "removed"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A target with how it went."""

    target_id: int
    marketplace: str
    kind: str
    ref: str
    url: str | None
    every: timedelta
    priority: int
    reason: str
    added_at: datetime
    due_at: datetime
    paused_at: datetime | None
    leased: bool
    leases: int
    finished_at: datetime | None
    outcome: str | None
    failures: int
    run: int | None
    comes_again_after: timedelta
    unchanged: int
    unlisted_at: datetime | None
    requests: int | None
    host: str | None
    found_on_kind: str | None
    found_on_ref: str | None


async def add(marketplace: str, words: Sequence[str], *, every: str, priority: int, reason: str) -> None:
    """Add targets given as KIND=REF, and print how many are new."""
    interval = read_time(every)
    targets = [
        read_target(marketplace, *_parted(word), every=interval, priority=priority, reason=reason) for word in words
    ]
    await _save(targets)


async def import_file(path: Path) -> None:
    """Add the targets of a CSV file, and print how many are new."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            targets = list(_read_rows(path, csv.DictReader(file, strict=True)))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise UsageError(f"{path}: {exc}; give a CSV file in UTF-8 with the columns {', '.join(_COLUMNS)}") from exc
    if not targets:
        raise UsageError(f"{path} holds no target; give a line for each under the header {','.join(_COLUMNS)}")
    await _save(targets)


async def list_targets(*, marketplace: str | None, due: bool, limit: int, as_json: bool) -> None:
    """Print targets, one a line."""
    now = system_clock()
    async with opened() as connection:
        rows = await fetch_as(
            connection, Watched, "list_targets", marketplace=marketplace, due=now if due else None, most=limit
        )
    for row in rows:
        if as_json:
            seconds = {name: getattr(row, name).total_seconds() for name in ("every", "comes_again_after")}
            print(json.dumps(asdict(row) | seconds, default=str))
        else:
            print(_line(row, now))
    if not rows and not as_json:
        print("no target is due" if due else "no targets; `theftwatch target add` takes some")


async def change(what: Literal["pause", "resume", "remove"], words: Sequence[str]) -> None:
    """Pause, resume or remove targets, and print how many.

    Raises UsageError where a word names none; nothing is changed then.
    """
    async with opened() as connection:
        ids: list[int] = []
        for word in words:
            found = [target_id for (target_id,) in await fetch(connection, "find_targets", words=[word])]
            if not found:
                raise UsageError(f"{word}: no such target; `theftwatch target list` shows them with their numbers")
            ids += found
        now = {} if what == "remove" else {"now": system_clock()}
        changed = await fetch(connection, f"{what}_targets", ids=ids, **now)
        print(f"{count(len(changed), 'target')} {_DONE[what]}")


def _read_rows(path: Path, rows: "csv.DictReader[str]") -> Iterable[Target]:
    header = rows.fieldnames or ()
    if missing := [name for name in _NEEDED if name not in header]:
        raise UsageError(f"{path}: the header lacks {', '.join(missing)}; it names columns: {', '.join(_COLUMNS)}")
    if unknown := [name for name in header if name not in _COLUMNS]:
        raise UsageError(f"{path}: unknown column {unknown[0]!r}; columns are {', '.join(_COLUMNS)}")
    for row in rows:
        try:
            yield _read_row(row, source=path.name)
        except UsageError as exc:
            raise UsageError(f"{path}:{rows.line_num}: {exc}") from exc


def _read_row(row: dict[str, str], *, source: str) -> Target:
    if None in row or None in row.values():  # the reader's marks of values beyond the header, and of missing ones
        raise UsageError("too many or too few values")
    priority = row.get("priority") or "5"
    if not priority.isdecimal() or int(priority) not in _PRIORITIES:
        raise UsageError(f"priority {priority!r}: give a number from 0 to 9")
    return read_target(
        row["marketplace"].strip(),
        row["kind"].strip(),
        row["ref"],
        every=read_time(row.get("every") or "1d"),
        priority=int(priority),
        reason=row.get("reason") or f"from {source}",
    )


def _parted(word: str) -> tuple[str, str]:
    if word.startswith("https://"):
        return "url", word
    kind, equals, ref = word.partition("=")
    if not equals or kind not in get_args(Kind):
        raise UsageError(f"{word}: give KIND=REF, such as vendor=NAME, or an address with https://")
    return kind, ref


async def _save(targets: Sequence[Target]) -> None:
    async with opened() as connection, connection.transaction():
        new, changed = await watch(connection, targets, now=system_clock())
    also = f", {changed} changed" if changed else ""
    print(f"{count(new, 'target')} added{also}")


def _line(row: Watched, now: datetime) -> str:
    if row.paused_at:
        state = "paused"
    elif row.leased and row.due_at > now:
        state = "being crawled"
    else:
        state = "due" if row.due_at <= now else f"due {moment(row.due_at)}"
    went = f", last {row.outcome} {moment(row.finished_at)}" if row.finished_at else ""
    again = f" ({row.failures} times not well)" if row.failures > 1 else ""
    rarely = f", now {write_time(row.comes_again_after)}" if row.comes_again_after != row.every else ""
    unlisted = f", not in its list since {day(row.unlisted_at)}" if row.unlisted_at else ""
    through = f"; found on {row.found_on_kind}={row.found_on_ref}" if row.found_on_kind else ""
    return one_line(
        f"{row.target_id} {row.marketplace} {row.kind}={row.ref} every {write_time(row.every)}{rarely}, "
        f"priority {row.priority}, {state}{went}{again}{unlisted}: {row.reason}{through}"
    )
