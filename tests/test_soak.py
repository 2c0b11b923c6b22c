"""Nothing that runs for long comes to hold ever more: scrapyd, Postgres, a crawl that goes on, and crawls each night.

Some seconds in the tests; `make soak` takes an hour, in which simulated weeks pass.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from tests.crawling import MARKETPLACES, World
from tests.nodes import PAUSE_S, Scrapyd, running_scrapyd
from tests.soak import Held, Soak
from tests.watching import Watch
from theftwatch.config import Settings
from theftwatch.db import server
from theftwatch.db.targets import Target
from theftwatch.demo.catalogue import Catalogue, SellerKind, load_catalogue
from theftwatch.demo.draw import draw_days
from theftwatch.demo.replica import running_replica

SECONDS = float(os.environ.get("THEFTWATCH_SOAK_S", "1"))
IS_SHORT = SECONDS < 600
START = datetime(2026, 3, 1, 1, tzinfo=UTC)
EVERY = timedelta(hours=12)
#: More than an hour has time for
HALF_DAYS = 2 if IS_SHORT else 700
SPIDERS = ("artfire",) if IS_SHORT else MARKETPLACES
#: Has what was crawled be due at once
DUE_AGAIN = """
create function due_again() returns trigger language plpgsql as $$
begin
    new.due_at := coalesce(new.finished_at, new.due_at);
    return new;
end
$$;
create trigger due_again before update of due_at on target
for each row when (new.lease_token is null) execute function due_again();
"""


@pytest.mark.soak
def test_what_runs_for_long_holds_no_more_in_the_end(embedded, tmp_path, capsys):
    asked_at = [START + number * EVERY for number in range(HALF_DAYS)]
    days = draw_days(on_offer(), asked_at, seed=2026, changes=5, trouble_share=0.1)
    soak, ends_s = Soak(), time.monotonic() + SECONDS
    with (
        running_replica(days=days) as replica,
        nights(embedded, replica_world(replica, embedded, tmp_path, "nights")) as (watch, scrapyd),
        running_replica(days.first) as calm,
        endless(replica_world(calm, embedded, tmp_path, "endless")) as crawl,
    ):
        for moment in asked_at:
            watch.now = max(moment, watch.now)
            watch.set_clock()
            soak.held["a crawl of one night, the most it ever had"].append(crawl_all(scrapyd))
            watch.now = replica.clock()
            assert crawl.poll() is None, "the crawl that goes on has ended"
            measure(soak, embedded, scrapyd, crawl)
            if time.monotonic() > ends_s:
                break
        runs = watch.world.rows("select outcome, count(*) from run group by 1 order by 1")
    with capsys.disabled():
        weeks = (watch.now - START) / timedelta(weeks=1)
        sys.stdout.write(f"\n{weeks:.1f} simulated weeks in {SECONDS:.0f} s; runs: {runs}\n{soak.table()}\n")
    assert dict(runs).keys() <= {"ok", "partial", "blocked"}
    assert IS_SHORT or soak.grown() == []


@pytest.mark.parametrize(
    ("memory", "handles", "grown"),
    [
        ([100.0] * 40, [20] * 40, []),
        ([50.0] * 10 + [100.0] * 30, [20] * 40, []),
        ([100.0 + number for number in range(40)], [20] * 40, ["a: memory in MB from 119.0 to 139.0"]),
        ([100.0] * 40, [20 + number for number in range(40)], ["a: handles from 39.0 to 59.0"]),
    ],
)
def test_what_grows_is_told_from_what_fills_up_at_first(memory, handles, grown):
    soak = Soak()
    soak.held["a"] = [Held(*each) for each in zip(memory, handles, strict=True)]
    assert soak.grown() == grown


def on_offer() -> Catalogue:
    whole = load_catalogue()
    return replace(whole, offers=tuple(each for each in whole.offers if each.seller.kind is SellerKind.SHOP))


def replica_world(replica, embedded: Settings, folder: Path, name: str) -> World:
    (folder / name).mkdir()
    dsn = server.connect_dsn(embedded.model_copy(update={"database": name}))
    return World(replica=replica, dsn=dsn, folder=folder / name)


@contextlib.contextmanager
def nights(embedded: Settings, world: World) -> Iterator[tuple[Watch, Scrapyd]]:
    """Run a scrapyd whose jobs have the clock of a watch of all shops and vendors."""
    watch = Watch(world=world, now=START)
    watch.add(targets(SPIDERS))
    with running_scrapyd(*watch.as_node()) as scrapyd:
        yield watch, scrapyd


@contextlib.contextmanager
def endless(world: World) -> Iterator[subprocess.Popen[str]]:
    """Run a crawl that never comes to its end, as all is due again at once."""
    watch = Watch(world=world, now=START, settings={"THEFTWATCH_DELAY_S": "0.2"})
    watch.add(targets(["alibaba"]))
    world.execute(DUE_AGAIN)
    log = world.folder / "crawl.log"
    process = watch.start("alibaba", SIMULATED_LOG=str(log))
    try:
        while not world.rows("select from visit"):
            assert process.poll() is None, log.read_text()
            time.sleep(PAUSE_S)
        yield process
    finally:
        process.kill()
        process.communicate()


def targets(marketplaces) -> list[Target]:
    sellers = {(each.key[0], each.seller.handle) for each in on_offer().offers if each.key[0] in marketplaces}
    return [
        Target(marketplace=code, kind="vendor" if code == "alibaba" else "shop", ref=ref, every=EVERY, reason="a soak")
        for code, ref in sorted(sellers)
    ]


def crawl_all(scrapyd: Scrapyd) -> Held:
    """Have all spiders crawl what is due, and return the most that any crawl held."""
    for spider in SPIDERS:
        scrapyd.post("schedule", project="theftwatch", spider=spider)
    most = Held(0, 0)
    while any(scrapyd.get("listjobs", project="theftwatch")[state] for state in ("pending", "running")):
        for job in psutil.Process(scrapyd.process.pid).children():
            most = most.most(Held.by([job]))
        time.sleep(PAUSE_S)
    return most


def measure(soak: Soak, embedded: Settings, scrapyd: Scrapyd, crawl: subprocess.Popen[str]) -> None:
    running = server.status(embedded)
    assert running is not None
    postmaster = psutil.Process(running.pid)
    soak.held["scrapyd"].append(Held.by([psutil.Process(scrapyd.process.pid)]))
    soak.held["Postgres, all its processes"].append(Held.by([postmaster, *postmaster.children()]))
    soak.held["a crawl that goes on"].append(Held.by([psutil.Process(crawl.pid)]))
