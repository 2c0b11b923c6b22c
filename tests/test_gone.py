"""When a listing counts as gone: its own address says so in two good runs hours apart, and nothing else does it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest

from tests.crawling import BY_HASHES, World
from theftwatch.db import store, targets
from theftwatch.db.queries import Connection, execute
from theftwatch.db.records import ListingImageRecord, ListingRecord
from theftwatch.db.runs import finish_run, insert_run
from theftwatch.db.targets import Target, Visit
from theftwatch.demo.catalogue import Served, load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.listing import Listing, ListingImage

SEEN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LISTING = Listing(
    marketplace="etsy", listing_ref="1900000162", url="https://www.etsy.com/listing/1900000162/a", title="A"
)


class Story:
    """What runs saw of one listing, told at moments of the test's own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def seen(self, hours: float) -> None:
        self.run(lambda connection: save(connection, SEEN + hours * HOUR))

    def change(self, hours: float, *, title: str, price: Decimal, keys: tuple[str, ...]) -> None:
        images = tuple(
            ListingImageRecord(
                image=ListingImage(url=f"https://i.etsystatic.com/{key}.jpg", key=key, position=position),
                missing_reason="http_404",
            )
            for position, key in enumerate(keys)
        )
        changed = replace(
            LISTING,
            title=title,
            price_min=price,
            price_max=price,
            currency="USD",
            images=tuple(i.image for i in images),
        )
        self.run(
            lambda connection: store.save_listings(
                connection, [ListingRecord(listing=changed, images=images)], run=None, now=SEEN + hours * HOUR
            )
        )

    def trouble(self, hours: float, kind: str, *, outcome: str = "ok", listing: Listing = LISTING) -> int:
        """Have a run meet a page in trouble, and return how many listings it takes for gone."""

        async def work(connection: Connection) -> int:
            now = SEEN + hours * HOUR
            run = await start_run(connection, now)
            await note_problem(connection, run, kind, now, listing=listing)
            lost = await finish_run(
                connection, run, reason="finished", outcome=outcome, stats="{}", now=now + HOUR / 60
            )
            return lost.gone

        return self.run(work)

    @property
    def states(self) -> list[tuple[object, ...]]:
        """All that was told of the listing's state, and the state it is in."""
        with psycopg.connect(self.dsn) as connection:
            events = connection.execute("select before, after from listing_event where kind = 'state' order by id")
            return [*events.fetchall(), *connection.execute("select state from listing").fetchall()]

    def run[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async def main() -> T:
            async with await psycopg.AsyncConnection.connect(self.dsn, options="-c timezone=UTC") as connection:
                return await work(connection)

        return asyncio.run(main())


async def start_run(connection: Connection, now: datetime) -> int:
    return await insert_run(connection, spider="etsy", arguments={}, jobid=None, host="here", version="1", now=now)


async def note_problem(
    connection: Connection,
    run: int,
    kind: str,
    now: datetime,
    *,
    listing: Listing = LISTING,
    target: int | None = None,
) -> None:
    await execute(
        connection,
        "insert_page_problem",
        run=run,
        url=listing.url,
        kind=kind,
        detail="a test",
        http_status=None,
        page_sha256=None,
        target=target,
        marketplace=listing.marketplace,
        listing_ref=listing.listing_ref,
        now=now,
    )


async def save(connection: Connection, now: datetime) -> None:
    await store.save_listings(connection, [ListingRecord(listing=LISTING)], run=None, now=now)


@pytest.fixture
def story(dsn) -> Story:
    told = Story(dsn)
    told.seen(0)
    return told


def test_two_good_runs_six_hours_apart_make_it_gone(story):
    assert story.trouble(1, "gone") == 0
    assert story.trouble(6.9, "gone") == 0
    assert story.states == [("live",)]
    assert story.trouble(7.1, "gone") == 1
    assert story.states == [("live", "gone"), ("gone",)]
    assert story.trouble(20, "gone") == 0


def test_it_is_live_again_the_moment_that_it_is_seen(story):
    story.trouble(1, "gone")
    story.trouble(8, "gone")
    story.seen(9)
    assert story.states == [("live", "gone"), ("gone", "live"), ("live",)]
    # and what was said before that counts no more
    assert story.trouble(10, "gone") == 0
    assert story.trouble(16.1, "gone") == 1


@pytest.mark.parametrize("outcome", ["partial", "blocked", "failed"])
def test_a_run_that_did_not_see_all_says_nothing(story, outcome):
    story.trouble(1, "gone", outcome=outcome)
    assert story.trouble(8, "gone") == 0
    story.trouble(15, "gone", outcome=outcome)
    assert story.states == [("live",)]
    assert story.trouble(16, "gone") == 1


@pytest.mark.parametrize("kind", ["blocked", "changed", "unknown", "failed"])
def test_no_other_trouble_makes_it_gone(story, kind):
    for hours in (1, 8, 30, 300):
        assert story.trouble(hours, kind) == 0
    assert story.states == [("live",)]


def test_what_another_address_says_counts_for_that_one_alone(story):
    other = Listing(marketplace="alibaba", listing_ref=LISTING.listing_ref, url="https://www.alibaba.com/x")
    story.trouble(1, "gone", listing=other)
    story.trouble(8, "gone", listing=other)
    assert story.states == [("live",)]


def test_a_run_that_was_killed_is_closed_by_the_next_and_says_nothing(story):
    killed = story.run(lambda connection: start_run(connection, SEEN + 1 * HOUR))
    alive = story.run(lambda connection: start_run(connection, SEEN + 1.08 * HOUR))
    story.run(lambda connection: start_run(connection, SEEN + 1.1 * HOUR))
    with psycopg.connect(story.dsn) as connection:
        rows = connection.execute("select id, outcome, finish_reason from run order by id").fetchall()
    assert rows[:2] == [(killed, "failed", "killed"), (alive, None, None)]


def test_what_a_killed_run_said_for_nothing_is_asked_again_by_the_next(story):
    """Its lease on the listing had ended in order, and the listing would have come again in hours only."""
    token = uuid4()

    async def work(connection: Connection) -> None:
        run = await start_run(connection, SEEN)
        wanted = Target(
            marketplace="etsy",
            kind="listing",
            ref=LISTING.listing_ref,
            url=LISTING.url,
            every=24 * HOUR,
            reason="a test",
        )
        await targets.save_targets(connection, [wanted], now=SEEN)
        [leased] = await targets.lease(connection, "etsy", token=token, run=run, most=1, now=SEEN)
        await note_problem(connection, run, "gone", SEEN)
        await targets.finish(connection, {leased.id: Visit(outcome="gone")}, token=token, now=SEEN)
        now = SEEN + HOUR / 6
        assert await targets.lease(connection, "etsy", token=token, run=run, most=1, now=now) == []
        run = await start_run(connection, now)
        assert await targets.lease(connection, "etsy", token=token, run=run, most=1, now=now) == [leased]

    story.run(work)


def test_a_shop_that_is_asked_for_as_a_whole_comes_again_for_one_listing_that_may_be_gone(story):
    async def work(connection: Connection) -> datetime:
        weekly = Target(marketplace="etsy", kind="shop", ref="A", every=168 * HOUR, reason="a test")
        await targets.save_targets(connection, [weekly], now=SEEN + 168 * HOUR)
        [(shop,)] = await (await connection.execute("select id from target")).fetchall()
        run = await start_run(connection, SEEN)
        await note_problem(connection, run, "gone", SEEN + HOUR, target=shop)
        await finish_run(connection, run, reason="finished", outcome="ok", stats="{}", now=SEEN + 2 * HOUR)
        [(due_at,)] = await (await connection.execute("select due_at from target")).fetchall()
        return due_at  # type: ignore[no-any-return]

    assert story.run(work) == SEEN + 7 * HOUR


def test_the_state_of_a_listing_on_a_past_day_is_one_query(story):
    story.change(0.5, title="A", price=Decimal(3), keys=("a", "b"))
    story.trouble(1, "gone")
    story.trouble(8, "gone")
    story.change(10, title="B", price=Decimal(5), keys=("b", "c"))
    story.change(20, title="C", price=Decimal(7), keys=("c",))

    def at(hours: float) -> tuple[object, ...] | None:
        with psycopg.connect(story.dsn) as connection:
            return connection.execute(
                "select title, price_min, state, image_keys from analysis.listing_at(%s)", [SEEN + hours * HOUR]
            ).fetchone()

    assert at(-1) is None
    # What is learned of a listing later, and no change, counts from the beginning.
    assert at(0) == ("A", 3, "live", ["a", "b"])
    assert at(9) == ("A", 3, "gone", ["a", "b"])
    assert at(10) == ("B", 5, "live", ["b", "c"])
    assert at(19) == ("B", 5, "live", ["b", "c"])
    assert at(20) == ("C", 7, "live", ["c"])


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path, settings=BY_HASHES)


def test_crawls_of_the_replica_take_what_is_gone_for_gone_and_what_is_blocked_for_live(world):
    """Three crawls of listings that were seen before; between the second and the third seven hours go by."""
    offers = [offer for offer in load_catalogue().offers if offer.listing.marketplace == "alibaba"]
    # One is gone with 404, another by what its page says.
    shown = [replace(offers[0], served=Served.UNAVAILABLE), *offers[1:]]
    world.replica.show(replace(load_catalogue(), offers=tuple(shown)))
    kinds = {Served.GONE, Served.PAGE, Served.UNAVAILABLE}
    wanted = {offer.served: offer.listing for offer in shown if offer.served in kinds}

    async def prepare() -> None:
        async with await psycopg.AsyncConnection.connect(world.dsn) as connection:
            records = [
                ListingRecord(
                    listing=Listing(
                        marketplace=one.marketplace, listing_ref=one.listing_ref, url=one.url, title=one.title
                    )
                )
                for one in wanted.values()
            ]
            await store.save_listings(connection, records, run=None, now=SEEN)

    asyncio.run(prepare())
    path = world.folder / "starts.txt"
    path.write_text("\n".join(one.url for one in wanted.values()))
    states = "select listing_ref, state from listing order by listing_ref"
    for _ in range(2):
        world.crawl("alibaba", f"file={path}")
        assert {state for _, state in world.rows(states)} == {"live"}
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update page_problem set seen_at = seen_at - interval '7 hours'")
    assert "2 listings are gone" in world.crawl("alibaba", f"file={path}")
    assert dict(world.rows(states)) == {
        wanted[Served.GONE].listing_ref: "gone",
        wanted[Served.UNAVAILABLE].listing_ref: "gone",
        wanted[Served.PAGE].listing_ref: "live",
    }


def test_what_a_shop_no_longer_lists_says_by_the_api_what_became_of_it(world):
    """One listing is not found, and one inactive."""
    [shop] = (seller for seller in load_catalogue().sellers if seller.handle == "DemoStudioNorth")
    not_found, inactive, *_ = refs = [offer.listing.listing_ref for offer in load_catalogue().of_seller(shop)]
    served = {not_found: Served.GONE, inactive: Served.UNAVAILABLE}
    api = {"THEFTWATCH_ETSY_API_KEY": "abc:def"}
    world.crawl("etsy", "shop=DemoStudioNorth", **api)
    offers = [
        replace(offer, served=served.get(offer.listing.listing_ref, offer.served)) for offer in load_catalogue().offers
    ]
    world.replica.show(replace(load_catalogue(), offers=tuple(offers)))
    world.crawl("etsy", "shop=DemoStudioNorth", **api)
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update page_problem set seen_at = seen_at - interval '7 hours'")
        connection.execute("update listing set last_seen_at = last_seen_at - interval '8 hours'")
    assert "2 listings are gone" in world.crawl("etsy", "shop=DemoStudioNorth", **api)
    states = dict(world.rows("select listing_ref, state from listing"))
    assert states == dict.fromkeys(refs, "live") | {not_found: "gone", inactive: "gone"}
