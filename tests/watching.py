"""A watch over simulated days: crawls of what is due, at the moments of a schedule, and some of them killed."""

import asyncio
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import psycopg
import pytest

from tests.crawling import World
from theftwatch import clock
from theftwatch.commands import work
from theftwatch.config import Settings
from theftwatch.db import store, targets
from theftwatch.db.records import OriginalFileRecord, image_record
from theftwatch.db.targets import LEASE, Target
from theftwatch.demo.photos import photo_bytes
from theftwatch.files import Files

CHECKOUT = Path(__file__).parents[1]
#: After a kill the next crawl begins when the leases have run out
_AGAIN_AFTER = LEASE + timedelta(seconds=30)


@dataclass(kw_only=True, slots=True)
class Watch:
    """Crawls a world at moments of the test's own."""

    world: World
    #: When the next crawl begins. It never goes back: what was promised to one crawl holds for the next.
    now: datetime
    killed: int = 0
    #: Settings of all its crawls
    settings: Mapping[str, str] = field(default_factory=dict)

    def add(self, wanted: Sequence[Target]) -> None:
        async def save() -> None:
            async with await psycopg.AsyncConnection.connect(self.world.dsn) as connection:
                await targets.save_targets(connection, wanted, now=self.now)

        asyncio.run(save())

    def give(self, photos: Iterable[str]) -> None:
        """Have an artisan give photos of the package, under their names."""
        files = Files(Settings(data_dir=self.world.folder / "data").files_dir)
        records = [
            OriginalFileRecord(image=image_record(files.get(files.put(photo_bytes(name)))), kind="original", name=name)
            for name in photos
        ]

        async def save() -> None:
            async with await psycopg.AsyncConnection.connect(self.world.dsn) as connection:
                await store.save_original_files(connection, "Ana", records, now=self.now)

        asyncio.run(save())

    def crawl(self, spider: str, *, kill_after_s: Iterable[float] = (), **environment: str) -> None:
        """Crawl what is due, and kill some crawls before one may end."""
        for seconds in kill_after_s:
            self.killed += self.world.kill(self.start(spider, **environment), seconds)
            self.now = self.world.replica.clock() + _AGAIN_AFTER
        self.finish(self.start(spider, **environment))

    def start(self, spider: str, **environment: str) -> subprocess.Popen[str]:
        """Start a crawl of what is due; on the replica it is the same time."""
        self.set_clock()
        return self.world.start(spider, **self.environment, **environment)

    def set_clock(self) -> None:
        """Have it be the same time on the replica and for the crawls, and go on from there."""
        ahead = self.now - datetime.now(UTC)
        self.world.replica.clock = clock.clock_ahead(ahead)
        self.set_crawler_s_clock(ahead)

    def finish(self, process: subprocess.Popen[str]) -> str:
        """Wait for a crawl to end, and return its log."""
        log = self.world.finish(process)
        self.now = self.world.replica.clock()
        return log

    def as_node(self) -> tuple[Path, dict[str, str]]:
        """Return a folder for a scrapyd, and an environment in which its jobs have the clock of the test."""
        self.set_clock()
        own = (CHECKOUT / "scrapy.cfg").read_text().replace("= theftwatch.settings", "= tests.simulated")
        (self.world.folder / "scrapy.cfg").write_text(own)
        environment = self.world.environment(**self.environment, PYTHONPATH=str(CHECKOUT))
        # Jobs have those of the project.
        del environment["SCRAPY_SETTINGS_MODULE"]
        return self.world.folder, environment

    def set_crawler_s_clock(self, ahead: timedelta) -> None:
        """Set by how much the clock of the crawls is ahead of the machine's, while they go on."""
        new = self._ahead.with_suffix(".new")
        new.write_text(str(ahead.total_seconds()))
        new.replace(self._ahead)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which a crawl has the clock of the test, and its settings."""
        return {"SCRAPY_SETTINGS_MODULE": "tests.simulated", "SIMULATED_AHEAD": str(self._ahead), **self.settings}

    @property
    def _ahead(self) -> Path:
        return self.world.folder / "ahead"

    def set_clocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the commands that this process runs go by the same moments."""
        for each in iter_modules(work.__path__):
            import_module(f"{work.__name__}.{each.name}")
        ours = [module for name, module in sys.modules.items() if name.startswith("theftwatch.")]
        real = clock.system_clock
        for module in ours:
            if getattr(module, "system_clock", None) is real:
                monkeypatch.setattr(module, "system_clock", lambda: self.now)
