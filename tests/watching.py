"""A watch over simulated days: crawls of what is due, at the moments of a schedule, and some of them killed."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pkgutil import iter_modules

import psycopg
import pytest

from tests.crawling import World
from theftwatch import clock, commands
from theftwatch.config import Settings
from theftwatch.db import store, targets
from theftwatch.db.records import OriginalFileRecord, image_record
from theftwatch.db.targets import LEASE, Target
from theftwatch.demo.photos import photo_bytes
from theftwatch.files import Files

#: After a kill the next crawl begins when the leases have run out
_AGAIN_AFTER = LEASE + timedelta(seconds=30)


@dataclass(kw_only=True, slots=True)
class Watch:
    """Crawls a world at moments of the test's own."""

    world: World
    #: When the next crawl begins. It never goes back: what was promised to one crawl holds for the next.
    now: datetime
    killed: int = 0

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
            self.killed += self.world.kill(self.world.start(spider, **self._simulate(), **environment), seconds)
            self.now = self.world.replica.clock() + _AGAIN_AFTER
        self.world.finish(self.world.start(spider, **self._simulate(), **environment))
        self.now = self.world.replica.clock()

    def set_clocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the commands that this process runs go by the same moments."""
        for each in iter_modules(commands.__path__):
            import_module(f"{commands.__name__}.{each.name}")
        ours = [module for name, module in sys.modules.items() if name.startswith("theftwatch.")]
        real = clock.system_clock
        for module in ours:
            if getattr(module, "system_clock", None) is real:
                monkeypatch.setattr(module, "system_clock", lambda: self.now)

    def _simulate(self) -> dict[str, str]:
        """Set the replica's clock, and return the environment in which a crawl has the same."""
        ahead = self.now - datetime.now(UTC)
        self.world.replica.clock = clock.clock_ahead(ahead)
        return {"SCRAPY_SETTINGS_MODULE": "tests.simulated", "SIMULATED_AHEAD_S": str(ahead.total_seconds())}
