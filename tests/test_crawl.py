"""The spiders and pipelines against the replica, with a real Postgres."""

import http.client
import json
import random
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import timedelta
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import make_conninfo

from tests import drill
from tests.conftest import new_database
from tests.crawling import BY_HASHES, MARKETPLACES, World
from theftwatch.demo.catalogue import Edit, Served, load_catalogue
from theftwatch.demo.etsy_api import CallLimit
from theftwatch.demo.replica import running_replica
from theftwatch.demo.truth import ImagePlace, Pair, score


@pytest.fixture(scope="module")
def crawled(admin_dsn, template, tmp_path_factory):
    """Return a world whose replica was crawled once, whole; tests only read it, or crawl it again."""
    folder = tmp_path_factory.mktemp("crawled")
    log = folder / "requests.jsonl"
    with running_replica(log=log) as replica, new_database(admin_dsn, template) as name:
        world = World(replica=replica, dsn=make_conninfo(admin_dsn, dbname=name), folder=folder)
        world.crawl_all()
        yield world


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def requests_of(world: World) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (world.folder / "requests.jsonl").read_text().splitlines()]


def test_every_readable_listing_is_stored_with_its_values(crawled):
    expected = {
        (offer.listing.marketplace, offer.listing.listing_ref): offer.listing
        for offer in load_catalogue().offers
        if offer.served is Served.PAGE
    }
    stored = {
        (marketplace, ref): (title, price_min, currency)
        for marketplace, ref, title, price_min, currency in crawled.rows(
            "select marketplace, listing_ref, title, price_min, currency from listing"
        )
    }
    captured = {("etsy", "1385245506"), ("alibaba", "1601428756950"), ("alibaba", "1601115433652")}
    assert stored.keys() == expected.keys() | captured
    for key, listing in expected.items():
        assert stored[key] == (listing.title, listing.price_min, listing.currency), key


def test_the_stats_of_a_run_name_the_routes_to_candidates(crawled):
    [(network, index)] = crawled.rows(
        "select distinct stats ->> 'theftwatch/recognition/descriptor', stats ->> 'theftwatch/recognition/index'"
        " from run"
    )
    assert str(network).startswith("sscd_distilled-")
    [(by_index,)] = crawled.rows("select to_regclass('descriptor_code_original_near') is not null")
    assert index == ("vector" if by_index else "scan")


def test_images_are_kept_byte_for_byte(crawled):
    rows = crawled.rows("select encode(sha256, 'hex'), byte_count from image")
    folder = next((crawled.folder / "data").iterdir())
    assert rows
    for name, byte_count in rows:
        assert (folder / str(name)[:2] / str(name)).stat().st_size == byte_count


def test_troubles_are_told_apart_and_their_pages_kept(crawled):
    rows = crawled.rows("select kind, http_status, page_sha256 is not null from page_problem join run on run.id = run")
    assert Counter(rows) == Counter(
        {
            ("blocked", 200, True): 1,
            ("blocked", 403, True): 1,
            ("changed", 200, True): 3,
            ("gone", 404, True): 2,
        }
    )
    assert crawled.rows("select spider, outcome from run order by id") == [
        ("etsy", "blocked"),
        ("artfire", "ok"),
        ("alibaba", "blocked"),
    ]
    assert crawled.rows("select distinct state from listing") == [("live",)]


def test_unusable_and_missing_images_keep_their_reason(crawled):
    assert {reason for (reason,) in crawled.rows("select distinct unusable_reason from image")} >= {
        None,
        "truncated",
        "flat",
    }
    assert crawled.rows("select distinct missing_reason from listing_image where image is null") == [("http_404",)]


def test_copies_are_found_and_nobody_is_accused_wrongly(crawled):
    places = crawled.rows(
        """
        select ol.marketplace, ol.listing_ref, o.image_key, sl.marketplace, sl.listing_ref, s.image_key
        from match m
        join listing_image o on o.image = m.original_image join listing ol on ol.id = o.listing
        join listing_image s on s.image = m.suspect_image join listing sl on sl.id = s.listing
        where m.decision = 'match' and ol.marketplace <> 'alibaba' and sl.marketplace = 'alibaba'
        """
    )
    pairs = [
        Pair(
            original=ImagePlace(marketplace=str(a), listing_ref=str(b), image_key=str(c)),
            suspect=ImagePlace(marketplace=str(d), listing_ref=str(e), image_key=str(f)),
        )
        for a, b, c, d, e, f in places
    ]
    result = score(pairs, load_catalogue())
    assert result.false_matches == ()
    found = {tally.edit.value: (tally.found, tally.total) for tally in result.tallies}
    for edit in ("exact", "recompressed", "resized", "mirrored", "padded"):
        count, total = found[edit]
        assert count == total >= 6, found


def test_findings_pair_listings(crawled):
    [(findings, without)] = crawled.rows(
        "select count(*), count(*) filter (where original_listing is null) from finding"
    )
    assert findings
    assert without == 0


def test_everything_was_looked_up(crawled):
    assert crawled.rows("select count(*) from lookup where looked_up_at is null") == [(0,)]


def test_an_image_is_fetched_once_however_many_listings_show_it(crawled):
    counts = Counter(
        (request["host"], request["path"])
        for request in requests_of(crawled)
        if request["host"] in {"i.etsystatic.com", "static.artfire.com", "sc04.alicdn.com", "s.alicdn.com"}
        and request["status"] == 200
        and not request["path"].endswith("robots.txt")
    )
    assert counts
    assert set(counts.values()) == {1}


def test_hosts_see_who_we_are_and_nothing_that_robots_txt_bars(crawled):
    requests = requests_of(crawled)
    assert {request["user_agent"] for request in requests} == {"TheftWatch/0.1.0 (+no contact given)"}
    assert not [request for request in requests if request["host"].endswith("alibaba.com") and request["query"]]


def test_a_second_crawl_changes_nothing_and_fetches_no_image_but_the_damaged(crawled):
    before, requests_before = crawled.digest_tables(), len(requests_of(crawled))
    crawled.crawl_all()
    assert crawled.digest_tables() == before
    again = requests_of(crawled)[requests_before:]
    images = [
        each for each in again if each["host"].startswith(("i.", "s.", "sc", "static.")) and each["status"] == 200
    ]
    damaged = {
        urlsplit(shown.url).path
        for offer in load_catalogue().offers
        for shown in offer.shown
        if shown.picture.edit is Edit.BROKEN
    }
    assert {each["path"] for each in images if not each["path"].endswith("robots.txt")} == damaged


@pytest.mark.drill
def test_a_killed_crawl_run_again_gives_what_an_undisturbed_one_gives(crawled, world, record_property):
    """Two kills in the tests; `make drill` kills fifty times."""
    moments = random.Random(2026)
    with drill.drilling(record_property, "`kill -9` of crawls of the replica") as broken:
        for marketplace in cycle(MARKETPLACES):
            if broken.times == drill.TIMES:
                break
            process = world.start(marketplace, f"file={world.starts(marketplace)}")
            broken.times += world.kill(process, moments.uniform(0.0, 5.0))
        world.crawl_all()
        broken.compare(crawled.digest_tables(), world)


def test_the_api_and_the_pages_of_etsy_say_the_same(world):
    world.crawl("etsy", "shop=DemoStudioNorth", THEFTWATCH_ETSY_API_KEY="abc:def", **BY_HASHES)
    by_api = world.rows("select listing_ref, title, currency from listing order by 1")
    assert by_api
    assert world.rows("select count(*) from date_claim where kind = 'listed'") == [(len(by_api),)]
    assert not [each for each in requests_of(world) if each["host"] == "www.etsy.com"]
    world.crawl("etsy", "shop=DemoStudioNorth", **BY_HASHES)
    assert world.rows("select listing_ref, title, currency from listing order by 1") == by_api
    assert world.rows("select count(*) from seller") == [(1,)]


def test_the_limits_of_the_api_are_obeyed(world):
    world.replica.limit = CallLimit(per_second=2)
    world.crawl("etsy", "shop=DemoSecondBloom", THEFTWATCH_ETSY_API_KEY="abc:def", **BY_HASHES)
    calls = [each for each in requests_of(world) if each["host"] == "openapi.etsy.com"]
    assert len(calls) >= 3
    assert {each["status"] for each in calls} == {200}
    # As often as it allows, or, where a second's calls are spent, after that second.
    [(delay,)] = world.rows("select delay from host_budget where host = 'openapi.etsy.com'")
    assert delay in {timedelta(seconds=0.5), timedelta(seconds=1)}


def test_a_limit_bounds_the_listings(world):
    world.crawl("alibaba", f"file={world.starts('alibaba', hurdles=False)}", "limit=5", **BY_HASHES)
    assert world.rows("select count(*) from listing") == [(5,)]


def test_a_side_given_for_the_run_is_the_seller_s(world):
    world.crawl("etsy", "shop=DemoStudioNorth", "side=suspect", "limit=2", **BY_HASHES)
    assert world.rows("select distinct side from seller") == [("suspect",)]
    assert world.rows("select distinct side from lookup") == [("suspect",)]


@pytest.mark.parametrize(
    ("spider", "arguments", "message"),
    [
        ("etsy", ["shp=x"], "-a shp=x: spider etsy takes shop, url, search, file, side, limit"),
        ("saved", [], "nothing to start from"),
        ("etsy", ["minutes=0"], "-a minutes=0"),
        ("etsy", ["side=suspect"], "sellers of targets have the sides of their marketplaces"),
        ("etsy", ["shop=A", "minutes=5"], "bounds the crawl of targets"),
        ("etsy", ["shop="], "-a shop= is empty"),
        ("etsy", ["shop=no/shop"], "give a shop's name"),
        ("alibaba", ["vendor=x", "limit=0"], "-a limit=0"),
        ("alibaba", ["vendor=x", "limit=many"], "-a limit=many"),
        ("alibaba", ["vendor=x", "side=left"], "-a side=left"),
        ("alibaba", ["vendor=a b"], "give a vendor's subdomain"),
        ("artfire", ["file=/no/such/file"], "/no/such/file"),
        ("nosuch", [], "no spider is called 'nosuch'"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(world, spider, arguments, message):
    assert message in world.refused(spider, *arguments)


def test_a_live_crawl_needs_a_contact_and_a_delay(world):
    for environment, message in (
        ({"THEFTWATCH_HOST_MAP": ""}, "THEFTWATCH_CONTACT is not set"),
        ({"THEFTWATCH_HOST_MAP": "", "THEFTWATCH_CONTACT": "ana@example.org"}, "THEFTWATCH_DELAY_S=0"),
    ):
        process = world.start("etsy", "shop=x", **environment)
        output, _ = process.communicate(timeout=300)
        assert (process.returncode, len(output.splitlines())) == (2, 1), output
        assert message in output


def test_an_unreachable_database_is_one_line(world):
    process = world.start("etsy", "shop=x", THEFTWATCH_DSN="postgresql://ana:secret@127.0.0.1:1/none")
    output, _ = process.communicate(timeout=300)
    assert (process.returncode, len(output.splitlines())) == (1, 1), output
    assert "secret" not in output


def test_a_page_that_needs_scripts_is_read_in_chromium(world, chromium):
    [offer] = [offer for offer in load_catalogue().offers if offer.served is Served.SCRIPT]
    world.crawl("alibaba", f"url={offer.listing.url}")
    assert world.rows("select count(*) from listing") == [(0,)]
    world.crawl("alibaba", f"url={offer.listing.url}", THEFTWATCH_BROWSER="1", THEFTWATCH_CHROMIUM=str(chromium))
    assert world.rows("select listing_ref, title from listing") == [(offer.listing.listing_ref, offer.listing.title)]
    assert {each["user_agent"] for each in requests_of(world)} == {"TheftWatch/0.1.0 (+no contact given)"}


def test_saved_pages_are_imported(world):
    """A page fetched by hand, as a browser saves it, with its list beside it and a file that is no page of ours."""
    [listing, *_] = [offer for offer in load_catalogue().offers if offer.listing.marketplace == "etsy"]
    folder = world.folder / "pages"
    (folder / "listing_files").mkdir(parents=True)
    for name, url in (("listing.html", listing.listing.url), ("shop.htm", str(listing.seller.seller.url))):
        (folder / name).write_bytes(f"<!-- saved from url=(0001){url} -->\n".encode() + fetch(world, url))
    (folder / "other.html").write_text("<html></html>")
    (folder / "listing_files" / "part.html").write_text("<html></html>")
    command = [sys.executable, "-m", "theftwatch", "import", str(folder)]
    done = subprocess.run(command, env=world.environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = world.rows("select listing_ref, complete from listing")
    assert (listing.listing.listing_ref, True) in rows
    assert len(rows) == len({ref for ref, _ in rows}) > 1
    assert world.rows("select distinct missing_reason from listing_image") == [(None,)]
    assert world.rows("select kind, detail like '%--url%' from page_problem") == [("unknown", True)]


def fetch(world: World, url: str) -> bytes:
    """Fetch a page of the replica past our own code."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(world.replica.address)) as connection:
        connection.request("GET", parts.path, headers={"Host": parts.netloc})
        return connection.getresponse().read()
