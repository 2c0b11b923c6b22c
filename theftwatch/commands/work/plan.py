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
from theftwatch.pages.read import PACES
from theftwatch.reports.words import count, moment, one_line
from theftwatch.targets import first_hosts

_HOUR = timedelta(hours=1)
#: Sites that are named although all of theirs fits in
_SITES_MOST = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePlan:
    """What all hosts of one site are asked for in a night."""

    site: str
    targets: int
    requests: int
    delay_s: float
    #: Whether the site was never asked, so that its delay is that of the settings
    is_pace_estimated: bool
    #: Of its hosts, how many are left alone after a block, and until when the last of them
    resting_hosts: int
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
    """Print what a night that begins now is to ask of each site, and what does not fit.

    Raises UsageError for a time that cannot be read.
    """
    length = read_time(night)
    own, now = settings(), system_clock()
    async with opened() as connection:
        sites = await fetch_as(
            connection,
            SitePlan,
            "plan_night",
            now=now,
            until=now + length,
            delay=timedelta(seconds=own.delay_s),
            first_hosts=json.dumps(first_hosts(own)),
            paces=list(PACES),
            marketplace=marketplace,
        )
    if as_json:
        print(json.dumps(_as_json(sites, now, length), default=str))
    else:
        print("\n".join(_lines(sites, now + length, length)))


def _as_json(sites: list[SitePlan], now: datetime, length: timedelta) -> dict[str, object]:
    oldest = _oldest(sites)
    return {
        "starts_at": now,
        "ends_at": now + length,
        "hours": length / _HOUR,
        "targets": sum(each.targets for each in sites),
        "requests": sum(each.requests for each in sites),
        "left_targets": sum(each.left_targets for each in sites),
        "oldest_left": oldest.oldest_left if oldest else None,
        "oldest_left_due_at": oldest.oldest_left_due_at if oldest else None,
        "sites": [asdict(each) | {"hours": round(each.hours, 3)} for each in sites],
    }


def _lines(sites: list[SitePlan], until: datetime, length: timedelta) -> list[str]:
    if not sites:
        return [f"no target is due until {moment(until)}"]
    requests = sum(each.requests for each in sites)
    left = sum(each.left_targets for each in sites)
    lines = [
        f"{count(sum(each.targets for each in sites), 'target')} due until {moment(until)},"
        f" {count(requests, 'request')} to {count(len(sites), 'site')};"
        f" {'not all' if left else 'all'} fit into {length / _HOUR:g} h",
        *_site_lines(sites),
    ]
    if oldest := _oldest(sites):
        assert oldest.oldest_left_due_at
        lines.append(
            one_line(
                f"left over: {count(left, 'target')}; the oldest, due since {moment(oldest.oldest_left_due_at)},"
                f" is {oldest.oldest_left}"
            )
        )
    if guesses := _guesses(sites):
        lines.append(f"estimated: {'; '.join(guesses)}")
    lines.append("on top come images, robots.txt and listings that are found on the way")
    return lines


def _site_lines(sites: list[SitePlan]) -> list[str]:
    """Return a line for each site that decides how long the night is, and one for all others."""
    named = [each for n, each in enumerate(sites) if n < _SITES_MOST or each.left_targets or each.rests_until]
    others = [each for each in sites if each not in named]
    lines = [_line(each) for each in named]
    if others:
        lines.append(
            f"  {count(len(others), 'other site')}: {count(sum(each.requests for each in others), 'request')}"
            f" for {count(sum(each.targets for each in others), 'target')}, {_length(others[0].hours)} each at most"
        )
    return lines


def _line(plan: SitePlan) -> str:
    rests = (
        f"; {count(plan.resting_hosts, 'host')} left alone until {moment(plan.rests_until)}" if plan.rests_until else ""
    )
    left = (
        f"; left over: {count(plan.left_targets, 'target')}, {count(plan.left_requests, 'request')}"
        if plan.left_targets
        else ""
    )
    return "  " + one_line(
        f"{plan.site}: {count(plan.requests, 'request')} for {count(plan.targets, 'target')},"
        f" {_length(plan.hours)} at {plan.delay_s:.3g} s each{rests}{left}"
    )


def _length(hours: float) -> str:
    """Return a length of time as people say it: hours, or where it is less than one, minutes."""
    return f"{hours:.1f} h" if hours >= 1 else f"{math.ceil(hours * 60)} min"


def _guesses(sites: list[SitePlan]) -> list[str]:
    """Return, in words, what rests on no figure of the record."""
    guesses = []
    if targets := sum(each.estimated_targets for each in sites):
        guesses.append(f"{count(targets, 'target')} never crawled, taken for the mean of their kind")
    if unknown := [each for each in sites if each.is_pace_estimated]:
        guesses.append(f"{count(len(unknown), 'site')} never asked, taken for {unknown[0].delay_s:g} s a request")
    return guesses


def _oldest(sites: list[SitePlan]) -> SitePlan | None:
    """Return the plan that leaves over the target that is due the longest."""
    left = [(each.oldest_left_due_at, each) for each in sites if each.oldest_left_due_at]
    return min(left, key=lambda pair: pair[0])[1] if left else None
