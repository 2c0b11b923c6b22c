"""How the watch stands: what runs, what ran last, what is due, which hosts are left alone, and what is wrong."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from theftwatch.alarms.examine import examine
from theftwatch.alarms.record import Alarm, find_alarms
from theftwatch.alarms.rules import Kind
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.db.runs import close_lost_runs
from theftwatch.jobs.look import NodeState
from theftwatch.reports.alarms import grouped, remedy_of_group, what_of_group
from theftwatch.reports.jobs import (
    REFUSED,
    TOLD_FOR,
    Expected,
    find_expected,
    find_machines,
    find_refused,
    troubles_of_expected,
    troubles_of_nodes,
    troubles_of_refused,
)
from theftwatch.reports.trouble import Trouble
from theftwatch.reports.words import count, marketplace_name, moment

#: Alarms for which a marketplace is to blame, or nobody: they are told, and the watch does what it should
_NOT_WRONG: set[Kind] = {"blocked", "nothing_new"}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningRun:
    """A run that is under way."""

    run_id: int
    spider: str
    #: Machine that it runs on, and scrapyd's name of it
    host: str
    jobid: str | None
    started_at: datetime
    heartbeat_at: datetime
    responses: int
    listings_stored: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LastRun:
    """The newest run of a spider that has ended and counts."""

    run_id: int
    spider: str
    host: str
    outcome: str
    finish_reason: str
    started_at: datetime
    finished_at: datetime
    listings_stored: int
    pages_blocked: int
    pages_refused_by_robots: int
    pages_changed: int
    #: Whether it does not count either: it failed some time ago, on a node that is none any more
    is_given_up: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """What is watched on a marketplace."""

    marketplace: str
    watched: int
    paused: int
    under_way: int
    due: int
    oldest_due_at: datetime | None
    #: Due for more than twice their interval
    overdue: int
    next_due_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class HostState:
    """A host that is left alone, or that grants so many calls a day."""

    host: str
    rests_until: datetime | None
    rests: int
    calls_per_day: int | None
    calls_left: int | None
    spent_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How the watch stands at a moment."""

    at: datetime
    running: list[RunningRun]
    #: What scrapyd says where it was asked
    nodes: Sequence[NodeState]
    #: Spiders that are to run at intervals
    expected: list[Expected]
    last_runs: list[LastRun]
    targets: list[Targets]
    hosts: list[HostState]
    #: Photos that wait to be compared
    waiting: int
    #: Those that stand, told and known ones
    alarms: list[Alarm]
    troubles: list[Trouble]

    @property
    def is_well(self) -> bool:
        """Whether the watch does what it should."""
        return not any(trouble.wrong for trouble in self.troubles)


async def find_status(
    connection: Connection,
    *,
    now: datetime,
    expected: Mapping[str, timedelta] | None = None,
    nodes: Sequence[NodeState] = (),
) -> Status:
    """Return how the watch stands, after closing runs that were killed and comparing those that were not compared.

    `expected` says at which intervals spiders are to run, `nodes` what was listed just before.
    """
    await close_lost_runs(connection, now=now)
    await examine(connection, now=now)
    alarms = await find_alarms(connection)
    running = await fetch_as(connection, RunningRun, "status_running")
    machines = await find_machines(connection, nodes)
    last_runs = await fetch_as(
        connection,
        LastRun,
        "status_last_runs",
        machines=None if machines is None else sorted(machines),
        told_since=now - TOLD_FOR,
    )
    targets = await fetch_as(connection, Targets, "status_targets", now=now)
    [(waiting,)] = await fetch(connection, "count_pending_lookups")
    refused = await find_refused(connection, now=now)
    refusing = {run.host for run in refused}
    on_time = await find_expected(connection, expected or {}, now=now)
    jobs = [(run.jobid, run.host, run.started_at) for run in running if run.jobid]
    restarted = {run.spider for run in running}
    alarmed = {(alarm.kind, alarm.spider) for alarm in alarms}
    return Status(
        at=now,
        running=running,
        nodes=nodes,
        expected=on_time,
        last_runs=last_runs,
        targets=targets,
        hosts=await fetch_as(connection, HostState, "status_hosts", now=now),
        waiting=waiting,
        alarms=alarms,
        troubles=[
            *_alarms_told(alarms, now),
            *troubles_of_refused(refused),
            *(
                trouble
                for run in last_runs
                if run.spider not in restarted
                and not run.is_given_up
                and not (run.finish_reason in REFUSED and run.host in refusing)
                for trouble in _troubles_of_run(run, alarmed)
            ),
            *troubles_of_expected(on_time),
            *troubles_of_nodes(nodes, jobs, now=now),
            *(_overdue(each) for each in targets if each.overdue),
        ],
    )


def _alarms_told(alarms: Iterable[Alarm], now: datetime) -> Iterator[Trouble]:
    for group in grouped(alarm for alarm in alarms if alarm.is_told(now)):
        wrong = group[0].kind not in _NOT_WRONG
        yield Trouble(what=what_of_group(group), remedy=remedy_of_group(group), wrong=wrong)


def _troubles_of_run(run: LastRun, alarmed: Container[tuple[Kind, str]]) -> Iterator[Trouble]:
    """Yield what the last run of a spider met, where no alarm says so."""
    name = f"{run.spider}: run {run.run_id} on {run.host}"
    again = "`theftwatch import`" if run.spider == "saved" else f"`theftwatch crawl {run.spider}`"
    if run.finish_reason == "killed":
        yield Trouble(
            what=f"{name} was killed; its last sign of life is of {moment(run.finished_at)}",
            remedy=f"{again} again: it takes up what was left",
            wrong=True,
        )
    elif run.outcome == "failed":
        yield Trouble(
            what=f"{name} failed on {moment(run.finished_at)} ({run.finish_reason})",
            remedy=f"its log says why; then {again} again",
            wrong=True,
        )
    elif run.outcome == "blocked" and ("blocked", run.spider) not in alarmed:
        refused = run.pages_blocked + run.pages_refused_by_robots
        yield Trouble(
            what=f"{name} was refused {count(refused, 'page')}, {run.pages_refused_by_robots:,} of them by robots.txt",
            remedy="wait and crawl more slowly, or send the pages with `theftwatch receive`",
            wrong=False,
        )
    if run.pages_changed and ("unread_pages", run.spider) not in alarmed:
        yield Trouble(
            what=f"{name} did not understand {count(run.pages_changed, 'page')}, as their kind has changed",
            remedy="mend the page module; the pages are kept, see analysis.page_trouble",
            wrong=False,
        )


def _overdue(targets: Targets) -> Trouble:
    assert targets.oldest_due_at is not None
    return Trouble(
        what=f"{count(targets.overdue, 'target')} on {marketplace_name(targets.marketplace)} overdue by more than "
        f"twice the interval, the oldest since {moment(targets.oldest_due_at)}",
        remedy=f"schedule `theftwatch crawl {targets.marketplace}`; `theftwatch target plan` says what a night holds",
        wrong=True,
    )
