"""One pace for a host however many jobs ask it, and a host left alone that goes on refusing us."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.crawling import World
from theftwatch.db import hosts
from theftwatch.demo.replica import running_replica

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOST = "demoharbour.en.alibaba.com"


async def connect(dsn: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, options="-c timezone=UTC")


def test_turns_are_a_delay_apart_whoever_takes_them(dsn):
    async def main() -> list[datetime | None]:
        one, other = await connect(dsn), await connect(dsn)
        async with one, other:
            taken = [
                await hosts.take_turn(connection, "a.com", delay=3 * SECOND, now=NOW + offset * SECOND)
                for connection, offset in ((one, 0), (other, 1), (one, 1), (other, 60), (one, 61))
            ]
            taken.append(await hosts.take_turn(one, "b.com", delay=3 * SECOND, now=NOW))
            return taken

    assert asyncio.run(main()) == [NOW + offset * SECOND for offset in (0, 3, 6, 60, 63, 0)]


def test_a_host_that_refuses_is_left_alone_ever_longer_until_it_shows_a_page(dsn):
    async def main() -> None:
        async with await connect(dsn) as connection:
            now, rests = NOW, []
            for _ in range(9):
                until = await hosts.leave_alone(connection, "a.com", now=now)
                assert until is not None
                # Another job that was refused at the same time does not make it longer.
                assert await hosts.leave_alone(connection, "a.com", now=now + SECOND) is None
                assert await hosts.take_turn(connection, "a.com", delay=SECOND, now=until - SECOND) is None
                assert await hosts.find_rest(connection, "a.com") == until
                rests.append((until - now) // timedelta(minutes=1))
                now = until
            assert rests == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
            assert await hosts.take_turn(connection, "a.com", delay=SECOND, now=now) == now
            await hosts.end_rests(connection, "a.com")
            assert await hosts.leave_alone(connection, "a.com", now=now) == now + timedelta(minutes=15)

    asyncio.run(main())


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def pages_asked(world: World) -> list[dict[str, object]]:
    lines = (world.folder / "requests.jsonl").read_text().splitlines()
    return [request for request in map(json.loads, lines) if request["host"] == "www.alibaba.com"]


def test_three_jobs_ask_one_host_at_the_pace_of_one(world):
    """Each takes other listings of one host; together they may ask it no oftener than a single job."""
    delay_s = 0.5
    addresses = [url for (url,) in listing_addresses(world)][:12]
    starts = [world.folder / f"{number}.txt" for number in range(3)]
    for number, path in enumerate(starts):
        path.write_text("\n".join(addresses[number::3]))
    jobs = [world.start("alibaba", f"file={path}", THEFTWATCH_DELAY_S=str(delay_s)) for path in starts]
    logs = [job.communicate(timeout=300)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0], logs
    moments = sorted(datetime.fromisoformat(str(request["at"])).timestamp() for request in pages_asked(world))
    # Each job asks for robots.txt too. Scrapy's own jitter moves single requests, but not the pace.
    assert len(moments) == len(addresses) + len(jobs)
    assert moments[-1] - moments[0] >= 0.9 * delay_s * (len(moments) - 1)


def listing_addresses(world: World) -> list[tuple[str]]:
    world.crawl("alibaba", "vendor=demoharbour", "limit=14")
    (world.folder / "requests.jsonl").write_text("")
    rows = world.rows("select url from listing where marketplace = 'alibaba' order by listing_ref")
    return [(str(url),) for (url,) in rows]


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
