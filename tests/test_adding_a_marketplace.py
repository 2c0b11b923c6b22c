"""The worked example of docs/adding-a-marketplace.md: its files are taken from the document and run."""

import contextlib
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import HtmlResponse

from spiders.arguments import Start
from tests.test_samples import differences
from theftwatch.errors import PageBlockedError, PageChangedError, PageError, UnknownPageError, UsageError
from theftwatch.listing import Listing, Page
from theftwatch.pages import read

CHECKOUT = Path(__file__).parents[1]
DOCUMENT = (CHECKOUT / "docs/adding-a-marketplace.md").read_text()
# Prose and blocks in turn; a block is the file whose path opened a line of the prose before it
_PARTS = re.split(r"^```\w*\n", DOCUMENT, flags=re.MULTILINE)
FILES = {
    paths[-1]: block
    for prose, block in zip(_PARTS[::2], _PARTS[1::2], strict=False)
    if (paths := re.findall(r"^`([\w./]+)`", prose, re.MULTILINE))
}
PAGE_MODULE = "theftwatch/pages/craftfair.py"
SPIDER = "spiders/craftfair.py"
SAMPLES = ["listing_2026", "shop_2026"]
SAMPLE_FILES = ["page.html", "meta.json", "expected.json"]


def sample(case, file):
    return FILES[f"tests/samples/craftfair/{case}/{file}"]


@pytest.fixture(scope="module")
def craftfair():
    return run_file(PAGE_MODULE)


@pytest.fixture
def spider(craftfair, monkeypatch):
    monkeypatch.setitem(read._READERS, "craftfair.example", craftfair.read_page)
    return run_file(SPIDER).CraftfairSpider(shop="wool-and-thorn")


def test_the_document_holds_a_whole_example():
    samples = {f"tests/samples/craftfair/{case}/{file}" for case in SAMPLES for file in SAMPLE_FILES}
    assert set(FILES) == {PAGE_MODULE, SPIDER, "theftwatch/db/sql/migrations/NNNN_craftfair.sql"} | samples


@pytest.mark.parametrize("case", SAMPLES)
def test_the_example_reads_its_samples(craftfair, case):
    page = craftfair.read_page(sample(case, "page.html"), json.loads(sample(case, "meta.json"))["url"])
    assert list(differences(json.loads(sample(case, "expected.json")), page, "page")) == []


@pytest.mark.parametrize(
    ("body", "path", "error"),
    [
        ("<h1>Gone</h1>", "/item/777", PageChangedError),
        ("<h1>No goods</h1>", "/shop/wool-and-thorn", PageChangedError),
        ("<script src='https://ct.captcha-delivery.com/c.js'></script>", "/item/777", PageBlockedError),
        ("<h1>Help</h1>", "/help", UnknownPageError),
    ],
)
def test_the_example_tells_what_is_wrong_with_a_page(craftfair, body, path, error):
    with pytest.raises(error):
        craftfair.read_page(body, f"https://www.craftfair.example{path}")


@given(data=st.data(), case=st.sampled_from(SAMPLES))
def test_a_damaged_page_is_read_or_refused_by_name(craftfair, data, case):
    body, url = sample(case, "page.html"), json.loads(sample(case, "meta.json"))["url"]
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    with contextlib.suppress(PageError):
        page = craftfair.read_page(body[:start] + data.draw(st.text(max_size=8)) + body[end:], url)
        assert isinstance(page, Page)


def test_the_spider_goes_from_a_shop_to_its_listings_and_its_next_page(spider):
    (start,) = spider.requests(Start(kind="shop", value="wool-and-thorn"))
    followed = list(go_on(spider, start.url, sample("shop_2026", "page.html")))
    assert [request.url for request in followed if isinstance(request, Request)] == [
        "https://www.craftfair.example/item/777",
        "https://www.craftfair.example/item/778",
        "https://www.craftfair.example/shop/wool-and-thorn?page=2",
    ]


def test_the_spider_passes_a_listing_on(spider):
    (listing,) = go_on(spider, "https://www.craftfair.example/item/777", sample("listing_2026", "page.html"))
    assert isinstance(listing, Listing)
    assert len(listing.images) == 2


def test_the_spider_refuses_what_means_nothing_to_it(spider):
    with pytest.raises(UsageError, match="give a shop's name"):
        spider.requests(Start(kind="shop", value="no shop"))


def test_the_row_can_be_added(connection):
    connection.execute(FILES["theftwatch/db/sql/migrations/NNNN_craftfair.sql"])
    (side,) = connection.execute("select default_side from marketplace where code = 'craftfair'").fetchone()
    assert side == "original"


@pytest.mark.parametrize("path", [PAGE_MODULE, SPIDER])
@pytest.mark.parametrize(
    "check", [["check", "--no-cache"], ["format", "--check", "--no-cache"]], ids=["check", "format"]
)
def test_the_example_is_as_tidy_as_the_program(path, check):
    ruff = [sys.executable, "-m", "ruff", *check, "--stdin-filename", path, "-"]
    run = subprocess.run(ruff, input=FILES[path], capture_output=True, text=True, cwd=CHECKOUT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_files_that_the_document_names_exist():
    named = set(re.findall(r"`((?:theftwatch|spiders|pipelines|tests)/[\w./]+\.\w+)`", DOCUMENT)) - set(FILES)
    assert named
    assert [path for path in sorted(named) if not (CHECKOUT / path).exists()] == []


def run_file(path):
    module = types.ModuleType(path.removesuffix(".py").replace("/", "."))
    exec(compile(FILES[path], path, "exec"), module.__dict__)
    return module


def go_on(spider, url, body):
    response = HtmlResponse(url, body=body, encoding="utf-8", request=Request(url))
    return spider.go_on(spider.read_response(response), response)
