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

#: The spider that keeps listings as proof
CAPTURE = "capture"
#: How long a crawl of a marketplace goes on for a page: what a person waits for comes first, and the rest stays due
_LIMIT = ("-a", "minutes=60")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What became of the last crawl by a spider that somebody asked for since the page was started."""

    at: datetime
    #: `given` to a node, which says no more of it; the record has its run once it begins
    state: Literal["under_way", "given", "ended", "failed"] = "under_way"
    #: Why it failed
    says: str = ""


class Crawling:
    """Has what is due on a marketplace crawled, or kept as proof, when somebody waits for it.

    A crawl that is started here writes its log into `logs`, the last one of each spider; it goes on when the page is
    ended. What a kill leaves is still due, and the next crawl takes it up.
    """

    def __init__(self, command: Command, *, on_nodes: bool, logs: Path, clock: Clock) -> None:
        self._command = command
        self._on_nodes = on_nodes
        self._logs = logs
        self._clock = clock
        self._wanted = {spider: asyncio.Event() for spider in (*KINDS, CAPTURE)}
        self._asked: dict[str, Asked] = {}

    def ask(self, spider: str) -> None:
        """Have a spider, a marketplace's or CAPTURE, crawl what is due soon; where it does already, once more."""
        if not self.is_under_way(spider):
            self._asked[spider] = Asked(at=self._clock())
        self._wanted[spider].set()

    def find(self, spider: str) -> Asked | None:
        """Return what became of the last crawl that was asked for."""
        return self._asked.get(spider)

    def is_under_way(self, spider: str) -> bool:
        """Return whether a crawl that was asked for has not ended."""
        asked = self._asked.get(spider)
        return asked is not None and asked.state == "under_way"

    async def work(self) -> None:
        """Start crawls that are asked for, one at a time for each spider, until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for spider in self._wanted:
                workers.create_task(self._work(spider))

    async def _work(self, spider: str) -> None:
        while True:
            await self._wanted[spider].wait()
            self._wanted[spider].clear()
            asked = self._asked[spider] = Asked(at=self._clock())
            try:
                self._asked[spider] = await self._crawl(spider, asked)
            except Exception as exc:
                # Whatever it was, the next one may do well.
                logger.exception("a crawl by %s could not be started", spider)
                self._asked[spider] = Asked(at=asked.at, state="failed", says=str(exc))

    async def _crawl(self, spider: str, asked: Asked) -> Asked:
        limit = () if spider == CAPTURE else _LIMIT
        if self._on_nodes:
            code, last_line = await self._command("schedule", spider, *limit)
            return Asked(at=asked.at, state="failed" if code else "given", says=last_line)
        await asyncio.to_thread(self._logs.mkdir, parents=True, exist_ok=True)
        log = self._logs / f"{spider}.log"
        into = ("-s", f"LOG_FILE={log}", "-s", "LOG_FILE_APPEND=False")
        code, last_line = await self._command("crawl", spider, *limit, *into)
        says = f"{last_line.removeprefix('theftwatch: ')}; its log is {log}"
        return Asked(at=asked.at, state="failed" if code else "ended", says=says)
