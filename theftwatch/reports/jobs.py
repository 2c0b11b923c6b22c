"""Jobs that should be and are not, and the other way round: by what is expected, and by what nodes list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from theftwatch.db.migrate import WRONG_RELEASE
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.image_store import NO_IMAGE_STORE
from theftwatch.interval import write_time
from theftwatch.jobs.look import NodeState
from theftwatch.reports.trouble import Trouble
from theftwatch.reports.words import moment

#: How much later than its interval a run may begin, as a share and at least: jobs wait for others, clocks go to winter
_LATE_SHARE, _LATE_MIN = 0.1, timedelta(hours=1)
#: After this a run that no node lists has not only begun or ended while they were asked
_SETTLED = timedelta(minutes=1)
#: For so long what was wrong on a machine is told although that may have been given up, or is
TOLD_FOR = timedelta(days=2)
#: Why jobs are refused before they begin: what is said of that, and what to do
REFUSED = {
    WRONG_RELEASE: (
        "its version of the program and the database do not fit each other",
        "`theftwatch deploy` of the newest version, or `theftwatch db migrate` (docs/upgrade.md)",
    ),
    NO_IMAGE_STORE: (
        "that machine does not see the image store of the database",
        "mount or mend there what THEFTWATCH_FILES names; the log of the job says what was met (docs/keeping.md)",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A spider that is to run at intervals, and when it last did."""

    spider: str
    every: timedelta
    #: Of the newest run that was not told where to start; None where there was none
    last_started_at: datetime | None
    is_missing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A run that did not begin, the newest of its machine."""

    run_id: int
    spider: str
    host: str
    finish_reason: str
    finished_at: datetime


async def find_refused(connection: Connection, *, now: datetime) -> list[Refused]:
    """Return the machines whose jobs are refused, each by its newest, until one has begun there."""
    return await fetch_as(connection, Refused, "status_refused", since=now - TOLD_FOR, reasons=list(REFUSED))


def troubles_of_refused(refused: Iterable[Refused]) -> Iterator[Trouble]:
    """Yield the machines whose jobs are refused."""
    for run in refused:
        why, remedy = REFUSED[run.finish_reason]
        what = f"{run.spider}: run {run.run_id} on {run.host} did not begin on {moment(run.finished_at)}: {why}"
        yield Trouble(what=what, remedy=remedy, wrong=True)


async def find_machines(connection: Connection, nodes: Iterable[NodeState]) -> set[str] | None:
    """Return the machines that there are, as runs name them; None where that is not known.

    So it is where no node is named, where one does not answer, which may be any machine, and where one has a name by
    which no run goes: it is new, or its scrapyd was told another name than its machine's.
    """
    names = {node.machine for node in nodes}
    if not names or None in names:
        return None
    found = {name for (name,) in await fetch(connection, "find_machines", names=sorted(names - {None}))}
    return found if found == names else None


async def find_expected(connection: Connection, intervals: Mapping[str, timedelta], *, now: datetime) -> list[Expected]:
    """Return when the spiders last began that are to run at intervals."""
    last = dict(await fetch(connection, "find_last_starts", spiders=list(intervals), refused=list(REFUSED)))

    def of(spider: str, every: timedelta) -> Expected:
        started_at = last.get(spider)
        latest = every + max(every * _LATE_SHARE, _LATE_MIN)
        is_missing = started_at is None or now - started_at > latest
        return Expected(spider=spider, every=every, last_started_at=started_at, is_missing=is_missing)

    return [of(spider, every) for spider, every in intervals.items()]


def troubles_of_expected(expected: Iterable[Expected]) -> Iterator[Trouble]:
    """Yield the runs that did not come."""
    for each in expected:
        if each.is_missing:
            since = f"since {moment(each.last_started_at)}" if each.last_started_at else "at all"
            yield Trouble(
                what=f"{each.spider}: no run {since}, and one is expected each {write_time(each.every)}",
                remedy=f"`theftwatch schedule {each.spider}`; then see whether its timer is on, and scrapyd runs",
                wrong=True,
            )


def troubles_of_nodes(
    nodes: Sequence[NodeState], jobs: Iterable[tuple[str, str, datetime]], *, now: datetime
) -> Iterator[Trouble]:
    """Yield nodes that fail, and where all answer, jobs that live and that none lists; each with host and beginning."""
    for node in nodes:
        if node.trouble and node.remedy:
            yield Trouble(what=f"node {node.url}: {node.trouble}", remedy=node.remedy, wrong=True)
        elif node.release is None:
            remedy = "`theftwatch deploy` sends one"
            yield Trouble(what=f"node {node.url}: no release of TheftWatch is there", remedy=remedy, wrong=True)
    if not nodes or any(node.trouble for node in nodes):
        return
    listed = {job for node in nodes for job in node.running}
    for job, host, started_at in jobs:
        if job not in listed and now - started_at > _SETTLED:
            yield Trouble(
                what=f"job {job} goes on at {host}, and no node lists it: its scrapyd was started anew",
                remedy="let it end; to end it now, `kill -INT` its process there",
                wrong=False,
            )
