"""A watch over simulated days: crawls of what is due, at the moments of a schedule, and some of them killed."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from tests.crawling import World
from theftwatch.clock import clock_ahead
from theftwatch.db import targets
from theftwatch.db.targets import LEASE, Target

#: After a kill the next crawl begins when the leases have run out
_AGAIN_AFTER = LEASE + timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """Crawls a world at moments of the test's own."""

    world: World

    def add(self, wanted: Sequence[Target], *, now: datetime) -> None:
        async def save() -> None:
            async with await psycopg.AsyncConnection.connect(self.world.dsn) as connection:
                await targets.save_targets(connection, wanted, now=now)

        asyncio.run(save())

    def crawl(self, marketplace: str, moment: datetime, *, kill_after_s: Iterable[float] = ()) -> int:
        """Crawl what is due at a moment, kill some crawls before one may end, and return how many met their death."""
        killed = 0
        for seconds in kill_after_s:
            killed += self.world.kill(self.world.start(marketplace, **self._simulate(moment)), seconds)
            moment += _AGAIN_AFTER
        self.world.finish(self.world.start(marketplace, **self._simulate(moment)))
        return killed

    def _simulate(self, moment: datetime) -> dict[str, str]:
        """Set the replica's clock, and return the environment in which a crawl has the same."""
        ahead = moment - datetime.now(UTC)
        self.world.replica.clock = clock_ahead(ahead)
        return {"SCRAPY_SETTINGS_MODULE": "tests.simulated", "SIMULATED_AHEAD_S": str(ahead.total_seconds())}
