"""What all spiders do alike: read a page, pass its listings on, follow its links, and tell trouble apart."""

import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider, IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from spiders.arguments import Arguments, Kind, Start, read_arguments
from spiders.budget import CallsSpentError, HostRestsError, host_of
from spiders.ending import EndingError
from spiders.leases import Leases, target_of
from spiders.problem import ProblemKind, note_problem
from spiders.reading import problem_kind, read_response
from spiders.refusals import Refusals
from spiders.robots import RobotsAwayError
from spiders.run import Run
from spiders.shown import DATA, Shown
from spiders.validators import unchanged_page, validator_of
from theftwatch.config import NAMED_DESCRIPTORS, Settings, check_live, settings
from theftwatch.db.targets import Outcome
from theftwatch.db.validators import Validator
from theftwatch.errors import PageChangedError, PageError, UsageError
from theftwatch.listing import Listing, Page, PageKind, Side

logger = logging.getLogger(__name__)

#: How a target goes whose page is in such trouble
_OUTCOMES: dict[ProblemKind, Outcome] = {
    "blocked": "blocked",
    "changed": "failed",
    "unknown": "failed",
    "gone": "gone",
    "failed": "failed",
    "refused_by_robots": "refused",
}


class MarketplaceSpider(Spider):
    """A spider over one marketplace; subclasses say where it starts and which hosts are its own."""

    #: Kinds of `-a` argument that it can start from
    kinds: ClassVar[tuple[Kind, ...]]
    #: Whether it has to be told where to start; else it crawls the targets that are due
    needs_start: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: str) -> None:
        super().__init__(*args)
        #: scrapyd's id of this job, which it passes along as if it were an argument
        self.jobid = kwargs.pop("_job", None)
        self.arguments = kwargs
        self._asked: Arguments = self.read(kwargs)
        self.side: Side | None = self._asked.side
        self._listings_left = self._asked.limit if self._asked.starts else None
        self._leases: Leases | None = None
        self.refusals = Refusals()

    @classmethod
    def read(cls, given: dict[str, str]) -> Arguments:
        """Check the arguments.

        Raises UsageError.
        """
        # What scrapyd passes is no argument of ours.
        return read_arguments(
            cls.name, {k: v for k, v in given.items() if k != "_job"}, cls.kinds, needs_start=cls.needs_start
        )

    @classmethod
    def is_shared(cls, given: dict[str, str]) -> bool:
        """Return whether jobs with the same arguments may run side by side, as these share the targets that are due."""
        return not cls.read(given).starts

    @classmethod
    def check(cls, given: dict[str, str], own: Settings) -> None:
        """Check everything that can be wrong before a crawl starts.

        Raises UsageError.
        """
        arguments = cls.read(given)
        if own.descriptor not in NAMED_DESCRIPTORS:
            # Before a page is asked for. Else it is loaded with the first new image.
            from theftwatch.images.descriptor import model

            model()
        hosts = {urlsplit(request.url).hostname or "" for start in arguments.starts for request in cls.requests(start)}
        # Which hosts the targets are on shows later.
        if not all(own.mapped(host) for host in hosts) or not (hosts or own.host_map):
            check_live(own)

    @classmethod
    @abstractmethod
    def requests(cls, start: Start) -> list[Request]:
        """Return the first requests for one thing to start from.

        Raises UsageError for a value that means nothing on this marketplace.
        """

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first requests: of what was asked for, else of the targets that are due."""
        if not self._asked.starts:
            async for request in self._start_leased():
                yield request
        for start in self._asked.starts:
            for request in self.requests(start):
                yield self.page_request(request)

    async def _start_leased(self) -> AsyncIterator[Any]:
        await Run.of(self.crawler).open()
        leases = self._leases = Leases(self.crawler, self.name, limit=self._asked.limit, minutes=self._asked.minutes)
        async for target in leases.lease():
            if target.url is not None:
                start = Start(kind="url", value=target.url)
            else:
                assert target.kind != "listing"
                start = Start(kind=target.kind, value=target.ref)
            try:
                requests = self.requests(start)
            except UsageError as exc:
                logger.warning(
                    "target %d cannot be crawled: %s; `theftwatch target remove %d`", target.id, exc, target.id
                )
                leases.settle(target.id, "failed")
                continue
            for request in leases.hang_on(target.id, map(self.page_request, requests)):
                yield request
            leases.settle(target.id)

    def page_request(self, request: Request) -> Request:
        """Return a request for a page, with what every page needs."""
        return request.replace(callback=self.parse_page, errback=self.note_failure)

    async def parse_page(self, response: Response) -> AsyncIterator[Any]:
        """Read a page of any kind, and go on from it; where it is of a target, note how it went."""
        target = target_of(response)
        outcome: Outcome | None = "failed"  # where this breaks off
        try:
            if target is not None and (validator := unchanged_page(response)):
                await self._note_shown("unchanged", response)
                for request in self._hung_on(target, self._go_on_unchanged(target, validator, response)):
                    yield request
                outcome = "ok"
                return
            try:
                page = self.read_response(response)
            except PageError as exc:
                again = list(self._hung_on(target, self.again(response, exc)))
                for request in again:
                    yield request
                outcome = None if again else _OUTCOMES[problem_kind(exc, response.status)]
                if not again:
                    await self.note_trouble(response, exc)
                return
            await self._note_shown(page.kind, response)
            Run.of(self.crawler).counts.inc_read(page.listings)
            for url in page.gone_urls:
                detail = f"{url}: no longer there, as {response.url} says"
                await note_problem(Run.of(self.crawler), url, "gone", detail, target=target)
            for each in self._hung_on(target, await self._compare(target, page, response)):
                yield each
            outcome = "ok"
        finally:
            self._settle(target, outcome)

    async def _compare(self, target: int | None, page: Page, response: Response) -> Iterable[Listing | Request]:
        """Return what is to be done of a page; of a target's, only what the record does not know."""
        work = self.go_on(page, response)
        if target is None or self._leases is None:
            return work
        requests = [each for each in work if isinstance(each, Request)]
        self._leases.note_page(target, (listing.listing_ref for listing in page.listings), total=page.total)
        if page.kind is PageKind.LISTING:
            listings = await self._leases.sights.compare_listings(page)
        else:
            listings = await self._leases.sights.compare_list(target, page, self.listing_urls(page, response))
        if self.is_kept(response):
            refs, leads_to = (listing.listing_ref for listing in page.listings), (each.url for each in requests)
            self._leases.keep(target, validator_of(response, listing_refs=refs, leads_to=leads_to))
        return [*listings, *requests]

    def _go_on_unchanged(self, target: int, validator: Validator, response: Response) -> Iterator[Request]:
        """Note what a page shows that has not changed, and yield the pages that it leads to."""
        assert self._leases is not None
        self._leases.see_again(target, validator)
        for url in validator.leads_to:
            yield self.page_request(response.follow(url))

    async def _note_shown(self, what: str, response: Response) -> None:
        host = host_of_page(response)
        self.refusals.note_shown(host)
        run = Run.of(self.crawler)
        run.counts.inc(f"page/{what}")
        await run.note_shown(host)

    def _settle(self, target: int | None, outcome: Outcome | None) -> None:
        if target is not None and self._leases is not None:
            self._leases.settle(target, outcome)

    def _hung_on(self, target: int | None, work: Iterable[Any]) -> Iterable[Any]:
        return work if target is None or self._leases is None else self._leases.hang_on(target, work)

    def read_response(self, response: Response) -> Page:
        """Read a page by its status and its body.

        Raises PageError.
        """
        return read_response(response)

    def go_on(self, page: Page, response: Response) -> Iterator[Listing | Request]:
        """Yield what a page leads to: its listings, or the pages of them."""
        if page.kind is PageKind.LISTING:
            # A listing that the crawl started from was not counted when it was asked for.
            if response.meta.get("counted") or self.take():
                yield from page.listings
        elif target_of(response) is None:
            for url in self.listing_urls(page, response):
                if self.take():
                    yield self.page_request(response.follow(url, priority=1, meta={"counted": True}))
        if page.kind in {PageKind.PROFILE, PageKind.SUPPLIER_SEARCH}:
            for url in page.seller_urls:
                yield self.page_request(response.follow(url))
        if page.next_page and self.wants_more:
            yield self.page_request(response.follow(page.next_page))

    def listing_urls(self, page: Page, _response: Response) -> tuple[str, ...]:
        """Return the listings that a list leads to: of a target's list they become targets, else they are opened."""
        return page.listing_urls

    def is_kept(self, _response: Response) -> bool:
        """Return whether a page may be asked for with the condition that it has changed."""
        return True

    def again(self, response: Response, exc: PageError) -> Iterator[Request]:
        """Yield the request that is worth another try: a page that showed nothing without scripts goes to Chromium."""
        if isinstance(exc, PageChangedError) and settings().browser and not response.meta.get("playwright"):
            Run.of(self.crawler).counts.inc("page/in_browser")
            assert response.request is not None
            shown = Shown(document=response, crawler=self.crawler, loads=DATA)
            yield response.request.replace(
                url=response.url, dont_filter=True, meta={**response.request.meta, **shown.request_meta()}
            )

    async def note_failure(self, failure: Failure) -> None:
        """Note a page that could not be fetched."""
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        run = Run.of(self.crawler)
        kind: ProblemKind
        match failure.value:
            case EndingError():
                return  # with its target, where it is of one, it is left for the next run
            case CallsSpentError():
                # Nothing was refused: what is left, its target with it, comes with the next run.
                logger.warning("%s", failure.value)
                raise CloseSpider("api_quota")
            case HostRestsError():
                kind, detail = "blocked", str(failure.value)
            case RobotsAwayError():
                kind, detail = "failed", str(failure.value)
            case IgnoreRequest():
                kind = "refused_by_robots"
                detail = "robots.txt does not allow it; open it in a browser and use `theftwatch receive`"
            case _:
                kind, detail = "failed", repr(failure.value)
        target = target_of(request)
        if kind == "blocked" and target and self._leases and self._leases.put_back(target, host_of(request)):
            return
        self._settle(target, _OUTCOMES[kind])
        await note_problem(run, request.url, kind, f"{request.url}: {detail}", target=target)

    @property
    def wants_more(self) -> bool:
        """Whether the limit of listings, if there is one, leaves any."""
        return self._listings_left is None or self._listings_left > 0

    def take(self) -> bool:
        """Return whether one more listing may be fetched, and count it."""
        if not self.wants_more:
            return False
        if self._listings_left is not None:
            self._listings_left -= 1
        return True

    async def note_trouble(self, response: Response, exc: PageError) -> None:
        """Note a page that gave no data; leave hosts alone that go on refusing us, and end the crawl where all do."""
        kind, host, run = problem_kind(exc, response.status), host_of_page(response), Run.of(self.crawler)
        await note_problem(run, response.url, kind, str(exc), response=response, target=target_of(response))
        if kind != "blocked":
            self.refusals.note_shown(host)
            return
        for each in self.refusals.note_refused(host):
            await run.leave_alone(each)
        if self.refusals.is_over:
            raise CloseSpider("blocked")


def host_of_page(response: Response) -> str:
    """Return the host of a page, also of one that Chromium showed."""
    shown = response.meta.get("shown")
    request = (shown.document if shown else response).request
    assert request is not None
    return host_of(request)
