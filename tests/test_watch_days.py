"""A watch over simulated days on the replica: the history in the record is the replica's own, whatever broke.

Three days with two kills in the tests; `make drill` has thirty, on all marketplaces, with fifty kills, and prints what
happened to what.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests import drill
from tests.crawling import MARKETPLACES, World
from tests.history import (
    Event,
    Visits,
    differences,
    expected_history,
    false_gone,
    left_over,
    read_visits,
    recorded_history,
)
from tests.removals import (
    Copies,
    Fate,
    Relisting,
    Removal,
    expected_fates,
    recorded_fates,
    recorded_matches,
)
from tests.watching import Watch
from theftwatch.db.targets import Target
from theftwatch.demo.catalogue import Catalogue, Edit, Picture, load_catalogue
from theftwatch.demo.days import Days
from theftwatch.demo.draw import draw_days
from theftwatch.demo.replica import running_replica

DAYS = int(os.environ.get("THEFTWATCH_DRILL_DAYS", "3"))
# In the tests what is needed to meet each kind of change and three kinds of trouble
COPYIST = "demolotus"
EVERY, SEED, WATCHED = timedelta(hours=12), 172, [COPYIST, "demomeadow"]
if DAYS > 3:
    EVERY, SEED = timedelta(hours=8), 2026
    WATCHED += ["DemoTinyWardrobe", "DemoStudioNorth", "DemoOldMillCrafts"]
ASKED_AT = [datetime(2026, 3, 1, 1, tzinfo=UTC) + number * EVERY for number in range(DAYS * timedelta(days=1) // EVERY)]


@pytest.fixture(scope="module")
def days() -> Days:
    whole = load_catalogue()
    offers = tuple(offer for offer in whole.offers if offer.seller.handle in WATCHED)
    return draw_days(replace(whole, offers=offers), ASKED_AT, seed=SEED, changes=5)


@pytest.fixture
def world(dsn, tmp_path, days):
    with running_replica(days=days, log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


@pytest.mark.drill
def test_the_history_of_days_is_what_happened_on_them(world, days, record_property):
    watch, moments = Watch(world=world, now=ASKED_AT[0]), Random(2026)
    watch.add(targets_of(days.first))
    files = originals_of(days.first)
    watch.give(files)
    marketplaces = [code for code in MARKETPLACES if code in marketplaces_of(days.first)]
    crawls = [(moment, code) for moment in ASKED_AT for code in marketplaces]
    kills = Counter(moments.choices(crawls, k=drill.TIMES))
    owed = 0
    for moment, marketplace in crawls:
        watch.now = max(moment, watch.now)
        owed += kills[moment, marketplace]
        # A crawl that was over before it could be killed leaves that to the next.
        killed = watch.killed
        watch.crawl(marketplace, kill_after_s=[moments.uniform(0, 2) for _ in range(owed)])
        owed -= watch.killed - killed
    visits = read_visits(world, days, ASKED_AT)
    expected, recorded = expected_history(days, ASKED_AT, visits), recorded_history(world, ASKED_AT)
    copies = Copies(visits=visits, history=expected, files=files, matches=recorded_matches(world))
    happened = [*expected.events, *expected_fates(days, ASKED_AT, copies)]
    told = [*recorded.events, *recorded_fates(world, ASKED_AT)]
    lost, doubled = left_over(happened, told), left_over(told, happened)
    unlike = list(differences(expected, recorded))
    record_property("told", table(days, visits, told, len(recorded.seen), watch.killed))
    what = f"`kill -9` of crawls on {DAYS} days of changes and trouble"
    with drill.drilling(record_property, what, same="history") as broken:
        broken.times, broken.lost, broken.doubled = watch.killed, len(lost), len(doubled)
        broken.false_gone, broken.unlike = len(false_gone(recorded, days, ASKED_AT)), unlike
        assert (
            "\n".join(
                [*(f"not recorded: {each}" for each in lost), *(f"never happened: {each}" for each in doubled), *unlike]
            )
            == ""
        )
    # What was calm was seen, and said so.
    for visit in range(len(ASKED_AT)):
        calm = marketplaces_of(days.first) - visits.troubled[visit]
        assert visits.good[visit] >= calm, visit
        asked = visits.whole[visit] | visits.not_there[visit]
        assert {key for key in closely_watched(days.first) if key[0] in calm} <= asked, visit


def targets_of(catalogue: Catalogue) -> list[Target]:
    """Return the shops and vendors, and every other listing under close watch, all as often as the schedule has it."""
    sellers = {(offer.key[0], offer.seller.handle) for offer in catalogue.offers}
    shops = [(code, "vendor" if code == "alibaba" else "shop", handle, None) for code, handle in sorted(sellers)]
    close = closely_watched(catalogue)
    listings = [(*offer.key, offer.listing.url) for offer in catalogue.offers if offer.key in close]
    return [
        Target(marketplace=code, kind=kind, ref=ref, url=url, every=EVERY, reason="a drill")  # type: ignore[arg-type]
        for code, kind, ref, url in shops + [(code, "listing", ref, url) for code, ref, url in listings]
    ]


def closely_watched(catalogue: Catalogue) -> set[tuple[str, str]]:
    return {offer.key for offer in catalogue.offers[::2]}


def originals_of(catalogue: Catalogue) -> dict[str, Picture]:
    """Return the photos, by name, of which copies are shown."""
    copies = (
        shown.picture
        for offer in catalogue.offers
        for shown in offer.shown
        if offer.seller.handle == COPYIST and len(shown.picture.photos) == 1
    )
    return {photo: Picture(edit=Edit.NONE, photos=(photo,)) for copy in copies for photo in copy.photos}


def marketplaces_of(catalogue: Catalogue) -> set[str]:
    return {offer.key[0] for offer in catalogue.offers}


def table(days: Days, visits: Visits, told: Sequence[Event | Fate], listings: int, killed: int) -> str:
    """Say what happened, and what the record has of it."""
    troubled = sum(map(len, visits.troubled.values()))
    crawls = len(ASKED_AT) * len(marketplaces_of(days.first))
    counts = [
        ("happened", Counter(change.kind.value for change in days.changes)),
        ("trouble drawn", Counter(trouble.kind.value for trouble in days.troubles)),
        ("recorded", Counter(map(word, told))),
    ]
    lines = [f"{DAYS} days, {crawls} crawls, {troubled} in trouble, {killed} kills; {listings} listings"]
    for heading, counter in counts:
        lines += [heading, *(f"  {name:<24}{count:>5}" for name, count in sorted(counter.items()))]
    return "\n".join(lines)


def word(told: Event | Fate) -> str:
    match told:
        case Event(kind="state", after=after):
            return str(after)
        case Event(kind=kind):
            return kind
        case Removal(how=how):
            return f"removed ({how})"
        case Relisting(place=place):
            return f"relisted ({place})"
