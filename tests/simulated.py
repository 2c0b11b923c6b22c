"""Scrapy's settings for a crawl at another moment: production's, with a clock that is ahead."""

import os
from datetime import timedelta

from scrapy.crawler import Crawler

import spiders.run
from theftwatch.clock import clock_ahead
from theftwatch.settings import *  # noqa: F403  all of them
from theftwatch.settings import EXTENSIONS as _EXTENSIONS


class Run(spiders.run.Run):
    """A run whose clock is ahead of the machine's by the seconds of SIMULATED_AHEAD_S."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.clock = clock_ahead(timedelta(seconds=float(os.environ["SIMULATED_AHEAD_S"])))


EXTENSIONS = {**_EXTENSIONS, "spiders.run.Run": None, "tests.simulated.Run": 100}
