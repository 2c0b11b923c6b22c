"""The weekly blind sample: what is drawn, where it stands, and what it says of what is missed."""

import re
from datetime import timedelta
from importlib import resources

import pytest

from tests.matched import MATCHED_AT
from tests.record import adopt_store
from tests.reviewing import Review
from tests.test_context import rows, run
from tests.test_review import unused_port
from tests.test_review_pages import text_of
from theftwatch.db.queries import parse_queries
from theftwatch.files import Files
from theftwatch.match.queue import update_queue
from theftwatch.match.sample import draw_sample, find_missed
from theftwatch.match.verdict import Seen, give_verdict
from theftwatch.web.queue import Filters, find_cards, find_page

__all__ = ["unused_port"]  # a fixture

SIZE = 240


@pytest.fixture
def many(dsn):
    """Return the DSN of a record with findings that nobody judged, every other one of them only possible."""

    async def fill(connection):
        statements = parse_queries(resources.files("bench").joinpath("review.sql").read_text("utf-8"))
        for statement in statements.values():
            await connection.execute(statement, {"size": SIZE})
        for table in ("match", "match_decision"):
            key = "id" if table == "match" else "match"
            await connection.execute(
                f"update {table} set decision = case {key} %% 2 when 0 then 'possible' else 'match' end,"
                f" score = score / 100 + case {key} %% 2 when 0 then 0.65 else 0.98 end",
                {},
            )
        await connection.commit()
        await update_queue(connection, everything=True)

    run(dsn, fill)
    return dsn


def drawn(dsn):
    return rows(dsn, "select * from blind_sample order by finding")


def draw(dsn, now):
    return run(dsn, lambda connection: draw_sample(connection, now=now))


def test_possible_findings_and_as_many_matches_are_drawn_once_a_week(many):
    assert draw(many, MATCHED_AT) == 20
    first = drawn(many)
    assert {(row["decision"], row["drawn_from"]) for row in first} == {("possible", 120), ("match", 120)}
    assert [row["decision"] for row in first].count("possible") == 10
    assert {row["week"].isoformat() for row in first} == {"2026-11-09"}
    assert draw(many, MATCHED_AT + timedelta(hours=1)) == 0
    assert draw(many, MATCHED_AT + timedelta(days=7)) == 20
    assert len({row["finding"] for row in drawn(many)}) == 40


def test_the_sample_stands_among_the_first_and_its_cards_hide_what_it_is(many):
    draw(many, MATCHED_AT)
    sample = {row["finding"]: row for row in drawn(many)}

    async def look(connection):
        findings = await find_page(connection, Filters(), most=130)
        return findings, await find_cards(connection, findings)

    findings, cards = run(many, look)
    assert set(sample) <= set(findings)
    assert {card.finding for card in cards if card.blind} == set(sample)
    seen = {row["finding_id"] for row in rows(many, "select finding_id from analysis.finding where possible > 0")}
    hidden = [finding in seen for finding in findings if finding in sample]
    assert any(hidden[:10]), "those that are only possible stand among the others"
    assert not all(hidden[-10:])


def test_what_was_judged_blind_tells_what_is_missed(many):
    draw(many, MATCHED_AT)
    possible = [row["finding"] for row in drawn(many) if row["decision"] == "possible"]

    async def judge(connection):
        for nth, finding in enumerate(possible[:5]):
            verdict, reason = ("confirmed", None) if nth < 2 else ("rejected", "look_alike")
            await give_verdict(connection, [Seen(finding=finding)], verdict, by="Eva", now=MATCHED_AT, reason=reason)  # type: ignore[arg-type]
        return await find_missed(connection, now=MATCHED_AT)

    missed = run(many, judge)
    assert (missed.findings, missed.drawn, missed.judged, missed.confirmed, missed.rejected) == (120, 10, 5, 2, 3)
    # as worked out by hand after Wilson
    assert (missed.share, missed.share_low, missed.share_high) == pytest.approx((0.4, 0.1176, 0.7693), abs=1e-4)
    judged = ", ".join(map(str, possible[:5]))
    known = rows(many, f"select blind, score from review_queue where finding in ({judged})")
    assert {row["blind"] for row in known} == {False}
    assert max(row["score"] for row in known) < 0.9
    [row] = rows(many, "select * from analysis.missed where decision = 'match'")
    assert (row["drawn"], row["judged"], row["share"], row["share_low"]) == (10, 0, None, None)


def test_a_page_hides_what_the_program_says_until_it_is_judged(many, tmp_path, unused_port):
    draw(many, MATCHED_AT)
    finding = next(row["finding"] for row in drawn(many) if row["decision"] == "possible")
    adopt_store(many, Files(tmp_path / "data/theftwatch"))
    review = Review(many, tmp_path / "data", unused_port, "--by", "Eva")
    hidden = text_of(review, f"/findings/{finding}")
    assert "Score hidden" in hidden
    assert not re.search(r"\b0\.[67]\d|Possible|Nobody has judged a match like this", hidden)
    assert re.search(r"Possible 0\.[67]\d|Match 0\.9\d", text_of(review, "/queue"))
    seen = re.search(r'name="seen" value="([^"]+)"', review.ask("GET", f"/findings/{finding}")[2].decode())
    assert seen
    assert review.ask("POST", f"/findings/{finding}/verdict", {"verdict": "unsure", "seen": seen[1]})[0] == 303
    assert re.search(r"Possible 0\.[67]\d", text_of(review, f"/findings/{finding}"))
    assert "0 of 10 were judged" not in text_of(review, "/crawls")
    assert "Traceback" not in review.stop()


def test_few_findings_are_all_looked_at_and_none_is_drawn(dsn):
    assert draw(dsn, MATCHED_AT) == 0
    assert run(dsn, lambda connection: find_missed(connection, now=MATCHED_AT)) is None
