"""Alarms by crawls: what goes wrong in simulated nights of the replica is told once, and until it is over."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bench.market import offer, vendor
from tests.conftest import new_database
from tests.crawling import World
from tests.waiting import wait_until
from tests.watching import Watch
from theftwatch.alarms import rules
from theftwatch.db.targets import Target
from theftwatch.demo import replica as replicas
from theftwatch.demo import sites
from theftwatch.demo.answers import Answer, Request, Shelves
from theftwatch.demo.catalogue import Catalogue, DemoSeller, Offer
from theftwatch.demo.days import Change, ChangeKind, Days, Trouble, TroubleKind
from theftwatch.demo.etsy_api import CallLimit
from theftwatch.demo.replica import running_replica
from theftwatch.demo.trouble import spoil
from theftwatch.reports.status import find_status

START = datetime(2026, 3, 1, 1, tzinfo=UTC)
NIGHT = timedelta(days=1, minutes=1)
VENDORS, EACH = 2, 12
WORDS = "linen apron"
PHOTOS = sorted(path.name for path in (Path(replicas.__file__).parent / "photos").glob("*.jpg"))

#: In which nights there is something new, and in which something goes wrong: each by its number
NEW = range(1, 12)
HALF, FIELDS, CHANGED, NO_IMAGE = 0, 3, 5, 7
SHORT = (12, 13)
GOOD, QUIET = 14, 20
NIGHTS = [*range(GOOD + 1), QUIET]


def night_vendor(number: int) -> DemoSeller:
    return vendor(f"demonight{number}", 9_700_000 + number, f"Night {number}")


def night_offer(owner: DemoSeller, number: int, what: str = WORDS, photos: Sequence[str] = PHOTOS[:1]) -> Offer:
    return offer(owner, 1_600_000_000_000 + 1000 * owner.member + number, f"{what} {number}", photos)


def days_on_offer() -> Days:
    """Two vendors with something new each night, of one in the showroom too, and image hosts in trouble once."""
    vendors = [night_vendor(number) for number in range(1, VENDORS + 1)]
    offers = tuple(night_offer(owner, number) for owner in vendors for number in range(EACH))
    new = {
        night: [night_offer(vendors[1], 100 + night, "felt hare", PHOTOS[: 6 if night == NO_IMAGE else 1])]
        for night in NEW
    }
    for night in range(NEW.start, CHANGED):  # too few for what is usual of a list: which one has it first is chance
        new[night].append(night_offer(vendors[0], 100 + night))
    changes = [
        Change(at=START + (night - 0.5) * NIGHT, kind=ChangeKind.RETURNED, offer=each)
        for night, offers in new.items()
        for each in offers
    ]
    trouble = Trouble(
        kind=TroubleKind.NO_IMAGE,
        marketplace="alibaba",
        starts_at=START + (NO_IMAGE - 0.5) * NIGHT,
        ends_at=START + (NO_IMAGE + 0.5) * NIGHT,
    )
    return Days(Catalogue(sellers=tuple(vendors), offers=offers), changes, [trouble])


def spoiled(answer: Callable[..., Answer], night: int, request: Request, shelves: Shelves, limit: CallLimit) -> Answer:
    """Return how the marketplace answers in a night: with pages that our page modules do not read as they did."""
    is_list = "/showroom/" in request.path or "/productlist" in request.path
    if is_list and night in SHORT:
        first = [each for each in shelves.catalogue.offers if int(each.key[1]) % 1000 < 2]
        shelves = Shelves(replace(shelves.catalogue, offers=tuple(first)))
    found = answer(request, shelves, limit)
    if night == HALF and re.search(r"[13579]\.html$", request.path):
        return spoil(found, TroubleKind.HALF)
    if "/showroom/" in request.path and night == FIELDS:  # its cards have them under other names
        return renamed(found, rb'"(title|enPureTitle|price|supplier|mainImage|multiImage)"', rb'"new_\1"')
    if is_list and night == CHANGED:
        return renamed(found, rb"itemInfoList|productList", b"elsewhere")
    if is_list and night in SHORT:  # the lists themselves say that they hold more
        return renamed(found, rb'(otalCount"|otalLines%22)(:|%3A)( |%20)\d+', rb"\1\2\g<3>12")
    return found


def renamed(answer: Answer, names: bytes, new: bytes) -> Answer:
    body = re.sub(names, new, answer.body)
    assert body != answer.body
    return replace(answer, body=body)


def night_of(moment: datetime) -> int:
    return (moment - START) // NIGHT


@pytest.fixture(scope="module")
def watch(admin_dsn, template, tmp_path_factory) -> Iterator[Watch]:
    """Return a watch of a showroom and of two vendors."""
    folder = tmp_path_factory.mktemp("nights")
    with new_database(admin_dsn, template) as name, running_replica(days=days_on_offer()) as replica:
        world = World(replica=replica, dsn=make_conninfo(admin_dsn, dbname=name), folder=folder)
        watch = Watch(world=world, now=START, settings={"THEFTWATCH_DESCRIPTOR": "off"})
        seen = Target(marketplace="alibaba", kind="showroom", ref=WORDS, every=timedelta(days=1), reason="a test")
        handles = [night_vendor(number).handle for number in range(1, VENDORS + 1)]
        watch.add([seen, *(replace(seen, kind="vendor", ref=handle) for handle in handles)])
        yield watch


@pytest.fixture(scope="module")
def log(watch) -> Iterator[str]:
    """Return what the crawls of the nights printed."""
    watch.set_clock()
    ahead, replica, answer = watch.world.folder / "ahead", watch.world.replica, sites.answer
    replica.clock = lambda: datetime.now(UTC) + timedelta(seconds=float(ahead.read_text()))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(replicas, "answer", lambda *asked: spoiled(answer, night_of(replica.clock()), *asked))
        moments = ((START + night * NIGHT).isoformat() for night in NIGHTS)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.nights", "alibaba", *moments],
            env=watch.world.environment(**watch.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        yield watch.finish(process)


def test_what_goes_wrong_in_a_night_is_told_then_and_once_until_it_is_over(watch, log):
    rows = watch.world.rows(
        "select a.kind, a.detail, t.ref, first_seen_at, closed_at from alarm a left join target t on t.id = a.target"
    )
    nights = {tuple(about): (night_of(first), over and night_of(over)) for *about, first, over in rows}
    # photos that did not come are asked for again when their listing is: in a week, or when its list lacks it
    first, over = nights.pop(("errors", "photos", None))
    assert first == NO_IMAGE < over <= GOOD
    expected: dict[tuple[str, str, str | None], tuple[int, int | None]] = {
        ("errors", "pages", None): (HALF, HALF + 1),
        **{("missing_data", f"card/{field}", None): (FIELDS, FIELDS + 1) for field in rules.FIELDS},
        ("unread_pages", "", None): (CHANGED, CHANGED + 1),
        # three lists together at once, each of them the second time
        ("fewer_listings", "", None): (SHORT[0], GOOD),
        **{("fewer_listings", "", each): (SHORT[1], GOOD) for each in (WORDS, "demonight1", "demonight2")},
        ("nothing_new", "", None): (QUIET, None),
        ("nothing_new", "", "demonight2"): (QUIET, None),
    }
    assert nights == expected
    assert len(rows) == 13
    assert set(re.findall(r"alarm \d+: Alibaba: ([^;]*)", log)) > {
        "12 of 27 pages could not be had (44%)",
        "3 of 3 pages were not understood (100%)",
        "5 of 5 photos could not be had (100%)",
        "no new listing for 9 days, where 2 is the longest pause",
    }


def test_a_crawl_that_hangs_is_told_until_it_is_ended(watch, log):
    def runs(condition):
        return watch.world.rows(f"select id from run where finished_at is null and {condition}")

    async def status(now):
        options = "-c timezone=UTC"
        async with await psycopg.AsyncConnection.connect(watch.world.dsn, autocommit=True, options=options) as record:
            return await find_status(record, now=now)

    watch.now = START + (QUIET + 1) * NIGHT
    stalled = Trouble(
        kind=TroubleKind.STALLED, marketplace="alibaba", starts_at=watch.now, ends_at=watch.now + 9 * NIGHT
    )
    watch.world.replica.days = Days(days_on_offer().first, troubles=[stalled])
    with watch.start("alibaba", SIMULATED_HEARTBEAT_S="0.1") as crawl:
        try:
            # each of three hosts has been asked for its robots.txt, and nothing else can be before it comes
            asked = f"(stats ->> 'downloader/request_count')::int = {1 + VENDORS}"
            wait_until(lambda: runs(f"{asked} and heartbeat_at > progressed_at"), crawl)
            later = watch.now + timedelta(minutes=45)
            watch.set_crawler_s_clock(later - datetime.now(UTC))
            wait_until(lambda: runs(f"heartbeat_at >= '{later}'"), crawl)
            told = asyncio.run(status(later))
        finally:
            crawl.kill()
    [hanging] = [alarm for alarm in told.alarms if alarm.kind == "hanging"]
    assert hanging.value > rules.HANGING_MINUTES
    assert any("is alive and has done nothing for" in trouble.what for trouble in told.troubles if trouble.wrong)
    over = asyncio.run(status(later + timedelta(hours=1)))
    assert "hanging" not in {alarm.kind for alarm in over.alarms}
    assert over.running == []
