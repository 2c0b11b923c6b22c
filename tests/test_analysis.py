"""The analysts' views, on a real Postgres."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from tests import matched
from theftwatch.db.queries import queries
from theftwatch.db.sums import update_sums
from theftwatch.files import Files
from theftwatch.match.context import update_context
from theftwatch.match.decide import ALGORITHM_VERSION, MATCH_SCORE, POSSIBLE_SCORE
from theftwatch.match.queue import update_queue
from theftwatch.match.verdict import Seen, give_verdict, undo_verdict

pytestmark = pytest.mark.each_postgres

DOCUMENT = (Path(__file__).parents[1] / "docs/analysis.md").read_text()
EXAMPLES = re.findall(r"^```sql\n(.*?)^```", DOCUMENT.partition("## More queries")[2], re.MULTILINE | re.DOTALL)


@pytest.fixture
def filled(dsn, tmp_path):
    async def fill():
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            files = Files(tmp_path / "files")
            await matched.fill(connection, files)
            await connection.execute(
                """insert into suppression (image, rule, made_at, undone_at, undone_by, undone_reason)
                select id, 'common', %(now)s, %(now)s, 'Eva', 'her own photo' from image where sha256 = %(sha256)s""",
                {"now": matched.MATCHED_AT, "sha256": matched.image(matched.DRESS).sha256},
            )
            await update_context(connection, load=files.get, now=matched.MATCHED_AT)
            await give_verdict(connection, [Seen(finding=1)], "confirmed", by="Eva", now=matched.MATCHED_AT)

    asyncio.run(fill())
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def rows(connection, query):
    return connection.execute(query).fetchall()


def worked_out_anew(connection):
    """Renew what is kept, as after a run."""

    async def renew():
        async with await psycopg.AsyncConnection.connect(connection.info.dsn, password=connection.info.password) as own:
            await update_queue(own, everything=True)

    asyncio.run(renew())


def column(connection, query):
    return [next(iter(row.values())) for row in rows(connection, query)]


def test_every_view_and_each_of_its_columns_has_a_comment(connection):
    silent = connection.execute("""
        select c.relname, a.attname
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'analysis'::regnamespace and c.relkind in ('v', 'm')
            and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)
    """).fetchall()
    assert silent == []


def test_the_comment_of_a_view_begins_with_what_a_row_is(connection):
    vague = connection.execute("""
        select relname, obj_description(oid, 'pg_class')
        from pg_class
        where relnamespace = 'analysis'::regnamespace and relkind in ('v', 'm')
            and obj_description(oid, 'pg_class') !~ '^One row( for each|:)'
    """).fetchall()
    assert vague == []


def test_nothing_is_counted_twice(filled):
    """The figures of the views are those of the tables, less what belongs to who opted out, and each other's."""
    # Cleo's tunic is matched too
    assert column(filled, "select count(distinct match_id) from analysis.match") == [
        column(filled, "select count(*) from match where decision <> 'no_match'")[0] - 1
    ]
    assert column(filled, "select count(*) - count(distinct finding_id) from analysis.finding") == [0]
    by_match = """
        select
            finding_id, count(*) filter (where decision = 'match') as matches,
            count(*) filter (where decision = 'possible') as possible
        from analysis.match where suppressed_by is null group by finding_id order by finding_id"""
    assert rows(filled, by_match) == rows(
        filled, "select finding_id, matches, possible from analysis.finding order by finding_id"
    )
    assert column(filled, "select sum(matches + possible) from analysis.vendor") == column(
        filled, "select count(distinct (suspect_seller_id, match_id)) from analysis.match"
    )
    judged = "findings_confirmed + findings_not_judged + findings_unsure + findings_rejected + findings_not_counted"
    assert column(filled, f"select sum({judged}) from analysis.vendor_ranking") == column(
        filled, "select count(*) from analysis.finding"
    )
    assert column(filled, "select sum(found) from analysis.month") == column(
        filled, "select count(*) from analysis.finding"
    )
    assert column(filled, "select sum(listings) from analysis.coverage") == column(
        filled, "select count(*) from analysis.listing"
    )
    assert column(filled, "select count(*) from analysis.listing_photo") == [
        column(filled, "select count(*) from listing_image")[0] - 1  # Cleo's own
    ]


def test_what_is_kept_of_sellers_is_what_counting_them_gives(filled):
    kept = "select * from analysis.coverage order by marketplace, seller_ref, artisan"
    before = rows(filled, kept)
    assert column(filled, "select count(*) from coverage_due") == [0]
    filled.execute("insert into coverage_due select key from seller_coverage")
    assert rows(filled, kept) == before
    filled.execute("delete from coverage_due")
    filled.execute("update image set bytes_state = 'dropped'")
    assert column(filled, "select sum(images_held) from analysis.coverage") == [0]
    filled.execute("delete from coverage_due")
    filled.execute("update image set unusable_reason = 'flat'")
    shown = column(
        filled, "select count(distinct (seller_id, sha256)) from analysis.listing_photo where sha256 is not null"
    )
    given = column(filled, "select count(*) from analysis.original_file")
    assert column(filled, "select sum(images_unusable) from analysis.coverage") == [shown[0] + given[0]]
    troubles = rows(filled, queries()["report_image_troubles"])
    assert sum(row["photos"] for row in troubles if row["reason"] == "flat") == shown[0] + given[0]
    missing = column(filled, "select count(*) from analysis.image_trouble where trouble = 'missing'")
    assert sum(row["photos"] for row in troubles if row["trouble"] == "missing") == missing[0] > 0


EVENTS_BY_MONTH = """
    select
        date_trunc('month', entered_at at time zone 'UTC')::date as month, artisan_id,
        coalesce(artisan, shop) as artisan, vendor_id, vendor, marketplace, what, count(*) as times
    from analysis.event
    where what not in ('accepted', 'countered', 'refused', 'closed')
    group by 1, 2, 3, 4, 5, 6, 7"""
KEPT_BY_MONTH = """
    select m.month, m.artisan_id, m.artisan, m.vendor_id, m.vendor, m.marketplace, each.what, each.times
    from analysis.month m
    cross join lateral (
        values
            ('found', found), ('confirmed', confirmed), ('rejected', rejected), ('unsure', unsure), ('undone', undone),
            ('told', told), ('opened', opened), ('asked', asked), ('filed', filed), ('removed', removed),
            ('shown again', shown_again)
    ) as each (what, times)
    where each.times > 0"""
SUMS_ANEW = """
    select * from vendor_sums((select array_agg('seller ' || id) || '{unknown on alibaba}' from seller))"""
#: One after the other
CHANGES = {
    "a verdict": """
        insert into verdict (finding, verdict, judged_by, judged_at) values (2, 'unsure', 'Eva', '2026-12-01')""",
    "a removal": """
        insert into removal (finding, how, last_shown_at, missed_at, removed_at, run)
        select 1, 'gone', '2026-11-20', '2026-11-21', '2026-11-22', min(id) from run""",
    "shown again": "update removal set shown_again_at = '2027-01-02'",
    "a removal that was none": "delete from removal",
    "a notice": """
        with notice as (
            insert into notice (artisan, state, subject, body, drafted_at)
            select id, 'drafted', 'Copies', '', '2026-11-12' from artisan where name = 'Ana' returning id
        )
        insert into notice_finding (notice, finding, verdict, told)
        select notice.id, v.finding, v.id, true from notice cross join verdict v where v.verdict = 'confirmed'""",
    "a notice that went out": """
        update notice set state = 'sent', sent_at = '2026-12-12', recipient = 'ana@example.org'""",
    "a finding not told after all": "update notice_finding set told = false",
    "a case": """
        with opened as (
            insert into takedown_case (artisan, seller, opened_at)
            select a.id, s.id, '2026-11-13' from artisan a cross join seller s
            where a.name = 'Ana' and s.name = 'Harbour Co., Ltd.'
            returning id
        )
        insert into case_event (takedown_case, kind, happened_at, made_by, made_at)
        select id, 'opened', '2026-11-13', 'Eva', '2026-11-13' from opened""",
    "a complaint": """
        insert into case_event (takedown_case, kind, route, reference, happened_at, made_by, made_at)
        select id, 'filed', 'portal', 'IPP-1', '2026-11-14', 'Eva', '2026-12-01' from takedown_case""",
    "a case with another vendor": """
        update takedown_case set seller = (select id from seller where name = 'Meadow Clothing')""",
    "a shop of an artisan's": """
        update seller set artisan = (select id from artisan where name = 'Ana') where name = 'Ben''s Pots'""",
    "a suspect listing of another vendor's": """
        update listing set seller = (select id from seller where name = 'Lotus Factory') where listing_ref = '207'""",
    "an original of another shop's": """
        update listing set seller = (select id from seller where name = 'Ben''s Pots') where listing_ref = '12'""",
    "what is kept of a finding": """
        update review_queue set verdict = 'rejected', rejected = matched where finding = 3""",
    "a finding that is none any more": "delete from review_queue where finding = 4",
    "an artisan who opted out": "update artisan set opted_out_at = '2026-12-05' where name = 'Ana'",
}


def test_what_is_kept_of_vendors_is_what_summing_them_up_gives(filled):
    """After each change, before it was worked in and after that."""

    async def work_in():
        async with await psycopg.AsyncConnection.connect(filled.info.dsn, password=filled.info.password) as own:
            await update_sums(own)

    def compare(after):
        for kept, anew in ((KEPT_BY_MONTH, EVENTS_BY_MONTH), ("select * from vendor_summed", SUMS_ANEW)):
            assert rows(filled, f"({kept} except all {anew}) union all ({anew} except all {kept})") == [], after

    assert rows(filled, KEPT_BY_MONTH)
    assert rows(filled, SUMS_ANEW)
    for what, change in CHANGES.items():
        filled.execute(change)
        compare(what)
        asyncio.run(work_in())
        assert column(filled, "select count(*) from sum_due") == [0]
        compare(f"{what}, worked in")


def test_a_past_month_keeps_its_numbers(filled):
    month = "select * from analysis.month where month = '2026-11-01' order by artisan_id, vendor_id, artisan"
    before = rows(filled, month)
    assert sum(row["confirmed"] for row in before) == 1

    async def change_their_minds():
        async with await psycopg.AsyncConnection.connect(filled.info.dsn, password=filled.info.password) as connection:
            later = matched.MATCHED_AT + timedelta(days=60)
            await undo_verdict(connection, Seen(finding=1), by="Eva", now=later)
            await give_verdict(connection, [Seen(finding=2)], "rejected", reason="look_alike", by="Eva", now=later)

    asyncio.run(change_their_minds())
    assert rows(filled, month) == before
    assert column(filled, "select sum(undone) from analysis.month where month > '2026-11-01'") == [1]


def test_copies_of_a_photo_are_found_wherever_they_stand(filled):
    sha256 = matched.image(matched.SMALL_DRESS).sha256.hex()
    found = rows(filled, f"select steps, side, url from analysis.copies_of('{sha256}')")
    assert [(row["steps"], row["url"].rpartition("/")[2]) for row in found] == [
        *((0, "201"), (0, "202"), (0, "207")),
        *((1, "11"), (1, "12")),
    ]


def test_every_table_has_a_comment(connection):
    silent = connection.execute("""
        select relname from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and obj_description(oid, 'pg_class') is null
    """).fetchall()
    assert silent == []


def test_every_view_answers_on_an_empty_record(connection):
    # portals are there from the start, and how fresh the rest is
    views = connection.execute(
        "select viewname from pg_views where schemaname = 'analysis' and viewname not in ('portal', 'freshness')"
    ).fetchall()
    assert len(views) >= 10
    for (view,) in views:
        assert connection.execute(f"select count(*) from analysis.{view}").fetchone() == (0,)


def test_a_match_stands_once_for_each_two_listings_that_show_it(filled):
    found = rows(
        filled,
        """select original_listing_ref, suspect_listing_ref, decision, original_sha256, artisan from analysis.match
        where original_kind = 'listing' order by 1, 2, 3""",
    )
    assert [(row["original_listing_ref"], row["suspect_listing_ref"], row["decision"]) for row in found] == [
        ("11", "201", "match"),  # the dress
        ("11", "201", "match"),  # the shirt
        ("11", "202", "match"),
        ("11", "207", "match"),
        ("12", "201", "match"),
        ("12", "202", "match"),
        ("12", "207", "match"),
        ("21", "203", "possible"),  # once, though the listing shows the photo twice
    ]
    assert {row["artisan"] for row in found} == {"Ana", None}
    assert matched.image(matched.SKIRT).sha256.hex() in {row["original_sha256"] for row in found}


def test_a_match_tells_both_sides(filled):
    [row] = rows(filled, "select * from analysis.match where method = 'phash' and transform ? 'mirrored'")
    assert (
        row
        | {
            "original_marketplace": "etsy",
            "original_seller": "AnaMakes",
            "original_title": "Red shirt dress",
            "original_url": "https://www.etsy.com/listing/11",
            "original_image_url": "https://images.etsy.com/11/1.jpg",
            "original_first_seen_at": matched.SEEN_AT,
            "suspect_seller": "Harbour Co., Ltd.",
            "suspect_title": "2026 New Dress Wholesale",
            "suspect_first_seen_at": matched.SUSPECTS_SEEN_AT,
            "suspect_shown": True,
            "first_matched_at": matched.MATCHED_AT,
            "distance_bits": 2,
            "inliers": 180,
        }
        == row
    )
    assert row["original_published_at"] < row["original_first_seen_at"]


def test_a_file_of_an_artisan_matches_too(filled):
    [row] = rows(filled, "select * from analysis.match where original_kind <> 'listing'")
    assert (row["original_kind"], row["original_file_name"], row["artisan"]) == ("outtake", "shoot/own.jpg", "Ana")
    assert row["original_listing_id"] is None
    assert row["original_sha256"] == row["suspect_sha256"]
    assert row["suspect_seller"] is None


def test_artisans_who_opted_out_are_left_out(filled):
    assert column(filled, "select count(*) from match where method = 'exact' and score = 1") == [2]
    for view in ("match", "finding", "coverage", "listing", "seller", "image_trouble", "date_claim"):
        assert "CleoQuiet" not in str(rows(filled, f"select * from analysis.{view}"))
    filled.execute("update artisan set opted_out_at = now() where name = 'Ana'")
    assert column(filled, "select distinct original_seller from analysis.match") == ["Ben's Pots"]
    assert column(filled, "select sum(artisans_concerned) from analysis.vendor") == [1]


def test_a_pair_that_stopped_matching_is_left_out(filled):
    filled.execute("update match set decision = 'no_match' where decision = 'possible'")
    worked_out_anew(filled)
    assert column(filled, "select count(*) from analysis.match where decision <> 'match'") == [0]
    assert column(filled, "select count(*) from analysis.finding where possible > 0") == [0]


def test_a_finding_counts_its_matches(filled):
    found = rows(filled, "select * from analysis.finding order by original_listing_ref, suspect_listing_ref")
    assert [
        (row["original_listing_ref"], row["suspect_listing_ref"], row["matches"], row["possible"]) for row in found
    ] == [
        ("11", "201", 2, 0),
        ("11", "202", 1, 0),
        ("11", "207", 1, 0),
        ("12", "201", 1, 0),
        ("12", "202", 1, 0),
        ("12", "207", 1, 0),
        ("21", "203", 0, 1),
        (None, "206", 1, 0),
    ]
    assert found[0]["best_score"] == pytest.approx(0.97)
    # a finding is stored once, and each stands in the view unless its artisan opted out
    assert column(filled, "select count(*) from finding") == [len(found) + 1]


def test_a_vendor_is_summed_up_with_or_without_a_match(filled):
    found = {row["vendor"]: row for row in rows(filled, "select * from analysis.vendor")}
    assert set(found) == {"Harbour Co., Ltd.", "Lotus Factory", "Meadow Clothing", "Quiet Trading", None}
    harbour = found["Harbour Co., Ltd."]
    assert (
        harbour
        | {
            "matches": 2,
            "possible": 1,
            "findings": 5,
            "listings_with_matches": 3,
            "originals_matched": 3,
            "shops_concerned": 2,
            "artisans_concerned": 2,
            "listings": 3,
            "country": "CN",
            "looked": "in part",
            "last_good_look_at": matched.SUSPECTS_SEEN_AT,
        }
        == harbour
    )
    lotus, quiet, unknown = found["Lotus Factory"], found["Quiet Trading"], found[None]
    assert (lotus["matches"], lotus["looked"]) == (0, "in full")
    assert (quiet["matches"], quiet["looked"]) == (0, "not looked")
    assert (unknown["matches"], unknown["vendor_id"], unknown["artisans_concerned"]) == (1, None, 1)


def test_coverage_tells_no_match_from_not_looked(filled):
    found = {row["seller"] or row["artisan"]: row for row in rows(filled, "select * from analysis.coverage")}
    assert set(found) == {
        *("AnaMakes", "Ben's Pots", "Ana"),
        *("Harbour Co., Ltd.", "Lotus Factory", "Meadow Clothing", "Quiet Trading", None),
    }
    ana = found["AnaMakes"]
    assert (ana["listings"], ana["images_held"], ana["images_compared"], ana["looked"]) == (2, 3, 2, "in part")
    assert (ana["images_unusable"], ana["unusable_reasons"]) == (1, {"flat": 1})
    harbour = found["Harbour Co., Ltd."]
    assert (harbour["images_missing"], harbour["missing_reasons"]) == (1, {"http_404": 1})
    assert (harbour["images_held"], harbour["images_compared"]) == (4, 4)
    assert found["Quiet Trading"]["missing_reasons"] == {"refused_by_robots": 1}
    assert found["Lotus Factory"]["last_compared_at"] == matched.MATCHED_AT
    assert (found["Ana"]["listings"], found["Ana"]["images_compared"], found["Ana"]["marketplace"]) == (0, 1, None)


def test_looking_up_among_nothing_is_not_looking(filled):
    filled.execute("delete from lookup where side = 'original'")
    assert column(filled, "select distinct looked from analysis.coverage") == ["not looked"]
    assert column(filled, "select max(last_compared_at) from analysis.coverage") == [None]


def test_a_photo_that_waits_leaves_its_seller_looked_at_in_part(filled):
    looked = "select looked from analysis.coverage where seller = 'Harbour Co., Ltd.'"
    filled.execute("delete from listing_image where missing_reason is not null")
    filled.execute("update listing set last_seen_at = last_seen_at")  # as whatever writes its photos does
    assert column(filled, looked) == ["in full"]
    sha256 = matched.image(matched.SMALL_DRESS).sha256
    filled.execute("update lookup set looked_up_at = null from image where id = image and sha256 = %s", [sha256])
    assert column(filled, looked) == ["in part"]


def test_image_trouble_names_each_photo_and_its_reason(filled):
    found = rows(filled, "select * from analysis.image_trouble order by listing_ref")
    assert [(row["trouble"], row["reason"], row["listing_ref"], row["side"]) for row in found] == [
        ("unusable", "flat", "12", "original"),
        ("missing", "http_404", "203", "suspect"),
        ("missing", "refused_by_robots", "205", "suspect"),
    ]
    assert found[0]["sha256"] == matched.image(matched.FLAT, unusable_reason="flat").sha256.hex()
    assert found[1]["source_url"] == "https://images.alibaba.com/203/1.jpg"


def test_runs_have_their_counts_and_their_troubled_pages(filled):
    etsy, alibaba = rows(filled, "select * from analysis.run order by run_id")
    assert (etsy["outcome"], etsy["listings_stored"], etsy["images_fetched"], etsy["pages_blocked"]) == ("ok", 3, 4, 0)
    assert (alibaba["pages_blocked"], alibaba["pages_refused_by_robots"], alibaba["duration_s"]) == (1, 2, 180)
    [page] = rows(filled, "select * from analysis.page_trouble")
    assert (page["run_id"], page["kind"], page["http_status"]) == (alibaba["run_id"], "blocked", 200)


def test_date_claims_stand_with_what_they_date(filled):
    found = rows(filled, "select kind, listing_ref, image_sha256 is null as of_listing from analysis.date_claim")
    assert {(row["kind"], row["listing_ref"], row["of_listing"]) for row in found} == {
        ("listed", "11", True),
        ("archived", "21", True),
        ("published", None, False),
    }


@pytest.mark.parametrize("query", EXAMPLES, ids=[example.splitlines()[0] for example in EXAMPLES])
def test_the_queries_of_the_document_answer(filled, query):
    assert rows(filled, query) != []


def test_the_document_has_queries():
    assert len(EXAMPLES) >= 6


def test_the_document_names_every_view(connection):
    views = connection.execute("select viewname from pg_views where schemaname = 'analysis'").fetchall()
    assert {view for (view,) in views} == set(re.findall(r"^\| `analysis\.(\w+)` \|", DOCUMENT, re.MULTILINE))


def test_the_thresholds_in_the_record_are_those_of_the_program(filled):
    scores = "select array[match_score, possible_score]::numeric[] from algorithm order by version desc limit 1"
    assert column(filled, "select max(version) from algorithm") == [ALGORITHM_VERSION]
    assert [list(map(float, found)) for found in column(filled, scores)] == [[MATCH_SCORE, POSSIBLE_SCORE]]
