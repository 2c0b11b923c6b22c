"""The demonstration: the spiders crawl the replica into a database of its own, and what they found is shown.

It sets the host map and starts the same programs that a live crawl runs; nothing else in the project knows of it.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from theftwatch.clock import system_clock
from theftwatch.config import DEMO_DATABASE, Settings
from theftwatch.db.queries import Connection, fetch
from theftwatch.db.server import connect_dsn, reader_dsn
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import Replica, running_replica
from theftwatch.demo.starts import start_lines
from theftwatch.demo.truth import ImagePlace, Pair, Score, score
from theftwatch.errors import TheftWatchError
from theftwatch.files import Files
from theftwatch.reports.report import write_report

MARKETPLACES = ("etsy", "artfire", "alibaba")
_REFRESH_S = 0.25
_CRAWL_MAX_S = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What one marketplace's part of the record holds."""

    listings: int = 0
    photos: int = 0
    compared: int = 0


async def run_tour(own: Settings, console: Console) -> None:
    """Crawl the replica and show what was found.

    Raises TheftWatchError where the database does not start or a spider fails.
    """
    demo = own.model_copy(update={"dsn": None, "database": DEMO_DATABASE})
    folder = own.data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    console.print("Starting Postgres and a replica of Etsy, ArtFire and Alibaba on this machine …")
    dsn = await asyncio.to_thread(connect_dsn, demo)
    started_s = time.monotonic()
    with ExitStack() as stack:
        replica = stack.enter_context(running_replica())
        crawls = {code: stack.enter_context(_crawl(code, replica, demo, folder)) for code in MARKETPLACES}
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await _watch(crawls, connection, console)
            for code, crawl in crawls.items():
                if crawl.returncode:
                    raise TheftWatchError(f"spider {code} failed; {folder / code}.log says why")
            await _show(connection, demo, folder, console, time.monotonic() - started_s)


def _crawl(code: str, replica: Replica, demo: Settings, folder: Path) -> subprocess.Popen[bytes]:
    starts = folder / f"{code}.txt"
    starts.write_text("\n".join(start_lines(load_catalogue(), code)) + "\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "THEFTWATCH_DSN"} | {
        "THEFTWATCH_DATA_DIR": str(demo.data_dir),
        "THEFTWATCH_DATABASE": demo.database,
        "THEFTWATCH_HOST_MAP": ",".join(f"{host}={address}" for host, address in replica.host_map.items()),
        # The replica is ours, so nobody needs to be spared.
        "THEFTWATCH_DELAY_S": "0",
        "SCRAPY_SETTINGS_MODULE": "theftwatch.settings",
    }
    with (folder / f"{code}.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "scrapy", "crawl", code, "-a", f"file={starts}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
