"""Erasure: what goes, what stays, and that neither a kill nor the next crawl brings anything back."""

import hashlib
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.crawling import World
from tests.fixtures_told import HARBOUR, HOSTILE, MEADOW
from tests.matched import (
    DRESS,
    FLAT,
    FRAMED_SKIRT,
    HAT,
    MATCHED_AT,
    MIRRORED_SHIRT,
    OWN,
    SHIRT,
    SKIRT,
    SMALL_DRESS,
    TUNIC,
    image,
)
from theftwatch import erasure
from theftwatch.clock import system_clock
from theftwatch.config import settings
from theftwatch.db.images import save_images
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.erasure import delete_files, erase, plan_artisan, plan_vendor
from theftwatch.errors import UsageError
from theftwatch.files import Files
from theftwatch.match.decide import ALGORITHM_VERSION
from theftwatch.match.rematch import put_down_all, withdraw


def kept() -> set[bytes]:
    """Return the SHA-256 of the files in the folder."""
    return {bytes.fromhex(path.name) for path in settings().files_dir.glob("??/*") if len(path.name) == 64}


def digests(*photos: bytes) -> set[bytes]:
    return {hashlib.sha256(photo).digest() for photo in photos}


def everything(told) -> str:
    """Return all text of all tables but that of runs, which keeps what people told them to crawl."""
    tables = told.rows(
        "select quote_ident(table_name) from information_schema.tables"
        " where table_schema = 'public' and table_name <> 'run'"
    )
    return "\n".join(str(told.rows(f"select t::text from {table} t")) for (table,) in tables)


def states(told) -> dict[bytes, str]:
    return dict(told.rows("select sha256, bytes_state from image"))


def capture(told, listing_ref: str, data: bytes) -> None:
    """Keep a capture of a listing, for all its findings."""
    files = Files(settings().files_dir)
    manifest, page = files.put(b"manifest of " + data), files.put(data)
    with psycopg.connect(told.dsn) as connection:
        [(key,)] = connection.execute(
            "insert into capture (listing, why, state, url, taken_at, manifest_sha256)"
            " select id, 'found', 'taken', url, %s, %s from listing where listing_ref = %s returning id",
            [MATCHED_AT, manifest, listing_ref],
        ).fetchall()
        connection.execute(
            "insert into capture_file values (%s, 'page.html', 'page', %s, %s, 'text/html')", [key, page, len(data)]
        )
        connection.execute(
            "insert into capture_finding select %s, f.id from finding f join listing l on l.id = f.suspect_listing"
            " where l.listing_ref = %s",
            [key, listing_ref],
        )


def test_it_shows_first_what_it_will_do_and_does_nothing(told):
    told.confirm(HARBOUR)
    digest, files = told.digest, kept()
    said = told.run("erase", "artisan", "Ana")
    assert said.startswith("Artisan Ana:\n  go    3 photos, 0.")
    assert "  stay  1 photo that others show too\n" in said
    assert "  stay  9 findings, 2 verdicts, 0 cases, with digests, decisions, keys and addresses\n" in said
    assert said.endswith("Nothing was erased; --yes does it.\n")
    # not even an artisan is made of a shop that nobody named one for
    told.run("erase", "artisan", "Ben's Pots")
    assert (told.digest, kept()) == (digest, files)


def test_of_an_artisan_bytes_and_contact_go_and_decisions_stay(told):
    told.run("artisan", "contact", "Ana", "ana@example.org", "--by", "Eva")
    told.confirm(HARBOUR)
    told.notify()
    told.run("notice", "sent", "1", "--by", "Eva")
    capture(told, HARBOUR, b"a page with her photo")
    before = told.digest
    said = told.run("erase", "artisan", "Ana", "--yes", "--by", "Eva")
    assert "  go    3 photos, 1 capture, 0." in said
    assert said.endswith("Erased; 5 files deleted. Backups and reports made before still hold what they held.\n")

    # her photos are gone; what a vendor made of them is the vendor's, and so is the file that another listing shows
    gone = digests(DRESS, SHIRT, FLAT)
    assert kept() == digests(SKIRT, TUNIC, HAT, OWN, SMALL_DRESS, MIRRORED_SHIRT, FRAMED_SKIRT)
    assert {sha256 for sha256, state in states(told).items() if state == "erased"} == gone
    for computed in ("lookup", "image_phash", "descriptor", "local_features", "image_reading"):
        rows = told.rows(
            f"select count(*) from {computed} c join image i on i.id = c.image where bytes_state = 'erased'"
        )
        assert rows == [(0,)], computed
    text = everything(told)
    for private in ("ana@example.org", "AnaMakes", "Red shirt dress", "shoot/own.jpg", "Hello Ana", "'Ana'"):
        assert private not in text, private
    # what was decided is there, and by what
    for table in ("match", "match_decision", "finding", "verdict", "judged_match"):
        assert told.digest[table].partition(":")[0] == before[table].partition(":")[0]
    for table in ("match", "match_decision"):
        assert told.digest[table] == before[table]
    assert told.rows("select photos, captures, made_by from erasure") == [(3, 1, "Eva")]
    assert told.rows("select name, opted_out_at is null from artisan where erased_at is not null") == [
        (told.rows("select 'erased artisan ' || id from artisan where erased_at is not null")[0][0], False)
    ]
    assert told.rows("select count(*) from analysis.match where original_marketplace = 'etsy'") == [(0,)]
    assert told.notify().startswith("Nobody is to be told anything")
    told.run("report", "--html", told.folder / "report")


def test_of_a_vendor_the_listings_stay_without_what_they_said(told):
    told.confirm(HARBOUR, MEADOW)
    capture(told, HARBOUR, b"a page of Harbour")
    told.do(
        lambda connection: connection.execute(
            "insert into target (marketplace, kind, ref, url, every, reason, added_at, due_at)"
            " values ('alibaba', 'listing', '201', 'https://x', '1 day', 'a test', %(at)s, %(at)s)",
            {"at": MATCHED_AT},
        )
    )
    said = told.run("erase", "vendor", "Harbour Co., Ltd.", "--yes", "--by", "Eva")
    assert "  go    2 photos, 1 capture, 0." in said
    assert "  stay  2 photos that others show too\n" in said
    assert kept() == digests(DRESS, SHIRT, FLAT, SKIRT, TUNIC, HAT, OWN, SMALL_DRESS)
    text = everything(told)
    for private in ("Harbour Co", "2026 New Dress Wholesale", "harbour.en.alibaba.com"):
        assert private not in text, private
    assert told.rows("select url, title from listing where listing_ref = '201'") == [
        ("https://www.alibaba.com/listing/201", None)
    ]
    assert told.rows("select count(*) from target where kind = 'listing'") == [(0,)]
    [finding, *_] = told.findings(HARBOUR)
    shown = told.run("finding", "show", finding)
    assert "confirmed by Eva" in shown
    assert "https://www.alibaba.com/listing/201" in shown
    told.run("report", "--html", told.folder / "report")
    # and is known by its key
    assert "  go    0 photos" in told.run("erase", "vendor", "alibaba/101")


def test_nothing_is_erased_while_a_case_is_open(told):
    told.confirm(HARBOUR)
    told.run("case", "open", "Ana", "Harbour Co., Ltd.", "--by", "Eva")
    files = kept()
    for who in (["artisan", "Ana"], ["vendor", "Harbour Co., Ltd."]):
        with pytest.raises(UsageError, match="case 1 is open, and what it rests on is not erased"):
            told.run("erase", *who, "--yes")
    assert kept() == files
    told.run("case", "close", "1", "--as", "withdrawn", "--by", "Eva")
    assert "1 case, with digests" in told.run("erase", "artisan", "Ana", "--yes")
    assert told.rows("select outcome from takedown_case") == [("withdrawn",)]


def test_what_cannot_be_looked_at_again_is_not_withdrawn(told):
    told.confirm(HARBOUR)
    told.run("erase", "artisan", "Ana", "--yes")

    async def rematch(connection):
        async with connection.transaction():
            await connection.execute("update match set algorithm_version = 1")
            await put_down_all(connection)
            await connection.execute("update lookup set algorithm_version = %s", [ALGORITHM_VERSION])
            await withdraw(connection, now=MATCHED_AT)

    told.do(rematch)
    decisions = told.rows(
        "select o.bytes_state, m.decision, count(*) from match m join image o on o.id = m.original_image"
        " group by 1, 2 order by 1"
    )
    assert decisions == [("erased", "match", 2), ("held", "no_match", 3)]
    # nor does it wait for ever to be looked up
    assert told.rows("select distinct bytes_state from lookup l join image i on i.id = l.image") == [("held",)]


def test_a_kill_before_the_files_are_deleted_is_made_good_for(told):
    async def killed(connection):
        async with connection.transaction():
            [(artisan,)] = await (await connection.execute("select id from artisan where name = 'Ana'")).fetchall()
            await erase(connection, await plan_artisan(connection, artisan), by="Eva", now=MATCHED_AT)

    told.do(killed)
    assert digests(DRESS, SHIRT, FLAT) < kept()
    assert told.rows("select count(*) from unneeded_file") == [(3,)]
    assert "Dropped; 3 files deleted." in told.run("keep", "--apply")
    assert not digests(DRESS, SHIRT, FLAT) & kept()
    assert told.rows("select count(*) from unneeded_file") == [(0,)]


def test_what_another_shows_again_is_held_again(told):
    files = Files(settings().files_dir)

    async def work(connection):
        async with connection.transaction():
            [(seller,)] = await (await connection.execute("select id from seller where seller_ref = '101'")).fetchall()
            await erase(connection, await plan_vendor(connection, seller), by="Eva", now=MATCHED_AT)
        # a crawl stores the same bytes of another vendor before the files are deleted
        files.put(MIRRORED_SHIRT)
        async with connection.transaction():
            await save_images(connection, [image(MIRRORED_SHIRT)], now=MATCHED_AT)
        return await delete_files(connection, files)

    assert told.do(work) == 1
    assert digests(MIRRORED_SHIRT) < kept()
    assert states(told)[image(MIRRORED_SHIRT).sha256] == "held"
    assert not digests(FRAMED_SKIRT) & kept()


def keep_for(monkeypatch, **times):
    for kind, time in times.items():
        monkeypatch.setenv(f"THEFTWATCH_KEEP_{kind.upper()}", time)
    settings.cache_clear()


def test_all_is_kept_where_nobody_says_otherwise(told):
    capture(told, MEADOW, b"a page of Meadow")
    long_ago(told, "image.first_seen_at", "listing_image.last_seen_at", "capture.taken_at")
    before = kept()
    assert told.run("keep", "--apply") == (
        "All is kept: none of THEFTWATCH_KEEP_PHOTOS, THEFTWATCH_KEEP_CAPTURES and THEFTWATCH_KEEP_PAGES is set.\n"
        "Dropped; 0 files deleted.\n"
    )
    assert kept() == before


def long_ago(told, *columns):
    for column in columns:
        table, _, name = column.partition(".")
        with psycopg.connect(told.dsn) as connection:
            connection.execute(f"update {table} set {name} = %s", [system_clock() - timedelta(days=400)])


def test_old_photos_go_that_nothing_rests_on(told, monkeypatch):
    keep_for(monkeypatch, photos="52w")
    told.do(lambda connection: connection.execute("update listing set state = 'gone'"))
    assert told.run("keep").startswith("photos, kept for 52w: 0 may go\n")
    long_ago(told, "listing_image.last_seen_at", "image.first_seen_at")
    before = kept()
    said = told.run("keep")
    assert said.startswith("photos, kept for 52w: 1 may go\n0.")
    assert said.endswith("Nothing was dropped; --apply does it.\n")
    assert kept() == before
    assert told.run("keep", "--apply", "--by", "Eva").endswith("Dropped; 1 file deleted.\n")
    # of all that is gone, the one photo of a vendor that never matched
    assert {sha256 for sha256, state in states(told).items() if state == "dropped"} == digests(HAT)
    assert not digests(HAT) & kept()
    assert told.rows("select photos, captures, pages, made_by from erasure") == [(1, 0, 0, "Eva")]
    keep_for(monkeypatch, photos="a year")
    with pytest.raises(UsageError, match="THEFTWATCH_KEEP_PHOTOS: 'a year' is no time"):
        told.run("keep")


def test_old_captures_go_and_the_evidence_of_cases_stays(told, monkeypatch):
    keep_for(monkeypatch, captures="52w")
    told.confirm(HARBOUR, MEADOW)
    told.run("case", "open", "Ana", "Harbour Co., Ltd.", "--by", "Eva")
    for ref, data in ((HARBOUR, b"of an open case"), (MEADOW, b"confirmed, no case yet"), (HOSTILE, b"neither")):
        capture(told, ref, data)
    long_ago(told, "capture.taken_at")
    told.run("keep", "--apply")
    assert digests(b"of an open case", b"confirmed, no case yet") < kept()
    assert not digests(b"neither") & kept()
    # a case that was closed just now still has its evidence for as long
    told.run("case", "close", "1", "--as", "withdrawn", "--by", "Eva")
    assert "captures, kept for 52w: 0 may go" in told.run("keep")
    long_ago(told, "takedown_case.closed_at")
    assert "captures, kept for 52w: 1 may go" in told.run("keep", "--apply")
    assert digests(b"confirmed, no case yet") < kept()
    assert not digests(b"of an open case") & kept()
    assert told.rows("select count(*) from capture where erased_at is null") == [(1,)]


def test_old_pages_go_a_part_at_a_time(told, monkeypatch):
    keep_for(monkeypatch, pages="4w")
    monkeypatch.setattr(erasure, "_ROWS_AT_ONCE", 2)
    files = Files(settings().files_dir)
    now = system_clock()
    with psycopg.connect(told.dsn) as connection:
        for n in range(7):
            [(run,)] = connection.execute(
                "insert into run (spider, arguments, host, version, started_at, heartbeat_at)"
                " values ('etsy', '{}', 'here', '1', %s, %s)"
                " returning id",
                [now, now],
            ).fetchall()
            for url, age in (("https://x/old", 30), ("https://x/new", 1)):
                connection.execute(
                    "insert into page_problem (run, url, kind, detail, page_sha256, seen_at)"
                    " values (%s, %s, 'changed', 'no price', %s, %s)",
                    [run, url, files.put(f"{url} {n}".encode()), now - timedelta(days=age)],
                )
    assert "pages, kept for 4w: 7 may go" in told.run("keep", "--apply")
    assert kept() >= digests(*(f"https://x/new {n}".encode() for n in range(7)))
    assert not digests(*(f"https://x/old {n}".encode() for n in range(7))) & kept()
    assert told.rows("select sum(pages)::int, count(*) from erasure") == [(7, 4)]
    assert told.rows("select count(*) from page_problem where detail = 'no price'") == [(14,)]


def test_a_crawl_takes_nothing_in_of_who_was_erased(dsn, tmp_path: Path):
    [offer, *_] = [each for each in load_catalogue().offers if each.listing.marketplace == "etsy"]
    with running_replica() as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        world.execute(
            "insert into target (marketplace, kind, ref, url, every, reason, added_at, due_at)"
            " values ('etsy', 'listing', %s, %s, '1 day', 'a test', %s, %s)",
            [offer.listing.listing_ref, offer.listing.url, MATCHED_AT, MATCHED_AT],
        )
        seller = offer.seller.seller
        world.execute(
            "with erased as (insert into seller (marketplace, seller_ref, first_seen_at, last_seen_at, erased_at)"
            " values ('etsy', %s, %s, %s, %s) returning id)"
            " insert into seller_alias select 'etsy', kind, value, id, %s from erased,"
            " unnest(%s::text[], %s::text[]) as a (kind, value)",
            [
                *("erased", MATCHED_AT, MATCHED_AT, MATCHED_AT, MATCHED_AT),
                ["ref"] * bool(seller.ref) + [alias.kind for alias in seller.aliases],
                [seller.ref] * bool(seller.ref) + [alias.value for alias in seller.aliases],
            ],
        )
        log = world.crawl("etsy")
    assert "its seller was erased; nothing is stored" in log
    assert world.rows("select name, (select count(*) from listing), (select count(*) from image) from seller") == [
        (None, 0, 0)
    ]
    assert list((tmp_path / "data/theftwatch").glob("??/*")) == []
    assert world.rows("select outcome from target where kind = 'listing'") == [("ok",)]
    assert world.rows("select outcome from run") == [("ok",)]
