"""Crawling a replica from a test, the way a user does: by the `scrapy` program, in a process of its own."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from scrapy.cmdline import execute

from tests.program import refusal
from theftwatch.db.digest import digest_tables
from theftwatch.db.queries import queries
from theftwatch.demo import replica as replicas
from theftwatch.demo import sites
from theftwatch.demo.answers import Answer, Request
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import Replica
from theftwatch.demo.starts import start_lines

MARKETPLACES = ("etsy", "artfire", "alibaba")
#: For crawls whose point is not what is recognised: the network takes more of their time than all else
BY_HASHES = {"THEFTWATCH_DESCRIPTOR": "off"}


@contextmanager
def listings_held(shown: int) -> Iterator[None]:
    """Have replicas show so many listings of Alibaba and hold the others back meanwhile: no crawl of them can end."""
    released, asked = Event(), itertools.count()

    def held(request: Request, *shop: Any) -> Answer:
        if "/product-detail/" in request.path and next(asked) >= shown:
            released.wait()
        return sites.answer(request, *shop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replicas, "answer", held)
        try:
            yield
        finally:
            released.set()


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A replica, a database and a folder for files: all that a crawl needs."""

    replica: Replica
    dsn: str
    folder: Path
    #: Of all its programs
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        own = {
            "THEFTWATCH_DSN": self.dsn,
            "THEFTWATCH_DATA_DIR": str(self.folder / "data"),
            "THEFTWATCH_HOST_MAP": ",".join(f"{host}={address}" for host, address in self.replica.host_map.items()),
            "THEFTWATCH_DELAY_S": "0",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("THEFTWATCH_")}
        return {**clean, **own, **self.settings, **more}

    def start(self, spider: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "scrapy", "crawl", spider, *(part for each in arguments for part in ("-a", each))],
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def refused(self, spider: str, *arguments: str) -> str:
        """Return the one line with which a crawl is refused."""
        words = ["scrapy", "crawl", spider, *(part for each in arguments for part in ("-a", each))]
        return refusal(execute, words, self.environment(SCRAPY_SETTINGS_MODULE="theftwatch.settings"))

    def crawl(self, spider: str, *arguments: str, **environment: str) -> str:
        """Crawl to the end and return the log."""
        log = self.finish(self.start(spider, *arguments, **environment))
        assert "Traceback" not in log, log
        return log

    def finish(self, process: subprocess.Popen[str]) -> str:
        """Wait for a crawl and return its log, in which Scrapy may complain of a marketplace in trouble."""
        with process:
            try:
                log, _ = process.communicate(timeout=300)
            except subprocess.TimeoutExpired:
                process.kill()
                pytest.fail(f"the crawl does not end:\n{process.communicate()[0]}")
        assert process.returncode == 0, log
        return log

    def kill(self, process: subprocess.Popen[str], seconds: float) -> bool:
        """Kill a crawl, the way nothing can be caught, so long after its run began; False where it ended before."""
        [before] = self.rows("select max(id) from run")
        with process:
            while process.poll() is None and self.rows("select max(id) from run") == [before]:
                time.sleep(0.05)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
        return process.returncode == -signal.SIGKILL

    @contextmanager
    def unending(self) -> Iterator[None]:
        """Keep crawls that have stored photos from ending, as these are not compared meanwhile."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(queries()["lock_drain"])
            yield

    def crawl_all(self) -> None:
        for marketplace in MARKETPLACES:
            self.crawl(marketplace, f"file={self.starts(marketplace)}")

    def starts(self, marketplace: str, *, hurdles: bool = True) -> Path:
        path = self.folder / f"{marketplace}.txt"
        path.write_text("\n".join(start_lines(load_catalogue(), marketplace, hurdles=hurdles)))
        return path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query).fetchall()

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> None:
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement, parameters)

    def digest_tables(self) -> dict[str, str]:
        async def read() -> dict[str, str]:
            async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
                return await digest_tables(connection)

        return asyncio.run(read())
