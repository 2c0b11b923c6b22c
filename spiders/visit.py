"""A listing that is being captured, with every answer that came."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from spiders.run import Run
from spiders.shown import fetch, header_lines
from theftwatch.clock import Clock
from theftwatch.evidence.capture import Subject, Why
from theftwatch.evidence.warc import Exchange


@dataclass(slots=True)
class Visit:
    """What has been seen of a listing so far; in `meta` of each request for it."""

    subject: Subject
    why: Why
    crawler: Crawler
    exchanges: list[Exchange] = field(default_factory=list)
    #: The listing's page, as Scrapy has it
    document: Response | None = None
    #: Whether it says that there is nothing
    gone: bool = False
    screenshot: bytes | None = None
    #: Pictures of the photos' places in the page, by image key
    places: dict[str, bytes] = field(default_factory=dict)
    browser: str | None = None
    #: What was out of the ordinary
    notes: list[str] = field(default_factory=list)

    async def fetch(self, url: str, *, static: bool, headers: dict[str, str] | None = None) -> Response:
        """Fetch something that belongs to the page, as every request of a crawl is fetched."""
        return await fetch(self.crawler, url, static=static, headers=headers, meta=self.meta)

    @property
    def meta(self) -> dict[str, Any]:
        """What the requests that belong to it carry along, so that their answers are kept."""
        return {"visit": self}


class Recorder:
    """A downloader middleware, the next to the network: keeps each answer to a visit as it came."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Set up for a crawl."""
        return cls(Run.of(crawler).clock)

    def process_response(self, request: Request, response: Response) -> Response:
        """Keep an answer and pass it on."""
        visit = request.meta.get("visit")
        # What Chromium hands over has come this way before.
        if isinstance(visit, Visit) and not request.meta.get("playwright"):
            visit.exchanges.append(
                Exchange(
                    url=response.url,
                    at=self._clock(),
                    status=response.status,
                    reason=_reason(response.status),
                    headers=tuple(header_lines(response)),
                    body=response.body,
                )
            )
        return response


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
