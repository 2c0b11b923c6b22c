"""What a night has time for, by the figures of the record, and what of it is estimated."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from typer.testing import CliRunner

from spiders.alibaba import AlibabaSpider
from spiders.arguments import Start
from spiders.artfire import ArtfireSpider
from spiders.etsy import EtsySpider
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.errors import UsageError
from theftwatch.pages.read import pace_of
from theftwatch.targets import KINDS

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)


class Night:
    """Targets of a database, and the plan for them."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def target(self, ref: str, *, due_h: float = -1, requests: int | None = 1, host: str | None = "a.com", **more):
        """Put a target down that is due so many hours from now."""
        values = {
            "marketplace": "alibaba",
            "kind": "vendor",
            "ref": ref,
            "every": timedelta(days=1),
            "reason": "a test",
            "added_at": NOW,
            "due_at": NOW + due_h * HOUR,
            "requests": requests,
            "host": host,
        } | more
        self.insert("target", values)

    def host(self, host: str, delay_s: float, rests_h: float | None = None) -> None:
        rests_until = None if rests_h is None else NOW + rests_h * HOUR
        self.insert(
            "host_budget",
            {"host": host, "next_at": NOW, "delay": timedelta(seconds=delay_s), "rests_until": rests_until},
        )

    def insert(self, table: str, values: Mapping[str, object]) -> None:
        names, places = ", ".join(values), ", ".join(f"%({name})s" for name in values)
        with psycopg.connect(self.dsn) as connection:
            connection.execute(f"insert into {table} ({names}) values ({places})".encode(), values)

    def said(self, *words: str) -> str:
        settings.cache_clear()
        done = CliRunner().invoke(app, ["target", "plan", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def plan(self, *words: str):
        return json.loads(self.said("--json", *words))


@pytest.fixture
def night(dsn, monkeypatch) -> Night:
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    monkeypatch.setenv("THEFTWATCH_DELAY_S", "30")
    return Night(dsn)


def test_sites_are_planned_by_what_targets_asked_for_and_at_the_pace_that_was_kept(night):
    night.host("a.com", 60)
    night.target("early", due_h=-20, requests=100)
    night.target("urgent", due_h=-1, requests=300, priority=9)
    night.target("late", due_h=-2, requests=200)
    night.target("other", requests=7, host="b.com")
    night.target("tomorrow", due_h=20)
    night.target("paused", paused_at=NOW)
    plan = night.plan("--night", "8h")
    by_site = {each["site"]: each for each in plan["sites"]}
    # Eight hours are 480 requests: the urgent one and the longest due fit, the third does not.
    assert (by_site["a.com"]["requests"], by_site["a.com"]["hours"], by_site["a.com"]["delay_s"]) == (600, 10, 60)
    assert (by_site["a.com"]["left_targets"], by_site["a.com"]["left_requests"]) == (1, 200)
    assert by_site["a.com"]["oldest_left"].endswith(" alibaba vendor=late")
    assert (by_site["b.com"]["requests"], by_site["b.com"]["delay_s"]) == (7, 30)
    assert [by_site[host]["is_pace_estimated"] for host in ("a.com", "b.com")] == [False, True]
    assert (plan["targets"], plan["requests"], plan["left_targets"], plan["oldest_left"]) == (
        4,
        607,
        1,
        by_site["a.com"]["oldest_left"],
    )
    assert night.plan("--night", "10h")["left_targets"] == 0
    lines = night.said("--night", "8h").splitlines()
    assert lines[0].startswith("4 targets due until ")
    assert lines[0].endswith("607 requests to 2 sites; not all fit into 8 h")
    assert lines[1] == "  a.com: 600 requests for 3 targets, 10.0 h at 60 s each; left over: 1 target, 200 requests"
    assert lines[2] == "  b.com: 7 requests for 1 target, 4 min at 30 s each"
    assert "left over: 1 target; the oldest, due since " in lines[3]
    assert lines[4] == "estimated: 1 site never asked, taken for 30 s a request"


def test_what_was_never_crawled_is_estimated_and_said_to_be(night):
    night.host("a.com", 1)
    night.target("one", requests=10)
    night.target("two", requests=21)
    night.target("new", requests=None, host=None)
    night.target("listing", kind="listing", requests=None, host=None, url="https://WWW.c.com/listing")
    night.target("https://d.com/x", kind="url", requests=None, host=None)
    plan = night.plan()
    assert {each["site"]: (each["requests"], each["estimated_targets"]) for each in plan["sites"]} == {
        "a.com": (10 + 21, 0),
        "alibaba.com": (16, 1),
        "www.c.com": (1, 1),
        "d.com": (1, 1),
    }
    assert "3 targets never crawled, taken for the mean of their kind" in night.said()


def test_what_was_never_crawled_is_asked_of_the_site_that_its_spider_begins_with(night, monkeypatch):
    """Hundreds that were just imported are no hundreds of sites."""
    spiders = {"etsy": EtsySpider, "artfire": ArtfireSpider, "alibaba": AlibabaSpider}
    for marketplace, kinds in KINDS.items():
        for kind in kinds.keys() - {"url"}:
            night.target("felt hare", marketplace=marketplace, kind=kind, requests=None, host=None)
            night.target("FeltHare", marketplace=marketplace, kind=kind, requests=None, host=None)
    for key in ("", "abc:def"):
        monkeypatch.setenv("THEFTWATCH_ETSY_API_KEY", key)
        sites = {each["site"] for each in night.plan()["sites"]}
        first = {
            pace_of(urlsplit(spiders[marketplace].requests(Start(kind=kind, value="FeltHare"))[0].url).hostname or "")
            for marketplace, kinds in KINDS.items()
            for kind in kinds.keys() - {"url"}
        }
        assert sites == first


def test_the_hosts_of_a_site_have_one_night_together(night):
    night.host("alibaba.com", 60)
    # It is left alone for seven hours, so its targets wait for those of the other hosts, and have an hour.
    night.host("demovale.en.alibaba.com", 1, rests_h=7)
    night.target("resting", due_h=-9, requests=50, host="demovale.en.alibaba.com", priority=9)
    night.target("too late", due_h=-8, requests=50, host="demovale.en.alibaba.com")
    night.target("first", requests=200, host="demoharbour.en.alibaba.com")
    night.target("last", requests=230, host="www.alibaba.com", priority=1)
    night.target("etsy", marketplace="etsy", kind="shop", requests=1, host="openapi.etsy.com")
    plan = {each["site"]: each for each in night.plan("--night", "8h")["sites"]}
    site = plan["alibaba.com"]
    assert (site["requests"], site["left_requests"], site["resting_hosts"]) == (530, 50, 1)
    assert site["oldest_left"].endswith("=too late")
    assert "openapi.etsy.com" in plan
    night.target("more", requests=100, host="spanish.alibaba.com", priority=2)
    left = {each["site"]: each["left_requests"] for each in night.plan("--night", "8h")["sites"]}
    assert left["alibaba.com"] == 230 + 2 * 50


@pytest.mark.parametrize(
    ("kept", "delay_s"),
    [
        ({"delay": None}, 30),
        ({"delay": timedelta(seconds=3)}, 30),
        ({"delay": timedelta(seconds=60)}, 60),
        ({"delay": timedelta(seconds=0.1), "calls_per_day": 10_000}, 0.1),
        ({"delay": None, "calls_per_day": 10_000}, 30),
    ],
)
def test_a_site_has_the_delay_of_the_settings_or_what_it_asked_for(night, kept, delay_s):
    night.insert("host_budget", {"host": "a.com", "next_at": NOW} | kept)
    night.target("one")
    [site] = night.plan()["sites"]
    assert (site["delay_s"], site["is_pace_estimated"]) == (delay_s, False)


def test_of_many_sites_those_are_named_that_make_the_night_long(night):
    night.host("slow.com", 30, rests_h=7)
    night.target("slow", requests=300, host="slow.com")
    night.target("https://quick.com/", kind="url", requests=1000, host="quick.com")
    for number in range(29):
        night.target(f"v{number}", requests=2, host=f"v{number}.com")
    lines = night.said("--night", "8h").splitlines()
    assert [line.split(":")[0] for line in lines[1:3]] == ["  quick.com", "  slow.com"]
    assert lines[11] == "  21 other sites: 42 requests for 21 targets, 1 min each at most"
    assert len(night.plan()["sites"]) == 31


def test_what_becomes_due_again_in_the_night_counts_again(night):
    night.host("a.com", 1)
    night.target("often", requests=3, every=2 * HOUR)
    night.target("soon", due_h=7, requests=5, every=2 * HOUR)
    assert night.plan("--night", "8h")["requests"] == 5 * 3 + 5


def test_a_host_that_is_left_alone_has_less_of_the_night(night):
    night.host("a.com", 60, rests_h=7)
    night.target("small", due_h=-9, requests=50)
    night.target("large", requests=50)
    [site] = night.plan("--night", "8h")["sites"]
    assert (site["left_targets"], site["rests_until"] is not None) == (1, True)
    assert "; 1 host left alone until " in night.said()


def test_of_one_marketplace_and_of_nothing(night):
    assert night.said().startswith("no target is due until ")
    night.target("one")
    assert night.plan("--marketplace", "etsy")["targets"] == 0
    assert night.plan("--marketplace", "alibaba")["targets"] == 1
    with pytest.raises(UsageError, match="give a number and m, h, d or w"):
        night.said("--night", "long")
