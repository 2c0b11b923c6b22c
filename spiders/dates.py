"""How old listings and photos are, as others know it: the Internet Archive, and Flickr for what an artisan names."""

import asyncio
import base64
import hashlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, ClassVar

from scrapy import FormRequest, Request
from scrapy.exceptions import CloseSpider
from scrapy.http import Response

from spiders.arguments import Kind, Start
from spiders.base import MarketplaceSpider
from spiders.reading import body_of
from spiders.run import Run
from theftwatch.config import Settings, check_live, settings
from theftwatch.db import dates
from theftwatch.db.connect import connect
from theftwatch.db.dates import Answer, Question
from theftwatch.db.queries import Connection, fetch, queries
from theftwatch.db.server import connect_dsn
from theftwatch.errors import PageError, UnknownPageError, UsageError
from theftwatch.listing import DateClaim
from theftwatch.pages import archive, flickr
from theftwatch.pages.archive import Capture

logger = logging.getLogger(__name__)

#: Captures of a photo's address that are looked at, the oldest first, until one shows the photo
_LOOKS_MAX = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """A photo to be fetched and compared with ours, with what it proves where it is the same."""

    question: Question
    #: Of the archive, what is left to be looked at, the first of it now; empty for Flickr
    captures: tuple[Capture, ...] = ()
    #: Of Flickr
    claims: tuple[DateClaim, ...] = ()


class DatesSpider(MarketplaceSpider):
    """Asks about listings in findings, both sides of each alike, and about the photos that matched in them.

    A capture of a listing's own page dates the listing. One of a photo's address dates the photo where it holds the
    same bytes, or a picture that a comparison takes for a copy; an address alone proves no photo.
    """

    name = "dates"
    allowed_domains: ClassVar = [archive.HOST, "flickr.com", "staticflickr.com"]
    kinds: ClassVar[tuple[Kind, ...]] = ("listing",)

    @classmethod
    def is_shared(cls, _given: dict[str, str]) -> bool:
        """Return that they may not, as each would ask the same questions."""
        return False

    @classmethod
    def check(cls, given: dict[str, str], own: Settings) -> None:
        """Check that what is named is in the record.

        Raises UsageError.
        """
        arguments = cls.read(given)
        for name in ("minutes", "side"):
            if name in given:
                raise UsageError(f"-a {name}={given[name]}: spider {cls.name} takes listing, file and limit")
        if not (own.mapped(archive.HOST) and own.mapped("api.flickr.com")):
            check_live(own)
        with connect(connect_dsn(own), remedy="`theftwatch db status` shows its state") as connection:
            for start in arguments.starts:
                found = connection.execute(queries()["find_listing"], {"name": start.value}).fetchall()
                if len(found) != 1:
                    raise UsageError(
                        f"-a listing={start.value}: {len(found)} listings of the record go by that; "
                        "give its address as stored, or marketplace/key"
                    )

    @classmethod
    def requests(cls, _start: Start) -> list[Request]:
        """Return nothing, as what to ask stands in the record."""
        return []

    async def start(self) -> AsyncIterator[Any]:
        """Yield a request for each question, as many as the limit allows."""
        run = Run.of(self.crawler)
        await run.open()
        now = run.clock()
        names = [start.value for start in self._asked.starts]
        listings = await run.ask(lambda connection: _find_all(connection, names)) if names else None
        questions = await run.ask(
            lambda connection: dates.find_questions(connection, archive.HOST, listings=listings, now=now)
        )
        publications = await run.ask(
            lambda connection: dates.find_publications(connection, flickr.SOURCE, like=flickr.PAGES_LIKE, now=now)
        )
        requests = chain(map(self._ask_archive, questions), () if names else self._ask_flickr(publications))
        for request in islice(requests, self._asked.limit):
            yield request

    def _ask_archive(self, question: Question) -> Request:
        stem = archive.url_up_to(question.url, question.key)
        return Request(
            archive.index_url(stem, prefix=True),
            callback=self.read_captures,
            errback=self.note_failure,
            cb_kwargs={"question": question},
        )

    def _ask_flickr(self, publications: Sequence[Question]) -> Iterator[Request]:
        key = settings().flickr_api_key
        if publications and key is None:
            logger.warning(
                "%d photos are published at Flickr; set THEFTWATCH_FLICKR_API_KEY to ask for their dates",
                len(publications),
            )
        for question in publications:
            if key and (photo := flickr.photo_id(question.url)):
                yield FormRequest(
                    flickr.CALL_URL,
                    formdata=flickr.call_form(key.get_secret_value(), photo),
                    callback=self.read_flickr,
                    errback=self.note_failure,
                    cb_kwargs={"question": question},
                    # An API has limits of its own in place of robots.txt; every call has the same address.
                    meta={"dont_obey_robotstxt": True},
                    dont_filter=True,
                )

    async def read_captures(self, response: Response, question: Question) -> AsyncIterator[Request]:
        """Read which captures there are, and go on to the photo where only a look at it can tell."""
        try:
            found = archive.read_index(body_of(response)).captures
        except PageError as exc:
            await self.note_trouble(response, exc)
            return
        Run.of(self.crawler).counts.inc("page/index")
        captures = sorted(
            (each for each in found if archive.is_of_key(each.original, question.url, question.key)),
            key=lambda each: each.captured_at,
        )
        if not captures:
            await self._save(question, (), "nothing")
        elif question.sha256 is None or await self._is_digest_of(captures[0], question.sha256):
            await self._save(question, [captures[0].claim], "claim")
        else:
            yield self._fetch(captures[0].url, _Look(question=question, captures=tuple(captures[:_LOOKS_MAX])))

    async def read_flickr(self, response: Response, question: Question) -> AsyncIterator[Request]:
        """Read what Flickr says of a photo, and go on to the photo itself."""
        try:
            photo = flickr.read_info(body_of(response))
        except UnknownPageError:
            await self._save(question, (), "nothing")
        except UsageError as exc:
            logger.warning("%s", exc)
            raise CloseSpider("refused") from exc
        except PageError as exc:
            await self.note_trouble(response, exc)
        else:
            Run.of(self.crawler).counts.inc("page/photo")
            yield self._fetch(photo.image_url, _Look(question=question, claims=photo.claims))

    async def look_at(self, response: Response, look: _Look) -> AsyncIterator[Request]:
        """Compare a photo with ours; where the archive's is another, go on to a younger capture."""
        question = look.question
        try:
            body_of(response)
        except PageError as exc:
            await self.note_trouble(response, exc)
            return
        Run.of(self.crawler).counts.inc("page/photo")
        if await self._is_same(question, response.body):
            # The archive answers with the nearest capture that it has, which may be younger than the one asked for.
            capture = archive.read_capture_url(response.url)
            claims = [capture.claim] if capture else look.claims
            await self._save(question, claims, "claim" if claims else "nothing")
        elif len(look.captures) > 1:
            captures = look.captures[1:]
            yield self._fetch(captures[0].url, _Look(question=question, captures=captures))
        else:
            await self._save(question, (), "other")

    def _fetch(self, url: str, look: _Look) -> Request:
        return Request(
            url, callback=self.look_at, errback=self.note_failure, cb_kwargs={"look": look}, dont_filter=True
        )

    async def _is_digest_of(self, capture: Capture, sha256: bytes) -> bool:
        """Return whether the archive took the very bytes that we hold, by its SHA-1 of them."""
        if capture.digest is None:
            return False
        data = await asyncio.to_thread(Run.of(self.crawler).files.get, sha256)
        ours = base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
        return capture.digest == ours

    async def _is_same(self, question: Question, data: bytes) -> bool:
        run = Run.of(self.crawler)
        assert question.sha256 is not None
        ours = await asyncio.to_thread(run.files.get, question.sha256)
        return await asyncio.get_running_loop().run_in_executor(run.threads, _show_the_same, ours, data)

    async def _save(self, question: Question, claims: Sequence[DateClaim], answer: Answer) -> None:
        run = Run.of(self.crawler)
        run.counts.inc(f"date/{answer}")
        await run.ask(
            lambda connection: dates.save_answer(connection, question, claims, answer=answer, now=run.clock())
        )


def _show_the_same(ours: bytes, theirs: bytes) -> bool:
    # Loaded with the first photo: most questions are answered without OpenCV.
    from theftwatch.match.compare import compare_files

    return compare_files(ours, theirs).decision.decision == "match"


async def _find_all(connection: Connection, names: Sequence[str]) -> list[int]:
    return [listing for name in names for (listing, *_) in await fetch(connection, "find_listing", name=name)]
