"""The store, on a real Postgres."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.conftest import new_database
from theftwatch.db import store
from theftwatch.db.digest import digest_record
from theftwatch.db.images import MENDED_WITHIN, KnownImage, find_known_images
from theftwatch.db.queries import Connection, execute, fetch, parse_queries, queries
from theftwatch.db.records import ImageRecord, ListingImageRecord, ListingRecord, OriginalFileRecord
from theftwatch.images.phash import VariantHash
from theftwatch.listing import Alias, DateClaim, Listing, ListingImage, Seller

pytestmark = pytest.mark.each_postgres

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SELLER = Seller(
    marketplace="alibaba", ref="291096001", name="Duotts", aliases=(Alias(kind="subdomain", value="hkduotts"),)
)


def run[T](dsn: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do some work in one transaction."""

    async def main() -> T:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            return await work(connection)

    return asyncio.run(main())


def image(name: str, *, hash_: int = 1) -> ImageRecord:
    sha256 = name.encode().ljust(32, b".")
    hashes = (VariantHash(variant="plain", hash=hash_, hash_256=bytes(32)),)
    return ImageRecord(sha256=sha256, byte_count=9, format="JPEG", width_px=400, height_px=300, hashes=hashes)


def record(ref: str = "1", *images: ImageRecord, **changes: object) -> ListingRecord:
    shown = tuple(
        ListingImage(url=f"https://s.alicdn.com/kf/{each.sha256.decode()}.jpg", key=each.sha256.decode(), position=n)
        for n, each in enumerate(images)
    )
    values: dict[str, object] = {
        "marketplace": "alibaba",
        "listing_ref": ref,
        "url": f"https://www.alibaba.com/product-detail/_{ref}.html",
        "title": "Ring",
        "seller": SELLER,
        "price_min": Decimal("1.50"),
        "price_max": Decimal("2.00"),
        "currency": "USD",
        "images": shown,
    }
    return ListingRecord(
        listing=Listing(**(values | changes)),  # type: ignore[arg-type]  # of the right types by name
        images=tuple(
            ListingImageRecord(image=listing_image, sha256=each.sha256)
            for listing_image, each in zip(shown, images, strict=True)
        ),
        new_images=images,
    )


def save(dsn: str, *records: ListingRecord, now: datetime = NOW) -> None:
    run(dsn, lambda connection: store.save_listings(connection, records, run=None, now=now))


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def digest(dsn: str) -> str:
    return run(dsn, digest_record)


def test_queries_are_split_by_name() -> None:
    text = "-- one --\n-- Says it.\nselect 1;\n\n-- two --\nselect 2;"
    assert parse_queries(text) == {"one": "-- Says it.\nselect 1;", "two": "select 2;"}
    with pytest.raises(ValueError, match="named twice: one"):
        parse_queries("-- one --\nselect 1;\n-- one --\nselect 2;")


@pytest.fixture(scope="module")
def explained(admin_dsn: str, template: str) -> Iterator[psycopg.Connection]:
    """Connect to a database that all queries are tried on, as explaining one leaves nothing in it."""
    with (
        new_database(admin_dsn, template) as name,
        psycopg.connect(make_conninfo(admin_dsn, dbname=name)) as connection,
    ):
        yield connection


@pytest.mark.parametrize("name", sorted(queries()))
def test_every_query_fits_the_schema(explained: psycopg.Connection, name: str) -> None:
    parameters = dict.fromkeys(re.findall(r"%\((\w+)\)[sb]", queries()[name]))
    with explained.transaction(force_rollback=True):
        vector = explained.execute("select 1 from pg_extension where extname = 'vector'").fetchone()
        if "<~>" in queries()[name] and not vector:
            pytest.skip("this Postgres has no extension vector")
        explained.execute("explain " + queries()[name], parameters)


def test_no_query_reads_rows_to_pass_over_them() -> None:
    """Pages follow each other by key; `offset 0` passes over nothing, and is there for the planner."""
    statements = {name: re.sub(r"--.*", "", text) for name, text in queries().items()}
    assert [name for name, text in statements.items() if re.search(r"\boffset\s+(?!0\b)", text)] == []


def test_saving_twice_changes_nothing(dsn: str) -> None:
    records = [record("1", image("a"), image("b")), record("2", image("a"))]
    save(dsn, *records)
    first = digest(dsn)
    save(dsn, *records, now=NOW + timedelta(days=1))
    assert digest(dsn) == first
    assert rows(dsn, "select listing_ref, first_seen_at, last_seen_at from listing order by 1") == [
        (ref, NOW, NOW + timedelta(days=1)) for ref in ("1", "2")
    ]
    assert rows(dsn, "select count(*) from image") == [(2,)]
    assert rows(dsn, "select kind, count(*) from listing_event group by 1") == [("first_seen", 2)]


def test_listings_without_an_image_can_be_saved_alone(dsn: str) -> None:
    save(dsn, record("1"))
    assert rows(dsn, "select count(*) from listing") == [(1,)]


@pytest.mark.parametrize(
    "lost",
    [
        *({name: None} for name in ("title", "seller", "price_min", "currency", "listed_at")),
        {"price_min": None, "price_max": None, "currency": None},
        {"seller": Seller(marketplace="alibaba", ref="291096001")},
        {"seller": Seller(marketplace="alibaba", aliases=SELLER.aliases)},
        {"title": None, "seller": None, "price_min": None, "currency": None, "images": ()},
    ],
)
def test_a_page_that_lacks_something_takes_nothing_from_the_record(dsn: str, lost: dict[str, object]) -> None:
    seller = replace(SELLER, url="https://hkduotts.en.alibaba.com", country="CN")
    photos = (image("a"), image("b"))
    save(dsn, record("1", *photos, seller=seller, listed_at=NOW))
    before = digest(dsn)
    save(dsn, record("1", *(() if "images" in lost else photos), **({"listed_at": NOW} | lost)))
    assert digest(dsn) == before
    assert rows(dsn, "select count(*) from listing_image where shown") == [(2,)]


def test_a_page_without_any_photo_is_read_again_whatever_it_says(dsn: str) -> None:
    save(dsn, record("1", image("a")))
    assert rows(dsn, "select content is null from listing") == [(False,)]
    save(dsn, record("1"), now=NOW + timedelta(days=1))
    assert rows(dsn, "select content is null from listing") == [(True,)]
    assert rows(dsn, "select last_seen_at from listing_image") == [(NOW,)]


def test_digest_does_not_depend_on_order_or_batches(dsn: str, other_dsn: str) -> None:
    records = [record(str(n), image("a"), image(f"own {n}", hash_=n)) for n in range(5)]
    save(dsn, *records)
    for each in reversed(records):
        save(other_dsn, each, now=NOW + timedelta(hours=1))
    assert digest(dsn) == digest(other_dsn)
    save(other_dsn, replace(records[0], listing=replace(records[0].listing, title="Ring, new")))
    assert digest(dsn) != digest(other_dsn)


def test_changes_become_events(dsn: str) -> None:
    save(dsn, record("1", image("a"), image("b")))
    save(dsn, record("1", image("b"), image("c"), title="Ring, silver", price_min=Decimal(1)))
    assert rows(dsn, "select kind, before, after from listing_event where kind <> 'first_seen' order by 1") == [
        (
            "images",
            sorted(each.sha256.decode() for each in (image("a"), image("b"))),
            sorted(each.sha256.decode() for each in (image("b"), image("c"))),
        ),
        ("price", [1.50, 2.00, "USD"], [1, 2.00, "USD"]),
        ("title", "Ring", "Ring, silver"),
    ]
    assert rows(dsn, "select trim('.' from image_key), shown from listing_image order by 1") == [
        ("a", False),
        ("b", True),
        ("c", True),
    ]


def test_a_card_does_not_overwrite_the_full_page(dsn: str) -> None:
    save(dsn, record("1", image("a"), image("b")))
    save(dsn, record("1", image("a"), title="Ring of a translating machine", complete=False))
    assert rows(dsn, "select title, complete from listing") == [("Ring", True)]
    assert rows(dsn, "select count(*) from listing_image where shown") == [(2,)]
    save(
        dsn,
        record("2", image("a"), title="Card", complete=False),
        record("2", image("b"), title="Page"),
        record("2", image("a"), title="Card again", complete=False),
    )
    assert rows(dsn, "select title from listing where listing_ref = '2'") == [("Page",)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_photos_of_the_fuller_card_are_kept(dsn: str, order: tuple[int, ...]) -> None:
    """A showroom's card has several, and that of the vendor's own list the first alone."""
    cards = [record("1", image("a"), complete=False), record("1", image("a"), image("b"), complete=False)]
    save(dsn, *(cards[place] for place in order))
    assert rows(dsn, "select count(*) from listing_image") == [(2,)]


def test_a_provisional_seller_becomes_the_firm_one(dsn: str) -> None:
    card_seller = replace(SELLER, ref=None, name=None)
    save(dsn, record("1", image("a"), seller=card_seller))
    assert rows(dsn, "select seller_ref from seller") == [("subdomain:hkduotts",)]
    save(dsn, record("2", image("a")))
    assert rows(dsn, "select seller_ref, name from seller") == [("291096001", "Duotts")]
    save(dsn, record("3", image("a"), seller=card_seller))
    assert rows(dsn, "select count(distinct seller) from listing") == [(1,)]


def test_provisional_sellers_merge_into_the_firm_one(dsn: str) -> None:
    old = Alias(kind="subdomain", value="duotts-old")
    save(dsn, record("1", image("a"), seller=replace(SELLER, ref=None, aliases=(old,))))
    save(dsn, record("2", image("a")))
    assert rows(dsn, "select count(*) from seller") == [(2,)]
    save(dsn, record("3", image("a"), seller=replace(SELLER, aliases=(*SELLER.aliases, old))))
    assert rows(dsn, "select seller_ref from seller") == [("291096001",)]
    assert rows(dsn, "select count(distinct seller), count(*) from listing") == [(1, 3)]


def test_two_firm_sellers_never_merge(dsn: str) -> None:
    save(dsn, record("1", image("a")))
    save(dsn, record("2", image("a"), seller=replace(SELLER, ref="999")))
    assert rows(dsn, "select seller_ref from seller order by 1") == [("291096001",), ("999",)]


def test_an_image_that_could_not_be_had_keeps_its_reason_until_it_is_had(dsn: str) -> None:
    whole = record("1", image("a"))
    missing = replace(
        whole, images=(ListingImageRecord(image=whole.images[0].image, missing_reason="http_404"),), new_images=()
    )
    save(dsn, missing)
    assert rows(dsn, "select image, missing_reason from listing_image") == [(None, "http_404")]
    save(dsn, whole)
    save(dsn, missing)
    assert rows(dsn, "select image is null, missing_reason from listing_image") == [(False, None)]


def test_date_claims_keep_the_tighter_bound(dsn: str) -> None:
    def claimed(at: datetime) -> ListingRecord:
        return record(
            "1", image("a"), claims=(DateClaim(kind="archived", source="x", strength="strong", latest_at=at),)
        )

    for at in (NOW, NOW - timedelta(days=9), NOW + timedelta(days=9)):
        save(dsn, claimed(at))
    assert rows(dsn, "select kind, latest_at from date_claim") == [("archived", NOW - timedelta(days=9))]


def test_lookups_follow_the_side_of_the_seller(dsn: str) -> None:
    save(
        dsn,
        record("1", image("a")),
        replace(record("2", image("b"), seller=replace(SELLER, ref="7", aliases=())), side="original"),
    )
    assert rows(
        dsn, "select trim('.' from convert_from(sha256, 'utf8')), side from lookup join image on id = image order by 1"
    ) == [
        ("a", "suspect"),
        ("b", "original"),
    ]


def test_an_unusable_image_is_stored_with_its_reason_and_never_looked_up(dsn: str) -> None:
    flat = replace(image("flat"), hashes=(), unusable_reason="flat")
    save(dsn, record("1", flat))
    assert rows(dsn, "select unusable_reason from image") == [("flat",)]
    assert rows(dsn, "select count(*) from lookup") == [(0,)]


def test_original_files_are_put_down_for_comparison(dsn: str) -> None:
    files = [OriginalFileRecord(image=image("mine"), kind="original", name="mine.jpg", dated_at=NOW)]
    for _ in range(2):
        run(dsn, lambda connection: store.save_original_files(connection, "Ana", files, now=NOW))
    assert rows(dsn, "select name, kind from original_file") == [("mine.jpg", "original")]
    assert rows(dsn, "select side from lookup") == [("original",)]


def test_near_hashes_are_found_exactly(dsn: str) -> None:
    import random

    source = random.Random(8)
    stored = [source.getrandbits(64) for _ in range(300)]
    asked = [value ^ sum(1 << bit for bit in source.sample(range(64), n % 13)) for n, value in enumerate(stored)]

    def signed(value: int) -> int:
        return value - (1 << 64) if value >> 63 else value

    async def search(connection: Connection) -> set[tuple[int, int, int]]:
        await execute(connection, "insert_phashes", hashes=[signed(value) for value in stored])
        rows = await (
            await connection.execute(
                "select q, n.hash, n.distance_bits from unnest(%s::bigint[]) q, near_phash(q, 8) n",
                [[signed(value) for value in asked]],
            )
        ).fetchall()
        return {(int(q), int(found), int(distance)) for q, found, distance in rows}

    expected = {
        (signed(query), signed(value), (query ^ value).bit_count())
        for query in asked
        for value in stored
        if (query ^ value).bit_count() <= 8
    }
    assert run(dsn, search) == expected
    assert {distance for *_, distance in expected} >= set(range(9))


def known(dsn: str, *keys: str, marketplace: str = "alibaba", now: datetime = NOW) -> dict[str, KnownImage]:
    """Return what is known of the images of a listing that is new."""
    shown = tuple(ListingImage(url=f"https://x.example/{key}", key=key, position=0) for key in keys)
    listing = Listing(marketplace=marketplace, listing_ref="2", url="https://x.example/2", images=shown)
    return run(dsn, lambda connection: find_known_images(connection, listing, now=now))


def test_known_images_are_found_by_the_key_of_their_marketplace(dsn: str) -> None:
    save(dsn, record("1", image("a")))
    key = image("a").sha256.decode()
    stored = KnownImage(image("a").sha256, is_damaged=False, is_watched=False)
    assert known(dsn, key, "other") == {key: stored}
    assert known(dsn, key, "other", marketplace="etsy") == {}


def place_in(listing: ListingRecord, came: ImageRecord, *, key: str) -> ListingRecord:
    """Return a listing whose one image came so."""
    [place] = listing.images
    shown = replace(place, image=replace(place.image, key=key), sha256=came.sha256)
    return replace(listing, images=(shown,), new_images=(came,))


def test_a_damaged_image_is_asked_for_again_for_some_weeks_and_a_whole_one_takes_its_place(dsn: str) -> None:
    cut, whole = replace(image("cut"), unusable_reason="truncated", hashes=()), image("whole")
    shows_cut, shows_whole = (place_in(record("1", each), each, key="k") for each in (cut, whole))
    assert (shows_cut.is_whole, shows_whole.is_whole) == (False, True)
    save(dsn, shows_cut)
    assert known(dsn, "k", now=NOW + MENDED_WITHIN - timedelta(1)) == {
        "k": KnownImage(cut.sha256, is_damaged=True, is_watched=False)
    }
    assert not known(dsn, "k", now=NOW + MENDED_WITHIN)["k"].is_damaged
    save(dsn, shows_whole)
    assert known(dsn, "k") == {"k": KnownImage(whole.sha256, is_damaged=False, is_watched=False)}
    # that is no change of the seller's, and no later damage is one
    save(dsn, shows_cut)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select kind from listing_event").fetchall() == [("first_seen",)]
        shown = "select i.sha256 from listing_image join image i on i.id = image where shown"
        assert connection.execute(shown).fetchall() == [(whole.sha256,)]


def test_fetch_returns_rows(dsn: str) -> None:
    assert run(dsn, lambda connection: fetch(connection, "find_image_ids", sha256s=[])) == []
