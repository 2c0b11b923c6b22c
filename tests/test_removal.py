"""What becomes of copied photos: removed when two good runs hours apart miss them, and seen again here or elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import psycopg
import pytest

from tests.context import OTHER, PHOTO, decided, shop, stored_anew, vendor
from tests.matched import SEEN_AT, image, record
from theftwatch.db import store
from theftwatch.db.queries import Connection, execute
from theftwatch.db.records import ListingRecord
from theftwatch.db.runs import Lost, finish_run, insert_run
from theftwatch.db.seen import Sight, see
from theftwatch.db.targets import Target, save_targets
from theftwatch.listing import Side
from theftwatch.match.queue import update_queue

HOUR = timedelta(hours=1)
COPY, SECOND, EDITED, OWN = (
    stored_anew(PHOTO, 80),
    stored_anew(OTHER, 80),
    stored_anew(PHOTO, 60),
    stored_anew(OTHER, 30),
)
ANA, VENDOR = shop(1), vendor(1)


class Watch:
    """A vendor's listing with copied photos, and what runs saw of it at hours of the test's own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def run(
        self,
        hours: float,
        *records: ListingRecord,
        unchanged: tuple[str, ...] = (),
        gone: tuple[str, ...] = (),
        outcome: str = "ok",
    ) -> Lost:
        """Have a run read listings, find the pages of others unchanged, and others gone."""

        async def work(connection: Connection) -> Lost:
            now = SEEN_AT + hours * HOUR
            run = await insert_run(
                connection, spider="alibaba", arguments={}, jobid=None, host="here", version="1", now=now
            )
            if records:
                await store.save_listings(connection, records, run=run, now=now)
            sights = [Sight(marketplace="alibaba", listing_ref=ref, in_full=True, seen_at=now) for ref in unchanged]
            await see(connection, sights, run=run)
            for ref in gone:
                await execute(
                    connection,
                    "insert_page_problem",
                    run=run,
                    url=f"https://www.alibaba.com/listing/{ref}",
                    kind="gone",
                    detail="a test",
                    http_status=404,
                    page_sha256=None,
                    target=None,
                    marketplace="alibaba",
                    listing_ref=ref,
                    now=now,
                )
            await self._match(connection)
            lost = await finish_run(
                connection, run, reason="finished", outcome=outcome, stats="{}", now=now + HOUR / 60
            )
            await update_queue(connection, everything=True)
            return lost

        return self.do(work)

    async def _match(self, connection: Connection) -> None:
        pairs = [(PHOTO, COPY), (PHOTO, EDITED), (OTHER, SECOND)]
        known = {row[0] for row in await (await connection.execute("select sha256 from image")).fetchall()}
        decisions = [decided(image(a), image(b)) for a, b in pairs if {image(a).sha256, image(b).sha256} <= known]
        looked_up: list[tuple[bytes, Side]] = [
            (image(photo).sha256, "suspect") for photo in (COPY, SECOND, EDITED, OWN)
        ]
        await store.save_decisions(connection, decisions, looked_up, algorithm_version=1, now=SEEN_AT)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn, options="-c timezone=UTC") as connection:
            return connection.execute(query).fetchall()

    def watch_weekly(self, ref: str, *, since: float) -> None:
        """Have a listing watched, for which it is not yet time."""
        url = f"https://www.alibaba.com/listing/{ref}"
        weekly = Target(marketplace="alibaba", kind="listing", ref=ref, url=url, every=7 * 24 * HOUR, reason="a test")
        self.do(lambda connection: save_targets(connection, [weekly], now=SEEN_AT + (since + 7 * 24) * HOUR))

    @property
    def due_at_hours(self) -> list[float]:
        """The hours at which the listings that are watched are due."""
        return [(due_at - SEEN_AT) / HOUR for (due_at,) in self.rows("select due_at from target order by ref")]  # type: ignore[operator]

    @property
    def removals(self) -> list[tuple[object, ...]]:
        """How, and the hours at which photos were last shown, first missed, removed and shown again."""
        return [
            (how, *((at - SEEN_AT) / HOUR if at else None for at in moments))  # type: ignore[operator]
            for how, *moments in self.rows(
                "select how, last_shown_at, missed_at, removed_at, shown_again_at from analysis.removal order by 1, 2"
            )
        ]

    @property
    def relistings(self) -> list[tuple[object, ...]]:
        return self.rows(
            "select place, listing_ref, extract(epoch from gap)::int / 3600 from analysis.relisting order by 1, 2"
        )

    def do[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async def main() -> T:
            async with await psycopg.AsyncConnection.connect(self.dsn, options="-c timezone=UTC") as connection:
                return await work(connection)

        return asyncio.run(main())


def showing(*photos: bytes, ref: str = "201", seller=VENDOR, **changes: object) -> ListingRecord:
    return record(seller, ref, *map(image, photos), **changes)


@pytest.fixture
def watch(dsn) -> Watch:
    told = Watch(dsn)
    told.run(0, record(ANA, "11", image(PHOTO), image(OTHER)), showing(COPY, OWN))
    return told


def test_two_good_runs_hours_apart_that_miss_the_photo_remove_it(watch):
    assert watch.run(24, showing(OWN)) == Lost()
    assert watch.run(29.9, showing(OWN)).removed == 0
    assert watch.removals == []
    assert watch.run(30, showing(OWN)).removed == 1
    assert watch.run(50, showing(OWN)).removed == 0
    assert watch.removals == [("photo", 0, 24, 30, None)]
    assert watch.rows("select removed_how, relistings from analysis.finding") == [("photo", 0)]
    # Nothing more is written of it.
    assert watch.rows("select count(*) from absence") == [(3,)]


def test_a_page_that_has_not_changed_still_misses_the_photo_or_shows_it_again(watch):
    watch.run(24, showing(OWN))
    assert watch.run(30, unchanged=("201",)).removed == 1
    assert watch.removals == [("photo", 0, 24, 30, None)]
    watch.run(40, showing(COPY, OWN))
    assert watch.removals == [("photo", 0, 24, 30, 40)]
    watch.run(50, gone=("201",))
    assert watch.run(60, gone=("201",)).removed == 1
    watch.run(70, unchanged=("201",))
    assert watch.removals == [("gone", 40, 50, 60, 70), ("photo", 0, 24, 30, 40)]


@pytest.mark.parametrize("outcome", ["ok", "partial", "blocked"])
def test_what_is_missed_for_the_first_time_is_looked_for_again_as_soon_as_that_can_confirm_it(watch, outcome):
    watch.run(1, showing(COPY, ref="202"), showing(SECOND, ref="203"), showing(OWN, ref="204"))
    for ref in ("201", "202", "203", "204"):
        watch.watch_weekly(ref, since=20)
    watch.run(24, showing(OWN), showing(SECOND, ref="203"), showing(ref="204"), gone=("202",), outcome=outcome)
    assert watch.due_at_hours == [30, 30, 188, 188]


def test_what_is_confirmed_or_was_seen_again_is_left_its_interval(watch):
    watch.run(1, showing(COPY, ref="202"), showing(SECOND, ref="203"))
    watch.run(24, showing(OWN), showing(OWN, ref="203"), gone=("202",))
    for ref in ("201", "202", "203"):
        watch.watch_weekly(ref, since=30)
    watch.run(30, showing(OWN), showing(SECOND, ref="203"), gone=("202",))
    assert watch.due_at_hours == [198, 198, 198]


def test_it_is_removed_with_its_listing(watch):
    assert watch.run(24, gone=("201",)) == Lost()
    assert watch.run(48, gone=("201",)) == Lost(gone=1, removed=1)
    assert watch.removals == [("gone", 0, 24, 48, None)]


def test_one_sight_of_each_kind_is_two(watch):
    watch.run(24, showing(OWN))
    assert watch.run(48, gone=("201",)) == Lost(removed=1)
    assert watch.removals == [("gone", 0, 24, 48, None)]


@pytest.mark.parametrize("outcome", ["partial", "blocked", "failed"])
def test_a_run_that_did_not_see_all_removes_nothing(watch, outcome):
    watch.run(24, showing(OWN), outcome=outcome)
    assert watch.run(48, showing(OWN)).removed == 0
    watch.run(72, gone=("201",), outcome=outcome)
    assert watch.removals == []


def test_a_page_without_any_photo_removes_nothing(watch):
    for hours in (24, 48, 72):
        watch.run(hours, showing())
    assert watch.removals == []


@pytest.mark.parametrize(("detail", "removed"), [("photos", []), ("page/price", [("photo", 0, 24, 48, None)])])
def test_while_listings_have_fewer_photos_than_is_usual_none_is_missed(watch, detail, removed):
    watch.run(24, showing(OWN))
    with psycopg.connect(watch.dsn) as connection:
        connection.execute(
            "insert into alarm (kind, spider, detail, value, usual, size, run, first_seen_at, last_seen_at)"
            " select 'missing_data', spider, %s, 1, 2, 60, id, finished_at, finished_at from run order by id desc"
            " limit 1",
            [detail],
        )
    watch.run(48, showing(OWN))
    assert watch.removals == removed
    with psycopg.connect(watch.dsn) as connection:
        connection.execute("update alarm set closed_at = %s", [SEEN_AT + 50 * HOUR])
    watch.run(72, showing(OWN))
    assert watch.removals == removed  # one look is none
    watch.run(96, showing(OWN))
    assert len(watch.removals) == 1


def test_one_matched_photo_that_is_left_is_enough(watch):
    watch.run(1, showing(COPY, SECOND, OWN))
    for hours in (24, 48, 72):
        watch.run(hours, showing(SECOND, OWN))
    assert watch.removals == []
    watch.run(96, showing(OWN))
    watch.run(120, showing(OWN))
    assert watch.removals == [("photo", 72, 96, 120, None)]


def test_a_photo_edited_anew_is_no_removal(watch):
    for hours in (24, 48):
        watch.run(hours, showing(EDITED, OWN))
    assert watch.removals == []


def test_a_photo_swapped_under_its_own_key_is_removed_and_not_forgotten(watch):
    for hours in (24, 48):
        watch.run(hours, showing(OWN, OWN))
    assert watch.removals == [("photo", 0, 24, 48, None)]
    assert watch.rows("select suspect_shown from analysis.match") == [(False,)]
    assert watch.rows("select count(*) from listing_event where kind = 'photo' and before ->> 'key' = '201-0'") == [
        (1,)
    ]
    seen = "select first_seen_at, last_seen_at from listing_image where not shown"
    assert watch.rows(seen) == [(SEEN_AT, SEEN_AT)]
    watch.run(72, showing(COPY, OWN))
    assert watch.removals == [("photo", 0, 24, 48, 72)]
    assert watch.rows(
        "select first_seen_at, last_seen_at, joined_later(li) from listing_image li where position = 0 and shown "
        "and listing = (select id from listing where listing_ref = '201')"
    ) == [(SEEN_AT, SEEN_AT + 72 * HOUR, False)]


def test_a_photo_that_is_back_was_in_the_listing_from_the_beginning(watch):
    watch.run(24, record(VENDOR, "201", image(OWN)))
    watch.run(48, showing(COPY, OWN, SECOND))
    assert watch.rows(
        "select image_key, joined_later(li) from listing_image li join listing l on l.id = li.listing "
        "where listing_ref = '201' and shown order by 1"
    ) == [("201-0", False), ("201-1", False), ("201-2", True)]


def test_what_does_not_count_keeps_nothing_there(watch):
    """A banner that matches by chance may stay, and the photo is removed all the same."""
    watch.run(1, showing(COPY, SECOND, OWN))

    async def suppress(connection: Connection) -> None:
        await connection.execute(
            "insert into suppression (image, rule, made_at) select id, 'text_panel', %s from image where sha256 = %s",
            [SEEN_AT, image(OTHER).sha256],
        )

    watch.do(suppress)
    for hours in (24, 48):
        watch.run(hours, showing(SECOND, OWN))
    assert watch.removals == [("photo", 1, 24, 48, None)]


def test_a_card_that_shows_it_is_a_sight_of_it(watch):
    watch.run(24, showing(OWN))
    watch.run(27, showing(COPY, complete=False))
    watch.run(48, showing(OWN))
    assert watch.removals == []
    watch.run(72, showing(OWN))
    assert watch.removals == [("photo", 27, 48, 72, None)]


@pytest.fixture
def removed(watch: Watch) -> Watch:
    watch.run(24, gone=("201",))
    watch.run(48, gone=("201",))
    return watch


def test_the_same_listing_that_shows_it_again_ends_the_removal_and_is_counted(removed):
    removed.run(100, showing(EDITED, OWN))
    assert removed.removals == [("gone", 0, 24, 48, 100)]
    assert removed.relistings == [("same_listing", "201", 76)]
    assert removed.rows("select removed_at, relistings from analysis.finding") == [(None, 1)]
    # and what is taken away again is another removal
    removed.run(124, gone=("201",))
    removed.run(148, gone=("201",))
    assert [row[1:] for row in removed.removals] == [(0, 24, 48, 100), (100, 124, 148, None)]


def test_a_gone_listing_that_comes_back_without_it_leaves_it_removed(removed):
    removed.run(72, record(VENDOR, "201", image(OWN)))
    assert removed.rows("select state from listing where listing_ref = '201'") == [("live",)]
    assert removed.removals == [("gone", 0, 24, 48, None)]


def test_another_listing_of_the_vendor_is_a_relisting(removed):
    removed.run(72, showing(EDITED, ref="202"))
    assert removed.relistings == [("same_vendor", "202", 48)]
    findings = "select suspect_listing_ref, removed_at is null, relistings from analysis.finding order by 1"
    assert removed.rows(findings) == [("201", False, 1), ("202", True, 0)]


def test_a_sibling_is_told_by_a_key_of_its_company_and_not_by_its_name(removed):
    namesake, sibling = vendor(2, name=VENDOR.name), vendor(3)
    removed.run(72, showing(COPY, ref="202", seller=namesake), showing(COPY, ref="203", seller=sibling))
    assert removed.relistings == []

    async def join(connection: Connection) -> None:
        await connection.execute(
            "insert into company_alias select marketplace, 'registration', '1', id, %s "
            "from seller where seller_ref = any(%s)",
            [SEEN_AT, [VENDOR.ref, sibling.ref]],
        )

    removed.do(join)
    assert removed.relistings == [("sibling", "203", 48)]


def test_a_second_copy_that_was_there_before_is_no_relisting(watch):
    watch.run(12, showing(COPY, ref="202"))
    watch.run(24, gone=("201",))
    watch.run(48, gone=("201",))
    assert watch.relistings == []


def test_what_the_run_shows_elsewhere_that_misses_it_first_is_one_without_a_gap(watch):
    """In whatever order the run met the two."""
    watch.run(24, showing(COPY, ref="202"), gone=("201",))
    watch.run(48, showing(COPY, ref="202"), gone=("201",))
    assert watch.relistings == [("same_vendor", "202", 0)]


def test_another_photo_of_the_same_original_is_none(removed):
    removed.run(72, showing(SECOND, ref="202"))
    assert removed.relistings == []
