"""robots.txt, where a host cannot give it: then nothing is asked of the host at all (RFC 9309, section 2.3.1.4)."""

from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser

_ERROR = 500
#: RFC 9309, section 2.5, asks for 500 KiB at least; reading a longer one holds everything up
_READ_MAX_BYTES = 512 * 1024


class RobotsAwayError(IgnoreRequest):
    """Raised for a request to a host whose robots.txt could not be had, and whose wishes so are not known."""


class RobotsTxt(RobotsTxtMiddleware):
    """Scrapy's middleware, which by itself takes a robots.txt that is away for one that allows all."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._away: dict[str, str] = {}

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """Return the rules of a request's host.

        Raises RobotsAwayError while they are not to be had, for the rest of the crawl.
        """
        rules = await super().robot_parser(request)
        host = urlsplit(request.url).netloc
        if host in self._away:
            raise RobotsAwayError(f"robots.txt of {host} could not be had ({self._away[host]}); nothing is asked there")
        return rules

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= _ERROR:
            raise RobotsAwayError(f"HTTP {response.status}")
        await super()._parse_robots(response.replace(body=beginning_of(response.body)), netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        # A host that is left alone refuses the page as well, and says so better.
        if isinstance(exc, RobotsAwayError) or not isinstance(exc, IgnoreRequest):
            self._away[netloc] = str(exc) or type(exc).__name__
        super()._robots_error(exc, netloc)


def beginning_of(body: bytes) -> bytes:
    """Return what is read of a robots.txt, in whole lines: the beginning of a rule may bar all, or nothing."""
    if len(body) <= _READ_MAX_BYTES:
        return body
    return body[: 1 + max(body.rfind(end, 0, _READ_MAX_BYTES) for end in (b"\n", b"\r"))]
