"""`theftwatch status`: what runs, what is due, who is left alone, and what is wrong."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from theftwatch.cli import app
from theftwatch.clock import system_clock
from theftwatch.config import settings
from theftwatch.db.runs import SILENT_AT_MOST
from theftwatch.errors import DeliveryError
from theftwatch.jobs.look import NodeState
from theftwatch.reports.status import Status, find_status

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def record(connection):
    return Record(connection)


class Record:
    """Runs, targets and hosts of a database."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def run(
        self,
        spider: str,
        outcome: str | None,
        *,
        reason: str = "finished",
        beat_at: datetime = NOW,
        arguments: str = "{}",
        jobid: str | None = None,
        host: str = "harbour",
        **stats: int,
    ) -> None:
        self._connection.execute(
            "insert into run (spider, arguments, jobid, host, version, started_at, heartbeat_at, finished_at,"
            " finish_reason, outcome, stats) values (%s, %s, %s, %s, '1', %s, %s, %s, %s, %s, %s)",
            [
                spider,
                arguments,
                jobid,
                host,
                beat_at - HOUR,
                beat_at,
                beat_at if outcome else None,
                reason if outcome else None,
                outcome,
                json.dumps({f"theftwatch/{name.replace('__', '/')}": value for name, value in stats.items()}),
            ],
        )

    def target(self, ref: str, *, due_at: datetime, every: str = "1 day", paused: bool = False, leased: bool = False):
        self._connection.execute(
            "insert into target (marketplace, kind, ref, every, reason, added_at, due_at, paused_at, lease_token)"
            " values ('alibaba', 'vendor', %s, %s, 'a test', %s, %s, %s, %s)",
            [ref, every, NOW, due_at, NOW if paused else None, "0" * 32 if leased else None],
        )

    def host(self, host: str, **columns: object) -> None:
        names = ", ".join(["host", "next_at", *columns])
        marks = ", ".join(["%s"] * (2 + len(columns)))
        self._connection.execute(
            f"insert into host_budget ({names}) values ({marks})".encode(), [host, NOW, *columns.values()]
        )


def status_of(dsn: str, now: datetime = NOW, **asked: Any) -> Status:
    async def main() -> Status:
        options = "-c timezone=UTC"
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, options=options) as connection:
            return await find_status(connection, now=now, **asked)

    return asyncio.run(main())


def test_a_run_that_was_killed_is_closed_and_wrong_until_the_next_one_starts(dsn, record):
    record.run("alibaba", None, beat_at=NOW)
    assert [run.spider for run in status_of(dsn, NOW + SILENT_AT_MOST).running] == ["alibaba"]
    status = status_of(dsn, NOW + SILENT_AT_MOST + timedelta(seconds=1))
    assert (status.running, status.is_well) == ([], False)
    [last] = status.last_runs
    assert (last.outcome, last.finish_reason, last.finished_at) == ("failed", "killed", NOW)
    [trouble] = status.troubles
    assert "alibaba: run 1 on harbour was killed; its last sign of life is of 2026-11-01 12:00 UTC" in trouble.what
    assert "`theftwatch crawl alibaba` again" in trouble.remedy
    record.run("alibaba", None, beat_at=NOW + HOUR)
    status = status_of(dsn, NOW + HOUR)
    assert (status.troubles, [run.run_id for run in status.running]) == ([], [2])


def test_the_last_run_of_each_spider_counts(dsn, record):
    record.run("etsy", "failed", reason="database_away")
    record.run("etsy", "ok")
    record.run("artfire", "failed", reason="shutdown")
    record.run("alibaba", "blocked", page__blocked=2, page__refused_by_robots=1, page__changed=2)
    status = status_of(dsn)
    assert [(run.spider, run.outcome) for run in status.last_runs] == [
        ("alibaba", "blocked"),
        ("artfire", "failed"),
        ("etsy", "ok"),
    ]
    assert [trouble.wrong for trouble in status.troubles] == [False, False, True]
    refused, changed, failed = (trouble.what for trouble in status.troubles)
    assert "refused 3 pages, 1 of them by robots.txt" in refused
    assert "did not understand 2 pages" in changed
    assert "failed on 2026-11-01 12:00 UTC (shutdown)" in failed


def test_targets_are_due_or_overdue_by_their_interval(dsn, record):
    record.target("a", due_at=NOW - 49 * HOUR)
    record.target("b", due_at=NOW - 47 * HOUR)
    record.target("c", due_at=NOW - 47 * HOUR, every="1 week")
    record.target("d", due_at=NOW - 400 * HOUR, paused=True)
    record.target("e", due_at=NOW + HOUR, leased=True)
    record.target("f", due_at=NOW + 2 * HOUR)
    status = status_of(dsn)
    [targets] = status.targets
    assert (targets.watched, targets.paused, targets.under_way, targets.due, targets.overdue) == (5, 1, 1, 3, 1)
    assert (targets.oldest_due_at, targets.next_due_at) == (NOW - 49 * HOUR, NOW + 2 * HOUR)
    assert not status.is_well
    assert "1 target on Alibaba overdue by more than twice the interval" in status.troubles[0].what


def test_hosts_that_rest_and_those_that_count_calls_are_named(dsn, record):
    record.host("a.com", rests_until=NOW + HOUR, rests=3)
    record.host("b.com", rests_until=NOW - HOUR, rests=1)
    record.host("openapi.etsy.com", calls_per_day=10_000, calls_left=0, spent_until=NOW + HOUR)
    status = status_of(dsn)
    assert [(host.host, host.spent_until) for host in status.hosts] == [
        ("a.com", None),
        ("openapi.etsy.com", NOW + HOUR),
    ]
    assert status.is_well


@pytest.fixture
def shown(dsn, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    settings.cache_clear()
    return lambda *options: CliRunner().invoke(app, ["status", *options])


def test_an_empty_record_is_well_and_says_what_to_do(shown):
    done = shown("--check")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "Running",
        "  nothing",
        "Last run of each spider",
        "  none has run",
        "Targets",
        "  none; `theftwatch target add` has something watched",
        "Nothing is wrong.",
    ]


def test_the_check_fails_where_something_is_wrong_and_all_of_it_fits_a_screen(shown, record):
    now = system_clock()
    record.run("alibaba", None, beat_at=now)
    record.run("artfire", "failed", reason="shutdown", beat_at=now - 2 * HOUR)
    record.target("a", due_at=now - 75 * HOUR)
    record.target("b", due_at=now + 30 * HOUR)
    record.host("a.com", rests_until=now + HOUR, rests=3)
    record.host("c.com", rests_until=now + HOUR)
    record.host("openapi.etsy.com", calls_per_day=10_000, calls_left=0, spent_until=now + HOUR)
    plain, checked = shown(), shown("--check")
    assert (plain.exit_code, checked.exit_code) == (0, 1)
    assert plain.stdout.count("\n") < 24
    for part in (
        "alibaba on harbour for 60 min: 0 answers, 0 listings, last sign of life",
        "artfire: failed (shutdown)",
        "Alibaba: 2 watched, 1 due, the oldest for 3 d, the next in",
        "a.com: left alone until",
        "it refused us 3 times in a row",
        "as it asked for that",
        "openapi.etsy.com: 0 of 10,000 calls left today, asked again from",
        "Wrong\n",
    ):
        assert part in plain.stdout, plain.stdout
    told = json.loads(shown("--json").stdout)
    assert told["ok"] is False
    assert [trouble["wrong"] for trouble in told["troubles"]] == [True, True]
    assert told["hosts"][0]["host"] == "a.com"


DAY = timedelta(days=1)


def test_a_run_that_is_expected_and_did_not_come_is_wrong(dsn, record):
    record.run("alibaba", "ok", beat_at=NOW - 26 * HOUR, arguments='{"minutes": "300", "limit": "9"}')
    # One vendor by name is not the night's crawl, and one that was refused is none.
    record.run("alibaba", "ok", arguments='{"vendor": "x"}')
    record.run("alibaba", "failed", reason="wrong_release")
    record.run("etsy", None)
    expected = {"alibaba": DAY, "etsy": DAY, "artfire": 7 * DAY}
    status = status_of(dsn, expected={"alibaba": DAY + HOUR, "etsy": DAY})
    assert [(each.spider, each.is_missing) for each in status.expected] == [("alibaba", False), ("etsy", False)]
    status = status_of(dsn, expected=expected)
    assert [(each.spider, each.is_missing) for each in status.expected] == [
        ("alibaba", True),
        ("etsy", False),
        ("artfire", True),
    ]
    assert [trouble.what for trouble in status.troubles if "expected" in trouble.what] == [
        "alibaba: no run since 2026-10-31 09:00 UTC, and one is expected each 1d",
        "artfire: no run at all, and one is expected each 1w",
    ]
    assert all(trouble.wrong for trouble in status.troubles)


def test_a_node_whose_jobs_are_refused_is_named_until_one_begins_there(dsn, record):
    record.run("etsy", "failed", reason="no_image_store", host="quay")
    record.run("alibaba", "failed", reason="no_image_store", host="quay")
    record.run("alibaba", "failed", reason="wrong_release", host="pier")
    record.run("artfire", "failed", reason="no_image_store", host="given up", beat_at=NOW - 3 * DAY)
    # Another node goes on, with the same spider.
    record.run("alibaba", "ok", host="harbour")
    troubles = status_of(dsn).troubles
    assert [each.what.partition(" on 2026")[0] for each in troubles] == [
        "alibaba: run 3 on pier did not begin",
        "alibaba: run 2 on quay did not begin",
        "artfire: run 4 on given up failed",
    ]
    assert "does not see the image store" in troubles[1].what
    assert "THEFTWATCH_FILES" in troubles[1].remedy
    assert all(trouble.wrong for trouble in troubles)
    record.run("alibaba", None, host="pier")
    record.run("etsy", "ok", host="quay")
    assert [each.what.partition(" on 2026")[0] for each in status_of(dsn).troubles] == [
        "artfire: run 4 on given up failed"
    ]


def node(machine: str) -> NodeState:
    return NodeState(url=f"http://{machine}:6800", machine=machine, release="20261101T000000-1")


def wrong(dsn, *machines: str, now: datetime = NOW) -> list[str]:
    troubles = status_of(dsn, now, nodes=[node(machine) for machine in machines]).troubles
    return [each.what.partition(" on 2026")[0] for each in troubles if each.wrong]


def test_what_failed_on_a_node_that_was_given_up_is_no_longer_wrong_after_two_days(dsn, record):
    record.run("artfire", "failed", reason="no_image_store", jobid="artfire-1", host="pier", beat_at=NOW - 3 * DAY)
    record.run("alibaba", "ok", jobid="alibaba-1", host="harbour")
    failed = ["artfire: run 1 on pier failed"]
    assert wrong(dsn, "harbour") == []
    [_, artfire] = status_of(dsn, nodes=[node("harbour")]).last_runs
    assert (artfire.outcome, artfire.is_given_up) == ("failed", True)
    # too early, or still a node
    assert wrong(dsn, "harbour", now=NOW - 3 * DAY + timedelta(days=2)) != []
    assert wrong(dsn, "harbour", "pier") == failed
    # nobody knows: no nodes are named, one is down or new, or goes by another name than its runs
    assert wrong(dsn) == failed
    down = NodeState(url="http://b:6800", trouble="no answer", remedy="start scrapyd there")
    assert failed[0] in str(status_of(dsn, nodes=[node("harbour"), down]).troubles)
    assert wrong(dsn, "harbour", "quay") == failed


def test_what_failed_elsewhere_or_by_hand_is_hidden_by_no_node_that_was_given_up(dsn, record):
    record.run("artfire", "failed", reason="files_refused", jobid="artfire-1", host="harbour", beat_at=NOW - 5 * DAY)
    record.run("artfire", "failed", reason="killed", jobid="artfire-2", host="pier", beat_at=NOW - 4 * DAY)
    record.run("etsy", "failed", reason="shutdown", host="desk", beat_at=NOW - 4 * DAY)
    assert wrong(dsn, "harbour") == ["artfire: run 1 on harbour failed", "etsy: run 3 on desk failed"]
    assert wrong(dsn, "harbour", "pier") == [
        "artfire: run 2 on pier was killed; its last sign of life is of 2026-10-28 12:00 UTC",
        "etsy: run 3 on desk failed",
    ]


def test_nodes_that_fail_are_wrong_and_jobs_that_none_lists_are_named(dsn, record):
    record.run("alibaba", None, jobid="alibaba-20261101T1100")
    record.run("etsy", None, jobid="etsy-20261101T1100")
    record.run("artfire", None)
    here = NodeState(url="http://a:6800", running=("alibaba-20261101T1100",), release="20261101T000000-1")
    [trouble] = status_of(dsn, nodes=[here]).troubles
    assert "job etsy-20261101T1100 goes on at harbour, and no node lists it" in trouble.what
    assert not trouble.wrong
    down = NodeState(url="http://b:6800", trouble="no answer (Connection refused)", remedy="start scrapyd there")
    empty = NodeState(url="http://c:6800")
    troubles = status_of(dsn, nodes=[here, down, empty]).troubles
    assert [(each.what, each.wrong) for each in troubles] == [
        ("node http://b:6800: no answer (Connection refused)", True),
        ("node http://c:6800: no release of TheftWatch is there", True),
    ]


@contextmanager
def monitor(code: int) -> Iterator[tuple[str, list[str]]]:
    """A monitor on loopback that answers with a status, its address, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(code)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ping/secret", asked
        server.shutdown()
        thread.join()


def test_a_monitor_hears_of_a_good_night_and_of_no_other(shown, record, monkeypatch):
    with monitor(200) as (url, asked):
        monkeypatch.setenv("THEFTWATCH_HEARTBEAT_URL", url)
        assert shown("--check").exit_code == 0
        assert asked == ["/ping/secret"]
        shown()
        record.run("alibaba", "failed", reason="shutdown", beat_at=system_clock())
        assert shown("--check").exit_code == 1
        assert asked == ["/ping/secret"]


def test_a_monitor_that_was_not_told_is_a_failure(shown, monkeypatch):
    with monitor(404) as (url, _):
        monkeypatch.setenv("THEFTWATCH_HEARTBEAT_URL", url)
        settings.cache_clear()
        done = shown("--check")
    assert isinstance(done.exception, DeliveryError)
    assert "was not told so (HTTP 404)" in str(done.exception)
    assert "secret" not in str(done.exception)
