"""Coverage: what was looked at, for each target, so that "no match" can be told from "not looked"."""

import subprocess
import sys

import pytest

from tests.crawling import BY_HASHES, World
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.interval import read_time
from theftwatch.targets import read_target

VENDOR = "demoharbour"
EVERY = read_time("1d")


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica() as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path, settings=BY_HASHES)


def watch(world: World, marketplace: str, kind: str, ref: str) -> None:
    target = read_target(marketplace, kind, ref, every=EVERY, priority=5, reason="a test")
    world.execute(
        "insert into target (marketplace, kind, ref, url, every, reason, added_at, due_at)"
        " values (%s, %s, %s, %s, %s, 'a test', now(), now())",
        [target.marketplace, target.kind, target.ref, target.url, target.every],
    )


def report(world: World) -> str:
    """Write a report, and return it without the breaks of its lines."""
    command = [sys.executable, "-m", "theftwatch", "report", "--html", str(world.folder / "report")]
    subprocess.run(command, env=world.environment(), check=True, capture_output=True)
    return " ".join((world.folder / "report/index.html").read_text().split())


def test_each_target_says_how_far_it_was_looked_at_and_why_no_further(world):
    watch(world, "alibaba", "vendor", VENDOR)
    watch(world, "alibaba", "vendor", "nobodyknows")
    watch(world, "alibaba", "search", "felted hare")
    watch(world, "etsy", "shop", "DemoSecondBloom")
    coverage = (
        "select kind, ref, looked, because, matches from analysis.target_coverage"
        " where marketplace = 'alibaba' and kind <> 'showroom' order by 1, 2"
    )
    assert world.rows(coverage) == [
        ("search", "felted hare", "not looked", "never visited", None),
        ("vendor", VENDOR, "not looked", "never visited", None),
        ("vendor", "nobodyknows", "not looked", "never visited", None),
    ]
    world.crawl("alibaba")
    offers = [offer for offer in load_catalogue().offers if offer.seller.handle == VENDOR]
    # seen whole, but there are no originals yet to compare with
    assert world.rows(coverage) == [
        ("search", "felted hare", "not looked", "refused", None),
        ("vendor", VENDOR, "not looked", "photos not compared", 0),
        ("vendor", "nobodyknows", "not looked", "gone", None),
    ]
    [(seen, expected)] = world.rows(
        f"select listings_seen, listings_expected from analysis.target_coverage where ref = '{VENDOR}'"
    )
    assert seen == expected == len(offers)
    [(run, answers, targets, well)] = world.rows(
        "select run_id, answers_by_status, targets, targets_ok from analysis.run where spider = 'alibaba'"
    )
    assert answers["200"] > 0
    assert answers["404"] >= 1
    assert targets > well > 0
    # what barred the search is kept page by page, with the target that it is of
    assert world.rows(
        "select v.kind, v.outcome, v.pages, v.pages_refused_by_robots, t.kind from analysis.visit v"
        f" join analysis.page_trouble t using (target_id, run_id) where v.run_id = {run} and v.kind = 'search'"
    ) == [("search", "refused", 0, 1, "refused_by_robots")]
    world.crawl("etsy", THEFTWATCH_ETSY_API_KEY="abc:def")
    [(matches,)] = world.rows("select matches from analysis.vendor where matches > 0")
    assert world.rows(coverage)[1] == ("vendor", VENDOR, "in full", None, matches)
    # a list that comes to hold more than it shows was looked at in part
    world.execute(
        "update visit set listings_expected = listings_expected + 1 from target t where t.ref = %s and t.id = target",
        [VENDOR],
    )
    assert world.rows(coverage)[1][2:4] == ("in part", "fewer listings than its list holds")
    told = report(world)
    assert "1 target on Alibaba <b>not looked</b>, barred by robots.txt" in told
    assert "1 target on Alibaba <b>looked at in part</b>, fewer listings than its list holds; last seen well" in told
