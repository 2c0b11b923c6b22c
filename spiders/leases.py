"""The targets that a crawl has leased: which are under way, and how they went.

A target is done when each page that it led to was read, and each listing on them is in the record. Whatever breaks off
before that leaves a lease that runs out, and the target comes again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.http import Response

from spiders.run import Run
from theftwatch.db import targets
from theftwatch.db.queries import Connection
from theftwatch.db.targets import Leased, Outcome
from theftwatch.pages.addresses import listing_key

logger = logging.getLogger(__name__)

#: Targets under way at once; more of them are leased when half are done
_AHEAD = 32
#: How often what was done is noted, and the rest kept from running out
_SYNC_S = 30
#: How long to wait for what is under way before asking again what is due by now
_WAIT_S = 5
_META = "target"


@dataclass(slots=True)
class _UnderWay:
    """A leased target: how many of its requests and listings are not done, and how the others went."""

    open: int = 1
    seen: set[Outcome] = field(default_factory=set)


class Leases:
    """Leases targets for one crawl, and notes how they went."""

    def __init__(self, crawler: Crawler, marketplace: str, *, limit: int | None, minutes: int | None) -> None:
        self._run = Run.of(crawler)
        self._marketplace = marketplace
        self._token: UUID = uuid4()
        self._left = limit
        self._ends_s = None if minutes is None else time.monotonic() + 60 * minutes
        self._under_way: dict[int, _UnderWay] = {}
        self._done: dict[int, Outcome] = {}
        self._some_done = asyncio.Event()
        for handler, signal in (
            (self._item_scraped, signals.item_scraped),
            (self._item_lost, signals.item_dropped),
            (self._item_lost, signals.item_error),
            (self._request_dropped, signals.request_dropped),
        ):
            crawler.signals.connect(handler, signal)
        self._run.before_close(self.close)
        self._keeper = asyncio.create_task(self._keep())

    async def lease(self) -> AsyncIterator[Leased]:
        """Yield targets that are due, until none is and none is under way, or the limits of the crawl are reached."""
        while True:
            await self._sync()
            leased = await self._take()
            for target in leased:
                self._under_way[target.id] = _UnderWay()
                yield target
            if not leased and (self._is_spent or not self._under_way):
                return
            while len(self._under_way) > _AHEAD // 2 or (not leased and self._under_way):
                self._some_done.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._some_done.wait(), _WAIT_S)
                if not leased:
                    break

    def hang_on(self, target: int, work: Any) -> Any:
        """Count a request or a listing of a target, and return it; it is done when `settle` is told so."""
        self._under_way[target].open += 1
        if isinstance(work, Request):
            work.meta[_META] = target
        return work

    def settle(self, target: int, outcome: Outcome | None = None) -> None:
        """Note that a request, a listing or the leasing of a target is done; and how its page went, if it was one."""
        under_way = self._under_way.get(target)
        if under_way is None:
            return
        under_way.open -= 1
        if outcome:
            under_way.seen.add(outcome)
        if not under_way.open:
            del self._under_way[target]
            self._done[target] = _sum_up(under_way.seen)
            self._run.inc(f"target/{self._done[target]}")
            self._some_done.set()

    async def found(self, target: int, urls: tuple[str, ...]) -> None:
        """Have listings that a target led to be crawled as targets of their own."""
        keyed = {key[1]: url for url in urls if (key := listing_key(url)) and key[0] == self._marketplace}
        if keyed:
            new = await self._run.ask(
                lambda connection: targets.save_found(
                    connection, keyed, found_on=target, reason="on a page that was crawled", now=self._run.clock()
                )
            )
            self._run.inc("target/found", new)

    async def close(self) -> None:
        """Note what is done, and give back what is not."""
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        await self._sync()
        left = list(self._under_way)
        await self._run.ask(
            lambda connection: targets.release(connection, left, token=self._token, now=self._run.clock())
        )

    @property
    def _is_spent(self) -> bool:
        return self._left == 0 or (self._ends_s is not None and time.monotonic() >= self._ends_s)

    async def _take(self) -> list[Leased]:
        most = _AHEAD - len(self._under_way)
        if self._left is not None:
            most = min(most, self._left)
        if most <= 0 or self._is_spent:
            return []
        leased = await self._run.ask(
            lambda connection: targets.lease(
                connection, self._marketplace, token=self._token, run=self._run.id, most=most, now=self._run.clock()
            )
        )
        # One of ours whose lease ran out, as the database was away for long, is still under way here.
        leased = [each for each in leased if each.id not in self._under_way]
        if self._left is not None:
            self._left -= len(leased)
        return leased

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_S)
            await self._sync()

    async def _sync(self) -> None:
        """Note how targets went, and keep the leases of the others."""
        done, self._done = self._done, {}
        ids = list(self._under_way)
        if not done and not ids:
            return

        async def write(connection: Connection) -> tuple[set[int], set[int]]:
            now = self._run.clock()
            return (
                await targets.finish(connection, done, token=self._token, now=now),
                await targets.renew(connection, ids, token=self._token, now=now),
            )

        finished, kept = await self._run.ask(write)
        lost = (done.keys() - finished) | (set(ids) - kept)
        if lost:
            logger.warning("%d leases had run out, and other jobs may have crawled the same pages", len(lost))

    def _item_scraped(self, response: Response | None) -> None:
        self._settle_item(response, "ok")

    def _item_lost(self, response: Response | None) -> None:
        self._settle_item(response, "failed")

    def _settle_item(self, response: Response | None, outcome: Outcome) -> None:
        if response is not None and (target := target_of(response)) is not None:
            self.settle(target, outcome)

    def _request_dropped(self, request: Request) -> None:
        # Asked for before in this crawl.
        if (target := request.meta.get(_META)) is not None:
            self.settle(target)


def target_of(page: Request | Response) -> int | None:
    """Return the target that a request or a response is of; None where it is of none."""
    number: int | None = page.meta.get(_META)
    return number


def _sum_up(seen: set[Outcome]) -> Outcome:
    """Return how a target went whose pages went so: as they all did, else in part; but a refusal is told."""
    if "blocked" in seen:
        return "blocked"
    return next(iter(seen)) if len(seen) == 1 else ("partial" if seen else "ok")
