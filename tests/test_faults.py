"""What breaks under a crawl of what is due: the record is what an undisturbed crawl would have left.

The tests break each thing once or twice, under the watch of one vendor; `make drill` breaks each fifty times, under the
watch of all. Every drill has an artisan whose photos the vendors copied, so that matching is broken into as well.
"""

import contextlib
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from psycopg.conninfo import make_conninfo

from spiders.run import PATIENCE_S
from tests import drill
from tests.conftest import new_database
from tests.crawling import World
from tests.watching import Watch
from theftwatch.config import Settings
from theftwatch.db import server
from theftwatch.db.targets import Target
from theftwatch.demo.catalogue import Catalogue, Edit, SellerKind, load_catalogue
from theftwatch.demo.replica import running_replica

pytestmark = pytest.mark.drill

IS_SHORT = drill.TIMES < 50
START = datetime(2026, 3, 1, 1, tzinfo=UTC)
EVERY = timedelta(hours=12)
#: In the tests no network describes pictures, and a match leads nowhere: that is half the time of a crawl
SHORT_CUT = {"THEFTWATCH_DESCRIPTOR": "off", "THEFTWATCH_TRAIL_STEPS": "0"} if IS_SHORT else {}
#: Longer than a crawl takes on any machine, were it not broken off
AMPLE_S = 300

type Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Return what the watched vendors offer, all of which stays on offer."""
    whole = load_catalogue()
    offers = tuple(
        offer
        for offer in whole.offers
        if offer.key[0] == "alibaba" and offer.seller.kind is SellerKind.SHOP
        if offer.seller.handle == "demolotus" or not IS_SHORT
    )
    return replace(whole, offers=offers)


@pytest.fixture(scope="module")
def undisturbed(admin_dsn, template, tmp_path_factory, catalogue) -> dict[str, str]:
    """Return the digests of the record where nothing was broken."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with new_database(admin_dsn, template) as name, running_replica(catalogue) as replica:
        watch = watching(World(replica=replica, dsn=make_conninfo(admin_dsn, dbname=name), folder=folder), catalogue)
        watch.crawl("alibaba")
        crawl_until_well(watch)
        assert watch.world.rows("select from match where decision = 'match'")
        return watch.world.digest_tables()


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory, postgres_bin) -> Iterator[Settings]:
    """Return the settings of a Postgres that may be broken, and that writes to disk as in production."""
    own = Settings(data_dir=tmp_path_factory.mktemp("own") / "data", postgres_bin=postgres_bin)
    yield own
    server.stop(own)


@contextmanager
def watched(own: Settings, name: str, catalogue: Catalogue, folder: Path) -> Iterator[Watch]:
    """Yield a watch with a new database of this name."""
    dsn = server.connect_dsn(own.model_copy(update={"database": name}))
    with running_replica(catalogue) as replica:
        yield watching(World(replica=replica, dsn=dsn, folder=folder), catalogue)


def watching(world: World, catalogue: Catalogue) -> Watch:
    """Return a watch of all that is on offer, with an artisan whose photos some of it shows."""
    watch = Watch(world=world, now=START, settings=SHORT_CUT)
    vendors = sorted({offer.seller.handle for offer in catalogue.offers})
    watch.add(
        [Target(marketplace="alibaba", kind="vendor", ref=each, every=EVERY, reason="a drill") for each in vendors]
    )
    copies = [
        shown.picture for offer in catalogue.offers for shown in offer.shown if shown.picture.edit is not Edit.NONE
    ]
    watch.give(sorted({photo for copy in copies for photo in copy.photos}))
    return watch


def crawl_until_well(watch: Watch) -> None:
    """Crawl undisturbed what was not well, or not known of, half a day later each time."""
    while watch.world.rows("select from target where outcome is distinct from 'ok'"):
        assert watch.now - START < 5 * EVERY, "some target never goes well"
        watch.now += EVERY
        watch.crawl("alibaba")


def test_a_postgres_that_is_killed_loses_nothing(own_postgres, tmp_path, catalogue, undisturbed, record_property):
    """The postmaster, or one of its processes, whereupon it ends all others and recovers."""
    moments = random.Random(2026)
    with drill.drilling(record_property, "`kill -9` of Postgres under a crawl") as broken:
        while broken.times < drill.TIMES:
            with watched(own_postgres, f"round_{broken.times}", catalogue, tmp_path) as watch:
                process = watch.start("alibaba")
                wait_for_run(watch, process)
                while broken.times < drill.TIMES and not ends_within(process, moments.uniform(0.1, 2)):
                    kill_postgres(own_postgres, moments)
                    broken.times += 1
                watch.finish(process)
                crawl_until_well(watch)
                broken.compare(undisturbed, watch.world)


def test_a_postgres_that_is_away_is_waited_for(own_postgres, tmp_path, catalogue, undisturbed, record_property):
    away_s = 3 if IS_SHORT else 60
    with (
        drill.drilling(record_property, f"Postgres away for {away_s} s in the middle of a crawl") as broken,
        watched(own_postgres, "away", catalogue, tmp_path) as watch,
    ):
        process = watch.start("alibaba")
        stop_postgres_amid(own_postgres, watch, process)
        assert not ends_within(process, away_s)
        server.start(own_postgres)
        broken.times += 1
        log = watch.finish(process)
        assert log.count("the database is away, and waited for") == log.count("the database is back") > 0
        assert watch.world.rows("select outcome from run") == [("ok",)]
        crawl_until_well(watch)
        broken.compare(undisturbed, watch.world)


def test_a_postgres_that_stays_away_ends_the_crawl(own_postgres, tmp_path, catalogue, undisturbed, record_property):
    patience = {"SIMULATED_PATIENCE_S": "2"} if IS_SHORT else {}
    with (
        drill.drilling(record_property, "Postgres away for longer than a crawl waits") as broken,
        watched(own_postgres, "stays_away", catalogue, tmp_path) as watch,
    ):
        process = watch.start("alibaba", **patience)
        stop_postgres_amid(own_postgres, watch, process)
        log, _ = process.communicate(timeout=AMPLE_S + PATIENCE_S)
        assert process.returncode == 1, log
        assert log.count("the crawl ends: the database stays away") == 1, log
        server.start(own_postgres)
        broken.times += 1
        crawl_until_well(watch)
        assert watch.world.rows("select outcome, finish_reason from run order by id") == [
            ("failed", "killed"),
            ("ok", "finished"),
        ]
        broken.compare(undisturbed, watch.world)


def stop_postgres_amid(own: Settings, watch: Watch, process: subprocess.Popen[str]) -> None:
    """Stop Postgres when some of what a crawl sees is in the record."""
    wait_until(lambda: bool(watch.world.rows("select from listing")), process)
    server.stop(own)


def kill_postgres(own: Settings, moments: random.Random) -> None:
    """Kill the server for good and start it after a moment, or a process of it, which it gets over by itself."""
    running = server.status(own)
    assert running is not None
    victims = [psutil.Process(running.pid), *psutil.Process(running.pid).children()]
    victim = moments.choice([victims[0], moments.choice(victims)])
    victim.kill()
    if victim.pid == running.pid:
        time.sleep(moments.uniform(0, 1.5))
        server.start(own)


def wait_for_run(watch: Watch, process: subprocess.Popen[str]) -> None:
    wait_until(lambda: bool(watch.world.rows("select from run")), process)


def wait_until(happens: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something that happens while a crawl goes on."""
    deadline = time.monotonic() + AMPLE_S
    while not happens():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it does not come as far"
        time.sleep(0.02)


def ends_within(process: subprocess.Popen[str], seconds: float) -> bool:
    """Return whether a crawl ends so soon."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is not None
