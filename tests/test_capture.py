"""The spider `capture` against the replica, with a real Chromium and a real authority."""

import hashlib
import io
import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from PIL import Image
from scrapy.utils.project import get_project_settings
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from spiders.capture import CaptureSpider
from spiders.shown import SLOT
from tests.crawling import World
from tests.fixtures_timestamps import verify_with_openssl
from tests.proof import copied_offers, fill
from tests.record import path_of
from theftwatch.demo.catalogue import Served, load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.files import Files


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def files_of(world) -> Files:
    return Files(world.folder / "data/theftwatch")


def captures(world) -> list[dict[str, Any]]:
    """Return the captures, each with its manifest and its files by name."""
    files = files_of(world)
    found = []
    for key, state, why, detail, sha256 in world.rows(
        "select id, state, why, detail, manifest_sha256 from capture order by id"
    ):
        held = {
            name: files.get(digest)
            for name, digest in world.rows(f"select name, sha256 from capture_file where capture = {key}")
        }
        manifest = json.loads(files.get(sha256))
        assert (manifest["state"], manifest["why"], manifest["detail"]) == (state, why, detail)
        assert {each["name"]: each["sha256"] for each in manifest["files"]} == {
            name: hashlib.sha256(data).hexdigest() for name, data in held.items()
        }
        found.append({"manifest": manifest, "files": held, "manifest_sha256": sha256})
    return found


def served(world, **changes):
    """Have the replica serve something else at the listings of a vendor."""
    catalogue = load_catalogue()
    vendors = [each for each in catalogue.offers if each.listing.marketplace == "alibaba"]
    offers = tuple(replace(each, **changes) if each in vendors else each for each in catalogue.offers)
    world.replica.show(replace(catalogue, offers=offers))


def requests_of(world):
    return [json.loads(line) for line in (world.folder / "requests.jsonl").read_text().splitlines()]


def test_a_match_is_kept_with_page_pictures_and_photos(world, chromium, authority, tmp_path):
    pairs = copied_offers()
    fill(world, pairs)
    log = world.crawl("capture", THEFTWATCH_CHROMIUM=str(chromium), **authority.environment)
    found = captures(world)
    assert [each["manifest"]["state"] for each in found] == ["taken", "taken"], log
    by_url = {each["manifest"]["listing"]["url"]: each for each in found}
    for pair in pairs:
        capture = by_url[pair.suspect.listing.url]
        manifest, files = capture["manifest"], capture["files"]
        assert manifest["browser"].startswith("Chromium ")
        assert f'<h1 title="{pair.suspect.listing.title}">' in files["page.html"].decode()
        [photo] = manifest["photos"]
        assert (photo["file"], photo["same"], photo["place"]) == ("photo-1.jpg", True, "place-1.png")
        assert files["photo-1.jpg"] == pair.copy
        with (
            Image.open(io.BytesIO(files["screenshot.jpg"])) as whole,
            Image.open(io.BytesIO(files["place-1.png"])) as place,
        ):
            assert whole.width == 1280
            assert whole.height > 3200
            # one long page, and not the window again and again
            tops = [whole.crop((0, y, 1280, y + 60)).tobytes() for y in (0, 1600)]
            assert tops[0] != tops[1]
            # the page has loaded its photos: it is not plain
            assert len(set(place.convert("L").resize((32, 32)).get_flattened_data())) > 50
        # each answer once, as it came
        warc = tmp_path / "page.warc.gz"
        warc.write_bytes(files["page.warc.gz"])
        checker = Checker(type("Arguments", (), {"verbose": False, "inputs": [str(warc)]})())
        assert not checker.process_all()
        with warc.open("rb") as stream:
            records = [
                (each.rec_type, each.rec_headers.get_header("WARC-Target-URI"), each.content_stream().read())
                for each in ArchiveIterator(stream)
            ]
        assert records[0][0] == "warcinfo"
        addresses = [url for kind, url, _ in records if kind == "response"]
        assert len(addresses) == len(set(addresses)) > 3
        assert {url: body for _, url, body in records}[pair.suspect.listing.url] == files["page.html"]
        # dated, and verified by OpenSSL alone
        [(token,)] = [
            row
            for sha256, *row in world.rows("select sha256, token from timestamp_token")
            if sha256 == capture["manifest_sha256"]
        ]
        (tmp_path / "token.tsr").write_bytes(token)
        verify_with_openssl(
            path_of(files_of(world), capture["manifest_sha256"]), tmp_path / "token.tsr", authority.certificate
        )
    asked = requests_of(world)
    assert {each["user_agent"] for each in asked} == {"TheftWatch/0.1.0 (+no contact given)"}
    assert not [each for each in asked if each["host"].endswith("alibaba.com") and each["query"]]
    assert [each["path"] for each in asked].count("/robots.txt") == len(
        {each["host"] for each in asked if each["path"] == "/robots.txt"}
    )
    # taken once
    before = world.digest_tables()
    world.crawl("capture", THEFTWATCH_CHROMIUM=str(chromium))
    assert world.rows("select count(*) from capture") == [(2,)]
    assert world.digest_tables() == before
    assert world.rows("select count(*), min(screenshots) from analysis.capture where timestamped_at is not null") == [
        (2, 2)
    ]


def test_what_only_may_be_a_copy_is_not_kept(world):
    fill(world, copied_offers(1), decision="possible")
    world.crawl("capture")
    assert world.rows("select count(*) from capture") == [(0,)]


@pytest.mark.parametrize(
    ("kind", "state", "said", "kept"),
    [
        (Served.GONE, "gone", "the page was gone before its capture", {"crawled-1.jpg", "page.html", "page.warc.gz"}),
        (Served.SLIDER, "blocked", "slider", {"crawled-1.jpg", "page.html", "page.warc.gz"}),
    ],
)
def test_a_page_that_is_not_to_be_had_is_told(world, kind, state, said, kept):
    [pair] = copied_offers(1)
    fill(world, [pair])
    served(world, served=kind)
    world.crawl("capture", THEFTWATCH_CHROMIUM="/bin/false")
    [capture] = captures(world)
    assert (capture["manifest"]["state"], set(capture["files"])) == (state, kept)
    assert said in capture["manifest"]["detail"]
    assert capture["files"]["crawled-1.jpg"] == pair.copy


def test_what_holds_for_every_crawl_holds_for_it():
    ours, theirs = get_project_settings(), get_project_settings()
    CaptureSpider.update_settings(ours)
    for name in ("DOWNLOADER_MIDDLEWARES", "DOWNLOAD_SLOTS", "EXTENSIONS"):
        held = {key: value for key, value in theirs.getdict(name).items() if key != SLOT}
        assert held.items() <= ours.getdict(name).items()
    assert ours.getbool("ROBOTSTXT_OBEY")


def test_robots_txt_holds(world):
    [pair] = copied_offers(1)
    fill(world, [pair])
    with_query = pair.suspect.listing.url + "?spam=1"
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update listing set url = %s where marketplace = 'alibaba'", [with_query])
    world.crawl("capture")
    [capture] = captures(world)
    assert (capture["manifest"]["state"], set(capture["files"])) == ("refused", {"crawled-1.jpg"})
    assert not [each for each in requests_of(world) if each["query"]]


def test_before_filing_and_by_name(world, chromium):
    first, second = copied_offers()
    fill(world, [first, second])
    world.crawl("capture", f"listing={second.suspect.listing.url}", "why=filing", THEFTWATCH_CHROMIUM=str(chromium))
    [capture] = captures(world)
    assert (capture["manifest"]["why"], capture["manifest"]["listing"]["url"]) == ("filing", second.suspect.listing.url)
    finding = world.rows("select finding from capture_finding")[0][0]
    world.crawl("capture", f"finding={finding}", "why=filing", THEFTWATCH_CHROMIUM="/bin/false")
    assert [each["manifest"]["state"] for each in captures(world)] == ["taken", "page_only"]


def test_a_killed_capture_leaves_a_whole_one_or_none(world, chromium):
    fill(world, copied_offers())
    for seconds in (0.5, 2.5):
        world.kill(world.start("capture", THEFTWATCH_CHROMIUM=str(chromium)), seconds)
    world.crawl("capture", THEFTWATCH_CHROMIUM=str(chromium))
    assert [each["manifest"]["state"] for each in captures(world)] == ["taken", "taken"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["why=filing"], "-a why=filing: name what to capture"),
        (["why=fun", "finding=1"], "-a why=fun: give one of found, filing, removal"),
        (["finding=x"], "-a finding=x: give a number from 1"),
        (["shop=x"], "spider capture takes finding, listing, why, limit"),
    ],
)
def test_a_wrong_argument_is_one_line(world, arguments, said):
    assert said in world.refused("capture", *arguments)
