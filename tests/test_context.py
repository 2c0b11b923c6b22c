"""What a match means, from the record to the commands: directions, relations, what is proposed and what is not."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row
from typer.testing import CliRunner

from tests import matched
from tests.context import image_record, loader, record, save, shop
from tests.matched import MATCHED_AT, SEEN_AT
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.db import store
from theftwatch.db.digest import digest_record
from theftwatch.db.queries import execute
from theftwatch.db.records import OriginalFileRecord
from theftwatch.errors import UsageError
from theftwatch.files import Files
from theftwatch.listing import Alias, DateClaim, Seller
from theftwatch.match.context import update_context

NOW = MATCHED_AT + timedelta(days=1)


def run(dsn, work):
    async def connected():
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await work(connection)

    return asyncio.run(connected())


def rows(dsn, query):
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def filled(dsn, tmp_path, monkeypatch):
    """Fill the small record, bring it up to date, and let the commands find it."""
    files = Files(tmp_path / "data/theftwatch")

    async def fill(connection):
        async with connection.transaction():
            await matched.fill(connection, files)
        await update_context(connection, load=files.get, now=NOW)

    run(dsn, fill)
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    settings.cache_clear()
    return dsn


def command(*arguments):
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def findings(dsn):
    found = rows(dsn, "select * from analysis.finding")
    return {(row["original_listing_ref"], row["suspect_listing_ref"]): row for row in found}


def test_dates_decide_each_finding(filled):
    found = findings(filled)
    dress = found["11", "201"]
    assert (dress["direction"], dress["proposable"], dress["not_proposable_because"]) == ("original_first", True, None)
    assert dress["margin_days"] == 2009  # put up 2,000 days before the crawl, the suspect first seen 9 days after it
    assert dress["weakest_link"] == "the suspect: first seen by us, so there by 2026-11-10"
    assert (dress["likelier_source"], dress["dates_and_pixels_agree"]) == ("original", True)
    assert "the original is 1.7 times as large" in dress["pixel_reasons"]
    pots = found["21", "203"]
    assert (pots["direction"], pots["margin_days"]) == ("original_first", 4009)
    # the same bytes, given by the artisan without a date: known by our own sight alone
    own = found[None, "206"]
    assert (own["direction"], own["proposable"]) == ("undecided", False)
    assert own["not_proposable_because"] == "direction: undecided"
    assert own["missing_proof"].startswith("a publication of the original from before 2026-11-10")
    assert own["likelier_source"] == "undecided"


def test_directions_follow_what_is_learnt_later(filled):
    async def older(connection):
        await connection.execute("update listing set listed_at = '2010-01-01' where listing_ref = '201'")
        claim = DateClaim(
            kind="archived", source="web.archive.org", strength="strong", latest_at=datetime(2011, 1, 1, tzinfo=UTC)
        )
        await save(
            connection, [matched.record(matched.HARBOUR, "201", matched.image(matched.SMALL_DRESS), claims=(claim,))]
        )
        await update_context(connection, load=loader(), now=NOW)

    run(filled, older)
    dress = findings(filled)["11", "201"]
    assert (dress["direction"], dress["not_proposable_because"]) == ("suspect_first", "direction: suspect_first")
    assert dress["dates_and_pixels_agree"] is False


def test_an_artisans_file_is_dated_by_the_artisans_listing_of_the_same_photo(filled):
    async def give(connection):
        file = OriginalFileRecord(image=matched.image(matched.TUNIC), kind="original", name="raw.jpg")
        async with connection.transaction():
            await store.save_original_files(connection, "Ana", [file], now=SEEN_AT)
            await matched.save_decisions(
                connection, [matched.decided(matched.TUNIC, matched.SMALL_DRESS)], suspects=[matched.SMALL_DRESS]
            )
        await update_context(connection, load=loader(), now=NOW)

    run(filled, give)
    [row] = rows(
        filled, "select * from analysis.finding where original_file_name = 'raw.jpg' and suspect_listing_ref = '201'"
    )
    assert row["direction"] == "original_first"


def test_a_finding_whose_pairs_stopped_counting_has_no_direction(filled):
    run(filled, _suppress_dress)
    dress = findings(filled)["12", "202"]
    assert (dress["direction"], dress["not_proposable_because"], dress["suppressed"]) == (None, "suppressed", 1)
    # the shirt still stands for the other
    assert findings(filled)["11", "201"]["proposable"]


async def _suppress_dress(connection):
    await connection.execute(
        """insert into suppression (image, rule, made_by, made_at)
        select id, 'text_panel', 'Eva', now() from image where sha256 = %s""",
        [matched.image(matched.DRESS).sha256],
    )
    await update_context(connection, load=loader(), now=NOW, everything=True)


def test_nothing_matched_is_nothing_looked_at(dsn, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    settings.cache_clear()
    run(dsn, lambda connection: update_context(connection, load=loader(), now=NOW, everything=True))
    assert command("suppression", "list").startswith("Not looked: no photo has been compared")
    assert command("suppression", "list", "--json") == ""
    assert command("relation", "list") == "No relation holds.\n"
    with pytest.raises(UsageError, match="no such listing in the record"):
        CliRunner().invoke(app, ["dates", "etsy/1"], catch_exceptions=False, standalone_mode=False)


def test_dates_prints_the_ledger_as_bounds(filled):
    text = command("dates", "etsy/11")
    assert "- the listing listed not before 2021-05-11 and by 2021-05-11, says etsy (medium)" in text
    assert "- first seen by us, so there by 2026-11-01" in text
    assert "photo 1" in text
    assert "on known evidence: original first, by 2009 days" in text
    assert "weakest link: the suspect: first seen by us" in text
    assert command("dates", "https://www.alibaba.com/listing/206").count("would settle it: a publication of") == 1
    assert "Not looked" in command("dates", "alibaba/205")
    assert "In no finding." in command("dates", "alibaba/204")
    answer = json.loads(command("dates", "https://www.alibaba.com/listing/203", "--json"))
    assert answer["looked"]
    [finding] = answer["findings"]
    assert (finding["side"], finding["direction"], finding["margin_days"]) == ("suspect", "original_first", 4009)
    assert finding["original_claim"]["kind"] == "archived"
    assert finding["original_claim"]["earliest_at"] is None
    assert {claim["kind"] for claim in answer["listing"]["claims"]} == {"first_seen"}


def test_the_ledger_of_an_artisan_who_opted_out_is_not_shown(filled):
    with pytest.raises(UsageError, match="no such listing"):
        CliRunner().invoke(app, ["dates", "etsy/31"], catch_exceptions=False, standalone_mode=False)


def test_a_suppression_is_made_shown_and_undone_by_command(filled):
    sha256 = matched.image(matched.SMALL_DRESS).sha256.hex()
    text = command("suppression", "add", sha256[:12], "--rule", "common", "--by", "Eva")
    assert text == "1: shown by many vendors and several artisans; it keeps 1 pair apart.\n"
    assert command("suppression", "list").startswith(
        "1  active  shown by many vendors and several artisans: 1 pair of 2 vendors"
    )
    shown = command("suppression", "show", "1")
    assert "by Eva" in shown
    assert "keeps apart 1 pair in 6 findings:" in shown
    assert "https://www.alibaba.com/listing/201" in shown
    [pair, *_] = json.loads(command("suppression", "show", "1", "--json"))["pairs"]
    assert pair["suppressed_by"] == ["common"]
    assert not findings(filled)["12", "202"]["proposable"]
    # a person's word outlasts the rule's
    run(filled, lambda connection: update_context(connection, load=loader(), now=NOW, everything=True))
    assert "1  active" in command("suppression", "list", "--rule", "common")
    assert command("suppression", "undo", "1", "--reason", "her photo").startswith("1 is undone: 1 pair count")
    assert command("suppression", "list").startswith("No photo is suppressed; ")
    assert "1  undone" in command("suppression", "list", "--all")
    assert "would keep apart 1 pair" in command("suppression", "show", "1")
    assert findings(filled)["12", "202"]["proposable"]
    with pytest.raises(UsageError, match="undone already"):
        CliRunner().invoke(
            app, ["suppression", "undo", "1", "--reason", "x"], catch_exceptions=False, standalone_mode=False
        )


def test_a_placeholder_is_named_by_its_address(filled):
    text = command("suppression", "add", "https://images.alibaba.com/201/1.jpg", "--rule", "placeholder")
    assert "placeholders.tsv" in text
    assert matched.image(matched.MIRRORED_SHIRT).sha256.hex() in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["suppression", "add", "abc", "--rule", "common"], "give the SHA-256 of a photo, 8 letters"),
        (["suppression", "add", "0123456789ab", "--rule", "common"], "no such photo in the record"),
        (["suppression", "show", "7"], "no such suppression"),
        (["suppression", "undo", "7", "--reason", "x"], "no such suppression"),
        (["suppression", "undo", "7", "--reason", " "], "--reason is empty"),
        (["relation", "end", "7"], "no such relation"),
        (["relation", "add", "Nobody", "101", "--kind", "licensee"], "no artisan or shop goes by this"),
        (["relation", "add", "Ana", "Nobody", "--kind", "licensee"], "no vendor goes by this"),
        (["relation", "add", "Ana", "AnaMakes", "--kind", "licensee"], "no vendor goes by this"),
        (["relation", "add", "Ana", "101", "--kind", "licensee", "--original", "x"], "not one listing or file"),
        (["relation", "add", "Ana", "101", "--kind", "licensee", "--by", " "], "--by is empty"),
        (
            [
                "relation",
                "add",
                "Ana",
                "101",
                "--kind",
                "licensee",
                "--starts",
                "2026-01-02",
                "--expires",
                "2026-01-02",
            ],
            "is not after",
        ),
        (["dates", "nowhere"], "no such listing"),
    ],
)
def test_a_mistake_is_refused_with_its_cause(filled, arguments, message):
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)


def test_what_a_relation_covers_is_kept_and_not_proposed(filled):
    assert findings(filled)["11", "201"]["proposable"]
    text = command(
        "relation", "add", "Ana", "Harbour Co., Ltd.", "--kind", "licensee", "--note", "letter of May", "--by", "Eva"
    )
    assert text == "1: licensee, Ana and Harbour Co., Ltd.; 4 findings with that vendor will not be proposed.\n"
    found = findings(filled)
    assert (found["11", "201"]["not_proposable_because"], found["11", "201"]["relation"]) == ("relation", "licensee")
    assert found["11", "207"]["proposable"]  # another vendor
    assert found["21", "203"]["relation"] is None  # another artisan
    assert rows(filled, "select count(*) as n from match")[0]["n"] == 5
    [vendor_row] = rows(
        filled, "select matches, possible, related from analysis.vendor where vendor = 'Harbour Co., Ltd.'"
    )
    assert vendor_row == {"matches": 0, "possible": 1, "related": 2}
    listed = command("relation", "list")
    assert listed == "1  holds  licensee: Ana and Harbour Co., Ltd. (Alibaba): 4 findings; letter of May\n"
    assert json.loads(command("relation", "list", "--json"))["made_by"] == "Eva"
    before = run(filled, digest_record)
    assert command("relation", "end", "1") == "1 is ended.\n"
    assert run(filled, digest_record) != before
    assert findings(filled)["11", "201"]["proposable"]
    assert "does not hold" in command("relation", "list", "--all")


def test_a_relation_may_cover_one_listing_or_one_file(filled):
    command("relation", "add", "Ana", "101", "--kind", "reseller", "--original", "https://www.etsy.com/listing/12")
    found = findings(filled)
    assert found["12", "201"]["relation"] == "reseller"
    assert found["11", "201"]["relation"] is None


def test_a_relation_holds_in_its_time(filled):
    command("relation", "add", "Ana", "101", "--kind", "licensee", "--starts", "2027-01-01", "--expires", "2028-01-01")
    for now, holds in (
        (datetime(2026, 12, 31, tzinfo=UTC), False),
        (datetime(2027, 1, 1, tzinfo=UTC), True),
        (datetime(2027, 12, 31, tzinfo=UTC), True),
        (datetime(2028, 1, 1, tzinfo=UTC), False),
    ):
        run(filled, lambda connection, now=now: update_context(connection, load=loader(), now=now))
        assert (findings(filled)["11", "201"]["relation"] == "licensee") is holds, now


def test_a_relation_covers_the_siblings_of_the_vendor(filled):
    command("relation", "add", "Ana", "alibaba/101", "--kind", "common_supplier")
    assert findings(filled)["11", "207"]["relation"] is None

    async def same_company(connection):
        await connection.execute(
            """insert into company_alias (marketplace, kind, value, seller, first_seen_at)
            select 'alibaba', 'registration', '91330000', id, now() from seller where seller_ref in ('101', '104')"""
        )
        await update_context(connection, load=loader(), now=NOW, everything=True)

    run(filled, same_company)
    assert findings(filled)["11", "207"]["relation"] == "common_supplier"


def test_an_artisans_own_shop_elsewhere_is_no_thief(filled):
    async def own(connection):
        await connection.execute(
            "update seller set artisan = (select id from artisan where name = 'Ana') where seller_ref = '104'"
        )
        await update_context(connection, load=loader(), now=NOW, everything=True)

    run(filled, own)
    assert findings(filled)["11", "207"]["not_proposable_because"] == "relation"
    assert findings(filled)["11", "207"]["relation"] == "own_shop"


def test_a_shop_without_an_artisan_gets_one(filled):
    text = command("relation", "add", "artfire/BensPots", "Harbour Co., Ltd.", "--kind", "licensee")
    assert "Ben's Pots and Harbour" in text
    assert findings(filled)["21", "203"]["relation"] == "licensee"


def test_a_shop_cannot_take_the_name_of_another_artisan(filled):
    run(filled, lambda connection: save(connection, [record(shop(7, name="Ana"), "71", image_record(matched.HAT))]))
    assert "Ana (etsy/97) and" in command("relation", "add", "etsy/97", "101", "--kind", "licensee")
    assert len(rows(filled, "select * from artisan where name like 'Ana%'")) == 2


def test_what_was_said_of_a_provisional_seller_is_said_of_the_firm_one(dsn):
    photo = image_record(matched.DRESS)
    provisional = Seller(marketplace="alibaba", aliases=(Alias(kind="subdomain", value="harbour"),))
    firm = Seller(marketplace="alibaba", ref="555", aliases=(Alias(kind="subdomain", value="harbour2"),))
    both = Seller(marketplace="alibaba", ref="555", aliases=(Alias(kind="subdomain", value="harbour"),))

    async def work(connection):
        await save(connection, [record(shop(0), "1", photo), record(provisional, "2", photo), record(firm, "3", photo)])
        await save(connection, [], [(photo, photo)])
        await connection.execute("insert into artisan (name) values ('Ana')")
        await connection.execute("""
            insert into relation (artisan, seller, kind, made_by, made_at, active)
            select a.id, s.id, 'licensee', 'Eva', now(), true
            from artisan a, seller s where s.seller_ref = 'subdomain:harbour'
        """)
        await connection.execute("""
            insert into suppression (image, rule, seller, made_by, made_at)
            select i.id, 'banner', s.id, 'Eva', now() from image i, seller s where s.marketplace = 'alibaba'
        """)
        await save(connection, [record(both, "2", photo)])
        await update_context(connection, load=loader(), now=NOW)

    run(dsn, work)
    assert [row["seller_ref"] for row in rows(dsn, "select seller_ref from analysis.relation")] == ["555"]
    [suppression] = rows(dsn, "select seller_id, made_by from analysis.suppression")
    assert suppression["made_by"] == "Eva"


def test_hostile_names_are_only_text(filled):
    evil = "\x1b[2J<script>\u202e'; drop table match; --\ttab\nnew"

    async def rename(connection):
        await connection.execute("update seller set name = %s where seller_ref = '101'", [evil])
        await connection.execute(
            "update listing set title = %s, url = url || %s where listing_ref = '201'", [evil, "\x1b[2J"]
        )

    run(filled, rename)
    sha256 = matched.image(matched.SMALL_DRESS).sha256.hex()
    texts = [
        command("suppression", "add", sha256, "--rule", "banner", "--by", evil),
        command("suppression", "list"),
        command("suppression", "show", "1"),
        command("relation", "add", "Ana", "alibaba/101", "--kind", "licensee", "--note", evil, "--by", evil),
        command("relation", "list"),
        command("dates", "alibaba/201"),
        command("dates", "etsy/11"),
    ]
    assert all("\x1b" not in text and "\u202e" not in text and "\t" not in text for text in texts)
    assert rows(filled, "select count(*) as n from match")[0]["n"] == 5


def test_due_work_is_in_proportion_to_what_was_saved(filled):
    async def revisit(connection):
        await save(connection, [matched.record(matched.LOTUS, "204", matched.image(matched.HAT))])

    run(filled, revisit)
    due = rows(filled, "select kind from context_due")
    assert [row["kind"] for row in due] == ["seller"]

    async def matched_one(connection):
        await execute(
            connection,
            "delete_due",
            kind="seller",
            ids=[row["id"] for row in rows(filled, "select id from context_due")],
        )
        await save(connection, [matched.record(matched.MEADOW, "207", matched.image(matched.SMALL_DRESS))])

    run(filled, matched_one)
    kinds = sorted(row["kind"] for row in rows(filled, "select kind from context_due"))
    assert kinds == ["finding", "finding", "image", "seller"]
