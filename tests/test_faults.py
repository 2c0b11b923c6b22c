"""What breaks under a crawl of what is due: the record is what an undisturbed crawl would have left.

The tests break each thing once or twice, under the watch of one vendor; `make drill` breaks each fifty times, under the
watch of all. Every drill has an artisan whose photos the vendors copied, so that matching is broken into as well.
"""

import contextlib
import itertools
import json
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
from tests.nodes import PAUSE_S, Scrapyd, running_scrapyd
from tests.waiting import AMPLE_S, wait_until
from tests.watching import Watch
from theftwatch.config import Settings
from theftwatch.db import server
from theftwatch.db.targets import LISTING_EVERY, Target
from theftwatch.demo.catalogue import Catalogue, Edit, SellerKind, Served, load_catalogue
from theftwatch.demo.days import Days, Trouble, TroubleKind
from theftwatch.demo.replica import running_replica

pytestmark = pytest.mark.drill

IS_SHORT = drill.TIMES < 50
START = datetime(2026, 3, 1, 1, tzinfo=UTC)
EVERY = timedelta(hours=12)
#: In the tests no network describes pictures, and a match leads nowhere: that is half the time of a crawl
SHORT_CUT = {"THEFTWATCH_DESCRIPTOR": "off", "THEFTWATCH_TRAIL_STEPS": "0"} if IS_SHORT else {}
HOUR = timedelta(hours=1)
#: One more than run at once, so that one waits
JOBS = 3
#: Room for all photos
AMPLE_BYTES = 100_000_000

#: What a network and an image host can do beside what a watch over days meets
NETWORK = [
    TroubleKind.STALLED,
    TroubleKind.DRIPPING,
    TroubleKind.RESET,
    TroubleKind.BROKEN_OFF,
    TroubleKind.HALF,
    TroubleKind.HALF_IMAGE,
    TroubleKind.NO_IMAGE,
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Return what the watched vendors offer, all of which stays on offer, with photos that come whole."""
    whole = load_catalogue()
    offers = tuple(
        offer
        for offer in whole.offers
        if offer.key[0] == "alibaba" and offer.seller.kind is SellerKind.SHOP
        if offer.seller.handle == "demolotus" or not IS_SHORT
        if not any(shown.picture.edit in {Edit.BROKEN, Edit.MISSING} for shown in offer.shown)
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


@pytest.fixture
def new_watch(admin_dsn, template, tmp_path, catalogue):
    """Return a function that yields a watch with a new database and a folder of its own, which may be made ready."""
    numbers = itertools.count()

    @contextmanager
    def new(
        ready: Callable[[Path], AbstractContextManager[object]] = contextlib.nullcontext,
        on_offer: Catalogue = catalogue,
    ) -> Iterator[Watch]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        with ready(folder), new_database(admin_dsn, template) as name, running_replica(on_offer) as replica:
            dsn = make_conninfo(admin_dsn, dbname=name)
            yield watching(World(replica=replica, dsn=dsn, folder=folder), on_offer)

    return new


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
    """Crawl undisturbed until all that is known of was seen, and all photos came whole; when all is due each time."""
    lacking = """
    select concat_ws(' ', kind, ref), outcome, due_at from target where outcome is distinct from 'ok'
    union all
    select li.source_url, coalesce(i.unusable_reason, li.missing_reason), li.last_seen_at
    from listing_image li left join image i on i.id = li.image
    where li.shown and (i.id is null or i.unusable_reason = 'truncated')
    """
    while rows := watch.world.rows(lacking):
        assert watch.now - START < 5 * LISTING_EVERY, f"something never goes well: {rows}"
        watch.now += LISTING_EVERY
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
    """And not for ever: one crawl is kept waiting for longer than it waits, the next one for less."""
    patience = {"SIMULATED_PATIENCE_S": "2"} if IS_SHORT else {}
    patience_s, away_s = (2, 1) if IS_SHORT else (PATIENCE_S, 60)
    with (
        drill.drilling(record_property, f"Postgres away for longer than a crawl waits, {patience_s} s") as too_long,
        drill.drilling(record_property, f"Postgres away for {away_s} s in the middle of a crawl") as broken,
        watched(own_postgres, "away", catalogue, tmp_path) as watch,
    ):
        process = start_and_stop_postgres_amid(own_postgres, watch, **patience)
        log, _ = process.communicate(timeout=AMPLE_S + PATIENCE_S)
        assert process.returncode == 1, log
        assert log.count("the crawl ends: the database stays away") == 1, log
        server.start(own_postgres)
        too_long.times += 1

        watch.now += LISTING_EVERY
        process = start_and_stop_postgres_amid(own_postgres, watch)
        assert not ends_within(process, away_s)
        server.start(own_postgres)
        broken.times += 1
        log = watch.finish(process)
        assert log.count("the database is away, and waited for") == log.count("the database is back") > 0
        ends = "select outcome, finish_reason from run order by id"
        assert watch.world.rows(ends) == [("failed", "killed"), ("ok", "finished")]
        crawl_until_well(watch)
        for each in (too_long, broken):
            each.compare(undisturbed, watch.world)


def start_and_stop_postgres_amid(own: Settings, watch: Watch, **environment: str) -> subprocess.Popen[str]:
    """Start a crawl, and stop Postgres when some of what it sees is in the record, and before it ends."""
    with watch.world.unending():
        process = watch.start("alibaba", **environment)
        wait_until(lambda: watch.world.rows(f"select from listing where last_seen_at >= '{watch.now}'"), process)
        server.stop(own)
    return process


@pytest.mark.parametrize("kinds", [NETWORK] if IS_SHORT else [[kind] for kind in NETWORK], ids=", ".join)
def test_a_network_in_trouble_loses_nothing(dsn, tmp_path, catalogue, undisturbed, record_property, kinds):
    """A third of all requests meet trouble, those among them that ask again."""
    log = tmp_path / "requests.jsonl"
    troubles = [
        Trouble(
            kind=kind,
            marketplace="alibaba",
            starts_at=START,
            ends_at=START + EVERY / 2,
            one_in=3 * len(kinds),
            turn=3 * number,
        )
        for number, kind in enumerate(kinds)
    ]
    with (
        drill.drilling(record_property, f"network: {', '.join(kinds)}") as broken,
        running_replica(days=Days(catalogue, troubles=troubles), log=log) as replica,
    ):
        watch = watching(World(replica=replica, dsn=dsn, folder=tmp_path), catalogue)
        watch.finish(watch.start("alibaba", SIMULATED_TIMEOUT_S="2"))
        met = Counter(json.loads(line)["trouble"] for line in log.read_text().splitlines())
        broken.times = met.total() - met[None]
        assert len(met) > len(kinds) / 2
        crawl_until_well(watch)
        # What came in half stays in the record, beside the whole.
        watch.world.execute(
            "delete from listing_image li using image i where i.id = li.image and unusable_reason = 'truncated'"
        )
        watch.world.execute("delete from image where unusable_reason = 'truncated'")
        broken.compare(undisturbed, watch.world)


@pytest.mark.skipif(IS_SHORT, reason="a marketplace that is down for a while is in test_watch_days.py")
def test_hosts_that_refuse_connections_lose_nothing(dsn, tmp_path, catalogue, undisturbed, record_property):
    """For some seconds each time, while a crawl goes on."""
    moments = random.Random(2026)
    down = Trouble(kind=TroubleKind.DOWN, marketplace="alibaba", starts_at=START + EVERY, ends_at=START + 2 * EVERY)
    with (
        drill.drilling(record_property, "network: refused connections") as broken,
        running_replica(days=Days(catalogue, troubles=[down])) as replica,
    ):
        watch = watching(World(replica=replica, dsn=dsn, folder=tmp_path), catalogue)
        process = watch.start("alibaba")
        up = replica.clock
        wait_until(lambda: watch.world.rows("select from listing"), process)
        while not ends_within(process, moments.uniform(0.5, 2)):
            replica.clock = lambda: up() + EVERY
            broken.times += 1
            ends_within(process, moments.uniform(0.5, 4))
            replica.clock = up
        assert "refused" in watch.finish(process)
        crawl_until_well(watch)
        broken.compare(undisturbed, watch.world)


def test_a_full_disk_ends_the_crawl_and_loses_nothing(new_watch, record_property, undisturbed):
    with drill.drilling(record_property, "disk full while photos are stored") as broken:
        for room_bytes in [200_000] if IS_SHORT else range(100_000, 1_600_000, 300_000):
            with new_watch(small_disk) as watch:
                disk = watch.world.folder / "data"
                resize(disk, used_bytes(disk) + room_bytes)
                process = watch.start("alibaba")
                log, _ = process.communicate(timeout=AMPLE_S)
                assert process.returncode == 1, log
                assert "No space left on device); make room there and run it again" in log
                assert watch.world.rows("select outcome, finish_reason from run") == [("failed", "files_refused")]
                broken.times += 1
                resize(disk, used_bytes(disk) + AMPLE_BYTES)
                crawl_until_well(watch)
                broken.compare(undisturbed, watch.world)


def test_a_clock_that_jumps_loses_nothing(new_watch, record_property, undisturbed):
    """An hour forward and an hour back, or back and then forward, while a crawl goes on."""
    moments = random.Random(2026)
    with drill.drilling(record_property, "clock an hour forward or back in a crawl") as broken:
        while broken.times < min(drill.TIMES, 20):
            jumps = moments.sample([HOUR, -HOUR], 2)
            with new_watch() as watch:
                process = watch.start("alibaba")
                wait_for_run(watch, process)
                for by in itertools.accumulate(jumps):
                    if ends_within(process, moments.uniform(0.1, 2)):
                        break
                    watch.set_crawler_s_clock(watch.now + by - datetime.now(UTC))
                    broken.times += 1
                watch.finish(process)
                crawl_until_well(watch)
                broken.compare(undisturbed, watch.world)


def test_two_nodes_that_crawl_the_same_double_nothing(new_watch, record_property, undisturbed):
    with drill.drilling(record_property, "two nodes that run the same job") as broken:
        while broken.times < drill.TIMES / 10:
            with new_watch() as watch:
                both = [watch.start("alibaba") for _ in range(2)]
                for process in both:
                    watch.finish(process)
                assert watch.world.rows("select outcome from run") == [("ok",), ("ok",)]
                broken.times += 1
                crawl_until_well(watch)
                broken.compare(undisturbed, watch.world)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system in memory for the data of a world; only root may, else the test is skipped."""
    disk = folder / "data"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={AMPLE_BYTES}", "tmpfs", disk], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk that can be filled: {mounted.stderr.strip()} (root may mount one)")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def resize(disk: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", disk], check=True)


def used_bytes(disk: Path) -> int:
    return shutil.disk_usage(disk).used


def test_a_chromium_that_is_killed_loses_nothing(new_watch, chromium, catalogue, record_property, undisturbed):
    """The browser, or one of its processes, under pages that show nothing without scripts."""
    scripted = replace(catalogue, offers=tuple(replace(offer, served=Served.SCRIPT) for offer in catalogue.offers))
    moments = random.Random(2026)
    browser = {"THEFTWATCH_BROWSER": "1", "THEFTWATCH_CHROMIUM": str(chromium)}
    with drill.drilling(record_property, "`kill -9` of Chromium under a crawl") as broken:
        while broken.times < drill.TIMES:
            with new_watch(on_offer=scripted) as watch:
                watch.settings = {**watch.settings, **browser}
                process = watch.start("alibaba")
                wait_until(lambda: browsers_of(process), process)  # noqa: B023  it is over before the next
                while broken.times < drill.TIMES and not ends_within(process, moments.uniform(0.1, 2)):
                    broken.times += kill_one(browsers_of(process), moments)
                # Nothing waits for a Chromium that is no more.
                assert "not shown within" not in watch.finish(process)
                crawl_until_well(watch)
                broken.compare(undisturbed, watch.world)


@pytest.mark.skipif(IS_SHORT, reason="one that is killed while its job goes on is in test_scrapyd.py")
def test_a_scrapyd_that_is_killed_loses_nothing(new_watch, record_property, undisturbed):
    """Alone, so that its jobs go on and it starts beside them; or with its jobs, as systemd does it."""
    moments = random.Random(2026)
    with drill.drilling(record_property, "`kill -9` of scrapyd with jobs that run and wait") as broken:
        while broken.times < drill.TIMES:
            with new_watch() as watch, contextlib.ExitStack() as daemons:
                folder, environment = watch.as_node()
                jobs: set[psutil.Process] = set()
                scrapyd = daemons.enter_context(running_scrapyd(folder, environment))
                for number in range(JOBS):
                    scrapyd.post("schedule", project="theftwatch", spider="alibaba", jobid=f"job-{number}")
                while broken.times < drill.TIMES:
                    ends_s = time.monotonic() + moments.uniform(0.2, 4)
                    while time.monotonic() < ends_s:
                        jobs.update(psutil.Process(scrapyd.process.pid).children())
                        time.sleep(PAUSE_S)
                    if is_idle(scrapyd):
                        break
                    scrapyd.process.kill()
                    scrapyd.process.wait()
                    if moments.random() < 0.5:
                        kill_all(jobs)
                    broken.times += 1
                    scrapyd = daemons.enter_context(running_scrapyd(folder, environment))
                while not is_idle(scrapyd):
                    time.sleep(PAUSE_S)
                psutil.wait_procs(jobs, timeout=AMPLE_S)
                crawl_until_well(watch)
                broken.compare(undisturbed, watch.world)


def is_idle(scrapyd: Scrapyd) -> bool:
    listed = scrapyd.get("listjobs", project="theftwatch")
    return not listed["pending"] and not listed["running"]


def browsers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes of a crawl's Chromium."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [each for each in children if "chrom" in each.name()]
    except psutil.NoSuchProcess:
        return []


def kill_one(processes: list[psutil.Process], moments: random.Random) -> int:
    """Kill the first of some processes or any of them, and return how many that were."""
    if not processes:
        return 0
    return kill_all([moments.choice([processes[0], moments.choice(processes)])])


def kill_all(processes: Iterable[psutil.Process]) -> int:
    killed = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            killed += 1
    return killed


def kill_postgres(own: Settings, moments: random.Random) -> None:
    """Kill the server for good and start it after a moment, or a process of it, which it gets over by itself."""
    running = server.status(own)
    assert running is not None
    victims = [psutil.Process(running.pid), *psutil.Process(running.pid).children()]
    victim = moments.choice([victims[0], moments.choice(victims)])
    kill_all([victim])
    if victim.pid == running.pid:
        time.sleep(moments.uniform(0, 1.5))
        server.start(own)


def wait_for_run(watch: Watch, process: subprocess.Popen[str]) -> None:
    wait_until(lambda: watch.world.rows("select from run"), process)


def ends_within(process: subprocess.Popen[str], seconds: float) -> bool:
    """Return whether a crawl ends so soon."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is not None
