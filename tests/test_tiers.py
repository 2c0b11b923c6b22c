"""Two tiers: lists are read often, a listing's own page only where something is to be learned, and nothing twice."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest

from tests.crawling import World
from theftwatch.db import seen, store, targets, validators
from theftwatch.db.queries import Connection
from theftwatch.db.records import ListingImageRecord, ListingRecord
from theftwatch.db.runs import GONE_AT_LEAST
from theftwatch.db.seen import Sight
from theftwatch.db.targets import LEASE, LISTING_EVERY, Outcome, Target, Visit
from theftwatch.db.validators import READ_ANEW, Validator
from theftwatch.demo import alibaba_data, pages
from theftwatch.demo.catalogue import Catalogue, Offer, load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.listing import Listing, ListingImage, Seller
from theftwatch.pages.read import read_page

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TOKEN = uuid4()
VENDOR = "demoharbour"
HOST = f"{VENDOR}.en.alibaba.com"


def photo(key: str, position: int = 0) -> ListingImage:
    return ListingImage(url=f"https://s.alicdn.com/kf/{key}.jpg", key=key, position=position)


def listing(ref: str = "1", *, keys: Sequence[str] = ("a",), complete: bool = False, **changes: object) -> Listing:
    values: dict[str, object] = {
        "marketplace": "alibaba",
        "listing_ref": ref,
        "url": f"https://www.alibaba.com/product-detail/_160000000000{ref}.html",
        "title": "Hare",
        "seller": Seller(marketplace="alibaba", ref="1"),
        "price_min": Decimal(3),
        "currency": "USD",
        "images": tuple(photo(key, position) for position, key in enumerate(keys)),
        "complete": complete,
    }
    return Listing(**(values | changes))  # type: ignore[arg-type]  # of the right types by name


class Tiers:
    """A vendor's list and the listings on it, seen at moments of the test's own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        wanted = Target(marketplace="alibaba", kind="vendor", ref="one", every=DAY, reason="a test")
        self.run(lambda connection: targets.save_targets(connection, [wanted], now=NOW))
        self.vendor = self.target("one")

    def target(self, ref: str) -> int:
        [(target,)] = self.rows(f"select id from target where ref = '{ref}'")
        assert isinstance(target, int)
        return target

    def lease(self, now: datetime = NOW) -> dict[str, int]:
        leased = self.run(
            lambda connection: targets.lease(connection, "alibaba", token=TOKEN, run=None, most=99, now=now)
        )
        return {each.ref: each.id for each in leased}

    def list_shows(self, *cards: Listing, now: datetime = NOW) -> tuple[int, set[str]]:
        """Have the list show cards; store those that are to be, and see the others, as a crawl does."""
        new, lacking = self.run(
            lambda connection: targets.save_found(
                connection,
                {card.listing_ref: card.url for card in cards},
                {card.listing_ref: card for card in cards},
                found_on=self.vendor,
                reason="a test",
                now=now,
            )
        )
        self.store(*(card for card in cards if card.listing_ref in lacking), now=now)
        self.see({card.listing_ref for card in cards} - lacking, in_full=False, now=now)
        return new, lacking

    def see(self, refs: set[str], *, in_full: bool, now: datetime) -> None:
        sights = [Sight(marketplace="alibaba", listing_ref=ref, in_full=in_full, seen_at=now) for ref in refs]
        self.run(lambda connection: seen.see(connection, sights, run=None))

    def store(self, *listings: Listing, now: datetime = NOW) -> None:
        records = [
            ListingRecord(
                listing=each,
                images=tuple(ListingImageRecord(image=image, missing_reason="http_404") for image in each.images),
            )
            for each in listings
        ]
        if records:
            self.run(lambda connection: store.save_listings(connection, records, run=None, now=now))

    def finish(self, visits: Mapping[int, Visit], now: datetime = NOW) -> None:
        self.run(lambda connection: targets.finish(connection, visits, token=TOKEN, now=now))

    def visit(self, outcome: Outcome = "ok", *, changed: bool = False, now: datetime) -> timedelta:
        """Crawl the one listing that is due, and return after which time it comes again."""
        [target] = self.lease(now).values()
        self.finish({target: Visit(outcome=outcome, changed=changed)}, now)
        [(due_at,)] = self.rows(f"select due_at from target where id = {target}")
        assert isinstance(due_at, datetime)
        return due_at - now

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn, options="-c timezone=UTC") as connection:
            return connection.execute(query).fetchall()

    def run[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async def main() -> T:
            async with await psycopg.AsyncConnection.connect(self.dsn, options="-c timezone=UTC") as connection:
                return await work(connection)

        return asyncio.run(main())


@pytest.fixture
def tiers(dsn) -> Tiers:
    return Tiers(dsn)


def test_a_card_is_stored_and_its_listing_due_when_it_is_new(tiers):
    assert tiers.list_shows(listing("1"), listing("2")) == (2, {"1", "2"})
    assert set(tiers.lease()) == {"one", "1", "2"}
    assert tiers.rows("select listing_ref, complete from listing order by 1") == [("1", False), ("2", False)]


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({"title": "Felt hare"}, set()),
        ({"price_min": Decimal(4)}, set()),
        ({"currency": "EUR"}, set()),
        ({"keys": ("b",)}, {"1"}),
    ],
)
def test_a_changed_card_makes_its_listing_due_and_a_new_photo_is_stored(tiers, change, stored):
    tiers.list_shows(listing("1"), listing("2"))
    leased = tiers.lease()
    tiers.finish({target: Visit(outcome="ok") for target in leased.values()})
    later = NOW + DAY
    assert tiers.list_shows(listing("1", **change), listing("2"), now=later) == (0, stored)
    assert set(tiers.lease(later)) == {"one", "1"}


def test_the_card_of_a_showroom_is_no_change_of_that_in_the_vendor_s_list():
    """The showroom's has prices to and from, and more photos."""
    catalogue = load_catalogue()
    [offer, *_] = [each for each in catalogue.offers if each.seller.handle == VENDOR and len(each.listing.images) > 1]
    words = (offer.listing.title or "").lower().split()
    pages_of = {
        "https://www.alibaba.com/showroom/words.html": pages.showroom_page(catalogue, words),
        f"https://{HOST}/productlist.html": pages.shop_page([offer], 1),
    }
    one, other = (
        next(card for card in read_page(html or "", url).listings if card.listing_ref == offer.listing.listing_ref)
        for url, html in pages_of.items()
    )
    assert (one.price_max, len(one.images)) != (other.price_max, len(other.images))
    assert seen.card_of(one) == seen.card_of(other)


def test_an_unchanged_card_is_a_sight_of_its_listing_and_no_visit(tiers):
    tiers.list_shows(listing("1"))
    tiers.finish({target: Visit(outcome="ok") for target in tiers.lease().values()})
    later = NOW + DAY
    assert tiers.list_shows(listing("1"), now=later) == (0, set())
    assert set(tiers.lease(later)) == {"one"}
    assert tiers.rows("select state, last_seen_at from listing") == [("live", later)]
    assert tiers.rows("select kind from listing_event") == [("first_seen",)]


def test_a_card_that_changes_while_its_listing_is_read_is_found_changed_by_the_next_list(tiers):
    tiers.list_shows(listing("1"))
    leased = tiers.lease()
    tiers.list_shows(listing("1", title="Felt hare"))
    tiers.finish({leased["1"]: Visit(outcome="ok"), leased["one"]: Visit(outcome="ok")})
    assert tiers.lease(NOW + timedelta(hours=1)) == {}
    tiers.list_shows(listing("1", title="Felt hare"), now=NOW + DAY)
    assert set(tiers.lease(NOW + DAY)) == {"one", "1"}


def test_a_card_says_less_than_the_listing_s_own_page_and_changes_nothing_of_it(tiers):
    tiers.list_shows(listing("1", title="Hare …"))
    full = listing("1", keys=("a", "b"), complete=True, title="Hare of felt", price_max=Decimal(5))
    tiers.store(full)
    tiers.list_shows(listing("1", keys=("c",)), now=NOW + DAY)
    shown = "select image_key, position, shown from listing_image order by image_key"
    assert tiers.rows("select title, price_max from listing") == [("Hare of felt", 5)]
    assert tiers.rows(shown) == [("a", 0, True), ("b", 1, True), ("c", 0, False)]
    # What its own page says beyond the first card is no change; the new photo is one when it says so too.
    assert tiers.rows("select kind from listing_event") == [("first_seen",)]
    tiers.store(replace(full, images=(photo("c"), photo("b", 1))), now=NOW + 2 * DAY)
    assert tiers.rows(shown) == [("a", 0, False), ("b", 1, True), ("c", 0, True)]
    assert tiers.rows("select kind, before, after from listing_event where kind <> 'first_seen'") == [
        ("images", ["a", "b"], ["b", "c"])
    ]


def test_a_card_that_says_from_what_price_on_changes_no_range(tiers):
    """As the cards of a search do, while those of a vendor's list say up to what price."""
    from_three = listing()
    for day, card in enumerate((from_three, listing(price_max=Decimal(5)), from_three)):
        tiers.store(card, now=NOW + day * DAY)
    assert tiers.rows("select price_min, price_max, currency from listing") == [(3, 5, "USD")]
    assert tiers.rows("select kind from listing_event") == [("first_seen",)]
    tiers.store(listing(price_min=Decimal(4)), now=NOW + 3 * DAY)
    assert tiers.rows("select kind, before, after from listing_event where kind <> 'first_seen'") == [
        ("price", [3, 5, "USD"], [4, None, "USD"])
    ]


def test_what_a_list_has_come_to_leave_out_is_asked_for_once(tiers):
    cards = [listing(ref) for ref in "123"]
    tiers.list_shows(*cards)
    tiers.finish({target: Visit(outcome="ok") for target in tiers.lease().values()})

    def list_day(days: int, *shown: Listing, outcome: Outcome = "ok") -> set[str]:
        """Read the list on a day, and return which listings are due then."""
        now = NOW + days * DAY
        [vendor] = tiers.lease(now).values()
        tiers.list_shows(*shown, now=now)
        tiers.finish({vendor: Visit(outcome=outcome)}, now)
        due = tiers.lease(now)
        tiers.finish({target: Visit(outcome="gone" if ref == "3" else "ok") for ref, target in due.items()}, now)
        return set(due)

    # An empty list and one that was not read to its end say nothing.
    assert list_day(1) == set()
    assert list_day(2, cards[0], outcome="partial") == set()
    assert list_day(3, *cards[:1]) == {"2", "3"}
    assert tiers.rows("select ref from target where unlisted_at is not null order by ref") == [("2",), ("3",)]
    # It said that it was gone, so it is asked again soon; the other is left alone.
    assert set(tiers.lease(NOW + 3 * DAY + GONE_AT_LEAST)) == {"3"}
    tiers.finish({tiers.target("3"): Visit(outcome="gone")}, NOW + 3.5 * DAY)
    # Back on the list: what was read well is not read again, what was not is.
    tiers.list_shows(*cards, now=NOW + 3.6 * DAY)
    assert set(tiers.lease(NOW + 3.6 * DAY)) == {"3"}
    assert tiers.rows("select count(*) from target where unlisted_at is not null") == [(0,)]


def test_a_target_that_nothing_came_of_is_due_since_when_it_was(tiers):
    leased = tiers.lease()["one"]
    given_back = NOW + timedelta(hours=1)
    tiers.run(lambda connection: targets.release(connection, {leased: None}, token=TOKEN, now=given_back))
    assert tiers.rows("select due_at, due_since from target") == [(NOW, None)]
    # nor is it due anew where a job was killed that had it
    killed = tiers.lease(given_back)["one"]
    again = tiers.lease(given_back + LEASE)["one"]
    assert killed == again
    assert tiers.rows("select due_since from target") == [(NOW,)]
    tiers.finish({again: Visit(outcome="ok")}, given_back + LEASE)
    assert tiers.rows("select due_since from target") == [(None,)]


def test_a_listing_that_stays_as_it_is_comes_ever_less_often_until_it_changes(tiers):
    tiers.list_shows(listing("1"))
    tiers.finish({tiers.lease()["one"]: Visit(outcome="ok")})
    tiers.run(lambda connection: targets.release(connection, {tiers.target("1"): None}, token=TOKEN, now=NOW))
    tiers.rows("update target set paused_at = added_at where kind = 'vendor' returning id")
    now, waits = NOW, []
    for changed in (True, False, False, False, True, False):
        wait = tiers.visit(changed=changed, now=now)
        waits.append(wait // LISTING_EVERY)
        now += wait
    assert waits == [1, 2, 4, 4, 1, 2]
    # A person who asks for it by itself has it as often as asked.
    wanted = Target(marketplace="alibaba", kind="listing", ref="1", url="https://x", every=DAY, reason="a test")
    tiers.run(lambda connection: targets.save_targets(connection, [wanted], now=now))
    for _ in range(3):
        wait = tiers.visit(now=now)
        assert wait == DAY
        now += wait


def test_what_says_that_it_is_gone_is_asked_again_when_that_would_make_it_gone(tiers):
    tiers.list_shows(listing("1"))
    tiers.finish({tiers.lease()["one"]: Visit(outcome="ok")})
    tiers.rows("update target set paused_at = added_at where kind = 'vendor' returning id")
    tiers.run(lambda connection: targets.release(connection, {tiers.target("1"): None}, token=TOKEN, now=NOW))
    now, waits = NOW, []
    for _ in range(7):
        wait = tiers.visit("gone", now=now)
        waits.append(wait // timedelta(hours=1))
        now += wait
    assert waits == [6, 12, 24, 48, 96, 168, 168]


def test_a_listing_seen_again_is_live_with_the_images_that_its_own_page_shows(tiers):
    tiers.store(listing("1", keys=("a", "b"), complete=True), listing("2", complete=True))
    tiers.store(listing("1", keys=("b",), complete=True), now=NOW + DAY)
    tiers.rows("update listing set state = 'gone' returning id")
    later = NOW + 2 * DAY
    tiers.see({"1"}, in_full=True, now=later)
    tiers.see({"2", "unknown"}, in_full=False, now=later)
    assert tiers.rows("select state, last_seen_at from listing") == [("live", later)] * 2
    assert tiers.rows(
        "select l.listing_ref, li.image_key, li.last_seen_at from listing_image li join listing l on l.id = li.listing"
        " order by 1, 2"
    ) == [("1", "a", NOW), ("1", "b", later), ("2", "a", NOW)]
    assert (
        tiers.rows("select before, after, seen_at from listing_event where kind = 'state'")
        == [("gone", "live", later)] * 2
    )
    assert tiers.rows("select last_seen_at from seller") == [(later,)]


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Felt hare"},
        {"price_max": Decimal(9)},
        {"images": (photo("b"), photo("a", 1))},
        {"images": (photo("a"),)},
        {"images": (replace(photo("a"), published_at=NOW), photo("b", 1))},
        {"seller": Seller(marketplace="alibaba", ref="2")},
        {"listed_at": NOW},
        {"complete": False},
    ],
)
def test_a_listing_is_unchanged_only_as_a_whole(tiers, change):
    whole = listing("1", keys=("a", "b"), complete=True)
    record = ListingRecord(
        listing=whole, images=tuple(ListingImageRecord(image=each, sha256=bytes(32)) for each in whole.images)
    )
    tiers.run(lambda connection: store.save_listings(connection, [record], run=None, now=NOW))

    def unchanged(one: Listing) -> set[str]:
        found: set[str] = tiers.run(lambda connection: seen.find_unchanged(connection, [one]))
        return found

    # The same image comes from many hosts.
    elsewhere = tuple(replace(each, url=f"https://sc04.alicdn.com/{each.key}") for each in whole.images)
    assert unchanged(replace(whole, images=elsewhere)) == {"1"}
    assert unchanged(replace(whole, **change)) == set()


def test_a_listing_without_all_its_images_is_read_again_whatever_it_says(tiers):
    whole = listing("1", complete=True)
    tiers.store(whole)
    assert tiers.run(lambda connection: seen.find_unchanged(connection, [whole])) == set()


def test_a_page_is_asked_for_with_its_condition_until_it_has_to_be_read_anew(tiers):
    kept = Validator(url="https://a.com/1", etag='W/"1"', last_modified="Sun, 01 Nov 2026 00:00:00 GMT")
    tiers.run(lambda connection: validators.save(connection, [kept], now=NOW))

    def found(now: datetime) -> Validator | None:
        validator: Validator | None = tiers.run(
            lambda connection: validators.find_validator(connection, kept.url, target=tiers.vendor, now=now)
        )
        return validator

    assert kept.headers == {"If-None-Match": 'W/"1"', "If-Modified-Since": "Sun, 01 Nov 2026 00:00:00 GMT"}
    assert found(NOW + READ_ANEW - DAY) == kept
    assert found(NOW + READ_ANEW) is None
    tiers.run(lambda connection: validators.delete_old(connection, now=NOW + READ_ANEW - DAY))
    assert found(NOW) == kept
    tiers.run(lambda connection: validators.delete_old(connection, now=NOW + READ_ANEW))
    assert found(NOW) is None
    tiers.run(lambda connection: validators.save(connection, [kept], now=NOW))
    tiers.rows("update page_validator set version = 'another' returning url")
    assert found(NOW) is None


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


class Visits:
    """Crawls of one vendor of the replica, and what each asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        targets_of(world, [Target(marketplace="alibaba", kind="vendor", ref=VENDOR, every=DAY, reason="a test")])

    def crawl(self, due: str) -> dict[str, list[tuple[str, int]]]:
        """Crawl what is made due, and return path and status of each request, by what kind of page it is."""
        log = self.world.folder / "requests.jsonl"
        log.write_text("")
        with psycopg.connect(self.world.dsn) as connection:
            connection.execute(f"update target set due_at = now() where {due}".encode())
        self.world.crawl("alibaba", THEFTWATCH_DESCRIPTOR="off")
        asked: dict[str, list[tuple[str, int]]] = {"list": [], "listing": [], "image": []}
        for request in map(json.loads, log.read_text().splitlines()):
            kind = {HOST: "list", "www.alibaba.com": "listing"}.get(request["host"], "image")
            if request["path"] != "/robots.txt":
                asked[kind].append((request["path"], request["status"]))
        return asked


def targets_of(world: World, wanted: Sequence[Target]) -> None:
    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(world.dsn) as connection:
            await targets.save_targets(connection, wanted, now=NOW)

    asyncio.run(main())


def test_a_vendor_is_watched_from_its_list_and_what_changed_is_read(world):
    offers = [offer for offer in load_catalogue().offers if offer.seller.handle == VENDOR]
    paths = {offer.listing.listing_ref: offer.listing.url.removeprefix("https://www.alibaba.com") for offer in offers}
    visits = Visits(world)
    first = visits.crawl("true")
    assert sorted(first["listing"]) == sorted((path, 200) for path in paths.values())
    assert len(first["image"]) == len(set(first["image"])) > len(offers)
    before = world.digest_tables()
    # By these a night is planned.
    assert world.rows("select kind, host, max(requests), count(*) from target group by 1, 2 order by 1") == [
        ("listing", "www.alibaba.com", 1, len(offers)),
        ("vendor", HOST, len(first["list"]), 1),
    ]
    assert world.rows("select host from host_budget where host like '%alibaba.com'") == [("alibaba.com",)]

    # The list alone: not even sent, and each listing on it is seen.
    world.rows("update listing set last_seen_at = last_seen_at - interval '1 day' returning id")
    again = visits.crawl("kind = 'vendor'")
    assert again == {"list": [(path, 304) for path, _ in first["list"]], "listing": [], "image": []}
    assert world.rows("select count(*) from listing where last_seen_at < now() - interval '1 hour'") == [(0,)]

    # Their own pages: not sent either.
    again = visits.crawl("kind = 'listing'")
    assert sorted(again["listing"]) == sorted((path, 304) for path in paths.values())
    assert (again["list"], again["image"]) == ([], [])
    assert world.rows("select distinct unchanged from target where kind = 'listing'") == [(1,)]
    assert world.digest_tables() == before

    # Another day: another price, another photo, and a listing less.
    dearer, swapped, removed, *_ = offers
    shown = swapped.shown[0].image
    assert shown is not None
    other = [each for each in offers if each.listing.images[0].key != shown.key][-1]
    day = {
        dearer.listing.listing_ref: replace(
            dearer, listing=replace(dearer.listing, price_min=Decimal("77.70"), price_max=Decimal("88.80"))
        ),
        swapped.listing.listing_ref: with_first_photo(swapped, other),
        removed.listing.listing_ref: None,
    }
    world.replica.show(on_another_day(load_catalogue(), day))
    again = visits.crawl("kind = 'vendor'")
    assert {status for _, status in again["list"]} == {200}
    assert sorted(again["listing"]) == sorted(
        [
            (paths[dearer.listing.listing_ref], 200),
            (paths[swapped.listing.listing_ref], 200),
            (paths[removed.listing.listing_ref], 404),
        ]
    )
    assert world.rows(f"select price_max from listing where listing_ref = '{dearer.listing.listing_ref}'") == [
        (Decimal("88.80"),)
    ]
    kinds = world.rows("select distinct kind from listing_event where kind <> 'first_seen' order by 1")
    assert kinds == [("images",), ("price",)]
    assert world.rows("select distinct state from listing") == [("live",)]
    assert world.rows("select count(*) from target where unlisted_at is not null") == [(1,)]


def test_a_list_leads_to_no_host_that_is_not_the_marketplace_s(world, monkeypatch):
    monkeypatch.setattr(alibaba_data, "_LIST_FORMAT", "//elsewhere.example/productlist-{0}.html")
    targets_of(world, [Target(marketplace="alibaba", kind="vendor", ref=VENDOR, every=DAY, reason="a test")])
    mapped = f"{world.environment()['THEFTWATCH_HOST_MAP']},elsewhere.example={world.replica.address}"
    world.crawl("alibaba", "limit=1", THEFTWATCH_HOST_MAP=mapped, THEFTWATCH_DESCRIPTOR="off")
    hosts = {json.loads(line)["host"] for line in (world.folder / "requests.jsonl").read_text().splitlines()}
    assert HOST in hosts
    assert "elsewhere.example" not in hosts
    assert world.rows("select outcome, unlisted_at from target where kind = 'vendor'") == [("partial", None)]


def with_first_photo(offer: Offer, other: Offer) -> Offer:
    """Return an offer whose first photo is replaced by one of another offer, under a key that was not seen before."""
    image = offer.shown[0].image
    assert image is not None
    key = "H" + "e" * 32 + "p"
    new = replace(image, key=key, url=f"https://sc04.alicdn.com/kf/{key}.jpg")
    shown = (replace(other.shown[0], image=new, url=new.url), *offer.shown[1:])
    return replace(offer, shown=shown, listing=replace(offer.listing, images=(new, *offer.listing.images[1:])))


def on_another_day(catalogue: Catalogue, changes: Mapping[str, Offer | None]) -> Catalogue:
    """Return a catalogue with some offers replaced or, where None, taken away."""
    offers = (changes.get(offer.listing.listing_ref, offer) for offer in catalogue.offers)
    return replace(catalogue, offers=tuple(offer for offer in offers if offer))
