"""An answer as the page that it is, or as the trouble: blocked, changed, gone, broken off, failed."""

from scrapy.http import HtmlResponse, Response, TextResponse

from spiders.problem import ProblemKind
from theftwatch.errors import (
    PageBlockedError,
    PageBrokenOffError,
    PageChangedError,
    PageError,
    PageGoneError,
    UnknownPageError,
)
from theftwatch.listing import Page
from theftwatch.pages.blocked import block_mark
from theftwatch.pages.read import read_page

_GONE = {404, 410}
_REFUSED = {401, 403, 429}
_ERROR = 400
#: How a page ends, and how much a host may add after that
_END, _END_WITHIN = "</html", 2_000


def read_response(response: Response) -> Page:
    """Read a page by its status and its body.

    Raises PageError.
    """
    body = body_of(response)
    broken_off = isinstance(response, HtmlResponse) and _END not in body[-_END_WITHIN:].lower()
    try:
        page = read_page(body, response.url)
    except (PageChangedError, PageGoneError):
        if not broken_off:
            raise
    if broken_off:
        raise PageBrokenOffError(f"{response.url}: the page ends in the middle; it is asked for again")
    return page


def body_of(response: Response) -> str:
    """Return the text of a page that was shown to us; of an image, nothing.

    Raises PageError for a block or an error of the host.
    """
    body = response.text if isinstance(response, TextResponse) else ""
    mark = block_mark(body)
    if response.status in _REFUSED or (mark and response.status >= _ERROR):
        what = mark or "a refusal"
        raise PageBlockedError(f"{response.url}: {what} (HTTP {response.status}); wait, and crawl more slowly")
    if response.status >= _ERROR:
        raise UnknownPageError(f"{response.url}: HTTP {response.status}")
    return body


def problem_kind(exc: PageError, status: int = 200) -> ProblemKind:
    """Return what kind of trouble a page is."""
    if isinstance(exc, PageBlockedError):
        return "blocked"
    if isinstance(exc, PageChangedError):
        return "changed"
    if isinstance(exc, PageBrokenOffError):
        return "failed"
    if isinstance(exc, PageGoneError) or status in _GONE:
        return "gone"
    return "failed" if status >= _ERROR else "unknown"
