"""One case from the first crawl to the photo that comes back, on simulated days across a holiday and a weekend.

By the commands that a person types, and crawls of what is due.
"""

import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.crawling import World
from tests.proof import Copied, copied_offers
from tests.watching import Watch
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.demo.catalogue import Catalogue, Edit, Offer, Picture, load_catalogue, show
from theftwatch.demo.days import Change, ChangeKind, Days
from theftwatch.demo.replica import running_replica

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: A Monday; from Thursday to Wednesday China celebrates its National Day
FOUND_AT = datetime(2026, 9, 28, 1, tzinfo=UTC)
FILED_AT = FOUND_AT + 30 * HOUR
#: Wednesday, then Thursday and Friday of the week after: the end of that day there
ANSWER_DUE_AT = datetime(2026, 10, 9, 16, tzinfo=UTC)
SWAPPED_AT = ANSWER_DUE_AT + 2 * HOUR
BACK_AT = ANSWER_DUE_AT + 20 * DAY
#: By Etsy's API, which tells when a listing was made; a copy that was only stored anew is found by its hash
_OWN = {"THEFTWATCH_ETSY_API_KEY": "abc:def", "THEFTWATCH_DESCRIPTOR": "off"}


@pytest.fixture(scope="module")
def pair() -> Copied:
    return copied_offers(1)[0]


@pytest.fixture
def world(dsn, tmp_path, pair):
    whole = load_catalogue()
    first = Catalogue(sellers=whole.sellers, offers=(pair.original, pair.suspect))
    swap = Change(at=SWAPPED_AT, kind=ChangeKind.PHOTO_REPLACED, offer=swapped(pair.suspect))
    back = Change(at=BACK_AT, kind=ChangeKind.PHOTO_REPLACED, offer=pair.suspect)
    with running_replica(days=Days(first, [swap, back]), log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def swapped(offer: Offer) -> Offer:
    """Return a listing that shows photos of the vendor's own in place of those that it copied."""
    own = Picture(edit=Edit.NONE, photos=("05e3b8df4189.jpg",))
    shown = show(offer.seller, [own], offer.listing.listed_at)
    listing = replace(offer.listing, images=tuple(one.image for one in shown if one.image))
    return replace(offer, shown=shown, listing=listing)


@pytest.fixture
def watch(world, authority, mail_server, monkeypatch) -> Watch:
    told = Watch(world=world, now=FOUND_AT)
    for name, value in (world.environment() | _OWN | authority.environment | mail_server.environment).items():
        if name.startswith("THEFTWATCH_"):
            monkeypatch.setenv(name, value)
    settings.cache_clear()
    told.set_clocks(monkeypatch)
    return told


def theftwatch(*words: object) -> str:
    """Run a command in this process, and return what it prints."""
    result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def captures(watch: Watch) -> list[tuple[object, ...]]:
    return watch.world.rows("select why, state from capture order by id")


def test_a_copied_photo_is_found_filed_taken_down_and_found_again(watch, pair, authority, mail_server, tmp_path):
    shop, vendor, url = pair.original.seller.handle, pair.suspect.seller.handle, pair.suspect.listing.url

    # crawled, matched
    theftwatch("target", "add", "etsy", f"shop={shop}")
    theftwatch("target", "add", "alibaba", f"vendor={vendor}")
    watch.crawl("etsy", **_OWN)
    watch.crawl("alibaba", **_OWN)
    [finding] = [json.loads(line) for line in theftwatch("finding", "list", "--json").splitlines()]
    assert (finding["suspect_url"], finding["matches"], finding["direction"]) == (url, 1, "original_first")

    # confirmed by a person, a case opened, captured before filing, and bundled
    theftwatch("finding", "confirm", 1, "--by", "Eva")
    assert f"To be captured: {url}, never captured for filing" in theftwatch("case", "open", shop, vendor)
    watch.crawl("capture", **authority.environment)
    assert captures(watch) == [("filing", "taken")], "which serves for the match too"
    bundle = tmp_path / "case.zip"
    theftwatch("evidence", "build", 1, "-o", bundle)
    assert "failed" not in theftwatch("evidence", "verify", bundle, "--certificate", authority.certificate)
    with zipfile.ZipFile(bundle) as archive:
        assert archive.read("addresses.txt").decode().split() == [url]
        assert {"evidence.pdf", "statement.pdf"} <= set(archive.namelist())

    # filed, which waits over the holiday and the weekend in it
    watch.now = FILED_AT
    filed = theftwatch("case", "file", 1, "--reference", "IPP-7")
    assert "An answer is due by the end of Fri 2026-10-09 (Asia/Shanghai)." in filed
    for days in range(1, 10):
        watch.now = FILED_AT + days * DAY
        assert theftwatch("case", "list", "--due") == "Nothing is due today.\n"
    watch.now = ANSWER_DUE_AT - HOUR
    assert "an answer is due, enter it" in theftwatch("case", "list", "--due")

    # the vendor swaps the photo; two good crawls hours apart see that it is gone
    watch.now = SWAPPED_AT + HOUR
    watch.crawl("alibaba", **_OWN)
    assert theftwatch("case", "list").startswith("1  filed ")
    watch.now = SWAPPED_AT + 8 * HOUR
    watch.crawl("alibaba", **_OWN)
    assert theftwatch("case", "list").startswith("1  removed ")
    watch.crawl("capture", **authority.environment)
    assert captures(watch)[1:] == [("removal", "taken")]
    assert "close`" not in theftwatch("case", "close", 1, "--as", "removed")
    assert theftwatch("case", "list") == "No case is open.\n"

    # weeks later the photo is back, and so is the case, which counts it
    watch.now = BACK_AT + 8 * DAY
    watch.crawl("alibaba", **_OWN)
    assert theftwatch("case", "list").startswith("1  relisted, closed ")
    assert "shown again" in theftwatch("status")
    assert [each["what"] for each in json.loads(theftwatch("status", "--json"))["cases"]] == ["relisted"]
    theftwatch("case", "file", 1, "--reference", "IPP-8")
    [standing] = [json.loads(theftwatch("case", "show", 1, "--json"))]
    assert (standing["state"], standing["closed_at"], standing["relistings"]) == ("filed", None, 1)
    # and the listing came down within a day of what it had to
    [row] = watch.world.rows(
        "select listings_filed, listings_removed, median_days_filed_to_removed from analysis.success where per = 'all'"
    )
    assert (row[0], row[1], float(row[2])) == (1, 1, round((SWAPPED_AT + HOUR - FILED_AT) / DAY, 1))

    # the artisan is told, once
    theftwatch("artisan", "contact", shop, "ana@example.org", "--by", "Eva")
    for _ in range(2):
        theftwatch("notify", "--send", "--out", tmp_path / "notices")
    [mail] = mail_server.mails
    assert mail_server.recipients == ["ana@example.org"]
    assert url in mail.get_body(("plain",)).get_content()
