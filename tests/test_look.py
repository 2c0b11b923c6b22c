"""Where a person may look on by hand: addresses only, and none that is asked for."""

import json
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.crawling import World
from theftwatch.demo.replica import running_replica
from theftwatch.pages.searches import image_searches, telling_words, word_searches


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Felt hare, needle felted animal, gift for her", "Felt hare"),
        ("Handmade | Silver ring with opal | Size 7", "Silver ring with opal"),
        ("Women's hand-knitted cardigan – wool, L", "Women's hand-knitted cardigan"),
        ("One two three four five six seven eight", "One two three four five six"),
        ("Hare", "Hare"),
        ("Фигурка зайца из войлока", "Фигурка зайца из войлока"),
        ("★ ★ ★", ""),
        ("", ""),
    ],
)
def test_the_telling_words_of_a_title(title, words):
    assert telling_words(title) == words.split()
    assert bool(word_searches(title)) is bool(words)


def test_what_is_searched_for_stays_one_parameter():
    """A hostile address or title cannot add a parameter, nor leave the host."""
    hostile = "https://i.etsystatic.com/a.jpg?x=1&url=https://evil.example/#@host"
    for address in image_searches(hostile).values():
        query = parse_qs(urlsplit(address).query)
        assert hostile in {value.removeprefix("imgurl:") for values in query.values() for value in values}
        assert "evil.example" not in (urlsplit(address).hostname or "")
    for address in word_searches("a&b=c#d hare").values():
        assert urlsplit(address).fragment == ""
        assert [values for values in parse_qs(urlsplit(address).query).values() if "hare" in values[0]]


def test_a_listing_of_the_record_is_looked_for(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        world.crawl("alibaba", "vendor=demoharbour", "limit=1")
        [(ref, url)] = world.rows("select listing_ref, url from listing")
        shown = {address for (address,) in world.rows("select source_url from listing_image where shown")}
        asked = (tmp_path / "requests.jsonl").read_text()

        def said(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "theftwatch", "look", *words],
                env=world.environment(),
                capture_output=True,
                text=True,
                check=False,
            )

        found = json.loads(said(str(ref), "--json").stdout)
        assert found["url"] == url
        assert {photo["url"] for photo in found["photos"]} == shown
        assert set(found["searches"]) == {"Alibaba", "AliExpress", "Amazon", "eBay", "Etsy"}
        text = said(str(url)).stdout
        assert all(address in text for photo in found["photos"] for address in photo["searches"].values())
        assert (tmp_path / "requests.jsonl").read_text() == asked
        wrong = said("nothing")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "no such listing in the record" in wrong.stderr
