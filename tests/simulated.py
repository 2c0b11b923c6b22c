"""Scrapy's settings for a crawl at another moment: production's, with a clock of the test's own.

SIMULATED_AHEAD names the file that holds by how many seconds the clock is ahead of the machine's; it is read each time,
so that the clock can be set while a crawl goes on. SIMULATED_TIMEOUT_S is how long a host may take, and
SIMULATED_PATIENCE_S how long the database may be away, where production's patience is too long to wait for, as its
pause between heartbeats is, for which SIMULATED_HEARTBEAT_S stands.
SIMULATED_LOG names a file for the log of a crawl to which nobody listens meanwhile.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scrapy.crawler import Crawler

import spiders.run
from theftwatch.settings import *  # noqa: F403  all of them
from theftwatch.settings import DOWNLOAD_TIMEOUT as _TIMEOUT_S
from theftwatch.settings import EXTENSIONS as _EXTENSIONS


def simulated_clock() -> datetime:
    """Return what time the test says it is."""
    return datetime.now(UTC) + timedelta(seconds=float(Path(os.environ["SIMULATED_AHEAD"]).read_text()))


class Run(spiders.run.Run):
    """A run with the clock of the test."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.clock = simulated_clock


LOG_FILE = os.environ.get("SIMULATED_LOG")
DOWNLOAD_TIMEOUT = int(os.environ.get("SIMULATED_TIMEOUT_S", _TIMEOUT_S))
spiders.run.PATIENCE_S = int(os.environ.get("SIMULATED_PATIENCE_S", spiders.run.PATIENCE_S))
spiders.run.HEARTBEAT_S = float(os.environ.get("SIMULATED_HEARTBEAT_S", spiders.run.HEARTBEAT_S))
EXTENSIONS = {{"spiders.run.Run": "tests.simulated.Run"}.get(name, name): at for name, at in _EXTENSIONS.items()}
