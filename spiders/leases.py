"""The targets that a crawl has leased: which are under way, and how they went.

A target is done when each page that it led to was read, and each listing on them is in the record. Whatever breaks off
before that leaves a lease that runs out, and the target comes again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from uuid import UUID, uuid4

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem
from scrapy.http import Response
from scrapy.utils.url import url_is_from_any_domain

from spiders.budget import host_of
from spiders.run import Run
from spiders.sights import Sights
from spiders.under_way import UnderWay
from theftwatch.db import seen, targets, validators
from theftwatch.db.queries import Connection, execute
from theftwatch.db.records import ListingRecord
from theftwatch.db.targets import Leased, Outcome, Visit
from theftwatch.db.validators import Validator
from theftwatch.listing import Listing

logger = logging.getLogger(__name__)

#: Targets under way at once; more of them are leased when half are done
_AHEAD = 32
#: How often what was done is noted, and the rest kept from running out
_SYNC_S = 30
#: How long to wait for what is under way before asking again what is due by now
_WAIT_S = 5
_META = "target"


class ErasedSellerError(DropItem):
    """Raised for a listing of a seller that was erased, of whom nothing is taken in any more."""


class Leases:
    """Leases targets for one crawl, and notes how they went."""

    def __init__(self, crawler: Crawler, marketplace: str, *, limit: int | None, minutes: int | None) -> None:
        self._run = Run.of(crawler)
        self._marketplace = marketplace
        self.sights = Sights(self._run, marketplace)
        self._domains: list[str] = getattr(crawler.spider, "allowed_domains", [])
        self._token: UUID = uuid4()
        self._left = limit
        self._ends_s = None if minutes is None else time.monotonic() + 60 * minutes
        self._under_way: dict[int, UnderWay] = {}
        self._done: dict[int, Visit] = {}
        #: Those that nobody was asked for, with the host that was to be
        self._put_back: dict[int, str | None] = {}
        self._validators: list[Validator] = []
        self._some_done = asyncio.Event()
        self._syncing = asyncio.Lock()
        for handler, signal in (
            (self._item_scraped, signals.item_scraped),
            (self._item_dropped, signals.item_dropped),
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
                self._under_way[target.id] = UnderWay()
                yield target
            if not leased and (self._is_spent or not self._under_way):
                return
            while len(self._under_way) > _AHEAD // 2 or (not leased and self._under_way):
                self._some_done.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._some_done.wait(), _WAIT_S)
                if not leased:
                    break

    def hang_on(self, target: int, work: Iterable[Request | Listing]) -> Iterator[Request | Listing]:
        """Count requests and listings of a target, and yield them; each is done when `settle` is told so.

        In one visit a page is asked for once, unless its request says that it is to be asked for again; and none of
        another site, as pages are hostile text.
        """
        under_way = self._under_way[target]
        for each in work:
            if isinstance(each, Request):
                if each.url in under_way.asked and not each.dont_filter:
                    continue
                # Scrapy would drop it without a word, and the target would wait for it for ever.
                if not each.dont_filter and not url_is_from_any_domain(each.url, self._domains):
                    logger.warning("target %d leads to %s, which is no host of the marketplace", target, each.url)
                    under_way.outcomes.add("failed")
                    continue
                under_way.asked.add(each.url)
                under_way.requests += 1
                under_way.host = under_way.host or host_of(each)
                # Scrapy's own filter of duplicates knows the whole crawl, which may visit a target more than once.
                each = each.replace(dont_filter=True, meta={**each.meta, _META: target})  # noqa: PLW2901
            else:
                under_way.changed = True
            under_way.open += 1
            yield each

    def settle(self, target: int, outcome: Outcome | None = None) -> None:
        """Note that a request, a listing or the leasing of a target is done; and how its page went, if it was one."""
        under_way = self._under_way.get(target)
        if under_way is None:
            return
        under_way.open -= 1
        if outcome:
            under_way.outcomes.add(outcome)
        if under_way.open:
            return
        del self._under_way[target]
        visit = self._done[target] = under_way.visit()
        if visit.outcome == "ok" and under_way.stored:
            self._validators += under_way.validators
        self._run.counts.inc(f"target/{visit.outcome}")
        self._some_done.set()

    def put_back(self, target: int, host: str) -> bool:
        """Leave a target due that was not asked for, as its host is left alone; return False where some of it was.

        It is not leased again as long as the host is left alone.
        """
        under_way = self._under_way.get(target)
        if under_way is None or under_way.pages or under_way.requests != 1:
            return False
        del self._under_way[target]
        self._put_back[target] = host
        if self._left is not None:
            self._left += 1
        self._some_done.set()
        return True

    def note_page(self, target: int, listing_refs: Iterable[str], *, total: int | None = None) -> None:
        """Note that a page of a target was shown to us, with the listings on it, and how many its list says to hold."""
        under_way = self._under_way[target]
        under_way.pages += 1
        under_way.shown.update(listing_refs)
        if total is not None:
            under_way.expected = max(total, under_way.expected or 0)

    def see_again(self, target: int, validator: Validator) -> None:
        """Note what a page shows that has not changed by its host's word."""
        self.note_page(target, validator.listing_refs)
        self.sights.see_again(validator)

    def keep(self, target: int, validator: Validator | None) -> None:
        """Keep with what a page can be asked for again, once its target is done and all that it shows is stored."""
        if validator:
            self._under_way[target].validators.append(validator)

    async def close(self) -> None:
        """Note what is done, and give back what is not."""
        async with self._syncing:  # so that nothing that is being noted is lost
            self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        await self._sync()
        left = {target: under_way.host for target, under_way in self._under_way.items()}

        async def write(connection: Connection) -> None:
            now = self._run.clock()
            await targets.release(connection, left, token=self._token, now=now)
            await validators.delete_old(connection, now=now)

        await self._run.ask(write)
        resting, until = await self._run.ask(
            lambda connection: targets.count_resting(connection, self._marketplace, now=self._run.clock())
        )
        if until:
            self._run.counts.inc("target/resting", resting)
            logger.warning(
                "%d targets stay due, as their hosts refused us; these are left alone until %s UTC",
                resting,
                f"{until:%Y-%m-%d %H:%M}",
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
        """Note what was seen and how targets went, and keep the leases of the others."""
        async with self._syncing:
            if not (self._done or self._put_back or self._under_way):
                return
            done, self._done = self._done, {}
            put_back, self._put_back = self._put_back, {}
            sights = self.sights.take()
            kept, self._validators = self._validators, []
            ids = list(self._under_way)

            async def write(connection: Connection) -> tuple[set[int], set[int]]:
                now = self._run.clock()
                await execute(connection, "lock_writes")
                # before the targets, which compare with it what their lists have left out
                await seen.see(connection, sights, run=self._run.id)
                await validators.save(connection, kept, now=now)
                await targets.release(connection, put_back, token=self._token, now=now)
                return (
                    await targets.finish(connection, done, token=self._token, now=now),
                    await targets.renew(connection, ids, token=self._token, now=now),
                )

            finished, renewed = await self._run.ask(write)
        lost = (done.keys() - finished) | (set(ids) - renewed)
        if lost:
            logger.warning("%d leases had run out, and other jobs may have crawled the same pages", len(lost))

    def _item_scraped(self, item: ListingRecord, response: Response | None) -> None:
        if not item.is_whole:
            if self._run.ending.has_begun:
                return  # its photos are left for the next run, and its target so with them
            self._note_lacking(response)
        self._settle_item(response, "ok")

    def _item_dropped(self, response: Response | None, exception: Exception) -> None:
        # What may not be taken in was read as well as anything.
        self._settle_item(response, "ok" if isinstance(exception, ErasedSellerError) else "failed")

    def _item_lost(self, response: Response | None) -> None:
        self._settle_item(response, "failed")

    def _note_lacking(self, response: Response | None) -> None:
        target = None if response is None else target_of(response)
        if target in self._under_way:
            self._under_way[target].stored = False

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
