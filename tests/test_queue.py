"""The queue follows what is known of findings: verdicts, relations, suppressions, directions."""

from tests import matched
from tests.test_context import command, filled, findings, rows, run
from tests.test_verdict import DRESS, NOW, join_a_new_pair, next_version, number
from theftwatch.db.queries import fetch
from theftwatch.match.context import update_context
from theftwatch.match.queue import update_queue

__all__ = ["filled"]  # the fixture

EVERY = dict.fromkeys(
    ("verdict", "vendors", "artisans", "shops", "marketplace", "score", "edit", "direction", "after")
) | {"most": 50}


def page(dsn, **asked):
    async def ask(connection):
        return [finding for (finding,) in await fetch(connection, "find_queue_page", **EVERY | asked)]

    return run(dsn, ask)


def queued(dsn):
    """Return the queue with what is so now of each of its findings, and check that they agree."""
    of_queue = rows(dsn, "select * from review_queue order by finding")
    of_state = rows(dsn, "select * from finding_state order by finding")
    assert [row["finding"] for row in of_queue] == [row["finding"] for row in of_state]
    for kept, now in zip(of_queue, of_state, strict=True):
        assert now == {name: kept[name] for name in now}
        assert kept["score"] == (now["best_score"] or 0)
        assert kept["urgent"] == (now["because"] in {"dropped", "suppressed"})
    return {row["finding"]: row for row in of_queue}


def test_the_queue_is_what_needs_a_look_the_surest_and_newest_first(filled):
    kept = queued(filled)
    order = page(filled)
    assert len(order) == 8
    keys = [(kept[finding]["score"], kept[finding]["matched_at"], finding) for finding in order]
    assert keys == sorted(keys, reverse=True)
    read = page(filled, most=3)
    while more := page(filled, most=3, after=read[-1]):
        read += more
    assert read == order


def test_what_was_done_to_the_photos_is_known_by_its_names(filled):
    kept = queued(filled)
    assert kept[int(number(filled))]["edits"] == ["mirrored", "resized"]
    assert kept[int(number(filled, (None, "206")))]["edits"] == ["same_file"]
    assert page(filled, edit="mirrored") == [int(number(filled))]
    assert page(filled, edit="turned") == []


def test_filters_narrow_the_queue(filled):
    kept = queued(filled)
    [vendor] = {row["vendor"] for key, row in kept.items() if key == int(number(filled))}
    [ana] = {row["artisan"] for key, row in kept.items() if key == int(number(filled))}
    assert set(page(filled, vendors=[vendor])) == {key for key, row in kept.items() if row["vendor"] == vendor}
    assert set(page(filled, artisans=[ana], shops=[])) == {key for key, row in kept.items() if row["artisan"] == ana}
    assert page(filled, score=0.99) == [int(number(filled, (None, "206")))]
    assert page(filled, direction="undecided") == [int(number(filled, (None, "206")))]
    assert page(filled, marketplace="etsy") == []
    command("finding", "confirm", number(filled), "--by", "Eva")
    assert page(filled, verdict="confirmed") == [int(number(filled))]
    assert len(page(filled, verdict="any")) == 8
    assert len(page(filled)) == 7


def test_verdicts_and_what_follows_from_them_move_findings(filled):
    command("finding", "confirm", number(filled, ("12", "207")), "--by", "Ida")
    queued(filled)
    command("finding", "reject", number(filled, ("12", "202")), "--reason", "look_alike", "--by", "Eva")
    queued(filled)
    # what was confirmed and no longer counts comes first
    assert page(filled)[0] == int(number(filled, ("12", "207")))
    command("finding", "undo", number(filled, ("12", "202")), "--by", "Eva")
    queued(filled)
    command("finding", "reject", number(filled), "--reason", "licensed", "--by", "Eva")
    join_a_new_pair(filled)
    assert queued(filled)[int(number(filled))]["because"] == "new match"
    next_version(filled, drops=[matched.SMALL_DRESS])
    queued(filled)


def test_a_relation_takes_findings_out_until_it_ends(filled):
    command("relation", "add", "Ana", "alibaba/101", "--kind", "reseller", "--by", "Eva")
    kept = queued(filled)
    assert kept[int(number(filled))]["because"] is None
    [relation] = rows(filled, "select relation_id from analysis.relation")
    command("relation", "end", str(relation["relation_id"]), "--by", "Eva")
    assert queued(filled)[int(number(filled))]["because"] == "not judged"
    command("relation", "add", "Ana", "alibaba/101", "--kind", "licensee", "--expires", "2026-12-01", "--by", "Eva")

    async def later(connection):
        at = NOW.replace(year=2027)
        await update_context(connection, load=lambda _: b"", now=at)

    before = queued(filled)[int(number(filled))]["because"]
    run(filled, later)
    assert (before, queued(filled)[int(number(filled))]["because"]) == (None, "not judged")


def test_a_suppression_and_its_undoing_reach_the_queue(filled):
    sha256 = rows(filled, "select original_sha256 from analysis.match where original_listing_ref = '21'")[0]
    command("suppression", "add", sha256["original_sha256"], "--rule", "common", "--by", "Eva")
    assert queued(filled)[int(number(filled, ("21", "203")))]["because"] is None


def test_all_of_it_can_be_worked_out_anew(filled):
    before = queued(filled)

    async def anew(connection):
        await connection.execute("delete from review_queue")
        await update_queue(connection, everything=True)

    run(filled, anew)
    assert queued(filled) == before
    assert findings(filled)[DRESS]["matches"] == 2
