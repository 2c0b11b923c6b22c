"""Cases, from a confirmed finding to a listing that is down, with clocks that run over a weekend and a holiday."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg.rows import dict_row
from typer.testing import CliRunner

from tests.context import OTHER as SHIRT
from tests.context import PHOTO as DRESS
from tests.context import loader, shop, vendor
from tests.matched import SEEN_AT, image, record
from tests.record import adopt_store
from tests.test_removal import COPY, EDITED, OWN, SECOND, Watch, showing
from theftwatch.cases import docket
from theftwatch.cases.enter import Entry, close_case, enter_answer, enter_complaint, enter_letter, enter_note
from theftwatch.cases.letter import draft_letter
from theftwatch.cases.open import open_case
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.db import store
from theftwatch.db.digest import digest_tables
from theftwatch.db.queries import execute, fetch
from theftwatch.errors import UsageError
from theftwatch.evidence.capture import (
    Capture,
    CapturedFile,
    find_due,
    find_named,
    find_subject,
    put_files,
    save_capture,
)
from theftwatch.evidence.gather import find_complaint
from theftwatch.files import Files
from theftwatch.listing import Alias, Seller
from theftwatch.match.context import update_context
from theftwatch.match.verdict import Seen, give_verdict, undo_verdict

DOCUMENT = (Path(__file__).parents[1] / "docs/cases.md").read_text()
HOUR = timedelta(hours=1)
ANA, HARBOUR = shop(1), vendor(1)
#: A Wednesday afternoon in Shanghai; Friday is New Year's Day
FILED_AT = datetime(2026, 12, 30, 7, tzinfo=UTC)
#: The end of Tuesday there: Thursday, Monday, Tuesday
ANSWER_DUE_AT = datetime(2027, 1, 5, 16, tzinfo=UTC)
REMOVAL_DUE_AT = ANSWER_DUE_AT + 24 * HOUR
BEFORE = FILED_AT - 2 * HOUR


class Matter(Watch):
    """Ana's two photos in three listings of one vendor, and what people do about that at moments of the test's own."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.run(
            0,
            record(ANA, "11", image(DRESS), image(SHIRT), title="Red dress", listed_at=SEEN_AT - timedelta(days=900)),
            showing(COPY, ref="201"),
            showing(SECOND, OWN, ref="202"),
            showing(COPY, ref="203"),
        )
        self.do(self._own)
        self.update()

    @staticmethod
    async def _own(connection):
        await connection.execute("insert into artisan (name, contact) values ('Ana', 'ana@example.org')")
        await connection.execute("update seller set artisan = (select id from artisan) where marketplace = 'etsy'")

    def update(self):
        async def update(connection):
            await connection.commit()
            await connection.set_autocommit(True)
            await update_context(connection, load=loader(), now=BEFORE, everything=True)

        self.do(update)

    def table(self, query, **parameters):
        async def ask(connection):
            connection.row_factory = dict_row
            return await (await connection.execute(query, parameters)).fetchall()

        return self.do(ask)

    def finding(self, ref):
        [row] = self.table("select finding_id from analysis.finding where suspect_listing_ref = %(ref)s", ref=ref)
        return row["finding_id"]

    def confirm(self, *refs):
        seen = [Seen(finding=self.finding(ref)) for ref in refs]
        self.do(lambda connection: give_verdict(connection, seen, "confirmed", by="Eva", now=BEFORE))

    def open(self, *refs, now=BEFORE, vendor="801", **how):
        findings = [self.finding(ref) for ref in refs]

        async def open_(connection):
            [(artisan, _)] = await fetch(connection, "find_artisan", name="Ana")
            [(seller, *_)] = await fetch(connection, "find_sellers_named", name=vendor, side="suspect", most=1)
            return await open_case(connection, artisan, seller, by="Eva", now=now, findings=findings, **how)

        return self.do(open_)

    def enter(self, what, *arguments, now=FILED_AT, listings=(), at=None, case=1, **how):
        entry = Entry(case=case, at=at or now, now=now, by="Eva", note="as told", listings=listings)
        return self.do(lambda connection: what(connection, entry, *arguments, **how))

    def file(self, reference, **how):
        return self.enter(enter_complaint, "portal", reference, **how)

    def states(self):
        rows = self.table("select listing_ref, state from analysis.case_listing order by 1")
        return {row["listing_ref"]: row["state"] for row in rows}

    def due(self, now):
        rows = self.do(lambda connection: docket.find_due(connection, now=now))
        return [(row.what, row.listings, row.is_overdue) for row in rows]

    def captures_due(self, now):
        due = self.do(lambda connection: find_due(connection, now=now, most=None))
        refs = {row["id"]: row["listing_ref"] for row in self.table("select id, listing_ref from listing")}
        return [(refs[each.listing], each.why) for each in due]

    def captured_by_name(self, ref):
        """Return the findings that a capture of a listing would be about."""
        found = self.do(lambda connection: find_named(connection, "filing", listing=ref))
        return [finding for each in found for finding in each.findings]

    def capture(self, now, state="taken", **of):
        """Capture what is due, as the spider writes it."""

        async def take(connection):
            for due in await find_due(connection, now=now, most=None):
                capture = Capture(
                    subject=await find_subject(connection, due),
                    why=due.why,
                    state=state,
                    taken_at=now,
                    url="https://www.alibaba.com",
                    software="TheftWatch",
                    user_agent="TheftWatch",
                    files=(CapturedFile(name="crawled-1.jpg", role="recorded", media_type="image/jpeg", data=COPY),),
                    **of,
                )
                sha256 = put_files(capture, Files(settings().files_dir))
                await save_capture(connection, capture, sha256, run=None)

        self.do(take)

    def watch_at(self, moment, *records, gone=()):
        self.run((moment - SEEN_AT) / HOUR, *records, gone=gone)


@pytest.fixture
def matter(dsn) -> Matter:
    return Matter(dsn)


def test_a_case_from_the_first_letter_to_the_relisting(matter):
    matter.confirm("201", "202")
    opened = matter.open()
    assert (opened.case, opened.listings, opened.findings) == (1, 2, 2)
    assert [(each.finding, each.why.split(";")[0]) for each in opened.left_out] == [
        (matter.finding("203"), "no person has confirmed it")
    ]
    assert matter.states() == {"201": "opened", "202": "opened"}
    # it cites the decisions that were judged
    cited = matter.rows("select match_decision_ids from analysis.case_listing order by listing_ref")
    judged = matter.rows("select array_agg(match_decision) from judged_match group by verdict order by verdict")
    assert cited == judged
    assert matter.due(BEFORE) == [("file", 2, True)]

    # a letter, which waits three business days by the portal's calendar
    sent = matter.enter(enter_letter, now=BEFORE, listings=("alibaba/201",))
    assert (sent.answer_due_at, sent.removal_due_at) == (ANSWER_DUE_AT, None)
    assert matter.states() == {"201": "asked", "202": "opened"}

    # a complaint on both
    filed = matter.file("IPP-7")
    assert (filed.listings, filed.answer_due_at, filed.removal_due_at) == (2, ANSWER_DUE_AT, REMOVAL_DUE_AT)
    assert matter.states() == {"201": "filed", "202": "filed"}
    with pytest.raises(UsageError, match="none of its listings is opened or asked or refused or relisted"):
        matter.file("IPP-8")
    # New Year's Day, the weekend and Monday: nothing is due
    for day in (31, 32, 33, 34, 35):
        assert matter.due(datetime(2026, 12, 1, 15, tzinfo=UTC) + timedelta(days=day - 1)) == []
    # Tuesday in Shanghai; the day before, London's evening is Tuesday there already
    assert matter.due(datetime(2027, 1, 4, 17, tzinfo=UTC)) == [("answer", 2, False)]
    # Wednesday: what is not answered is to come down
    assert matter.due(ANSWER_DUE_AT + HOUR) == [("removal", 2, False)]
    assert matter.due(REMOVAL_DUE_AT) == [("removal", 2, True)]

    # one is disputed, on the other the portal acts
    answered = datetime(2027, 1, 5, 3, tzinfo=UTC)
    matter.enter(enter_answer, "countered", now=answered, listings=("202",))
    accepted = matter.enter(enter_answer, "accepted", now=answered)
    assert (accepted.listings, accepted.removal_due_at) == (1, answered + 24 * HOUR)
    assert matter.due(answered + 25 * HOUR) == [("reply", 1, True), ("removal", 1, True)]
    with pytest.raises(UsageError, match=r"has not seen https://\S+ come down \(accepted\)"):
        matter.enter(close_case, "removed", now=answered)

    # the watch sees it come down, in two good runs
    gone = answered + 10 * HOUR
    matter.watch_at(gone, showing(SECOND, OWN, ref="202"), gone=("201",))
    assert matter.states()["201"] == "accepted"
    matter.watch_at(gone + 20 * HOUR, showing(OWN, ref="202"), gone=("201",))
    assert matter.states() == {"201": "removed", "202": "countered"}
    with pytest.raises(UsageError, match="its photos were removed"):
        matter.file("IPP-9", now=gone + 21 * HOUR, listings=("201",))
    # the vendor swaps the disputed photo after all
    matter.watch_at(gone + 40 * HOUR, showing(OWN, ref="202"), gone=("201",))
    assert matter.states() == {"201": "removed", "202": "removed"}
    assert matter.due(gone + 41 * HOUR) == [("close", 2, True)]
    matter.enter(close_case, "removed", now=gone + 41 * HOUR)
    [case] = matter.table("select * from analysis.case")
    assert (case["state"], case["is_open"], case["listings_removed"], case["relistings"]) == ("removed", False, 2, 0)
    with pytest.raises(UsageError, match="closed already"):
        matter.enter(close_case, "withdrawn", now=gone + 41 * HOUR)
    with pytest.raises(UsageError, match="`theftwatch case open` reopens it"):
        matter.file("IPP-9", now=gone + 41 * HOUR)

    # weeks later the photo stands at another address, and then at the old one too
    back = gone + 500 * HOUR
    matter.watch_at(back - 9 * HOUR, showing(EDITED, ref="204"))
    matter.watch_at(back, showing(COPY, ref="201"))
    matter.update()
    [case] = matter.table("select * from analysis.case")
    assert (case["state"], case["is_open"]) == ("relisted", True)
    assert (case["listings_relisted"], case["relisted_elsewhere"], case["relistings"]) == (1, 1, 2)
    assert ("relisted", 1, True) in matter.due(back + HOUR)
    # filed again, which opens it again, and with the new address when a person has confirmed that
    matter.file("IPP-10", now=back + HOUR)
    assert matter.states() == {"201": "filed", "202": "removed"}
    seen = [Seen(finding=matter.finding("204"))]
    matter.do(lambda connection: give_verdict(connection, seen, "rejected", by="Ida", now=back, reason="own_shop"))
    assert matter.table("select relisted_elsewhere from analysis.case") == [{"relisted_elsewhere": 0}]
    matter.do(lambda connection: undo_verdict(connection, seen[0], by="Ida", now=back))
    matter.confirm("204")
    assert matter.open("204", now=back + HOUR).listings == 1
    [case] = matter.table("select * from analysis.case")
    assert (case["state"], case["closed_at"], case["relisted_elsewhere"]) == ("opened", None, 0)
    assert case["relistings"] == 2

    # the record of success: both came down, one was disputed
    found = {row["per"]: row for row in matter.table("select * from analysis.success where per in ('all', 'artisan')")}
    assert found["artisan"]["artisan"] == "Ana"
    everything = found["all"]
    assert (everything["listings_filed"], everything["listings_removed"], everything["listings_countered"]) == (2, 2, 1)
    assert (float(everything["share_removed"]), float(everything["share_countered"])) == (1.0, 0.5)
    first, last = (at / timedelta(days=1) for at in (gone - FILED_AT, gone + 20 * HOUR - FILED_AT))
    assert float(everything["median_days_filed_to_removed"]) == pytest.approx((first + last) / 2, abs=0.06)
    assert float(everything["p90_days_filed_to_removed"]) == pytest.approx(first + 0.9 * (last - first), abs=0.06)
    to_file = (FILED_AT - SEEN_AT) / timedelta(days=1)
    assert float(everything["median_days_found_to_filed"]) == pytest.approx(to_file, abs=0.06)
    [each] = matter.table("select * from analysis.success where per = 'each'")
    assert (each["portal"], each["vendor"], str(each["month"])) == ("ipp", "Vendor 1 Ltd.", "2026-12-01")
    # the queries of the document have something to say
    for query in re.findall(r"^```sql\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL):
        assert matter.table(query.replace("now()", "'2027-06-01'")), query
    # all of it is in the digest
    tables = matter.do(digest_tables)
    assert tables["takedown_case"].startswith("1:")
    [(events,)] = matter.rows("select count(*) from case_event")
    assert tables["case_event"].startswith(f"{events}:")


def test_a_case_rests_on_confirmed_findings_of_an_original_that_was_first(matter):
    with pytest.raises(UsageError, match="no case to open: finding 1: no person has confirmed it"):
        matter.open()
    assert matter.table("select * from takedown_case") == []

    async def relate(connection):
        await connection.execute(
            "insert into relation (artisan, seller, kind, original_listing, made_by, made_at, active)"
            " select a.id, s.id, 'licensee', l.id, 'Eva', %s, true from artisan a, seller s, listing l"
            " where s.seller_ref = '801' and l.listing_ref = '11'",
            [BEFORE],
        )

    matter.do(relate)
    matter.confirm("203")
    with pytest.raises(UsageError, match=r"no case to open: finding \d: a relation covers it"):
        matter.open()  # what a person confirmed comes first
    matter.confirm("201", "202")
    with pytest.raises(UsageError, match="a relation covers it"):
        matter.open("201")
    with pytest.raises(UsageError, match="--override goes with --finding"):
        matter.open(override="the licence ended in May")
    opened = matter.open("201", override="the licence ended in May")
    assert (opened.listings, opened.left_out) == (1, ())
    # what is in the case is captured by its name as well, and nothing else that a relation covers
    assert [matter.captured_by_name(ref) for ref in ("201", "202")] == [[matter.finding("201")], []]
    matter.do(lambda connection: connection.execute("delete from relation"))
    assert matter.captured_by_name("203") == [matter.finding("203")]
    [known] = matter.table("select id from standing_verdict where finding = %(it)s", it=matter.finding("203"))
    third = Seen(finding=matter.finding("203"), verdict=known["id"])
    matter.do(lambda connection: give_verdict(connection, [third], "rejected", reason="own_shop", by="Eva", now=BEFORE))
    assert matter.captured_by_name("203") == []
    # the vendor turns out to have been first with another
    matter.do(
        lambda connection: connection.execute(
            "update listing set listed_at = '2010-01-01' where listing_ref in ('202', '203')"
        )
    )
    matter.update()
    with pytest.raises(UsageError, match=r"not known to have been first \(suspect_first\)"):
        matter.open("202")
    with pytest.raises(UsageError, match="not between this artisan and this vendor"):
        matter.do(lambda connection: open_case(connection, 1, 1, by="Eva", now=BEFORE, findings=[999]))
    assert [row["override_reason"] for row in matter.table("select * from analysis.case_listing")] == [
        "the licence ended in May"
    ]
    # what is in the case is not filed once nobody stands by it
    seen = Seen(finding=matter.finding("201"))
    matter.do(lambda connection: undo_verdict(connection, seen, by="Ida", now=BEFORE))
    assert matter.due(BEFORE) == [("file", 1, True), ("look", 1, True)]
    # a page shows the first, and says how many there are
    [first] = matter.do(lambda connection: docket.find_due(connection, now=BEFORE, to_capture=False, most=1))
    assert (first.what, first.of_all) == ("file", 2)
    with pytest.raises(UsageError, match="not to be asked or filed now, no person has confirmed it"):
        matter.file("IPP-7")
    with pytest.raises(UsageError, match="not to be asked or filed now"):
        matter.do(lambda connection: draft_letter(connection, 1, now=FILED_AT))
    matter.confirm("201")
    assert matter.due(BEFORE) == [("file", 1, True)]
    # nor once it no longer matches
    matter.do(lambda connection: connection.execute("update match set decision = 'no_match'"))
    assert matter.due(BEFORE) == [("file", 1, True), ("look", 1, True)]
    with pytest.raises(UsageError, match=r"it needs a look first \(dropped\)"):
        matter.file("IPP-7")
    matter.do(lambda connection: connection.execute("update match set decision = 'match'"))
    assert matter.file("IPP-7").listings == 1
    matter.enter(close_case, "withdrawn", now=FILED_AT)
    assert matter.states() == {"201": "withdrawn"}


def test_a_portal_takes_so_many_addresses_a_request(matter):
    matter.confirm("201", "202", "203")
    matter.open()
    matter.do(lambda connection: connection.execute("update portal set links_max = 2, links_without_account_max = 1"))
    with pytest.raises(UsageError, match="3 listings, and Alibaba Group IP Protection Platform takes 2 addresses"):
        matter.file("IPP-7")
    with pytest.raises(UsageError, match="takes 1 addresses a request without an account"):
        matter.file("IPP-7", listings=("201", "202"), without_account=True)
    with pytest.raises(UsageError, match="999: no such listing in case 1"):
        matter.file("IPP-7", listings=("999",))
    with pytest.raises(UsageError, match="is not past yet"):
        matter.file("IPP-7", at=FILED_AT + HOUR, listings=("201",))
    assert matter.file("IPP-7", listings=("201", "https://www.alibaba.com/listing/202")).listings == 2
    # by the report button one after the other, however many
    assert matter.enter(enter_complaint, "report", "R-1").listings == 1
    rows = matter.table("select listing_ref, route, reference from analysis.case_listing order by 1")
    assert [(row["route"], row["reference"]) for row in rows] == [
        ("portal", "IPP-7"),
        ("portal", "IPP-7"),
        ("report", "R-1"),
    ]
    with pytest.raises(UsageError, match="7: no such case"):
        matter.enter(enter_note, case=7)


def test_a_listing_is_captured_when_found_before_filing_and_when_removed(matter):
    day = 24 * HOUR
    assert matter.captures_due(SEEN_AT + HOUR) == [("201", "found"), ("202", "found"), ("203", "found")]
    matter.capture(SEEN_AT + HOUR)
    assert matter.captures_due(BEFORE) == []
    matter.confirm("201", "202")
    matter.open()
    assert matter.captures_due(BEFORE) == [("201", "filing"), ("202", "filing")]
    # refused, it is asked ever less often
    for days in (0, 1, 3, 7):
        assert matter.captures_due(BEFORE + days * day) == [("201", "filing"), ("202", "filing")]
        matter.capture(BEFORE + days * day, "blocked")
        assert matter.captures_due(BEFORE + days * day + 23 * HOUR) == []
    matter.capture(BEFORE + 15 * day)
    # a complaint weeks later wants a newer one, and one that was filed does not
    assert matter.captures_due(BEFORE + 22 * day) == []
    assert matter.captures_due(BEFORE + 22 * day + HOUR) == [("201", "filing"), ("202", "filing")]
    matter.file("IPP-7", now=BEFORE + 22 * day)
    assert matter.captures_due(BEFORE + 60 * day) == []
    # the watch sees one come down, and shown again
    down = BEFORE + 30 * day
    matter.watch_at(down, showing(SECOND, OWN, ref="202"), gone=("201",))
    assert matter.captures_due(down) == []
    matter.watch_at(down + day, showing(SECOND, OWN, ref="202"), gone=("201",))
    assert matter.captures_due(down + day) == [("201", "removal")]
    matter.capture(down + day, "gone")
    assert matter.captures_due(down + 60 * day) == []
    matter.watch_at(down + 70 * day, showing(COPY, ref="201"))
    assert matter.captures_due(down + 70 * day) == [("201", "filing")]


def test_a_capture_without_an_answer_is_tried_again_soon_and_one_that_was_refused_is_not(matter):
    minute, day = HOUR / 60, 24 * HOUR
    every = [("201", "found"), ("202", "found"), ("203", "found")]
    at = BEFORE
    for state, wait in (
        ("failed", 15 * minute),
        ("failed", HOUR),
        ("failed", day),
        ("failed", 2 * day),
        # by the robots.txt, or the marketplace: a day for each time
        ("refused", 4 * day),
        ("blocked", 8 * day),
        ("failed", 16 * day),
        *[("failed", 32 * day)] * 2,
    ):
        assert matter.captures_due(at) == every
        matter.capture(at, state)
        at += wait
        assert matter.captures_due(at - minute) == []
    assert matter.captures_due(at) == every


def test_what_was_refused_once_is_soon_tried_again_where_it_then_gives_no_answer(matter):
    day = 24 * HOUR
    for at, state in ((BEFORE, "blocked"), (BEFORE + day, "failed"), (BEFORE + day + HOUR / 4, "blocked")):
        assert matter.captures_due(at)
        matter.capture(at, state)
    # the refusals count, and what failed between them does not
    assert matter.captures_due(BEFORE + 2 * day + HOUR) == []
    assert matter.captures_due(BEFORE + 3 * day + HOUR / 4)


def test_what_was_filed_without_a_capture_is_captured_after_all(matter):
    matter.confirm("203")
    matter.open("203")
    matter.file("IPP-7")
    assert matter.captures_due(FILED_AT + 90 * 24 * HOUR) == [("203", "filing"), ("201", "found"), ("202", "found")]
    # also where a person confirmed what the program took for possible
    matter.do(lambda connection: connection.execute("update match set decision = 'possible'"))
    assert matter.captures_due(FILED_AT) == [("203", "filing")]
    matter.confirm("201")
    assert matter.captures_due(FILED_AT) == [("203", "filing"), ("201", "found")]


def test_listings_in_an_open_case_are_crawled_daily(matter):
    async def watch(connection):
        # found on a list, rarely due, and unchanged for long
        await connection.execute(
            "insert into target (marketplace, kind, ref, every, reason, added_at, due_at)"
            " values ('alibaba', 'vendor', 'harbour', '7 days', 'asked for', %(now)s, %(now)s)",
            {"now": BEFORE},
        )
        await connection.execute(
            "insert into target (marketplace, kind, ref, url, every, reason, added_at, due_at, found_on, unchanged)"
            " select 'alibaba', 'listing', '201', 'https://www.alibaba.com/listing/201', '7 days', 'found', %(now)s,"
            " %(later)s, id, 9 from target",
            {"now": BEFORE, "later": BEFORE + timedelta(days=20)},
        )

    def intervals():
        return matter.rows("select ref, comes_again_after from analysis.target where kind = 'listing' order by 1")

    matter.do(watch)
    assert intervals() == [("201", timedelta(days=28))]
    matter.confirm("201", "202")
    matter.open()
    assert intervals() == [("201", timedelta(days=1)), ("202", timedelta(days=1))]
    assert matter.rows("select distinct due_at from target where kind = 'listing'") == [(BEFORE,)]
    matter.enter(close_case, "given_up", now=FILED_AT)
    assert intervals()[0] == ("201", timedelta(days=28))


def test_the_letter_says_what_was_copied_and_since_when(matter):
    matter.confirm("201", "202")
    matter.open()
    evil = "Ring\x1b[2J\u202e\r\nBcc: everyone"
    matter.do(lambda connection: connection.execute("update listing set title = %s where listing_ref = '11'", [evil]))
    matter.do(lambda connection: connection.execute("update seller set name = %s where seller_ref = '801'", [evil]))
    text = matter.do(lambda connection: draft_letter(connection, 1, now=FILED_AT))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nBcc" not in text
    assert "From: Ana, ana@example.org" in text
    assert "1. https://www.alibaba.com/listing/201\n   1 photograph of Ring[2J Bcc: everyone: https://www.etsy" in text
    assert "   there by 15 May 2024, as Etsy shows\n" in text
    assert "by the end of 5 January 2027\n(Asia/Shanghai)" in text
    assert "complaint with the Alibaba Group IP Protection Platform" in text
    assert matter.states() == {"201": "opened", "202": "opened"}


def test_a_case_follows_a_vendor_whose_firm_key_is_seen_later(matter):
    async def provisional(connection):
        alias = (Alias(kind="subdomain", value="harbour"),)
        early = Seller(marketplace="alibaba", aliases=alias)
        await store.save_listings(connection, [showing(COPY, ref="301", seller=early)], run=None, now=BEFORE)
        asked = await connection.execute(
            "select l.seller, f.id from finding f join listing l on l.id = f.suspect_listing"
            " where l.listing_ref = '301'"
        )
        [(seller, finding)] = await asked.fetchall()
        await give_verdict(connection, [Seen(finding=finding)], "confirmed", by="Eva", now=BEFORE)
        await execute(connection, "insert_due_findings", findings=[finding])
        await connection.commit()
        await connection.set_autocommit(True)
        await update_context(connection, load=loader(), now=BEFORE)
        async with connection.transaction():
            await open_case(connection, 1, seller, by="Eva", now=BEFORE)
            firm = Seller(marketplace="alibaba", ref="801", name="Vendor 1 Ltd.", aliases=alias)
            await store.save_listings(connection, [showing(COPY, ref="301", seller=firm)], run=None, now=FILED_AT)

    matter.confirm("202")
    matter.open("202")
    matter.do(provisional)
    [case] = matter.table("select * from analysis.case")
    assert (case["case_id"], case["vendor"], case["listings"]) == (1, "Vendor 1 Ltd.", 2)
    matter.confirm("201")
    assert matter.open("201").case == 1


def test_shops_that_turn_out_to_be_one_company_have_one_case(matter):
    """Each was taken for a vendor of its own, had a case, and one of them is closed."""
    other = vendor(2)

    async def find(connection):
        await store.save_listings(connection, [showing(EDITED, ref="401", seller=other)], run=None, now=BEFORE)
        await Watch._match(matter, connection)
        await connection.commit()
        await connection.set_autocommit(True)
        await update_context(connection, load=loader(), now=BEFORE, everything=True)

    matter.do(find)
    matter.confirm("201", "401")
    assert matter.open("201").case == 1
    assert matter.open("401", vendor=other.ref).case == 2
    matter.enter(close_case, "given_up", case=2)
    findings = [matter.finding("201"), matter.finding("401")]
    with pytest.raises(UsageError, match="of several artisans or vendors"):
        matter.do(lambda connection: find_complaint(connection, findings, overridden=frozenset()))
    matter.file("IPP-7")

    async def join(connection):
        key = (Alias(kind="member", value="1"),)
        shops = [replace(seller, company=key) for seller in (vendor(1), other)]
        shown = [showing(COPY, ref="201", seller=shops[0]), showing(EDITED, ref="401", seller=shops[1])]
        await store.save_listings(connection, shown, run=None, now=FILED_AT)

    matter.do(join)
    [case] = matter.table("select * from analysis.case")
    assert (case["case_id"], case["listings"], case["closed_at"]) == (1, 2, None)
    assert matter.states() == {"201": "filed", "401": "opened"}
    events = matter.do(lambda connection: docket.find_events(connection, 1))
    assert [each.kind for each in events] == ["opened", "opened", "closed", "filed", "note"]
    assert events[-1].note == "case 2 was joined with this one, as their vendors turned out to be one"
    # and by whatever key the vendor is named
    assert matter.open("401", vendor=other.ref).case == 1
    assert matter.file("IPP-8").listings == 1
    facts = matter.do(lambda connection: find_complaint(connection, findings, overridden=frozenset()))
    assert facts.vendor == "Vendor 1 Ltd. and Vendor 2 Ltd."
    letter = matter.do(lambda connection: draft_letter(connection, 1, now=FILED_AT, listings=["401"]))
    assert "To: Vendor 2 Ltd., Alibaba\n" in letter


@pytest.fixture
def command(matter, monkeypatch):
    """Return what runs a command at the moment of the filing."""
    monkeypatch.setenv("THEFTWATCH_DSN", matter.dsn)
    settings.cache_clear()
    adopt_store(matter.dsn, Files(settings().files_dir))

    def run(*arguments, now=FILED_AT):
        for module in ("docket", "case"):
            monkeypatch.setattr(f"theftwatch.commands.work.{module}.system_clock", lambda: now)
        result = CliRunner().invoke(app, ["case", *arguments], catch_exceptions=False, standalone_mode=False)
        assert not result.exception
        return result.stdout

    return run


def test_the_commands_tell_each_step(matter, command, tmp_path):
    assert command("list") == "No case is open.\n"
    assert command("list", "--due") == "Nothing is due today.\n"
    matter.confirm("201", "202")
    text = command("open", "Ana", "alibaba/801", "--by", "Eva")
    assert text.startswith("Case 1, Ana and Vendor 1 Ltd.: 2 listings and 2 findings new in it.\nLeft out: finding ")
    named = (
        "never captured for filing; `theftwatch crawl capture -a listing=https://www.alibaba.com/listing/201 -a why="
    )
    assert f"To be captured: https://www.alibaba.com/listing/201, {named}filing`\n" in text
    assert "0 listings and 0 findings new in it" in command("open", "Ana", "Vendor 1 Ltd.", "--by", "Eva")
    assert "file`; 2 listings to be captured first: `theftwatch crawl capture`\n" in command("list", "--due")
    matter.capture(FILED_AT, "gone", detail="the page was gone before its capture")
    letter = tmp_path / "letter.txt"
    assert "then `theftwatch case write-vendor 1 --sent`" in command("write-vendor", "1", "-o", str(letter))
    assert letter.read_text() == command("write-vendor", "1")
    assert command("write-vendor", "1", "--sent", "--listing", "201", "--at", "2026-12-30T05:00") == (
        "Case 1: 1 listing asked by letter.\n"
        "An answer is due by the end of Tue 2027-01-05 (Asia/Shanghai).\n"
        "The make-up days of 2027 are not known to this version; the clock may be some days off.\n"
    )
    text = command("file", "1", "--reference", "IPP-7", "--note", "by the lawyer", "--by", "Eva")
    assert text.startswith("Case 1: 2 listings filed as IPP-7.\n")
    assert "It is to be down by the end of Wed 2027-01-06 (Asia/Shanghai)." in text
    assert command("note", "1", "called them") == "Case 1: noted.\n"
    shown = command("show", "1")
    assert "1  filed  Ana and Vendor 1 Ltd.: 2 listings, 2 filed, 0 removed\n" in shown
    assert "filed (complaint IPP-7; awaiting an answer until the end of Tue 2027-01-05 (Asia/Shanghai))" in shown
    gone = "before filing: the page was gone before its capture; held: the photo as it was crawled before"
    assert f"    captured 2026-12-30 {gone}\n" in shown
    assert "2026-12-30 07:00 UTC  Eva  filed 2 listings by portal as IPP-7: by the lawyer\n" in shown
    assert "removal due by the end of Wed 2027-01-06 (Asia/Shanghai), overdue" in command(
        "show", "1", now=REMOVAL_DUE_AT
    )
    answer = json.loads(command("show", "1", "--json"))
    assert [event["kind"] for event in answer["events"]] == ["opened", "asked", "filed", "note"]
    assert len(answer["case_listings"]) == 2
    due = command("list", "--due", now=REMOVAL_DUE_AT + HOUR)
    assert due.startswith("overdue since 2027-01-06 16:00 UTC  case 1, Ana and Vendor 1 Ltd., 2 listings (IPP-7): it")
    assert json.loads(command("list", "--due", "--json", now=REMOVAL_DUE_AT))["what"] == "removal"
    assert command("list", "--due", "--vendor", "another", now=REMOVAL_DUE_AT) == "Nothing is due today.\n"
    assert "2 listings accepted" in command("answer", "1", "accepted")
    closed = command("close", "1", "--as", "withdrawn", "--note", "a licence was signed")
    assert closed == "Case 1 is closed as withdrawn.\n"
    assert command("list", "--artisan", "Ana") == "No such case.\n"
    assert command("list", "--all").startswith("1  withdrawn, closed 2026-12-30 as withdrawn")


def test_artisans_who_opted_out_are_left_out(matter):
    matter.confirm("201")
    matter.open()
    matter.file("IPP-7")
    views = ("case_listing", "case", "case_due", "success")
    assert all(matter.table(f"select * from analysis.{view}") for view in views)
    matter.do(lambda connection: connection.execute("update artisan set opted_out_at = now()"))
    assert not any(matter.table(f"select * from analysis.{view}") for view in views)
