"""Where a match leads: the vendor's shop, its siblings', showrooms; and what of it is known to belong together."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import psycopg
import pytest

from tests.alibaba_pages import sample
from tests.context import OTHER, PHOTO, loader, save, shop, stored_anew, vendor
from tests.crawling import BY_HASHES, World
from tests.matched import MATCHED_AT, image, record
from theftwatch.db.records import ListingRecord
from theftwatch.db.targets import save_found
from theftwatch.demo.catalogue import Catalogue, Edit, load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.demo.truth import true_pairs
from theftwatch.errors import PageChangedError
from theftwatch.listing import Alias, Seller
from theftwatch.match.context import update_context
from theftwatch.match.trail import follow_trail
from theftwatch.pages.alibaba_urls import showroom_url
from theftwatch.pages.read import read_page
from theftwatch.pages.searches import showroom_words

COPY = stored_anew(PHOTO, 80)
TITLE = "Wholesale 2026 Needle Felted Hare Figure Custom Logo"


def at(number: int, name: str | None = None, *, member: int | None = None) -> Seller:
    """Return a vendor with a shop of its own, and an account where its pages told it."""
    return vendor(
        number,
        name=name or f"Vendor {number} Ltd.",
        aliases=(Alias(kind="subdomain", value=f"v{number}"),),
        company=(Alias(kind="member_id", value=str(member)),) if member else (),
    )


class Trail:
    """A record in which vendor 1 shows a copied photo, and the targets that this leads to."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def save(self, *records: ListingRecord, matches: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self._do(save, records, [(image(a), image(b)) for a, b in matches])

    def follow(self, *, steps: int = 3, most: int = 50) -> list[str]:
        refs: list[str] = self._do(follow_trail, steps=steps, most=most, now=MATCHED_AT)
        return refs

    def update(self) -> None:
        self._do(update_context, load=loader(PHOTO, COPY), now=MATCHED_AT)

    def found(self, target, refs):
        listings = {ref: f"https://www.alibaba.com/product-detail/_{ref}.html" for ref in refs}
        self._do(save_found, listings, {}, found_on=target, reason="a test", now=MATCHED_AT)

    def rows(self, query: str):
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query).fetchall()

    @property
    def targets(self):
        return self.rows("select leads_to, kind, ref from analysis.trail order by step, ref")

    def _do(self, work, *arguments, **options):
        async def main():
            async with await psycopg.AsyncConnection.connect(self.dsn, options="-c timezone=UTC") as connection:
                return await work(connection, *arguments, **options)

        return asyncio.run(main())


@pytest.fixture
def trail(dsn) -> Trail:
    started = Trail(dsn)
    started.save(
        record(shop(1), "11", image(PHOTO)),
        record(at(1, member=7), "201", image(COPY), title=TITLE),
        matches=[(PHOTO, COPY)],
    )
    return started


SHOP, SHOWROOM = ("shop", "vendor", "v1"), ("showroom", "showroom", "needle felted hare figure")


def test_a_match_leads_to_the_shop_and_to_a_showroom_and_says_so(trail):
    trail.update()
    assert trail.targets == [SHOP, SHOWROOM]
    [(match,)] = trail.rows("select id from match")
    url = "https://www.alibaba.com/listing/201"
    assert trail.rows("select match_id, step, reason from analysis.trail order by step") == [
        (match, 1, f"its listing {url} shows a photo of Shop1"),
        (match, 3, f"with words of a listing: {url} shows a photo of Shop1"),
    ]
    assert trail.rows("select count(*) from trail_due") == [(0,)]


def test_it_leads_to_shops_that_share_a_key_and_to_those_that_share_a_name(trail):
    trail.save(
        record(at(2, member=7), "202"),
        record(at(3, "VENDOR 1 LTD"), "203"),
        record(at(4, member=8), "204"),
        record(replace(at(5, "Vendor 1 Ltd."), marketplace="etsy"), "205"),
    )
    trail.follow()
    siblings = [("sibling", "vendor", "v2"), ("sibling", "vendor", "v3")]
    assert trail.targets == [SHOP, *siblings, SHOWROOM]
    url = "https://www.alibaba.com/listing/201"
    assert [reason for (reason,) in trail.rows("select reason from target where step = 2 order by ref")] == [
        f"of the same company as Vendor 1 Ltd., whose listing {url} shows a photo of Shop1",
        f"of the same name as Vendor 1 Ltd., whose listing {url} shows a photo of Shop1",
    ]


def test_a_sibling_that_is_known_later_is_followed_then(trail):
    trail.follow()
    assert trail.targets == [SHOP, SHOWROOM]
    trail.save(record(at(2), "202"))
    trail.follow()
    assert trail.targets == [SHOP, SHOWROOM]
    trail.save(record(at(2, member=7), "202"))
    trail.follow()
    assert trail.targets == [SHOP, ("sibling", "vendor", "v2"), SHOWROOM]
    trail.save(record(at(6, "Vendor 1, Ltd"), "206"))
    trail.follow()
    assert trail.targets == [SHOP, ("sibling", "vendor", "v2"), ("sibling", "vendor", "v6"), SHOWROOM]


@pytest.mark.parametrize(("steps", "led"), [(0, []), (1, ["v1"]), (2, ["v1", "v2"]), (3, ["v1", "v2", SHOWROOM[2]])])
def test_it_goes_as_far_as_it_may(trail, steps, led):
    trail.save(record(at(2, member=7), "202"))
    assert trail.follow(steps=steps) == led


def test_it_leads_to_no_more_targets_than_it_may_and_the_nearest_come_first(trail):
    trail.save(*(record(at(number, member=7), f"20{number}") for number in range(2, 9)))
    assert trail.follow(most=3) == ["v1", "v2", "v3"]


def test_of_a_showroom_it_takes_as_many_listings_as_are_left_and_of_a_shop_all(trail, monkeypatch):
    monkeypatch.setattr("theftwatch.db.targets.settings", lambda: type("Own", (), {"trail_targets": 5}))
    trail.follow()
    by_step = dict(trail.rows("select step, id from target"))
    refs = [f"16000000000{number:02}" for number in range(40)]
    listings = "select step, count(*) from analysis.trail where kind = 'listing' group by 1 order by 1"
    for _ in range(2):
        trail.found(by_step[3], refs[:20])
        assert trail.rows(listings) == [(3, 3)]
    trail.found(by_step[1], refs[20:])
    assert trail.rows(listings) == [(1, 20), (3, 3)]


def test_each_matched_listing_has_a_showroom_of_its_own_words(trail):
    trail.follow()
    second = stored_anew(OTHER, 80)
    trail.save(
        record(shop(2), "12", image(OTHER)),
        record(at(1), "207", image(second), title="Hot Sale Silver Ring, Opal"),
        matches=[(OTHER, second)],
    )
    assert trail.follow() == ["silver ring opal"]


def test_a_listing_without_a_vendor_is_followed_when_its_vendor_is_known(dsn):
    trail = Trail(dsn)
    trail.save(
        record(shop(1), "11", image(PHOTO)), record(None, "201", image(COPY), title=TITLE), matches=[(PHOTO, COPY)]
    )
    assert trail.follow() == [SHOWROOM[2]]
    trail.save(record(at(1), "201", image(COPY), title=TITLE))
    assert trail.follow() == ["v1"]


def test_shops_of_one_company_count_as_one_vendor(trail):
    """Their photos are looked at anew when that becomes known."""
    trail.update()
    trail.save(record(at(2, member=7), "202", image(COPY)))
    trail.update()
    assert trail.rows("select kind, value, count(*) from company_alias group by 1, 2") == [("member_id", "7", 2)]


@pytest.mark.parametrize(
    ("name", "member"),
    [("detail_raw_arabic_2026", "284320600"), ("profile_2024", "254865163"), ("productlist_2026", "284813904")],
)
def test_pages_tell_the_account_of_a_vendor(name, member):
    [seller] = read_page(*sample(name)).sellers
    assert seller.company == (Alias(kind="member_id", value=member),)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        (TITLE, "needle felted hare figure"),
        ("Hot Sale Factory Price", ""),
        ("Hare", ""),
        ("دراجة كهربائية Folding Bike F20", "folding bike f20"),
        ("Women's Red Dress Red Dress Long", "women's red dress long"),
    ],
)
def test_the_words_that_a_showroom_may_have(title, words):
    assert showroom_words(title) == words.split()


def test_the_address_of_a_showroom_holds_plain_words():
    assert showroom_url("women's red dress/../x?y") == "https://www.alibaba.com/showroom/women-s-red-dress-x-y.html"
    assert showroom_url("★") is None


def test_a_showroom_without_its_data_has_changed_and_one_in_json_ld_is_read():
    url = "https://www.alibaba.com/showroom/felt-hare.html"
    with pytest.raises(PageChangedError):
        read_page("<html><body></body></html>", url)
    product = {
        "@type": "Product",
        "name": "Felt hare",
        "image": f"https://s.alicdn.com/@sc04/kf/H{'a' * 32}.jpg_300x300.jpg",
        "url": "https://www.alibaba.com/product-detail/Felt-Hare_1600000000001.html",
    }
    goods = {"@type": "ItemList", "itemListElement": [{"item": product}]}
    body = f'<script type="application/ld+json">{json.dumps(goods)}</script>'
    [listing] = read_page(body, url).listings
    assert (listing.listing_ref, listing.complete, len(listing.images)) == ("1600000000001", False, 1)


def split_in_two(catalogue: Catalogue, handle: str) -> Catalogue:
    """Return a catalogue in which a vendor has the second half of its goods in a shop under another name."""
    [first] = (seller for seller in catalogue.sellers if seller.handle == handle)
    account = replace(
        first.seller, ref="990000201", name="Quay Demo Apparel Ltd.", url="https://demoquay.en.alibaba.com/"
    )
    second = replace(first, seller=account, handle="demoquay")
    goods = catalogue.of_seller(first)
    moved = {
        offer: replace(offer, seller=second, listing=replace(offer.listing, seller=account))
        for offer in goods[len(goods) // 3 :]
    }
    return replace(
        catalogue,
        sellers=(*catalogue.sellers, second),
        offers=tuple(moved.get(offer, offer) for offer in catalogue.offers),
    )


def test_from_one_match_all_are_found_whom_the_vendor_its_sibling_and_others_copied(dsn, tmp_path):
    """One listing is watched. It matches, so its vendor is watched, and a showroom with its words is looked at.

    There stands a listing of another shop, whose page tells that it is of the same company, so that shop is watched;
    and the listing of another vendor, which matches, so that one is, too.
    """
    catalogue = split_in_two(load_catalogue(), "demoharbour")
    sellers = {each.listing.listing_ref: each.seller.handle for each in catalogue.offers}
    copied: dict[str, set[tuple[str, str]]] = {}
    for pair, edit in true_pairs(catalogue).items():
        if edit in {Edit.EXACT, Edit.RECOMPRESSED, Edit.RESIZED} and pair.original.marketplace == "etsy":
            victims = copied.setdefault(sellers[pair.suspect.listing_ref], set())
            victims.add((pair.original.marketplace, pair.original.listing_ref))
    [start, *_] = (offer.listing for offer in catalogue.offers if offer.seller.handle == "demoharbour")
    with running_replica(catalogue) as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path, settings=BY_HASHES)
        world.crawl("etsy", f"file={world.starts('etsy', hurdles=False)}")
        asyncio.run(watch(dsn, start.listing_ref, start.url))
        for _ in range(3):
            world.crawl("alibaba")
    rows = world.rows("select ref, step from analysis.trail where found_on_target_id is null")
    led = {str(ref): step for ref, step in rows}
    assert (led["demoharbour"], led["demosummit"], led["summer women casual red"]) == (1, 1, 3)
    # Listings of the sibling's stand in the showroom too: whether one is read and matches before it is known whose
    # sibling it is, and so leads to its own shop, is a matter of the order of answers.
    assert led["demoquay"] in {1, 2}
    found = set(
        world.rows(
            "select o.marketplace, o.listing_ref from finding f join listing o on o.id = f.original_listing"
            " join listing s on s.id = f.suspect_listing where s.marketplace = 'alibaba'"
        )
    )
    assert copied["demoharbour"] | copied["demoquay"] <= found
    assert len(copied["demoquay"]) > 3
    assert world.rows("select count(*) from trail_due") == [(0,)]
    assert set(world.rows("select distinct outcome from target where outcome is not null")) <= {("ok",), ("gone",)}


async def watch(dsn: str, ref: str, url: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(
            "insert into target (marketplace, kind, ref, url, every, reason, added_at, due_at)"
            " values ('alibaba', 'listing', %s, %s, '1 week', 'a test', %s, %s)",
            [ref, url, MATCHED_AT, MATCHED_AT],
        )
