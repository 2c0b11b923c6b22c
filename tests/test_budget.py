"""One pace for a site however many jobs ask its hosts, and a host left alone that goes on refusing us."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from scrapy.http import Response

from spiders.budget import _retry_after
from tests.crawling import BY_HASHES, World
from theftwatch.db import hosts
from theftwatch.db.hosts import Rest
from theftwatch.demo.etsy_api import CallLimit
from theftwatch.demo.replica import running_replica
from theftwatch.pages.read import pace_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOST = "demoharbour.en.alibaba.com"


async def take(connection: psycopg.AsyncConnection, host: str, *, delay: timedelta = SECOND, now: datetime):
    return await hosts.take_turn(connection, host, pace=pace_of(host), delay=delay, asked_for=None, now=now)


async def connect(dsn: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, options="-c timezone=UTC")


def test_turns_are_a_delay_apart_whoever_takes_them(dsn):
    async def main() -> list[datetime | None]:
        one, other = await connect(dsn), await connect(dsn)
        async with one, other:
            taken = [
                await take(connection, "a.com", delay=3 * SECOND, now=NOW + offset * SECOND)
                for connection, offset in ((one, 0), (other, 1), (one, 1), (other, 60), (one, 61))
            ]
            taken.append(await take(one, "b.com", delay=3 * SECOND, now=NOW))
            return taken

    assert asyncio.run(main()) == [NOW + offset * SECOND for offset in (0, 3, 6, 60, 63, 0)]


def test_hosts_of_a_site_are_asked_in_turn_and_left_alone_each_by_itself(dsn):
    async def main() -> None:
        one, other = await connect(dsn), await connect(dsn)
        async with one, other:
            assert await take(one, HOST, now=NOW) == NOW
            assert await take(other, "www.alibaba.com", now=NOW) == NOW + SECOND
            # One that was told to wait for a little keeps all of them waiting, as it may be the site that counts.
            await hosts.note_limits(one, HOST, pace=pace_of(HOST), wait=30 * SECOND, now=NOW)
            assert await take(other, "demovale.en.alibaba.com", now=NOW) == NOW + 30 * SECOND
            assert await hosts.leave_alone(one, HOST, now=NOW) is not None
            assert await take(other, HOST, now=NOW) is None
            assert await take(other, "www.alibaba.com", now=NOW) == NOW + 31 * SECOND
            # Nor is one to be asked that is left alone before its site ever was asked.
            await hosts.leave_alone(one, "www.etsy.com", now=NOW)
            assert await take(other, "www.etsy.com", now=NOW) is None
            # The API has limits of its own.
            assert await take(other, "m.etsy.com", now=NOW) == await take(other, API, now=NOW) == NOW

    asyncio.run(main())


def test_a_turn_that_was_promised_before_the_clock_went_back_is_not_waited_for(dsn):
    async def main() -> list[datetime | None]:
        async with await connect(dsn) as connection:
            return [
                await take(connection, "a.com", delay=3 * SECOND, now=NOW + offset * SECOND)
                for offset in (3600, 0, 0, -500)
            ]

    # The last clock went back by no more than jobs may have promised.
    assert asyncio.run(main()) == [NOW + offset * SECOND for offset in (3600, 0, 3, 6)]


def test_a_host_that_refuses_is_left_alone_ever_longer_until_it_shows_a_page(dsn):
    async def main() -> None:
        async with await connect(dsn) as connection:
            now, rests = NOW, []
            for _ in range(9):
                until = await hosts.leave_alone(connection, "a.com", now=now)
                assert until is not None
                # Another job that was refused at the same time does not make it longer.
                assert await hosts.leave_alone(connection, "a.com", now=now + SECOND) is None
                assert await take(connection, "a.com", now=until - SECOND) is None
                assert await hosts.find_rest(connection, "a.com") == Rest(until, spent=False)
                rests.append((until - now) // timedelta(minutes=1))
                now = until
            assert rests == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
            assert await take(connection, "a.com", now=now) == now
            await hosts.end_rests(connection, "a.com")
            assert await hosts.leave_alone(connection, "a.com", now=now) == now + timedelta(minutes=15)

    asyncio.run(main())


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path, settings=BY_HASHES)


def test_nothing_is_asked_of_a_host_that_is_left_alone(world):
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "insert into host_budget (host, next_at, rests_until, rests)"
            " values (%s, now(), now() + interval '1 hour', 1)",
            [HOST],
        )
    log = world.crawl("alibaba", "vendor=demoharbour")
    assert f"{HOST} refused us, and is left alone until" in log
    assert not (world.folder / "requests.jsonl").exists()
    assert world.rows("select outcome from run") == [("blocked",)]
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update host_budget set rests_until = now() - interval '1 second'")
    world.crawl("alibaba", "vendor=demoharbour", "limit=2")
    assert world.rows("select outcome from run order by id") == [("blocked",), ("ok",)]
    assert world.rows(f"select rests, rests_until from host_budget where host = '{HOST}'") == [(0, None)]


API = "openapi.etsy.com"
KEY = {"THEFTWATCH_ETSY_API_KEY": "abc123:secret"}


def test_the_calls_of_a_day_are_counted_for_all_jobs_and_come_back(dsn):
    async def main() -> None:
        one, other = await connect(dsn), await connect(dsn)
        async with one, other:
            await hosts.note_limits(one, API, pace=API, wait=None, calls_per_day=10_000, calls_left=3, now=NOW)
            turns = [await take(connection, API, now=NOW) for connection in (one, other, one, other)]
            assert [turn is not None for turn in turns] == [True, True, True, False]
            # The job with the last call was killed: without any word of the host it is asked again after an hour.
            assert await hosts.find_rest(other, API) == Rest(NOW + timedelta(hours=1), spent=True)
            later = NOW + timedelta(hours=1)
            assert await take(other, API, now=later - SECOND) is None
            assert await take(other, API, now=later) == later
            await hosts.note_limits(
                one, API, pace=API, wait=timedelta(hours=2), calls_per_day=10_000, calls_left=0, now=later
            )
            assert await hosts.find_rest(one, API) == Rest(later + timedelta(hours=2), spent=True)
            await hosts.note_limits(one, API, pace=API, wait=None, calls_per_day=10_000, calls_left=5, now=later)
            assert await take(one, API, now=later) is not None

    asyncio.run(main())


def test_a_host_that_asks_for_time_gets_it_from_all_jobs(dsn):
    async def main() -> None:
        one, other = await connect(dsn), await connect(dsn)
        async with one, other:
            await hosts.note_limits(one, "a.com", pace="a.com", wait=30 * SECOND, now=NOW)
            assert await take(other, "a.com", now=NOW) == NOW + 30 * SECOND
            # for longer nobody waits; a page that was under way does not end it
            await hosts.note_limits(one, "a.com", pace="a.com", wait=timedelta(hours=3), now=NOW)
            await hosts.end_rests(one, "a.com")
            assert await take(other, "a.com", now=NOW) is None
            assert await hosts.find_rest(other, "a.com") == Rest(NOW + timedelta(hours=3), spent=False)
            # the year 9999, as a date may say
            await hosts.note_limits(one, "b.com", pace="b.com", wait=timedelta(days=2_900_000), now=NOW)
            assert await hosts.find_rest(one, "b.com") == Rest(NOW + timedelta(days=1), spent=False)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Sun, 01 Nov 2026 00:05:00 GMT", timedelta(minutes=5)),
        ("Sat, 31 Oct 2026 00:05:00 GMT", timedelta(0)),
        ("9" * 400, timedelta(days=7)),
        ("9" * 5000, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Sun, 01 Nov 99999 00:05:00 GMT", None),
        ("Sun, 01 Nov 2026 00:05:00 +99999999", None),
        ("Sun, 01 Nov 2026 00:05:00", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_moment(text, wait):
    response = Response("https://a.com/", status=429, headers={"Retry-After": text} if text else {})
    assert _retry_after(response, NOW) == wait


def test_jobs_stop_asking_when_the_calls_of_the_day_are_spent_and_say_until_when(world):
    world.replica.limit = CallLimit(per_day=2)
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "insert into target (marketplace, kind, ref, every, reason, added_at, due_at)"
            " values ('etsy', 'shop', 'DemoSecondBloom', '1 day', 'a test', now(), now())"
        )
    log = world.crawl("etsy", **KEY)
    assert f"{API} grants no more calls today; it is asked again from" in log
    asked = [json.loads(line) for line in (world.folder / "requests.jsonl").read_text().splitlines()]
    assert [request["status"] for request in asked if request["host"] == API] == [200, 200]
    # The job gave its target back, as nothing was refused: it is not to blame.
    assert world.rows("select outcome, failures, lease_token from target") == [(None, 0, None)]
    # Another job, on whatever machine, does not ask in vain.
    world.crawl("etsy", **KEY)
    world.replica.limit = CallLimit()
    world.crawl("etsy", **KEY)
    lines = (world.folder / "requests.jsonl").read_text().splitlines()
    assert len([line for line in lines if f'"{API}"' in line]) == 2
    assert world.rows("select outcome, finish_reason from run") == [("partial", "api_quota")] * 3
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update host_budget set spent_until = now()")
    world.crawl("etsy", **KEY)
    assert world.rows("select outcome from target where kind = 'shop'") == [("ok",)]
    limits = f"select calls_per_day, calls_left > 9000, spent_until from host_budget where host = '{API}'"
    assert world.rows(limits) == [(10_000, True, None)]
