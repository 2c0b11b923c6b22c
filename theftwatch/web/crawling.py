"""Crawls that people ask for on the page: given to a node where the settings name some, else started here."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from theftwatch.clock import Clock
from theftwatch.targets import KINDS
from theftwatch.web.command import Command

logger = logging.getLogger(__name__)

#: How long a crawl goes on that a page has asked for: what a person waits for comes first, and the rest stays due
_LIMIT = ("-a", "minutes=60")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What became of the last crawl of a marketplace that somebody asked for since the page was started."""

    at: datetime
    #: `given` to a node, which says no more of it; the record has its run once it begins
    state: Literal["under_way", "given", "ended", "failed"] = "under_way"
    #: Why it failed
    says: str = ""


class Crawling:
    """Has what is due on a marketplace crawled when somebody waits for it.

    A crawl that is started here writes its log into `logs`, the last one of each marketplace; it goes on when the page
    is ended. What a kill leaves is still due, and the next crawl takes it up.
    """

    def __init__(self, command: Command, *, on_nodes: bool, logs: Path, clock: Clock) -> None:
        self._command = command
        self._on_nodes = on_nodes
        self._logs = logs
        self._clock = clock
        self._wanted = {marketplace: asyncio.Event() for marketplace in KINDS}
        self._asked: dict[str, Asked] = {}

    def ask(self, marketplace: str) -> None:
        """Have what is due there crawled soon; where a crawl is under way, once more after it."""
        if not self.is_under_way(marketplace):
            self._asked[marketplace] = Asked(at=self._clock())
        self._wanted[marketplace].set()

    def find(self, marketplace: str) -> Asked | None:
        """Return what became of the last crawl that was asked for."""
        return self._asked.get(marketplace)

    def is_under_way(self, marketplace: str) -> bool:
        """Return whether a crawl that was asked for has not ended."""
        asked = self._asked.get(marketplace)
        return asked is not None and asked.state == "under_way"

    async def work(self) -> None:
        """Start crawls that are asked for, one at a time for each marketplace, until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for marketplace in self._wanted:
                workers.create_task(self._work(marketplace))

    async def _work(self, marketplace: str) -> None:
        while True:
            await self._wanted[marketplace].wait()
            self._wanted[marketplace].clear()
            asked = self._asked[marketplace] = Asked(at=self._clock())
            try:
                self._asked[marketplace] = await self._crawl(marketplace, asked)
            except Exception as exc:
                # Whatever it was, the next one may do well.
                logger.exception("a crawl of %s could not be started", marketplace)
                self._asked[marketplace] = Asked(at=asked.at, state="failed", says=str(exc))

    async def _crawl(self, marketplace: str, asked: Asked) -> Asked:
        if self._on_nodes:
            code, last_line = await self._command("schedule", marketplace, *_LIMIT)
            return Asked(at=asked.at, state="failed" if code else "given", says=last_line)
        await asyncio.to_thread(self._logs.mkdir, parents=True, exist_ok=True)
        log = self._logs / f"{marketplace}.log"
        into = ("-s", f"LOG_FILE={log}", "-s", "LOG_FILE_APPEND=False")
        code, last_line = await self._command("crawl", marketplace, *_LIMIT, *into)
        says = f"{last_line.removeprefix('theftwatch: ')}; its log is {log}"
        return Asked(at=asked.at, state="failed" if code else "ended", says=says)
