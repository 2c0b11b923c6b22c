"""Alarms: raised by what is wrong and not by chance, once for as long as it lasts, and closed by themselves."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from tests.waiting import wait_until
from theftwatch.alarms import record
from theftwatch.alarms.examine import examine
from theftwatch.alarms.rules import ListFigure, Pause, Seen, judge_counters, judge_lists, judge_pause
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.db.queries import queries
from theftwatch.db.runs import close_lost_runs
from theftwatch.reports.alarms import remedy_of, what_of
from theftwatch.reports.status import find_status

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fired(run, *, day=None, earlier=(), usual=None):
    """Return which alarms counters raise, and which they close."""
    figures = judge_counters(Seen(run=run, day=day or run, earlier=earlier, usual=usual or {}))
    return {(figure.kind, figure.detail): figure.fires for figure in figures}


@pytest.mark.parametrize(
    ("counters", "kind", "fires"),
    [
        ({"page/listing": 100, "page/failed": 18}, ("errors", "pages"), True),
        ({"page/listing": 100, "page/failed": 17}, ("errors", "pages"), False),
        ({"page/listing": 16, "page/failed": 4}, ("errors", "pages"), False),  # a fifth, but of a few
        ({"page/listing": 12, "page/failed": 7}, ("errors", "pages"), None),  # too few to say
        ({"page/failed": 5}, ("errors", "pages"), True),  # all of them
        ({"page/failed": 4}, ("errors", "pages"), None),
        ({"page/listing": 5}, ("errors", "pages"), False),
        ({"page/listing": 30, "listing/failed": 30}, ("errors", "pages"), True),
        ({"page/gone": 95, "page/failed": 5}, ("errors", "pages"), False),
        ({"image/fetched": 40, "image/failed": 10}, ("errors", "photos"), True),
        ({"image/fetched": 40, "image/failed": 7}, ("errors", "photos"), False),
        ({"page/blocked": 3}, ("blocked", ""), True),
        ({"page/blocked": 2}, ("blocked", ""), None),
        ({"page/blocked": 3, "page/shop": 27}, ("blocked", ""), False),
        ({"page/blocked": 3, "page/shop": 26}, ("blocked", ""), True),
        ({"page/refused_by_robots": 300, "page/shop": 30}, ("blocked", ""), False),
        ({"page/changed": 4, "page/unknown": 2, "page/unchanged": 94}, ("unread_pages", ""), True),
        ({"page/changed": 5, "page/unchanged": 95}, ("unread_pages", ""), False),
        ({"page/changed": 2, "page/listing": 2}, ("unread_pages", ""), False),
    ],
)
def test_shares_are_told_from_chance(counters, kind, fires):
    assert fired(counters).get(kind) is fires


def test_a_run_that_is_too_small_to_say_is_taken_with_its_day():
    small, day = {"page/shop": 2, "page/failed": 8}, {"page/shop": 12, "page/failed": 18}
    assert fired(small, day=day)[("errors", "pages")] is True
    # one that is large enough says itself that it is over
    assert fired({"page/shop": 25}, day={"page/shop": 27, "page/failed": 18})[("errors", "pages")] is False


def test_a_run_that_saw_nothing_says_nothing():
    assert ("blocked", "") not in fired({}, day={"page/shop": 90, "page/blocked": 6})


def read(listings, *, price=0, photos=0, card=False):
    page = "card" if card else "page"
    return {f"read/{page}": listings, f"read/{page}/price": price, f"read/{page}/photos": photos}


def test_a_field_is_compared_with_what_is_usual():
    good = [read(100, price=98) for _ in range(3)]
    assert fired(read(100, price=77), earlier=good)[("missing_data", "page/price")] is True
    assert fired(read(100, price=79), earlier=good)[("missing_data", "page/price")] is False
    # with few days nothing is usual, nor where a day read little
    assert ("missing_data", "page/price") not in fired(read(100), earlier=good[:2])
    assert ("missing_data", "page/price") not in fired(read(100), earlier=[*good[:2], read(29, price=29)])
    # a few listings are one seller's way
    assert fired(read(30, price=12), earlier=good)[("missing_data", "page/price")] is False
    assert ("missing_data", "page/price") not in fired(read(29), earlier=good)
    # cards are compared with cards
    assert ("missing_data", "card/price") not in fired(read(100, card=True), earlier=good)


def test_what_was_usual_when_it_was_raised_stays_usual():
    bad = [read(100, price=2) for _ in range(14)]
    key = ("missing_data", "page/price")
    assert fired(read(100, price=2), earlier=bad)[key] is False
    assert fired(read(100, price=2), earlier=bad, usual={key: 0.98})[key] is True
    assert fired(read(100, price=97), earlier=bad, usual={key: 0.98})[key] is False


def test_fewer_photos_a_listing():
    good = [read(60, photos=300) for _ in range(3)]
    assert fired(read(60, photos=200), earlier=good)[("missing_data", "photos")] is True
    assert fired(read(60, photos=215), earlier=good)[("missing_data", "photos")] is False
    assert ("missing_data", "photos") not in fired(read(49, photos=49), earlier=good)


def shown(seen, *, target=1, expected=None, before=40, usual=40.0, visits=3):
    return ListFigure(target, seen, expected, before, usual, visits)


@pytest.mark.parametrize(
    ("figure", "fires"),
    [
        (shown(20, before=20), True),
        (shown(20), None),  # once may be chance
        (shown(24, before=20), False),
        (shown(20, before=20, expected=20), False),  # the list says itself that it holds no more
        (shown(20, before=20, expected=40), True),
        (shown(0, before=0), True),
        (shown(20, before=20, visits=2), None),
        (shown(3, before=3, usual=9.0), None),  # a short list
        (shown(20, before=20, usual=None), None),
    ],
)
def test_a_list_is_compared_with_its_own_visits(figure, fires):
    assert [each.fires for each in judge_lists([figure])] == ([] if fires is None else [fires])


def test_lists_together_say_it_at_once_but_not_by_the_doing_of_two():
    down = [shown(20, target=number) for number in range(3)]
    [figure] = judge_lists(down)
    assert (figure.fires, figure.target, figure.value, figure.usual, figure.size) == (True, None, 60, 120, 3)
    assert judge_lists(down[:2]) == []
    believed = [shown(20, target=number, expected=20) for number in range(3)]
    assert [figure.fires for figure in judge_lists(believed)] == [False] * 4
    short = [shown(8, target=number, usual=12.0) for number in range(5)]
    assert [figure.fires for figure in judge_lists(short) if figure.target is None] == [False]  # 20 listings less


@pytest.mark.parametrize(
    ("pause", "fires"),
    [
        (Pause(None, 9, 4, 10, 3), True),
        (Pause(None, 9, 5, 10, 3), False),
        (Pause(None, 6, 1, 30, 6), False),
        (Pause(None, 9, 4, 10, 2), False),  # nobody looked
        (Pause(None, 60, 4, 9, 50), None),
        (Pause(None, 60, None, 1, 50), None),
    ],
)
def test_a_pause_is_compared_with_the_longest_one(pause, fires):
    figure = judge_pause(pause)
    assert (figure.fires if figure else None) is fires


class Record:
    """Runs, lists and visits of a database, each a day after the one before."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.now = NOW
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "insert into target (marketplace, kind, ref, every, reason, added_at, due_at)"
                " select 'alibaba', 'vendor', 'v' || n, '1 day', 'a test', %(now)s, %(now)s + interval '1 year'"
                " from generate_series(1, 6) as n",
                {"now": NOW},
            )

    def run(self, counters=None, *, lists=None, spider="alibaba", arguments=None, after=DAY, examined=True):
        """Add a run that ended, with how many listings lists showed, by target; return the alarms it touched."""
        self.now += after
        with psycopg.connect(self.dsn) as connection:
            [(run,)] = connection.execute(
                "insert into run (spider, arguments, host, version, started_at, heartbeat_at, finished_at,"
                " finish_reason, outcome, stats) values (%s, %s, 'harbour', '1', %s, %s, %s, 'finished', 'ok', %s)"
                " returning id",
                [
                    spider,
                    json.dumps(arguments or {}),
                    self.now - HOUR,
                    self.now,
                    self.now,
                    json.dumps({f"theftwatch/{name}": value for name, value in (counters or {}).items()}),
                ],
            ).fetchall()
            for target, seen in (lists or {}).items():
                connection.execute(
                    "insert into visit values (%s, %s, 'ok', %s, 1, 1, %s, null)", [target, run, self.now, seen]
                )
        return self.examine() if examined else []

    def examine(self, *, after=timedelta(0)):
        return self.do(lambda connection: examine(connection, now=self.now + after))

    def do(self, work):
        async def main():
            options = "-c timezone=UTC"
            async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True, options=options) as connection:
                return await work(connection)

        return asyncio.run(main())

    def open(self):
        return [(alarm.kind, alarm.times) for alarm in self.do(record.find_alarms)]


@pytest.fixture
def watch(dsn):
    return Record(dsn)


def test_an_alarm_stands_once_for_as_long_as_it_lasts(watch):
    assert watch.run({"page/listing": 50}) == []
    [raised] = watch.run({"page/listing": 50, "page/failed": 20})
    assert (raised.kind, raised.detail, raised.size, raised.times) == ("errors", "pages", 70, 1)
    assert what_of(raised) == "Alibaba: 20 of 70 pages could not be had (29%)"
    assert f"run_id {raised.run_id}" in remedy_of(raised)
    [again] = watch.run({"page/listing": 40, "page/failed": 40})
    assert (again.alarm_id, again.times, again.first_seen_at) == (raised.alarm_id, 2, raised.first_seen_at)
    assert (again.last_seen_at, again.value) == (watch.now, 0.5)
    # too small to say, also with its day
    assert watch.run({"page/listing": 4}) == []
    assert watch.open() == [("errors", 2)]
    [over] = watch.run({"page/listing": 40})
    assert (over.alarm_id, over.closed_at) == (raised.alarm_id, watch.now)
    assert watch.open() == []
    [anew] = watch.run({"page/listing": 40, "page/failed": 40})
    assert anew.alarm_id != raised.alarm_id
    assert watch.examine() == []  # each run is compared once


def test_marketplaces_do_not_speak_for_each_other(watch):
    watch.run({"page/blocked": 9})
    watch.run({"page/shop": 90}, spider="etsy")
    assert watch.open() == [("blocked", 1)]


def test_a_run_that_was_killed_is_compared_by_whoever_comes_next(watch):
    with psycopg.connect(watch.dsn) as connection:
        connection.execute(
            "insert into run (spider, arguments, host, version, started_at, heartbeat_at, progressed_at, stats) values"
            " ('alibaba', '{}', 'harbour', '1', %(at)s, %(at)s, %(at)s, '{\"theftwatch/page/blocked\": 4}')",
            {"at": NOW},
        )
    later = NOW + HOUR
    watch.do(lambda connection: close_lost_runs(connection, now=later))
    status = watch.do(lambda connection: find_status(connection, now=later))
    assert [alarm.kind for alarm in status.alarms] == ["blocked"]
    assert [(trouble.wrong, trouble.what.split(":")[0]) for trouble in status.troubles] == [
        (False, "Alibaba"),
        (True, "alibaba"),
    ]


def test_a_run_with_arguments_is_compared_with_its_like_and_one_of_a_kind_is_not(watch):
    bad = {"page/blocked": 5}
    for _ in range(3):
        assert watch.run(bad, arguments={"vendor": "x"}) == []
    [alarm] = watch.run(bad, arguments={"vendor": "x"})
    assert alarm.arguments == {"vendor": "x"}
    assert what_of(alarm).startswith("Alibaba vendor=x: 5 of 5 pages")
    # a limit is no start: this is a crawl of what is due
    watch.run({"page/shop": 50}, arguments={"limit": "20"})
    assert watch.open() == [("blocked", 1)]
    assert watch.run({"page/shop": 50}, arguments={"vendor": "x"})[0].closed_at
    assert watch.run(bad, spider="saved") == []


def test_missing_data_is_compared_with_earlier_days(watch):
    good = {"read/page": 40, "read/page/price": 39, "read/page/title": 40, "page/listing": 40}
    watch.run(good, after=HOUR)
    watch.run(good, after=HOUR)  # the same day: still one
    for _ in range(2):
        watch.run(good)
    [alarm] = watch.run(good | {"read/page/price": 2})
    assert what_of(alarm) == "Alibaba: 5% of 40 listings read in full have a price, where 98% is usual"
    for _ in range(15):  # it does not become usual by lasting
        watch.run(good | {"read/page/price": 2})
    assert watch.open() == [("missing_data", 16)]
    watch.do(lambda connection: record.acknowledge(connection, [alarm.alarm_id], by="Eva", now=watch.now))
    assert watch.run(good | {"read/page/price": 2})[0].closed_at  # but by a person's word


def test_a_run_that_waits_for_another_to_compare_photos_does_not_hang(watch):
    with psycopg.connect(watch.dsn, autocommit=True) as connection:
        connection.execute(
            "insert into run (spider, arguments, host, version, started_at, heartbeat_at, progressed_at) values"
            " ('etsy', '{}', 'harbour', '1', %(at)s, %(at)s, %(at)s)",
            {"at": NOW},
        )
        connection.execute("insert into image (sha256, byte_count, first_seen_at) values (sha256('a'), 1, %s)", [NOW])
        connection.execute("insert into lookup (image, side, looked_up_at) values (1, 'suspect', %s)", [NOW + HOUR])
        connection.execute(queries()["lock_drain"])
        with psycopg.connect(watch.dsn, autocommit=True) as waiting, ThreadPoolExecutor() as threads:
            lock = threads.submit(waiting.execute, queries()["lock_drain"])
            try:
                wait_until(lambda: connection.execute("select from pg_locks where not granted").fetchall())
                assert watch.examine(after=HOUR) == []
                # where nothing is compared, somebody hangs
                assert [alarm.kind for alarm in watch.examine(after=2 * HOUR)] == ["hanging"]
            finally:
                connection.execute(queries()["unlock_session"])
            lock.result(timeout=120)


def test_many_targets_with_the_same_alarm_are_told_in_one_line(watch):
    for _ in range(4):
        watch.run(lists=dict.fromkeys(range(1, 7), 40))
    for _ in range(2):
        watch.run(lists=dict.fromkeys(range(1, 7), 10))
    status = watch.do(lambda connection: find_status(connection, now=watch.now))
    assert len(status.alarms) == 7
    assert [trouble.what.partition(", such")[0] for trouble in status.troubles] == [
        f"Alibaba: 60 listings on 6 lists, where 240 are usual (since {NOW + 5 * DAY:%Y-%m-%d %H:%M} UTC, 2 runs)",
        "Alibaba: 6 targets with the same alarm",
    ]


@pytest.fixture
def run(watch, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", watch.dsn)
    settings.cache_clear()
    return lambda *words: CliRunner().invoke(app, ["alarm", *map(str, words)], standalone_mode=False)


def test_alarms_are_listed_acknowledged_and_silenced(watch, run):
    assert run("list").stdout == "No alarm stands.\n"
    watch.run({"page/blocked": 9}, examined=False)
    lines = run("list").stdout.splitlines()  # it compares what was not compared
    assert lines[0].startswith("1  since 2026-11-02 12:00 UTC, 1 run  Alibaba: 9 of 9 pages were refused (100%)")
    assert lines[1].startswith("    wait, and crawl more slowly")

    def told():
        return [trouble.what for trouble in watch.do(lambda c: find_status(c, now=watch.now)).troubles]

    assert len(told()) == 1
    assert run("acknowledge", 1, "--by", "Eva").stdout.startswith("1: acknowledged by Eva: Alibaba: 9 of 9")
    assert told() == []
    watch.run({"page/blocked": 9})
    assert told() == []
    assert "acknowledged by Eva" in run("list").stdout
    watch.run({"page/shop": 90})
    assert run("list").stdout == "No alarm stands.\n"
    assert run("list", "--all").stdout.startswith("1  2026-11-02 to 2026-11-04  Alibaba")

    # what is silenced stays so beyond the end of the alarm
    [second] = watch.run({"page/blocked": 9})
    assert len(told()) == 1
    said = run(
        "silence", second.alarm_id, "--until", "2099-01-01", "--reason", "the shop is rebuilt", "--by", "Eva"
    ).stdout
    assert said.startswith(f"{second.alarm_id}: silent until 2099-01-01: Alibaba")
    watch.run({"page/shop": 90})
    [anew] = watch.run({"page/blocked": 9})
    assert (anew.silence_reason, told()) == ("the shop is rebuilt", [])
    row = json.loads(run("list", "--json").stdout)
    assert (row["alarm_id"], row["silenced_by"], row["kind"]) == (anew.alarm_id, "Eva", "blocked")
    assert {"what", "remedy"} < row.keys()
    assert watch.do(lambda c: find_status(c, now=datetime(2099, 1, 2, tzinfo=UTC))).troubles


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["acknowledge", 7], "7: no such alarm"),
        (["acknowledge", 1, "--by", " "], "--by is empty"),
        (["silence", 1, "--until", "soon", "--reason", "x"], "until 'soon': no day"),
        (["silence", 1, "--until", "2026-01-01", "--reason", "x"], "until 2026-01-01 is over"),
        (["silence", 1, "--until", "2099-01-01", "--reason", " "], "the reason is empty"),
        (["silence", 1, 7, "--until", "2099-01-01", "--reason", "x"], "7: no such alarm"),
    ],
)
def test_a_wrong_word_changes_nothing(watch, run, words, message):
    watch.run({"page/blocked": 9})
    assert message in str(run(*words).exception)
    [alarm] = watch.do(record.find_alarms)
    assert alarm.is_told(watch.now)
    watch.do(lambda connection: record.acknowledge(connection, [1], by="Eva", now=watch.now))
    assert "alarm 1 is over or acknowledged" in str(run("acknowledge", 1).exception)
