"""A crawl that is to end does so at once, however far off the turns are that its requests wait for, and loses nothing.

Where something is to wait, it does for so long that a test which had to would not end.
"""

import json
import signal
import subprocess
import sys

import pytest

from tests.crawling import BY_HASHES, World
from tests.proof import copied_offers, fill
from tests.waiting import wait_until
from theftwatch.demo.replica import running_replica

VENDORS = "alibaba.com"
#: What all jobs wait for at the most
FAR_OFF = "9 minutes"
CTRL_C = 130


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path, settings=BY_HASHES)


def put_off(world: World, pace: str) -> None:
    """Have the next turn at a pace come so late."""
    world.execute(f"insert into host_budget (host, next_at) values (%s, now() + interval '{FAR_OFF}')", [pace])


def watch_vendor(world: World) -> None:
    world.execute(
        "insert into target (marketplace, kind, ref, every, reason, added_at, due_at)"
        " values ('alibaba', 'vendor', 'demoharbour', '1 day', 'a test', now(), now())"
    )


def asked(world: World) -> list[str]:
    log = world.folder / "requests.jsonl"
    return [json.loads(line)["path"] for line in log.read_text().splitlines()] if log.exists() else []


def stopped(process: subprocess.Popen[str], end: signal.Signals = signal.SIGINT) -> str:
    """Ask a crawl to end, and return its log."""
    process.send_signal(end)
    with process:
        log, _ = process.communicate(timeout=240)
    assert process.returncode == CTRL_C, log
    assert "Traceback" not in log
    return log


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_pages_that_wait_for_their_turns_are_left_for_the_next_crawl(world, end):
    watch_vendor(world)
    put_off(world, VENDORS)
    budget = f"select next_at from host_budget where host = '{VENDORS}'"
    before = world.rows(budget)
    process = world.start("alibaba", THEFTWATCH_DELAY_S="1")
    wait_until(lambda: world.rows(budget) > before, process)
    stopped(process, end)
    assert world.rows("select finish_reason, outcome from run") == [("shutdown", "failed")]
    assert world.rows("select outcome, lease_token, due_at <= now() from target") == [(None, None, True)]
    assert world.rows("select 1 from page_problem") == []
    # Nor does the next one wait for turns at which nothing was asked.
    assert (world.rows(budget), asked(world)) == (before, [])


def test_what_came_is_stored_and_photos_that_wait_are_left_for_the_next_crawl(world):
    watch_vendor(world)
    put_off(world, "images")
    process = world.start("alibaba")
    wait_until(lambda: any("/product-detail/" in path for path in asked(world)), process)
    stopped(process)
    [(stored,)] = world.rows("select count(*) from listing where complete")
    assert stored == len([path for path in asked(world) if "/product-detail/" in path])
    reasons = (
        "select distinct missing_reason from listing_image li join listing l on l.id = li.listing where l.complete"
    )
    assert world.rows(reasons) == [("not_fetched",)]
    assert world.rows("select 1 from target where kind = 'listing' and outcome is not null") == []
    assert world.rows("select 1 from target where lease_token is not null") == []

    world.execute("update host_budget set next_at = now()")
    world.crawl("alibaba")
    assert world.rows("select outcome from run order by id") == [("failed",), ("ok",)]
    assert world.rows(reasons) == [(None,)]


def test_a_request_whose_turn_has_come_does_not_wait_for_the_delay_of_its_slot(world):
    starts = world.starts("alibaba", hurdles=False)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "scrapy",
            "crawl",
            "alibaba",
            "-a",
            f"file={starts}",
            "-s",
            "AUTOTHROTTLE_START_DELAY=600",
        ],
        env=world.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: asked(world), process)
    stopped(process)
    assert world.rows("select finish_reason from run") == [("shutdown",)]


@pytest.mark.parametrize("with_browser", [False, True])
def test_a_capture_that_lacks_something_for_that_is_none_and_stays_due(world, request, with_browser):
    where = str(request.getfixturevalue("chromium")) if with_browser else "/bin/false"
    fill(world, copied_offers(1))
    put_off(world, "images")
    process = world.start("capture", THEFTWATCH_CHROMIUM=where)
    wait_until(lambda: any("/product-detail/" in path for path in asked(world)), process)
    stopped(process)
    assert world.rows("select 1 from capture") == world.rows("select 1 from page_problem") == []

    world.execute("update host_budget set next_at = now()")
    world.crawl("capture", THEFTWATCH_CHROMIUM=where)
    assert world.rows("select state from capture") == [("taken" if with_browser else "page_only",)]
