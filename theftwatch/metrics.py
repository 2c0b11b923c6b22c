"""The state of the watch as metrics for Prometheus.

They are read from the record when somebody asks, and by no process that stays: what runs counted is in the record, also
of those on other machines and of those that were killed. So they are gauges, over the last 24 hours where they count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge

from theftwatch.alarms.record import Alarm
from theftwatch.config import Settings
from theftwatch.db.queries import Connection, fetch
from theftwatch.files import free_bytes
from theftwatch.jobs.look import NodeState
from theftwatch.reports.status import Status, find_status

#: Tables, and how what is in them is called
_STORED = {
    "listing": "listings",
    "image": "photos",
    "match": "matches",
    "finding": "findings",
    "original_file": "original_files",
    "seller": "sellers",
}
#: Counters of runs by the first part of their name, and the metric that has the rest of it as a label
_COUNTED = {
    "page": ("pages_last_day", "Pages that crawls asked for in the last 24 hours, by what came"),
    "listing": ("listings_last_day", "Listings that crawls met in the last 24 hours, by what became of them"),
    "image": ("photos_last_day", "Photos that crawls met in the last 24 hours, by what became of them"),
    "match": ("matches_last_day", "Pairs of photos that matched in the last 24 hours, by decision"),
}
_DECISIONS = ("match", "possible")


class _Metrics:
    """A registry that is filled once, with the names of ours."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)

    def add(self, name: str, about: str, values: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> None:
        """Add a metric with its values by labels; without labels there is one value."""
        gauge = Gauge(f"theftwatch_{name}", about, labels, registry=self.registry)
        for of, value in values:
            (gauge.labels(*of) if labels else gauge).set(value)


async def collect(
    connection: Connection, settings: Settings, *, now: datetime, nodes: Sequence[NodeState] = ()
) -> CollectorRegistry:
    """Return the metrics of a moment; killed runs are closed and alarms brought up to date, as by the status.

    `nodes` says what was listed just before.
    """
    status = await find_status(connection, now=now, expected=settings.expected, nodes=nodes)
    metrics = _Metrics()
    metrics.add("info", "The program that wrote these metrics", [((version("theftwatch"),), 1)], "version")
    metrics.add("written_at_seconds", "When these metrics were written, in Unix time", [((), now.timestamp())])
    _add_status(metrics, status)
    await _add_runs(connection, metrics, status)
    rows = await fetch(connection, "measure_store")
    stored = [((_STORED[table],), count) for table, count in rows]
    metrics.add("stored", "What the record holds, estimated where it is much", stored, "what")
    [(size,)] = await fetch(connection, "measure_database")
    metrics.add("database_bytes", "Size of the database", [((), size)])
    metrics.add("disk_free_bytes", "Free space where the data folder is", [((), free_bytes(settings.data_dir))])
    return metrics.registry


def _add_status(metrics: _Metrics, status: Status) -> None:
    metrics.add("well", "Whether nothing is wrong, as `theftwatch status --check` says it", [((), status.is_well)])
    targets = [
        ((each.marketplace, state), getattr(each, state))
        for each in status.targets
        for state in ("watched", "paused", "under_way", "due", "overdue")
    ]
    metrics.add("targets", "Targets by state; one may be in several", targets, "marketplace", "state")
    oldest = [
        ((each.marketplace,), (status.at - (each.oldest_due_at or status.at)).total_seconds())
        for each in status.targets
    ]
    metrics.add("oldest_due_seconds", "For how long the target is due that waits longest", oldest, "marketplace")
    resting = sum(each.rests_until is not None and each.rests_until > status.at for each in status.hosts)
    metrics.add("hosts_left_alone", "Hosts left alone, as they refused us or asked for it", [((), resting)])
    calls = [((each.host,), each.calls_left) for each in status.hosts if each.calls_left is not None]
    metrics.add("calls_left", "Calls that a host grants today", calls, "host")
    metrics.add("photos_to_compare", "Photos that wait to be compared", [((), status.waiting)])
    counted: dict[tuple[str, ...], int] = {}
    for alarm in status.alarms:
        key = (alarm.kind, alarm.spider, _state(alarm, status.at))
        counted[key] = counted.get(key, 0) + 1
    about = "Alarms that stand, by whether people are told of them"
    metrics.add("alarms", about, counted.items(), "kind", "spider", "state")


async def _add_runs(connection: Connection, metrics: _Metrics, status: Status) -> None:
    running = Counter(run.spider for run in status.running)
    under_way = [((spider,), count) for spider, count in running.items()]
    metrics.add("running", "Runs that are under way", under_way, "spider")
    # All that ever ran: one that runs for the first time has no last run yet
    spiders = sorted({run.spider for run in status.last_runs} | running.keys())
    rows = await fetch(connection, "count_runs_of_last_day", spiders=spiders, now=status.at)
    ended = [((spider, outcome), count) for spider, outcome, count in rows]
    metrics.add("runs_last_day", "Runs that ended in the last 24 hours", ended, "spider", "outcome")
    last = [((run.spider,), run.finished_at.timestamp()) for run in status.last_runs]
    metrics.add("last_run_end_seconds", "When the last run ended, in Unix time", last, "spider")
    took = [((run.spider,), (run.finished_at - run.started_at).total_seconds()) for run in status.last_runs]
    metrics.add("last_run_duration_seconds", "How long the last run took", took, "spider")
    rows = await fetch(connection, "find_last_good_runs", spiders=spiders)
    good = [((spider,), at.timestamp()) for spider, at in rows]
    metrics.add("last_good_run_end_seconds", "When a run last went well, in Unix time", good, "spider")
    counters = await fetch(connection, "sum_up_last_day", spiders=spiders, now=status.at)
    for first, (name, about) in _COUNTED.items():
        parted = ((spider, *counter.partition("/")[::2], total) for spider, counter, total in counters)
        values = [
            ((spider, what), total)
            for spider, of, what, total in parted
            if of == first and (first != "match" or what in _DECISIONS)
        ]
        metrics.add(name, about, values, "spider", "what")


def _state(alarm: Alarm, now: datetime) -> str:
    if alarm.is_told(now):
        return "told"
    return "acknowledged" if alarm.acknowledged_at else "silenced"
