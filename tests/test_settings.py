"""Scrapy's settings: which of Scrapy's own parts a crawl runs."""

import pytest
from scrapy.settings import default_settings
from scrapy.utils.project import get_project_settings


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("DOWNLOADER_MIDDLEWARES_BASE", {"RobotsTxtMiddleware", "HttpCompressionMiddleware", "CookiesMiddleware"}),
        ("EXTENSIONS_BASE", {"AutoThrottle", "RemoteControl", "TelnetConsole"}),
    ],
)
def test_all_parts_of_scrapy_s_own_run_in_their_places_but_those_left_out(name, left_out):
    ours, theirs = get_project_settings().getdict(name), getattr(default_settings, name)
    assert ours.items() <= theirs.items()
    assert {path.rpartition(".")[2] for path in theirs.keys() - ours.keys()} == left_out
