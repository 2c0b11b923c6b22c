"""What is noted of a page that gave no data: a line of bounded length, whatever the page or its address holds."""

import asyncio
from random import Random
from string import ascii_letters

import psycopg
import pytest
from scrapy.utils.test import get_crawler

from spiders.etsy import EtsySpider
from spiders.problem import note_problem
from spiders.run import Run
from theftwatch.config import settings


@pytest.fixture
def note(dsn, tmp_path, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    monkeypatch.setenv("THEFTWATCH_DATA_DIR", str(tmp_path))
    settings.cache_clear()

    async def main(url, detail):
        crawler = get_crawler(EtsySpider)
        crawler.spider = crawler._create_spider()
        crawler.crawling = True
        run = Run(crawler)
        await run.open()
        await note_problem(run, url, "unknown", detail)
        await run.close("finished")

    def noted(url, detail):
        asyncio.run(main(url, detail))
        with psycopg.connect(dsn) as connection:
            [row] = connection.execute("select url, detail from page_problem").fetchall()
        return row

    return noted


def test_the_name_of_a_shop_and_an_address_of_any_length_are_noted_with_the_remedy(note):
    url = f"https://www.etsy.com/{''.join(Random(1).choices(ascii_letters, k=9_000))}"
    kept_url, detail = note(url, f"{url}: no page of {'燈\0\x1b[2J' * 9_000}; give another address")
    assert (len(kept_url), len(detail)) == (2_083, 1_000)
    assert url.startswith(kept_url[:-1])
    assert detail.isprintable()
    assert detail.startswith(url[:400])
    assert detail.endswith("; give another address")


def test_a_short_one_is_noted_as_it_is(note):
    row = "https://www.etsy.com/a", "https://www.etsy.com/a: HTTP 500"
    assert note(*row) == row
