"""Suppression, on a real Postgres: each rule, its figure, its undoing, and its growth with the record."""

import asyncio
import itertools
from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.context import OTHER, PHOTO, image_record, loader, record, save, shop, size_chart, stored_anew, vendor
from tests.matched import MATCHED_AT
from theftwatch.db.digest import digest_record, digest_tables
from theftwatch.db.queries import execute, fetch
from theftwatch.match import suppress
from theftwatch.match.context import update_context

NOW = MATCHED_AT + timedelta(days=1)
COPIES = [image_record(stored_anew(PHOTO, quality)) for quality in range(60, 96, 3)]
NAMED = image_record(PHOTO)


def run(dsn, work):
    async def connected():
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await work(connection)

    return asyncio.run(connected())


async def update(connection, *photos, now=NOW, everything=False):
    await update_context(connection, load=loader(*photos), now=now, everything=everything)


def rows(dsn, query):
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def active(dsn):
    found = rows(dsn, "select rule, image_sha256 from analysis.suppression where active order by 1, 2")
    return [(row["rule"], row["image_sha256"]) for row in found]


def common(shops, vendors):
    """Return the batches of a photo at shops and vendors, each with its own bytes, and the pairs that match."""
    files = itertools.cycle(COPIES)
    originals = [(shop(number), next(files)) for number in range(shops)]
    suspects = [(vendor(number), next(files)) for number in range(vendors)]
    batches = [[record(seller, f"o{seller.ref}", image)] for seller, image in originals]
    batches += [[record(seller, f"s{seller.ref}", image)] for seller, image in suspects]
    pairs = {(one, other) for _, one in originals for _, other in suspects}
    return batches, sorted(pairs, key=lambda pair: (pair[0].sha256, pair[1].sha256))


def fill(batches, pairs):
    async def work(connection):
        for batch in batches:
            await save(connection, batch)
        await save(connection, [], pairs)
        await update(connection)

    return work


def test_what_many_vendors_and_several_artisans_show_is_common(dsn):
    run(dsn, fill(*common(suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS)))
    found = rows(dsn, "select * from analysis.suppression")
    assert {row["rule"] for row in found} == {"common"}
    assert {row["document_frequency"] for row in found} == {8}
    assert found[0]["measured_on"]["vendors"] == 5
    assert found[0]["measured_on"]["artisans"] == 3
    assert len(found) == 8  # each of the files that are near one another
    assert found[0]["matches"] > 0
    # matches stay in the record, are shown apart, and nothing is proposed on them
    assert rows(dsn, "select count(*) as n from match where decision = 'match'")[0]["n"] == 15
    assert {tuple(row["suppressed_by"]) for row in rows(dsn, "select suppressed_by from analysis.match")} == {
        ("common",)
    }
    [counted] = rows(dsn, "select sum(matches) as counted, sum(suppressed) as apart from analysis.vendor")
    assert (counted["counted"], counted["apart"]) == (0, 15)
    reasons = rows(dsn, "select distinct proposable, not_proposable_because, matches from analysis.finding")
    assert reasons == [{"proposable": False, "not_proposable_because": "suppressed", "matches": 0}]


@pytest.mark.parametrize(
    ("shops", "vendors"),
    [(1, 12), (suppress.COMMON_ARTISANS - 1, 9), (suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS - 1)],
)
def test_one_artisans_photo_at_many_vendors_counts(dsn, shops, vendors):
    run(dsn, fill(*common(shops, vendors)))
    assert active(dsn) == []
    assert rows(dsn, "select * from analysis.match where suppressed_by is not null") == []


def test_siblings_and_shops_of_one_artisan_count_once(dsn):
    async def one_artisan(connection):
        await connection.execute("insert into artisan (name) values ('Ana')")
        await connection.execute(
            "update seller set artisan = (select id from artisan) where marketplace = 'etsy' and name <> 'Shop0'"
        )
        await update(connection, everything=True)

    async def one_company(connection):
        await connection.execute(
            """insert into company_alias (marketplace, kind, value, seller, first_seen_at)
            select marketplace, 'registration', '91330000', id, now() from seller where name like 'Vendor%'"""
        )
        await update(connection, everything=True)

    async def one_name(connection):
        await connection.execute("update seller set name = 'VENDOR ltd' where name like 'Vendor%'")
        await update(connection, everything=True)

    for change in (one_artisan, one_company, one_name):
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "truncate match, finding, context_due, suppression, seller, listing, image, artisan cascade"
            )
        run(dsn, fill(*common(suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS)))
        assert len(active(dsn)) == 8
        run(dsn, change)
        assert active(dsn) == [], change.__name__


def test_it_grows_with_the_record_and_is_lifted_where_it_no_longer_holds(dsn):
    batches, pairs = common(suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS)
    run(dsn, fill(batches[:-1], [pair for pair in pairs if pair[1] != COPIES[7]]))
    assert active(dsn) == []
    run(dsn, fill(batches[-1:], [pair for pair in pairs if pair[1] == COPIES[7]]))
    assert len(active(dsn)) == 8

    async def lose(connection):
        await connection.execute("delete from listing where listing_ref = 's804'")
        await update(connection, everything=True)

    run(dsn, lose)
    assert active(dsn) == []
    assert {row["state"] for row in rows(dsn, "select state from analysis.suppression")} == {"lifted"}
    run(dsn, fill(batches[-1:], []))
    assert len(active(dsn)) == 8


def test_the_order_of_arrival_does_not_matter(dsn, other_dsn):
    batches, pairs = common(suppress.COMMON_ARTISANS + 1, suppress.COMMON_VENDORS + 1)

    async def piecewise(connection):
        for batch in reversed(batches):
            await save(connection, batch)
            await update(connection)
        for pair in reversed(pairs):
            await save(connection, [], [pair])
            await update(connection)

    run(dsn, fill(batches, pairs))
    run(other_dsn, piecewise)
    assert active(dsn) == active(other_dsn) != []
    one, other = run(dsn, digest_tables), run(other_dsn, digest_tables)
    # Where the trail went depends on what counted when it was followed.
    assert {**one, "target": None} == {**other, "target": None}
    assert "suppression" in one

    async def again(connection):
        await update(connection, everything=True)

    before = run(dsn, digest_record)
    run(dsn, again)
    assert run(dsn, digest_record) == before


def test_sellers_that_get_one_name_later_count_once(dsn):
    batches, pairs = common(suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS)
    run(dsn, fill(batches, pairs))
    assert len(active(dsn)) == 8
    # other listings of the vendors, without the photo
    renamed = [record(vendor(number, name="Harbour Ltd."), f"x{number}") for number in (0, 1)]
    run(dsn, fill([renamed], []))
    assert active(dsn) == []


def test_a_photo_that_another_took_the_place_of_was_shown_all_the_same(dsn):
    batches, pairs = common(suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS)
    run(dsn, fill(batches, pairs))
    assert len(active(dsn)) == 8
    swapped = record(vendor(0), "s800", image_record(OTHER))
    run(dsn, fill([[swapped]], []))
    assert len(active(dsn)) == 8


def test_an_undone_suppression_stays_undone(dsn):
    run(dsn, fill(*common(suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS)))

    async def undo(connection):
        for (key,) in await (await connection.execute("select id from suppression")).fetchall():
            await fetch(connection, "undo_suppression", id=key, by="Eva", reason="her own photo", now=NOW)
        await update(connection, everything=True)

    before = run(dsn, digest_record)
    run(dsn, undo)
    assert active(dsn) == []
    [row] = rows(dsn, "select distinct state, undone_by, undone_reason from analysis.suppression")
    assert row == {"state": "undone", "undone_by": "Eva", "undone_reason": "her own photo"}
    assert run(dsn, digest_record) != before
    assert rows(dsn, "select count(*) as n from analysis.match where suppressed_by is null")[0]["n"] == 15


def banner(goods, of_listings, *, first=False, one_photo=False):
    """Return listings of a vendor, `goods` of which show the photo after, or as, their first photo."""
    original = [record(shop(0), "o1", NAMED)]
    listings = []
    for number in range(of_listings):
        product = image_record(stored_anew(OTHER, 50 + (0 if one_photo else number)))
        shown = [product] if number >= goods else [NAMED, product] if first else [product, NAMED]
        listings.append(record(vendor(0), f"s{number}", *shown))
    elsewhere = [record(vendor(1), "other", NAMED)]
    return [original, listings, elsewhere], [(NAMED, NAMED)]


def test_a_vendors_banner_is_suppressed_for_that_vendor_alone(dsn):
    run(dsn, fill(*banner(suppress.BANNER_GOODS, 20)))
    [row] = rows(dsn, "select * from analysis.suppression")
    assert (row["rule"], row["seller"], row["document_frequency"]) == ("banner", "Vendor 0 Ltd.", 12)
    assert row["measured_on"] == {"listings": 12, "of_listings": 20}
    apart = rows(dsn, "select suspect_seller, suppressed_by from analysis.match group by 1, 2 order by 1")
    assert [(row["suspect_seller"], row["suppressed_by"]) for row in apart] == [
        ("Vendor 0 Ltd.", ["banner"]),
        ("Vendor 1 Ltd.", None),
    ]


@pytest.mark.parametrize(
    "case",
    [
        {"goods": suppress.BANNER_GOODS - 1, "of_listings": 20},  # too few
        {"goods": suppress.BANNER_GOODS, "of_listings": 40},  # too small a share
        {"goods": 20, "of_listings": 20, "first": True},  # what is offered
        {"goods": 20, "of_listings": 20, "one_photo": True},  # one product listed twenty times
    ],
)
def test_what_is_offered_is_no_banner(dsn, case):
    run(dsn, fill(*banner(**case)))
    assert active(dsn) == []


def test_a_banner_is_none_any_more_when_the_vendor_lists_other_goods(dsn):
    batches, pairs = banner(suppress.BANNER_GOODS, 20)
    run(dsn, fill(batches, pairs))
    assert len(active(dsn)) == 1
    more = [record(vendor(0), f"t{n}", image_record(stored_anew(OTHER, 20 + n))) for n in range(10)]
    run(dsn, fill([more], []))
    assert active(dsn) == []


def test_a_size_chart_is_a_text_panel_and_a_photo_is_none(dsn):
    chart = size_chart()
    record_of = image_record(chart)

    async def work(connection):
        await save(connection, [record(shop(0), "o1", record_of, NAMED), record(vendor(0), "s1", record_of, NAMED)])
        await save(connection, [], [(record_of, record_of), (NAMED, NAMED)])
        await update(connection, chart, PHOTO)

    run(dsn, work)
    assert active(dsn) == [("text_panel", record_of.sha256.hex())]
    [row] = rows(dsn, "select measured_on from analysis.suppression")
    assert row["measured_on"]["letters"] > 100
    # the finding still stands on its photo
    [finding] = rows(dsn, "select matches, suppressed, not_proposable_because from analysis.finding")
    assert (finding["matches"], finding["suppressed"]) == (1, 1)
    assert finding["not_proposable_because"] == "direction: undecided"
    qualities = {row["jpeg_quality"] for row in rows(dsn, "select jpeg_quality from image_reading")}
    assert 80 in qualities


def test_a_panel_is_looked_for_where_the_file_is_kept(dsn):
    chart = size_chart()
    record_of = image_record(chart)

    async def work(connection):
        await save(connection, [record(shop(0), "o1", record_of), record(vendor(0), "s1", record_of)])
        await save(connection, [], [(record_of, record_of)])
        await update(connection)  # not kept

    run(dsn, work)
    assert active(dsn) == []

    async def later(connection):
        await update(connection, chart, everything=True)

    run(dsn, later)
    assert len(active(dsn)) == 1


def test_a_placeholder_is_known_by_its_bytes_and_within_a_few_bits(dsn, monkeypatch):
    listed = suppress.Placeholder(sha256=b"x" * 32, hash_256=COPIES[0].hashes[0].hash_256, what="drawn for the test")
    monkeypatch.setattr(suppress, "known_placeholders", lambda: (listed,))
    far = image_record(OTHER)

    async def work(connection):
        await save(connection, [record(shop(0), "o1", NAMED, far), record(vendor(0), "s1", NAMED, far)])
        await save(connection, [], [(NAMED, NAMED), (far, far)])
        await update(connection)

    run(dsn, work)
    assert active(dsn) == [("placeholder", NAMED.sha256.hex())]


def test_a_placeholder_that_a_person_names_takes_those_like_it_along(dsn):
    batches, pairs = common(1, 2)

    async def name(connection):
        for batch in batches:
            await save(connection, batch)
        await save(connection, [], pairs)
        [(image,)] = await fetch(connection, "find_image_ids", sha256s=[COPIES[1].sha256])
        await fetch(connection, "upsert_suppression", image=image, rule="placeholder", seller=None, by="Eva", now=NOW)
        await execute(connection, "insert_due_images", images=[image])
        await update(connection)

    run(dsn, name)
    made_by = rows(dsn, "select made_by, state from analysis.suppression order by made_by nulls last")
    assert [row["made_by"] for row in made_by] == ["Eva", None, None]

    async def undo(connection):
        await connection.execute("update suppression set undone_at = now(), undone_by = 'Eva' where made_by = 'Eva'")
        await update(connection, everything=True)

    run(dsn, undo)
    assert active(dsn) == []


def test_a_broken_off_update_is_taken_up_again(dsn, monkeypatch):
    batches, pairs = common(suppress.COMMON_ARTISANS, suppress.COMMON_VENDORS)

    async def broken(connection):
        for batch in batches:
            await save(connection, batch)
        await save(connection, [], pairs)
        monkeypatch.setattr(suppress, "known_placeholders", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await update(connection)

    run(dsn, broken)
    assert active(dsn) == []
    monkeypatch.undo()
    run(dsn, update)
    assert len(active(dsn)) == 8
    assert rows(dsn, "select * from context_due") == []


def test_the_list_of_placeholders_can_be_read():
    assert all(len(each.sha256) == 32 for each in suppress.known_placeholders())
