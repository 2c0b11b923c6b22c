"""Verdicts, from the record to the commands: what a person says stands, whatever is compared anew."""

import asyncio
import json
import math
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from tests import matched
from tests.context import loader, save
from tests.matched import HARBOUR, LOTUS, MATCHED_AT, MEADOW, SMALL_DRESS, decided, image
from tests.test_context import command, filled, findings, rows, run
from theftwatch.cli import app
from theftwatch.db import store
from theftwatch.db.digest import digest_tables
from theftwatch.db.queries import fetch
from theftwatch.db.records import DecisionRecord
from theftwatch.errors import ConflictError, TheftWatchError
from theftwatch.match.context import update_context
from theftwatch.match.decide import ALGORITHM_VERSION
from theftwatch.match.rematch import withdraw
from theftwatch.match.verdict import Seen, give_verdict, undo_verdict

__all__ = ["filled"]  # the fixture

NOW = MATCHED_AT + timedelta(days=2)
DRESS = ("11", "201")  # two pairs: the dress and the shirt


def number(dsn, key=DRESS):
    return str(findings(dsn)[key]["finding_id"])


def refused(*arguments):
    with pytest.raises(TheftWatchError) as raised:
        CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)
    return str(raised.value)


def join_a_new_pair(dsn, key="201", photo=matched.HAT, original=matched.DRESS):
    """Have a suspect listing show one more copy."""

    async def join(connection):
        await save(
            connection,
            [
                matched.record(
                    HARBOUR, key, image(SMALL_DRESS), image(matched.MIRRORED_SHIRT), image(photo), complete=True
                )
            ],
        )
        async with connection.transaction():
            await store.save_decisions(connection, [decided(original, photo)], [], algorithm_version=1, now=NOW)
        await update_context(connection, load=loader(), now=NOW)

    run(dsn, join)


def next_version(dsn, *, drops=()):
    """Decide all pairs anew by this version, which does not meet the copies of some photos."""

    async def decide(connection):
        await connection.execute(
            "update lookup set algorithm_version = %s, looked_up_at = %s", [ALGORITHM_VERSION, NOW]
        )
        rows = await connection.execute(
            "select o.sha256, s.sha256, m.decision, m.score, m.method, m.explanation from match m"
            " join image o on o.id = m.original_image join image s on s.id = m.suspect_image"
            " where s.sha256 <> all(%s) and m.decision <> 'no_match'",
            [[image(photo).sha256 for photo in drops]],
        )
        names = ("original", "suspect", "decision", "score", "method", "explanation")
        again = [DecisionRecord(**dict(zip(names, row, strict=True))) for row in await rows.fetchall()]
        async with connection.transaction():
            await store.save_decisions(connection, again, [], algorithm_version=ALGORITHM_VERSION, now=NOW)
        await withdraw(connection, now=NOW)
        await update_context(connection, load=loader(), now=NOW, everything=True)

    run(dsn, decide)


def test_a_finding_is_confirmed_and_undone(filled):
    finding = number(filled)
    assert findings(filled)[DRESS]["needs_look_because"] == "not judged"
    assert command("finding", "confirm", finding, "--by", "Eva") == f"{finding}: confirmed, 2 pairs of photos.\n"
    found = findings(filled)[DRESS]
    assert (found["verdict"], found["judged_by"], found["needs_look"], found["proposable"]) == (
        "confirmed",
        "Eva",
        False,
        True,
    )
    assert [row["verdict"] for row in rows(filled, "select verdict from analysis.match where verdict is not null")] == [
        "confirmed",
        "confirmed",
    ]
    assert command("finding", "undo", finding, "--by", "Ida") == (
        f"{finding}: confirmed, by Eva, is undone; no verdict stands.\n"
    )
    assert findings(filled)[DRESS]["needs_look_because"] == "not judged"
    said = [(row["verdict"], row["judged_by"], row["stands"]) for row in rows(filled, "select * from analysis.verdict")]
    assert said == [
        ("confirmed", "Eva", False),
        ("undone", "Ida", False),
    ]
    assert "no verdict stands" in refused("finding", "undo", finding)


def test_an_earlier_verdict_stands_again_when_the_later_is_undone(filled):
    finding = number(filled)
    command("finding", "unsure", finding, "--by", "Eva")
    [verdict] = rows(filled, "select verdict_id from analysis.verdict")
    command("finding", "confirm", finding, "--after", str(verdict["verdict_id"]), "--by", "Eva")
    assert "unsure stands again" in command("finding", "undo", finding)
    assert findings(filled)[DRESS]["verdict"] == "unsure"
    assert "no verdict stands" in command("finding", "undo", finding)


def test_verdicts_are_facts_of_the_digest(filled):
    before = run(filled, digest_tables)
    command("finding", "confirm", number(filled), "--by", "Eva")
    after = run(filled, digest_tables)
    assert {name for name in after if after[name] != before.get(name)} == {"verdict", "judged_match"}


def test_the_list_has_what_needs_a_look(filled):
    listed = command("finding", "list").splitlines()
    finding = number(filled)
    assert len(listed) == 8
    assert sum("not judged" in line for line in listed) == 8
    command("finding", "confirm", finding, "--by", "Eva")
    assert len(command("finding", "list").splitlines()) == 7
    [line] = command("finding", "list", "--verdict", "confirmed").splitlines()
    assert line.startswith(f"{finding}  0.97  confirmed by Eva: Ana, https://www.etsy.com/listing/11 -> Harbour Co.")
    assert len(command("finding", "list", "--all").splitlines()) == 8
    assert len(command("finding", "list", "--vendor", "alibaba/101").splitlines()) == 4
    assert len(command("finding", "list", "--vendor", "harbour co., ltd.", "--limit", "2").splitlines()) == 2
    assert len(command("finding", "list", "--artisan", "Ben's Pots").splitlines()) == 1
    assert command("finding", "list", "--verdict", "rejected") == "No such finding.\n"
    assert json.loads(command("finding", "list", "--verdict", "confirmed", "--json"))["finding_id"] == int(finding)


def test_one_finding_is_shown_with_all_that_is_known_of_it(filled):
    finding = number(filled)
    command("finding", "reject", finding, "--reason", "other", "--note", "she gave it away", "--by", "Eva")
    text = command("finding", "show", finding)
    assert f"finding {finding}: rejected by Eva" in text
    assert "on known evidence original first, by 2,009 days; weakest link" in text
    assert "0.97 match  rejected  resized to 60 %: https://images.etsy.com/11/0.jpg -> " in text
    assert "Eva  rejected, for another reason, stands: she gave it away" in text
    shown = json.loads(command("finding", "show", finding, "--json"))
    assert (len(shown["pairs"]), shown["verdicts"][0]["matches"]) == (2, 2)
    assert "no such finding" in refused("finding", "show", "999")


def test_a_rejected_finding_comes_back_only_when_a_match_joins_it(filled):
    finding = number(filled)
    command("finding", "reject", finding, "--reason", "licensed", "--by", "Eva")
    found = findings(filled)[DRESS]
    assert (found["needs_look"], found["not_proposable_because"]) == (False, "rejected")

    async def rescan(connection):
        await save(connection, [matched.record(HARBOUR, "201", image(SMALL_DRESS), image(matched.MIRRORED_SHIRT))])
        await update_context(connection, load=loader(), now=NOW, everything=True)

    run(filled, rescan)
    next_version(filled)
    assert not findings(filled)[DRESS]["needs_look"]
    join_a_new_pair(filled)
    found = findings(filled)[DRESS]
    assert (found["verdict"], found["new_pairs"], found["needs_look_because"]) == ("rejected", 1, "new match")
    assert "rejected by Eva, needs a look: a new match joined it" in command("finding", "list")


def test_a_confirmed_finding_keeps_its_verdict_and_tells_of_a_new_match(filled):
    command("finding", "confirm", number(filled), "--by", "Eva")
    join_a_new_pair(filled)
    found = findings(filled)[DRESS]
    assert (found["verdict"], found["new_pairs"], found["needs_look"]) == ("confirmed", 1, False)
    assert "confirmed by Eva, 1 new pair since" in command("finding", "list", "--all")


def test_a_look_alike_counts_in_no_finding(filled):
    assert findings(filled)["12", "207"]["matches"] == 1  # the same two photos, at another vendor
    command("finding", "confirm", number(filled, ("12", "207")), "--by", "Ida")
    command("finding", "reject", number(filled, ("12", "202")), "--reason", "look_alike", "--by", "Eva")
    found = findings(filled)
    assert (found["12", "202"]["matches"], found["12", "202"]["needs_look"]) == (0, False)
    assert (found["11", "207"]["not_proposable_because"], found["11", "207"]["direction"]) == ("suppressed", None)
    # the shirt is another pair
    assert (found[DRESS]["matches"], found[DRESS]["suppressed"]) == (1, 1)
    # who confirmed the same two photos elsewhere has to look again
    assert (found["12", "207"]["verdict"], found["12", "207"]["needs_look_because"]) == ("confirmed", "suppressed")
    assert command("finding", "list").splitlines()[0].startswith(number(filled, ("12", "207")))
    assert rows(filled, "select vendor from analysis.vendor where vendor = 'Meadow Clothing' and matches > 0") == []

    async def another_vendor(connection):
        await save(connection, [matched.record(LOTUS, "299", image(SMALL_DRESS))])
        await update_context(connection, load=loader(), now=NOW)

    run(filled, another_vendor)
    assert findings(filled)["11", "299"]["needs_look"] is False
    assert "there is nothing to judge" in refused("finding", "confirm", number(filled, ("11", "299")))
    # who changes her mind need not undo it first
    said = str(findings(filled)["12", "202"]["verdict_id"])
    command("finding", "confirm", number(filled, ("12", "202")), "--after", said)
    assert (findings(filled)["12", "202"]["matches"], findings(filled)["11", "207"]["matches"]) == (1, 1)
    command("finding", "undo", number(filled, ("12", "202")))
    assert findings(filled)["11", "207"]["not_proposable_because"] == "suppressed"
    command("finding", "undo", number(filled, ("12", "202")))
    assert findings(filled)["11", "299"]["needs_look_because"] == "not judged"
    assert findings(filled)["11", "207"]["direction"] == "original_first"


def test_a_confirmed_finding_that_a_version_drops_goes_back_to_a_person(filled):
    finding = number(filled, ("21", "203"))
    command("finding", "confirm", finding, "--by", "Eva")
    rejected = number(filled, ("11", "207"))
    command("finding", "reject", rejected, "--reason", "licensed", "--by", "Eva")
    next_version(filled, drops=[matched.FRAMED_SKIRT, SMALL_DRESS])
    assert ("11", "207") not in findings(filled)  # rejected, so no loss
    found = findings(filled)["21", "203"]
    assert (found["matches"], found["possible"], found["best_score"]) == (0, 0, None)
    assert (found["verdict"], found["needs_look_because"], found["not_proposable_because"]) == (
        "confirmed",
        "dropped",
        "dropped",
    )
    assert found["suspect_seller"] == "Harbour Co., Ltd."
    first = command("finding", "list").splitlines()[0]
    assert first.startswith(f"{finding}        confirmed by Eva, needs a look: this version no longer matches it")
    assert run(filled, lambda connection: fetch(connection, "find_dropped_findings")) == [(int(finding),)]
    # by a person's word it stands, and is not asked for again
    command("finding", "confirm", finding, "--after", str(found["verdict_id"]), "--by", "Ida")
    assert not findings(filled)["21", "203"]["needs_look"]


def test_rematch_names_what_it_dropped(filled, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DESCRIPTOR", "off")
    finding = number(filled, ("21", "203"))
    command("finding", "confirm", finding, "--by", "Eva")
    # the small record has pairs and no hashes: the search of this version meets none of them
    text = command("rematch")
    assert f"Confirmed, and no longer matched: 1 finding, {finding}; to be looked at again" in text


def test_the_second_of_two_people_is_told(filled):
    finding = int(number(filled))

    async def judge(who, verdict, reason=None):
        async with await psycopg.AsyncConnection.connect(filled) as connection:
            return await give_verdict(connection, [Seen(finding=finding)], verdict, by=who, now=NOW, reason=reason)

    async def both():
        return await asyncio.gather(
            judge("Eva", "confirmed"), judge("Ida", "rejected", "licensed"), return_exceptions=True
        )

    answers = asyncio.run(both())
    [given] = [each for each in answers if isinstance(each, list)]
    [told] = [each for each in answers if isinstance(each, ConflictError)]
    winner = findings(filled)[DRESS]
    assert winner["verdict_id"] == given[0].verdict
    assert f"{winner['judged_by']} judged it {winner['verdict']} on" in str(told)
    assert f"--after {winner['verdict_id']}" in str(told)
    assert "judged it" in refused("finding", "unsure", str(finding))
    assert "unsure" in command("finding", "unsure", str(finding), "--after", str(winner["verdict_id"]))
    assert "judged it unsure" in refused("finding", "confirm", str(finding), "--after", str(winner["verdict_id"]))


def test_only_the_pairs_that_were_shown_are_judged(filled):
    finding = int(number(filled))
    seen = [row["id"] for row in rows(filled, "select id from match_decision")]
    join_a_new_pair(filled)

    async def judge(connection, decisions):
        async with connection.transaction():
            return await give_verdict(
                connection,
                [Seen(finding=finding, decisions=frozenset(decisions))],
                "rejected",
                by="Eva",
                now=NOW,
                reason="licensed",
            )

    assert run(filled, lambda connection: judge(connection, seen))[0].pairs == 2
    assert findings(filled)[DRESS]["needs_look_because"] == "new match"

    async def undo(connection):
        async with connection.transaction():
            await undo_verdict(connection, Seen(finding=finding, verdict=999), by="Ida", now=NOW)

    with pytest.raises(ConflictError, match="Eva judged it rejected"):
        run(filled, undo)
    command("finding", "undo", str(finding))
    with pytest.raises(ConflictError, match="compared anew"):
        run(filled, lambda connection: judge(connection, [10_000]))


def test_all_are_judged_or_none(filled):
    one, other = number(filled), number(filled, ("12", "202"))
    command("finding", "confirm", other, "--by", "Ida")
    assert "Ida judged it confirmed" in refused("finding", "reject", one, other, "--reason", "licensed")
    assert findings(filled)[DRESS]["verdict"] is None
    assert "no such finding" in refused("finding", "unsure", one, "999")
    assert "judge the others by themselves" in refused("finding", "unsure", one, other, "--after", "1")
    command("finding", "reject", one, number(filled, ("12", "201")), one, "--reason", "licensed")
    assert len(rows(filled, "select * from analysis.verdict where verdict = 'rejected'")) == 2


def test_a_rejection_becomes_a_suppression_in_the_same_step(filled):
    text = command(
        "finding", "reject", number(filled), "--reason", "stock_photo", "--suppress", "common", "--by", "Eva"
    )
    assert "With it: suppression 1, 2; `theftwatch suppression list`" in text
    assert {row["made_by"] for row in rows(filled, "select * from analysis.suppression")} == {"Eva"}
    assert findings(filled)["11", "207"]["not_proposable_because"] == "suppressed"
    command("suppression", "undo", "1", "--reason", "hers")
    command("suppression", "undo", "2", "--reason", "hers")
    command("finding", "reject", number(filled, ("12", "202")), "--reason", "stock_photo", "--suppress", "banner")
    # with that vendor alone
    found = findings(filled)
    assert (found["12", "201"]["suppressed"], found["12", "207"]["suppressed"]) == (1, 0)


def test_a_rejection_becomes_a_relation_in_the_same_step(filled):
    one, other = number(filled), number(filled, ("12", "201"))
    text = command("finding", "reject", one, other, "--reason", "licensed", "--relation", "licensee", "--by", "Eva")
    assert "With it: relation 1;" in text
    [relation] = rows(filled, "select * from analysis.relation")
    assert (relation["artisan"], relation["seller"], relation["kind"], relation["made_by"]) == (
        "Ana",
        "Harbour Co., Ltd.",
        "licensee",
        "Eva",
    )
    assert findings(filled)["12", "202"]["needs_look"] is False
    # a shop without an artisan gets one
    command("finding", "reject", number(filled, ("21", "203")), "--reason", "own_shop", "--relation", "own_shop")
    assert findings(filled)["21", "203"]["artisan"] == "Ben's Pots"
    # nothing is judged where the vendor is not known
    unknown = number(filled, (None, "206"))
    assert "not known yet" in refused("finding", "reject", unknown, "--reason", "licensed", "--relation", "licensee")
    assert findings(filled)[None, "206"]["verdict"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["confirm", "999"], "no such finding"),
        (["reject", "1", "--reason", "other"], "say in words"),
        (["reject", "1", "--reason", "other", "--note", "  "], "say in words"),
        (["confirm", "1", "--by", " "], "--by is empty"),
    ],
)
def test_a_verdict_that_lacks_something_is_refused_and_not_kept(filled, arguments, message):
    assert message in refused("finding", *arguments)
    assert rows(filled, "select * from verdict") == []


def test_the_report_and_the_vendors_tell_what_was_judged(filled, tmp_path):
    command("finding", "confirm", number(filled), "--by", "Eva")
    command("finding", "reject", number(filled, ("11", "207")), "--reason", "licensed", "--by", "Eva")
    command("finding", "reject", number(filled, ("12", "207")), "--reason", "licensed", "--by", "Eva")
    page = Path(command("report", "--html", str(tmp_path / "report")).splitlines()[-1]).read_text()
    assert "<strong>confirmed</strong> by <bdi>Eva</bdi>" in page
    assert "No person has judged it yet." in page
    assert "rejected, licensed" in page
    lines = command("report").splitlines()
    assert lines[0].endswith("\tverdict")
    assert sum(line.endswith("\tconfirmed") for line in lines) == 2
    assert not any(line.startswith(str(MEADOW.name)) for line in lines)
    vendors = {row["vendor"]: row for row in rows(filled, "select * from analysis.vendor")}
    assert (vendors["Harbour Co., Ltd."]["findings_confirmed"], vendors["Harbour Co., Ltd."]["matches"]) == (1, 2)
    assert (vendors["Meadow Clothing"]["findings_rejected"], vendors["Meadow Clothing"]["matches"]) == (2, 0)


JUDGED_ANEW = """
    select
        d.id as match_decision, d.algorithm_version, d.method,
        width_bucket(d.score, '{0,0.5,0.7,0.9,0.98,0.99,0.995}'::real[]) as score_range,
        case
            when bool_or(v.reason = 'look_alike') then 'look_alike'
            when bool_or(v.verdict = 'confirmed') then 'confirmed'
            when bool_or(v.verdict = 'rejected') then 'rejected'
            else 'unsure'
        end as said
    from standing_verdict v
    join judged_match j on j.verdict = v.id
    join match_decision d on d.id = j.match_decision and d.decision <> 'no_match'
    group by d.id
    order by d.id"""


def test_precision_is_what_people_confirmed_of_what_they_decided(filled):
    command("finding", "confirm", number(filled), "--by", "Eva")  # the dress and the shirt
    command("finding", "confirm", number(filled, ("12", "202")), "--by", "Eva")  # the dress again
    command("finding", "reject", number(filled, ("21", "203")), "--reason", "look_alike", "--by", "Eva")
    found = {row["score_from"]: row for row in rows(filled, "select * from analysis.precision")}
    high, low = found[Decimal("0.900")], found[Decimal("0.500")]
    assert (high["judged"], high["confirmed"], high["rejected"], high["precision"]) == (2, 2, 0, 1.0)
    # Wilson's interval for 2 of 2: from n / (n + z²)
    assert high["precision_low"] == pytest.approx(2 / (2 + 1.96**2), abs=1e-4)
    assert high["precision_high"] == pytest.approx(1)
    assert (low["judged"], low["look_alikes"], low["precision"]) == (1, 1, 0.0)
    assert math.isclose(low["precision_high"], 1.96**2 / (1 + 1.96**2), abs_tol=1e-4)
    command("finding", "undo", number(filled, ("21", "203")))
    command("finding", "unsure", number(filled, ("21", "203")))
    [row] = rows(filled, "select * from analysis.precision where score_from = 0.5")
    assert (row["unsure"], row["precision"]) == (1, None)


def test_what_is_kept_of_decisions_that_were_judged_is_what_the_verdicts_say(filled):
    kept = "select * from judged_decision order by match_decision"
    said = []
    for words in (
        ["confirm", number(filled)],
        ["confirm", number(filled, ("12", "202"))],
        # a pair of the finding that was confirmed first
        ["reject", number(filled, ("12", "202")), "--reason", "look_alike", "--after", "2"],
        ["undo", number(filled, ("12", "202"))],
        ["undo", number(filled)],
        ["reject", number(filled, ("21", "203")), "--reason", "stock_photo"],
        ["unsure", number(filled, ("21", "203")), "--after", "6"],
    ):
        command("finding", *words)
        said.append([row["said"] for row in rows(filled, kept)])
        assert rows(filled, kept) == rows(filled, JUDGED_ANEW), words
    assert said[2] != said[1] == said[3]
    assert {*said[0], *said[2], *said[5], *said[6]} == {"confirmed", "look_alike", "rejected", "unsure"}
    for table, left in (("match_decision where decision = 'possible'", {"match"}), ("finding", set())):
        run(filled, lambda connection, table=table: connection.execute(f"delete from {table}"))
        of_kept = "select distinct d.decision from judged_decision j join match_decision d on d.id = j.match_decision"
        assert {row["decision"] for row in rows(filled, of_kept)} == left


def test_verdicts_on_an_opted_out_artisan_are_not_shown(filled):
    command("finding", "confirm", number(filled), "--by", "Eva")
    run(filled, lambda connection: connection.execute("update artisan set opted_out_at = now() where name = 'Ana'"))
    assert rows(filled, "select * from analysis.verdict") == []
    assert DRESS not in findings(filled)
