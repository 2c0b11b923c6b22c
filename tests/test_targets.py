"""Targets: leased by priority and to one job at a time, taken over from a job that died, crawled on the replica."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import psycopg
import pytest

from tests.crawling import BY_HASHES, World, listings_held
from tests.program import answer, refusal
from tests.waiting import wait_until
from theftwatch.cli import main
from theftwatch.db import targets
from theftwatch.db.pool import Pool, connection_pool
from theftwatch.db.queries import Connection
from theftwatch.db.runs import insert_run
from theftwatch.db.targets import LEASE, RETRY, Leased, Target, Visit
from theftwatch.demo.replica import running_replica
from theftwatch.errors import UsageError
from theftwatch.interval import read_time
from theftwatch.targets import read_target

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ONE, OTHER = uuid4(), uuid4()


def vendor(name: str, *, priority: int = 5, every: timedelta = DAY) -> Target:
    return Target(marketplace="alibaba", kind="vendor", ref=name, every=every, priority=priority, reason="a test")


class Watch:
    """The targets of a database, at moments of the test's own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def save(self, *wanted: Target, now: datetime = NOW) -> tuple[int, int]:
        return self._run(lambda connection: targets.save_targets(connection, wanted, now=now))

    def lease(
        self,
        token=ONE,
        *,
        most: int = 10,
        now: datetime = NOW,
        marketplace: str = "alibaba",
        run: int | None = None,
    ) -> list[Leased]:
        return self._run(
            lambda connection: targets.lease(connection, marketplace, token=token, run=run, most=most, now=now)
        )

    def start(self, *, now: datetime) -> int:
        """Open a run."""
        return self._run(
            lambda connection: insert_run(
                connection, spider="alibaba", arguments={}, jobid=None, host="here", version="1", now=now
            )
        )

    def finish(self, outcomes, token=ONE, *, now: datetime = NOW, changed: bool = True) -> set[int]:
        visits = {each: Visit(outcome=outcome, changed=changed) for each, outcome in outcomes.items()}
        return self._run(lambda connection: targets.finish(connection, visits, token=token, now=now))

    def resting(self):
        return self._run(lambda connection: targets.count_resting(connection, "alibaba", now=NOW))

    def execute(self, statement: str, parameters=None) -> None:
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement, parameters)

    def rows(self, query: str):
        with psycopg.connect(self.dsn, options="-c timezone=UTC") as connection:
            return connection.execute(query).fetchall()

    def _run[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async def main() -> T:
            async with await psycopg.AsyncConnection.connect(self.dsn, options="-c timezone=UTC") as connection:
                return await work(connection)

        return asyncio.run(main())


@pytest.fixture
def watch(dsn) -> Watch:
    return Watch(dsn)


def test_the_higher_priority_and_then_the_longest_due_come_first(watch):
    watch.save(vendor("late"), now=NOW)
    watch.save(vendor("early"), now=NOW - DAY)
    watch.save(vendor("urgent", priority=9), now=NOW)
    watch.save(vendor("idle", priority=0), now=NOW - 9 * DAY)
    watch.save(vendor("tomorrow"), now=NOW + DAY)
    watch.save(Target(marketplace="etsy", kind="shop", ref="other", every=DAY, reason="a test"), now=NOW)
    assert [each.ref for each in watch.lease(most=2)] == ["urgent", "early"]
    assert [each.ref for each in watch.lease(OTHER)] == ["late", "idle"]
    assert watch.lease(OTHER) == []


def test_four_jobs_share_the_work_and_none_gets_what_another_has(dsn, watch):
    watch.save(*(vendor(f"v{number}") for number in range(1000)))

    async def job(pool: Pool) -> list[int]:
        token, got = uuid4(), list[int]()
        while True:
            async with pool.connection() as connection:
                leased = await targets.lease(connection, "alibaba", token=token, run=None, most=7, now=NOW)
            if not leased:
                return got
            got += [each.id for each in leased]

    async def main() -> list[list[int]]:
        async with connection_pool(dsn) as pool:
            return await asyncio.gather(*(job(pool) for _ in range(4)))

    shares = asyncio.run(main())
    together = [each for share in shares for each in share]
    assert len(together) == len(set(together)) == 1000
    assert all(shares)


def test_a_lease_that_ran_out_is_taken_over_and_the_old_job_changes_nothing(watch):
    watch.save(vendor("slow"))
    [leased] = watch.lease(ONE)
    assert watch.lease(OTHER, now=NOW + LEASE - timedelta(seconds=1)) == []
    later = NOW + LEASE
    assert [each.id for each in watch.lease(OTHER, now=later)] == [leased.id]
    assert watch.finish({leased.id: "ok"}, ONE, now=later) == set()
    assert watch.rows("select leases, outcome from target") == [(2, None)]
    assert watch.finish({leased.id: "ok"}, OTHER, now=later) == {leased.id}
    assert watch.rows("select leases, outcome, due_at, lease_token from target") == [(0, "ok", later + DAY, None)]


def test_what_was_not_well_comes_again_sooner_and_then_ever_later(watch):
    watch.save(vendor("closed", every=timedelta(hours=3)))
    now, waits = NOW, []
    for _ in range(6):
        [leased] = watch.lease(now=now)
        watch.finish({leased.id: "blocked"}, now=now)
        [(due_at,)] = watch.rows("select due_at from target")
        waits.append(due_at - now)
        now = due_at
    assert waits == [RETRY, 2 * RETRY, 4 * RETRY, 8 * RETRY, timedelta(hours=3), timedelta(hours=3)]
    [leased] = watch.lease(now=now)
    watch.finish({leased.id: "ok"}, now=now)
    assert watch.rows("select failures, outcome from target") == [(0, "ok")]


@pytest.mark.parametrize("took", [timedelta(minutes=1), timedelta(hours=5)])
def test_a_schedule_of_the_same_interval_does_not_come_just_too_early(watch, took):
    """However long a night's crawl took to come to a target, the next night's takes it up at its first asking."""
    watch.save(vendor("nightly"))
    for night in range(4):
        start = NOW + night * DAY
        [leased] = watch.lease(run=watch.start(now=start), now=start + timedelta(seconds=night))
        watch.finish({leased.id: "ok"}, now=start + took)
        assert watch.lease(now=start + DAY / 2) == []


def test_a_job_that_goes_on_for_days_keeps_the_interval(watch):
    watch.save(vendor("daily"))
    run = watch.start(now=NOW)
    for now in (NOW + 3 * DAY, NOW + 4 * DAY):
        [leased] = watch.lease(run=run, now=now)
        watch.finish({leased.id: "ok"}, now=now)
        assert watch.rows("select due_at from target") == [(now + DAY,)]


def test_adding_a_target_again_changes_it_and_wakes_it(watch):
    assert watch.save(vendor("one"), vendor("two")) == (2, 0)
    [first] = watch.lease(most=1)
    watch.finish({first.id: "ok"})
    later = NOW + timedelta(hours=1)
    assert watch.save(vendor("one", every=2 * DAY), vendor("three"), now=later) == (1, 1)
    assert {each.ref for each in watch.lease(now=later)} == {"one", "two", "three"}
    assert watch.rows("select every from target where ref = 'one'") == [(2 * DAY,)]


@pytest.mark.parametrize(
    ("text", "time"),
    [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("1d", DAY), ("2w", 14 * DAY), (" 3 d ", 3 * DAY)],
)
def test_times_are_a_number_and_a_unit(text, time):
    assert read_time(text) == time


@pytest.mark.parametrize("text", ["", "d", "0d", "-1d", "1y", "1.5h", "100000d", "1d 2h"])
def test_other_times_are_refused(text):
    with pytest.raises(UsageError, match="give a number and m, h, d or w"):
        read_time(text)


def test_the_address_of_a_listing_is_that_listing():
    target = read_target(
        "alibaba",
        "url",
        "https://www.alibaba.com/product-detail/Felt-Hare_1600123456789.html",
        every=DAY,
        priority=5,
        reason="",
    )
    assert (target.kind, target.ref, target.reason) == ("listing", "1600123456789", "asked for")
    assert target.url is not None


def target(world: World, *words: str) -> str:
    return answer(["target", *words], world.environment()).strip()


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path, settings=BY_HASHES)


def test_targets_are_added_listed_paused_and_removed(world):
    said = partial(target, world)
    assert said("list") == "no targets; `theftwatch target add` takes some"
    assert said("add", "alibaba", "vendor=one", "vendor=two", "--every", "12h", "--reason", "copied my hares") == (
        "2 targets added"
    )
    assert said("add", "alibaba", "vendor=one", "--priority", "9") == "0 targets added, 1 changed"
    path = world.folder / "targets.csv"
    path.write_text("marketplace,kind,ref,every,priority\netsy,shop,Hares,1w,2\nalibaba,vendor,three,,\n")
    assert said("import", str(path)) == "2 targets added"
    rows = [json.loads(line) for line in said("list", "--json").splitlines()]
    assert {(row["ref"], row["every"], row["priority"], row["reason"]) for row in rows} == {
        ("one", 86400, 9, "asked for"),
        ("two", 43200, 5, "copied my hares"),
        ("Hares", 604800, 2, "from targets.csv"),
        ("three", 86400, 5, "from targets.csv"),
    }
    assert said("pause", "alibaba vendor=one") == "1 target paused"
    assert "alibaba vendor=one every 1d, priority 9, paused: asked for" in said("list")
    assert "vendor=one" not in said("list", "--due")
    number = next(str(row["target_id"]) for row in rows if row["ref"] == "one")
    assert said("resume", number) == "1 target resumed"
    assert said("remove", number, "etsy shop=Hares") == "2 targets removed"
    assert len(said("list").splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "ebay", "shop=x"], "ebay: no marketplace of ours"),
        (["add", "alibaba", "shop=x"], "on alibaba can be watched: vendor=, showroom=, search=, url="),
        (["add", "alibaba", "vendor="], "on alibaba can be watched"),
        (["add", "alibaba", "hares"], "hares: give KIND=REF"),
        (["add", "alibaba", "vendor=x", "--every", "often"], "give a number and m, h, d or w"),
        (["add", "alibaba", "https://www.etsy.com/listing/1385245506/x"], "a listing on etsy, not on alibaba"),
        (["add", "alibaba", "vendor=x", "--priority", "10"], "less than or equal to 9"),
        (["pause", "nobody"], "nobody: no such target"),
        (["import", "nowhere.csv"], "No such file"),
    ],
)
def test_a_wrong_target_is_one_line_and_exit_code_2(world, words, message):
    assert message in refusal(main, ["theftwatch", "target", *words], world.environment())
    assert world.rows("select count(*) from target") == [(0,)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks marketplace"),
        ("marketplace,kind,ref\n", "holds no target"),
        ("marketplace,kind,ref,colour\n", "unknown column 'colour'"),
        ("marketplace,kind,ref\netsy,shop\n", ":2: too many or too few values"),
        ("marketplace,kind,ref\netsy,shop,A\netsy,shop,B,C\n", ":3: too many or too few values"),
        ("marketplace,kind,ref,priority\netsy,shop,A,ten\n", ":2: priority 'ten'"),
        ('marketplace,kind,ref\netsy,shop,"A\n', "unexpected end"),
    ],
)
def test_a_wrong_file_adds_nothing(world, text, message):
    path = world.folder / "targets.csv"
    path.write_text(text)
    assert message in refusal(main, ["theftwatch", "target", "import", str(path)], world.environment())
    assert world.rows("select count(*) from target") == [(0,)]


def test_a_crawl_without_a_start_takes_what_is_due_until_nothing_is(world):
    starts = [line for line in world.starts("alibaba").read_text().splitlines() if "=" in line]
    target(world, "add", "alibaba", *starts)
    world.crawl("alibaba")
    # All that a crawl from the same starts stores
    leased = world.rows("select marketplace, listing_ref, title, state from listing where complete order by 1, 2")
    shown = world.rows(
        "select image_key, missing_reason from listing_image li join listing l on l.id = li.listing where l.complete"
    )
    listings = world.rows("select ref, outcome, found_on is not null from target where kind = 'listing' order by ref")
    assert {ref for ref, outcome, _ in listings if outcome == "ok"} == {ref for _, ref, *_ in leased}
    assert all(found for _, _, found in listings)
    assert world.rows("select count(*) from target where lease_token is not null or outcome is null") == [(0,)]
    assert world.rows("select min(due_at) > now() + interval '10 minutes' from target") == [(True,)]
    # Nothing is due any more, so nothing is asked for.
    before = len((world.folder / "requests.jsonl").read_text().splitlines())
    world.crawl("alibaba")
    assert len((world.folder / "requests.jsonl").read_text().splitlines()) == before
    world.crawl("alibaba", f"file={world.starts('alibaba')}")
    captured = world.rows("select count(*) from listing")[0][0]
    assert captured >= len(leased)
    assert set(leased) <= set(world.rows("select marketplace, listing_ref, title, state from listing"))
    assert set(shown) <= set(world.rows("select image_key, missing_reason from listing_image"))


def test_trouble_stands_with_its_target(world):
    starts = [line for line in world.starts("etsy").read_text().splitlines() if "=" in line]
    target(world, "add", "etsy", *starts, "search=hares")
    world.crawl("etsy")
    outcomes = dict(world.rows("select outcome, count(*) from target group by 1"))
    problems = dict(world.rows("select kind, count(*) from page_problem group by 1"))
    assert outcomes["gone"] == problems["gone"]
    assert outcomes["failed"] == problems["changed"]
    assert outcomes["blocked"] == problems["blocked"]


def test_a_limit_bounds_the_targets_of_a_crawl(world):
    starts = [line for line in world.starts("alibaba", hurdles=False).read_text().splitlines() if "=" in line]
    target(world, "add", "alibaba", *starts)
    world.crawl("alibaba", "limit=3")
    assert world.rows("select count(*) from target where outcome is not null") == [(3,)]
    assert world.rows("select count(*) from target where lease_token is not null") == [(0,)]


def test_two_jobs_at_once_ask_for_no_page_twice(world):
    starts = [line for line in world.starts("alibaba", hurdles=False).read_text().splitlines() if "=" in line]
    target(world, "add", "alibaba", *starts)
    jobs = [world.start("alibaba") for _ in range(2)]
    logs = [job.communicate(timeout=300)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], logs
    pages = [
        (request["host"], request["path"])
        for request in map(json.loads, (world.folder / "requests.jsonl").read_text().splitlines())
        if not request["path"].startswith("/robots.txt") and "alicdn" not in request["host"]
    ]
    assert len(pages) == len(set(pages))
    assert world.rows("select count(*) from target where outcome is distinct from 'ok'") == [(0,)]


def test_a_killed_job_is_taken_over_and_leaves_no_trace(world, other_dsn):
    """Killed when it had seen some of it, and gone on with; the record is that of an undisturbed crawl."""
    starts = [line for line in world.starts("alibaba", hurdles=False).read_text().splitlines() if "=" in line]
    undisturbed = World(replica=world.replica, dsn=other_dsn, folder=world.folder / "other", settings=BY_HASHES)
    for each in (world, undisturbed):
        target(each, "add", "alibaba", *starts)
    undisturbed.crawl("alibaba")
    with listings_held(2):
        job = world.start("alibaba")
        wait_until(lambda: world.rows("select from target where outcome is not null"), job)
        job.kill()
    job.communicate()
    assert world.rows("select from target where lease_token is not null")
    # Ten minutes on, a dead job's leases have run out.
    world.execute("update target set due_at = now() where lease_token is not null")
    world.crawl("alibaba")
    assert world.digest_tables() == undisturbed.digest_tables()
