"""Hosts that refuse us, and pages that have changed: the crawl stops, what is left stays due, and an alarm says why."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from spiders.refusals import IN_A_ROW_MAX, Refusals
from tests.crawling import BY_HASHES, World
from tests.test_targets import NOW, Watch, target, vendor
from theftwatch.demo import replica as replicas
from theftwatch.demo import sites
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.days import Days, Trouble, TroubleKind
from theftwatch.demo.replica import running_replica

DAY = timedelta(days=1)


def test_a_host_that_goes_on_refusing_is_left_alone_and_the_others_are_not():
    refusals = Refusals()
    for _ in range(IN_A_ROW_MAX - 1):
        assert refusals.note_refused("a") == set()
        refusals.note_shown("b")
    assert refusals.note_refused("a") == {"a"}
    assert not refusals.is_over


def test_where_no_host_shows_anything_none_is_asked_on():
    refusals = Refusals()
    assert [refusals.note_refused(host) for host in "abc"] == [set(), set(), {"a", "b", "c"}]
    assert refusals.is_over


def test_what_a_host_shows_in_between_counts():
    refusals = Refusals()
    for _ in range(9):
        refusals.note_refused("a")
        refusals.note_refused("a")
        refusals.note_shown("a")
    assert not refusals.is_over
    assert refusals.note_refused("a") == set()


def test_what_is_on_a_host_that_is_left_alone_stays_due(dsn):
    watch = Watch(dsn)
    watch.save(vendor("resting"), vendor("other"), vendor("new"))
    watch.save(
        replace(vendor("9"), kind="listing", ref="9", url="https://www.alibaba.com/product-detail/_9.html"),
        replace(vendor("8"), kind="listing", ref="8", url="https://other.alibaba.com/product-detail/_8.html"),
    )
    watch.execute("update target set host = ref || '.en.alibaba.com' where ref in ('resting', 'other')")
    watch.execute(
        "insert into host_budget (host, next_at, rests_until, rests) values"
        " ('resting.en.alibaba.com', %(now)s, %(now)s + interval '1 hour', 1),"
        " ('www.alibaba.com', %(now)s, %(now)s + interval '2 hours', 1),"
        " ('other.en.alibaba.com', %(now)s, %(now)s - interval '1 hour', 1)",
        {"now": NOW},
    )
    assert {each.ref for each in watch.lease()} == {"other", "new", "8"}
    assert watch.rows("select ref, due_at = added_at from target where lease_token is null order by 1") == [
        ("9", True),
        ("resting", True),
    ]
    assert watch.resting() == (2, NOW + timedelta(hours=2))
    assert {each.ref for each in watch.lease(now=NOW + timedelta(hours=1))} >= {"resting"}


def test_crawls_of_a_marketplace_that_refuses_us_and_then_changes_its_pages(dsn, tmp_path, monkeypatch):
    now = datetime.now(UTC)
    captcha = Trouble(kind=TroubleKind.CAPTCHA, marketplace="alibaba", starts_at=now - DAY, ends_at=now + DAY)
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path, settings=BY_HASHES)
        starts = [line for line in world.starts("alibaba", hurdles=False).read_text().splitlines() if "=" in line]
        target(world, "add", "alibaba", *starts)
        world.crawl("alibaba")
        [(known,)] = world.rows("select count(*) from listing where complete")

        def stored():
            return {name: digest for name, digest in world.digest_tables().items() if name != "target"}

        before = stored()
        # the same on three days before
        world.execute(
            "insert into run (spider, arguments, host, version, started_at, heartbeat_at, finished_at, finish_reason,"
            " outcome, stats, examined_at) select spider, '{}', host, version, started_at - n * interval '1 day',"
            " heartbeat_at, finished_at - n * interval '1 day', finish_reason, outcome, stats, finished_at"
            " from run, generate_series(1, 3) as n"
        )

        world.execute("update target set due_at = now() - interval '1 hour'")
        [(due,)] = world.rows("select count(*) from target")
        replica.days = Days(load_catalogue(), troubles=[captcha])
        log = world.crawl("alibaba", THEFTWATCH_DELAY_S="0.3")
        assert "pages were refused" in log
        assert "targets stay due, as their hosts refused us" in log
        last_run = "select outcome, finish_reason from run order by id desc limit 1"
        assert world.rows(last_run) == [("blocked", "blocked")]
        # more of them may be on their way before the third is known
        [(refused,)] = world.rows("select count(*) from target where outcome = 'blocked'")
        assert IN_A_ROW_MAX <= refused < due / 3
        assert world.rows("select count(*) from target where due_at <= now() and lease_token is null") == [
            (due - refused,)
        ]
        assert world.rows("select kind, closed_at from alarm") == [("blocked", None)]
        assert stored() == before

        # as long as the hosts are left alone nothing is asked
        asked = (tmp_path / "requests.jsonl").read_text()
        assert "targets stay due" in world.crawl("alibaba", "limit=8")
        assert (tmp_path / "requests.jsonl").read_text() == asked
        assert world.rows(last_run) == [("blocked", "finished")]
        assert world.rows("select kind, closed_at from alarm") == [("blocked", None)]

        # the pages call their prices by another name
        replica.days = Days(load_catalogue())
        answer = sites.answer

        def renamed(*asked):
            found = answer(*asked)
            if not found.content_type.startswith("text/html"):
                return found
            return replace(found, body=re.sub(rb'rice(\w*"\s*:)', rb"ryce\1", found.body))

        monkeypatch.setattr(replicas, "answer", renamed)
        world.execute("delete from host_budget")
        world.execute("delete from page_validator")
        world.execute("update target set due_at = now() - interval '1 hour'")
        log = world.crawl("alibaba")
        assert f"0% of {known} listings read in full have a price, where 100% is usual" in log
        assert "is over: Alibaba" in log
        assert stored() == before
