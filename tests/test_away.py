"""Hosts that do not say what we may ask, and images in whose place something else comes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from protego import Protego

from spiders.robots import beginning_of
from tests.crawling import World
from theftwatch.demo import images, sites
from theftwatch.demo.answers import Answer
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.days import Days, Trouble, TroubleKind
from theftwatch.demo.replica import running_replica

NOW = datetime.now(UTC)
OFFER = next(offer for offer in load_catalogue().offers if offer.key[0] == "alibaba" and len(offer.shown) > 1)


@pytest.mark.parametrize("kind", [TroubleKind.ERROR, TroubleKind.SILENT])
def test_a_host_that_cannot_give_its_robots_txt_is_asked_for_nothing_else(dsn, tmp_path, kind):
    day = timedelta(days=1)
    trouble = Trouble(kind=kind, marketplace="alibaba", starts_at=NOW - day, ends_at=NOW + day)
    log = tmp_path / "requests.jsonl"
    with running_replica(days=Days(load_catalogue(), troubles=[trouble]), log=log) as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        world.finish(world.start("alibaba", f"url={OFFER.listing.url}"))
        assert {json.loads(line)["path"] for line in log.read_text().splitlines()} == {"/robots.txt"}
        assert world.rows("select kind, detail like '%robots.txt%' from page_problem") == [("failed", True)]
        assert world.rows("select outcome from run") == [("partial",)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_of_a_robots_txt_half_a_megabyte_is_read_in_whole_lines(end):
    early, late = f"User-agent: *{end}Disallow: /early{end}", f"Disallow: /late{end}"
    # of the last rule there is room for "Disallow: /", which would bar all
    long = early + f"{'#' * (512 * 1024 - len(early) - len(end) - len('Disallow: /'))}{end}" + late
    for body, is_late_allowed in ((early + late, False), (long, True)):
        rules = Protego.parse(beginning_of(body.encode()).decode())
        for path, is_allowed in (("early", False), ("late", is_late_allowed), ("other", True)):
            assert rules.can_fetch(f"https://www.etsy.com/{path}", "TheftWatch") is is_allowed


def test_a_captcha_in_an_image_s_place_is_not_kept_for_the_image(dsn, tmp_path, monkeypatch):
    with running_replica() as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        monkeypatch.setattr(sites, "answer_image", lambda *_: Answer(body=b"<html>Are you a robot?</html>"))
        world.crawl("alibaba", f"url={OFFER.listing.url}")
        assert world.rows("select distinct image, missing_reason from listing_image") == [(None, "text")]
        monkeypatch.setattr(sites, "answer_image", images.answer_image)
        world.crawl("alibaba", f"url={OFFER.listing.url}")
        assert world.rows("select count(*), count(image) from listing_image") == [(len(OFFER.shown), len(OFFER.shown))]
        assert world.rows("select outcome from run order by id") == [("partial",), ("ok",)]


def test_an_image_that_is_not_there_keeps_no_run_from_being_good(dsn, tmp_path):
    [offer] = [each for each in load_catalogue().offers if any(s.picture.edit == "missing" for s in each.shown)]
    with running_replica() as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        world.crawl("alibaba", f"url={offer.listing.url}")
        assert world.rows("select missing_reason from listing_image where image is null") == [("http_404",)]
        assert world.rows("select outcome from run") == [("ok",)]
