"""The work of `theftwatch target plan`."""

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from theftwatch.clock import system_clock
from theftwatch.commands.work.record import opened
from theftwatch.config import settings
from theftwatch.db.queries import fetch_as
from theftwatch.interval import read_time
from theftwatch.reports.words import count, moment, one_line
from theftwatch.targets import first_hosts

_HOUR = timedelta(hours=1)
#: Hosts that are named although all of theirs fits in; a watch of many vendors has one for each
_HOSTS_MOST = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPlan:
    """What one host is asked for in a night."""

    host: str
    targets: int
    requests: int
    delay_s: float
    #: Whether the host was never asked, so that its delay is that of the settings
    is_pace_estimated: bool
    #: Until when it is left alone after a block
    rests_until: datetime | None
    #: Targets that were never crawled, so that their requests are the mean of their kind
    estimated_targets: int
    #: What does not fit into the night
    left_targets: int
    left_requests: int
    oldest_left: str | None
    oldest_left_due_at: datetime | None

    @property
    def hours(self) -> float:
        """Return how long all of it takes."""
        return self.requests * self.delay_s / 3600


async def plan(*, night: str, marketplace: str | None, as_json: bool) -> None:
    """Print what a night that begins now is to ask of each host, and what does not fit.

    Raises UsageError for a time that cannot be read.
    """
    length = read_time(night)
    own, now = settings(), system_clock()
    async with opened() as connection:
        hosts = await fetch_as(
            connection,
            HostPlan,
            "plan_night",
            now=now,
            until=now + length,
            delay=timedelta(seconds=own.delay_s),
            first_hosts=json.dumps(first_hosts(own)),
            marketplace=marketplace,
        )
    if as_json:
        print(json.dumps(_as_json(hosts, now, length), default=str))
    else:
        print("\n".join(_lines(hosts, now + length, length)))


def _as_json(hosts: list[HostPlan], now: datetime, length: timedelta) -> dict[str, object]:
    oldest = _oldest(hosts)
    return {
        "starts_at": now,
        "ends_at": now + length,
        "hours": length / _HOUR,
        "targets": sum(each.targets for each in hosts),
        "requests": sum(each.requests for each in hosts),
        "left_targets": sum(each.left_targets for each in hosts),
        "oldest_left": oldest.oldest_left if oldest else None,
        "oldest_left_due_at": oldest.oldest_left_due_at if oldest else None,
        "hosts": [asdict(each) | {"hours": round(each.hours, 3)} for each in hosts],
    }


def _lines(hosts: list[HostPlan], until: datetime, length: timedelta) -> list[str]:
    if not hosts:
        return [f"no target is due until {moment(until)}"]
    requests = sum(each.requests for each in hosts)
    left = sum(each.left_targets for each in hosts)
    lines = [
        f"{count(sum(each.targets for each in hosts), 'target')} due until {moment(until)},"
        f" {count(requests, 'request')} to {count(len(hosts), 'host')};"
        f" {'not all' if left else 'all'} fit into {length / _HOUR:g} h",
        *_host_lines(hosts),
    ]
    if oldest := _oldest(hosts):
        assert oldest.oldest_left_due_at
        lines.append(
            one_line(
                f"left over: {count(left, 'target')}; the oldest, due since {moment(oldest.oldest_left_due_at)},"
                f" is {oldest.oldest_left}"
            )
        )
    if guesses := _guesses(hosts):
        lines.append(f"estimated: {'; '.join(guesses)}")
    lines.append("on top come images, robots.txt and listings that are found on the way")
    return lines


def _host_lines(hosts: list[HostPlan]) -> list[str]:
    """Return a line for each host that decides how long the night is, and one for all others."""
    named = [each for n, each in enumerate(hosts) if n < _HOSTS_MOST or each.left_targets or each.rests_until]
    others = [each for each in hosts if each not in named]
    lines = [_line(each) for each in named]
    if others:
        lines.append(
            f"  {count(len(others), 'other host')}: {count(sum(each.requests for each in others), 'request')}"
            f" for {count(sum(each.targets for each in others), 'target')}, {_length(others[0].hours)} each at most"
        )
    return lines


def _line(plan: HostPlan) -> str:
    rests = f", left alone until {moment(plan.rests_until)}" if plan.rests_until else ""
    left = (
        f"; left over: {count(plan.left_targets, 'target')}, {count(plan.left_requests, 'request')}"
        if plan.left_targets
        else ""
    )
    return "  " + one_line(
        f"{plan.host}: {count(plan.requests, 'request')} for {count(plan.targets, 'target')},"
        f" {_length(plan.hours)} at {plan.delay_s:.3g} s each{rests}{left}"
    )


def _length(hours: float) -> str:
    """Return a length of time as people say it: hours, or where it is less than one, minutes."""
    return f"{hours:.1f} h" if hours >= 1 else f"{math.ceil(hours * 60)} min"


def _guesses(hosts: list[HostPlan]) -> list[str]:
    """Return, in words, what rests on no figure of the record."""
    guesses = []
    if targets := sum(each.estimated_targets for each in hosts):
        guesses.append(f"{count(targets, 'target')} never crawled, taken for the mean of their kind")
    if unknown := [each for each in hosts if each.is_pace_estimated]:
        guesses.append(f"{count(len(unknown), 'host')} never asked, taken for {unknown[0].delay_s:g} s a request")
    return guesses


def _oldest(hosts: list[HostPlan]) -> HostPlan | None:
    """Return the plan that leaves over the target that is due the longest."""
    left = [(each.oldest_left_due_at, each) for each in hosts if each.oldest_left_due_at]
    return min(left, key=lambda pair: pair[0])[1] if left else None
