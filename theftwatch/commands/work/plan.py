"""The work of `theftwatch target plan`."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from theftwatch.clock import system_clock
from theftwatch.commands.work.record import opened
from theftwatch.config import settings
from theftwatch.db.queries import fetch_as
from theftwatch.interval import read_time
from theftwatch.reports.words import count, moment, one_line

_HOUR = timedelta(hours=1)


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
    now = system_clock()
    async with opened() as connection:
        hosts = await fetch_as(
            connection,
            HostPlan,
            "plan_night",
            now=now,
            until=now + length,
            delay=timedelta(seconds=settings().delay_s),
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
        *map(_line, hosts),
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


def _line(plan: HostPlan) -> str:
    rests = f", left alone until {moment(plan.rests_until)}" if plan.rests_until else ""
    left = (
        f", {count(plan.left_targets, 'target')} with {plan.left_requests:,} of them left over"
        if plan.left_targets
        else ""
    )
    return "  " + one_line(
        f"{plan.host}: {count(plan.requests, 'request')} for {count(plan.targets, 'target')},"
        f" {plan.hours:.1f} h at {plan.delay_s:g} s each{rests}{left}"
    )


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
