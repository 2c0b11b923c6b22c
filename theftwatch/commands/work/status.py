"""The work of `theftwatch status`."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from theftwatch.cases.docket import Due, find_due
from theftwatch.clock import system_clock
from theftwatch.commands.work.docket import due_line
from theftwatch.commands.work.record import opened
from theftwatch.config import settings
from theftwatch.interval import write_time
from theftwatch.jobs.look import NodeState, look
from theftwatch.notices.heartbeat import send_heartbeat
from theftwatch.reports.status import HostState, LastRun, RunningRun, Status, Targets, find_status
from theftwatch.reports.words import count, marketplace_name, moment, one_line

#: What is due in cases and named one by one
_CASES = 8


async def print_status(*, as_json: bool) -> bool:
    """Print how the watch stands, and return whether it is well."""
    own = settings()
    # Before the record: what is in neither then has ended in between.
    nodes = await asyncio.to_thread(look, own)
    async with opened() as connection:
        status = await find_status(connection, now=system_clock(), expected=own.expected, nodes=nodes)
        cases = await find_due(connection, now=status.at)
    if as_json:
        told = {"ok": status.is_well} | asdict(status) | {"cases": [asdict(each) for each in cases]}
        print(json.dumps(told, default=_plain))
    else:
        print("\n".join(_lines(status, cases)))
    return status.is_well


def heartbeat() -> None:
    """Tell the monitor of the settings, where there is one, that nothing is wrong.

    Raises DeliveryError.
    """
    if url := settings().heartbeat_url:
        send_heartbeat(url.get_secret_value(), user_agent=settings().user_agent)


def _plain(value: object) -> str:
    """Return how JSON has a time."""
    if isinstance(value, timedelta):
        return write_time(value)
    assert isinstance(value, datetime)
    return value.isoformat()


def _lines(status: Status, cases: Sequence[Due]) -> Iterator[str]:
    yield from _section("Running", [_of_running(each, status.at) for each in status.running], "nothing")
    yield from _section("Nodes", [_of_node(each) for each in status.nodes])
    yield from _section("Last run of each spider", [_of_last(each) for each in status.last_runs], "none has run")
    targets = [_of_targets(each, status.at) for each in status.targets]
    yield from _section("Targets", targets, "none; `theftwatch target add` has something watched")
    yield from _section("Hosts", [_of_host(each, status.at) for each in status.hosts])
    if status.waiting:
        yield f"{count(status.waiting, 'photo')} to be compared: the next crawl, or `theftwatch rematch --pending`"
    yield from _section("Cases", _of_cases(cases))
    for title, wrong in (("Wrong", True), ("To look at", False)):
        yield from _section(title, [f"{each.what}; {each.remedy}" for each in status.troubles if each.wrong is wrong])
    if status.is_well:
        yield "Nothing is wrong."


def _section(title: str, lines: Sequence[str], none: str | None = None) -> Iterator[str]:
    """Yield a title with what stands under it, or with `none`; nothing where there is neither."""
    if lines or none:
        yield title
        # Names of hosts and spiders come from elsewhere.
        yield from (f"  {one_line(line)}" for line in lines or [none or ""])


def _of_running(run: RunningRun, now: datetime) -> str:
    job = f", job {run.jobid}" if run.jobid else ""
    return (
        f"{run.spider} on {run.host}{job} for {_length(now - run.started_at)}: "
        f"{count(run.responses, 'answer')}, {count(run.listings_stored, 'listing')}, "
        f"last sign of life {_length(now - run.heartbeat_at)} ago"
    )


def _of_node(node: NodeState) -> str:
    if node.trouble:
        return f"{node.url}: {node.trouble}"
    return f"{node.url}: {len(node.running)} running, {len(node.waiting)} waiting, runs {node.release or 'nothing'}"


def _of_last(run: LastRun) -> str:
    reason = "" if run.finish_reason == "finished" else f" ({run.finish_reason})"
    gone = f", on {run.host}, which is no node any more" if run.is_given_up else ""
    return f"{run.spider}: {run.outcome}{reason}, {moment(run.finished_at)}{gone}"


def _of_targets(targets: Targets, now: datetime) -> str:
    parts = [f"{marketplace_name(targets.marketplace)}: {targets.watched:,} watched"]
    if targets.under_way:
        parts.append(f"{targets.under_way:,} under way")
    if targets.oldest_due_at:
        parts.append(f"{targets.due:,} due, the oldest for {_length(now - targets.oldest_due_at)}")
    else:
        parts.append("none due")
    if targets.next_due_at:
        parts.append(f"the next in {_length(targets.next_due_at - now)}")
    if targets.paused:
        parts.append(f"{targets.paused:,} paused")
    return ", ".join(parts)


def _of_host(host: HostState, now: datetime) -> str:
    parts = []
    if host.calls_per_day is not None and host.calls_left is not None:
        parts.append(f"{host.calls_left:,} of {host.calls_per_day:,} calls left today")
    if host.spent_until:
        parts.append(f"asked again from {moment(host.spent_until)}")
    if host.rests_until and host.rests_until > now:
        why = f"it refused us {count(host.rests, 'time')} in a row" if host.rests else "as it asked for that"
        parts.append(f"left alone until {moment(host.rests_until)}, {why}")
    return f"{host.host}: {', '.join(parts) or 'calls not counted'}"


def _of_cases(due: Sequence[Due]) -> list[str]:
    """Return what is due in cases, the longest first, as far as it fits the screen."""
    lines = [due_line(each) for each in due[:_CASES]]
    more = len(due) - _CASES
    return lines if more <= 0 else [*lines, f"and {more:,} more: `theftwatch case list --due`"]


def _length(time: timedelta) -> str:
    """Return a length of time in its largest unit, such as "3 h"."""
    seconds = max(int(time.total_seconds()), 0)
    for unit, of_unit in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * of_unit:
            return f"{seconds // of_unit} {unit}"
    return f"{seconds} s"
