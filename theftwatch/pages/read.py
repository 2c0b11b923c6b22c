"""Reading any page by the reader of its site; which sites those are, and the pace at which their hosts are asked."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from theftwatch.errors import UnknownPageError
from theftwatch.listing import Page
from theftwatch.pages import alibaba, artfire, etsy, etsy_api

_READERS: dict[str, Callable[[str, str], Page]] = {
    "alibaba.com": alibaba.read_page,
    "etsy.com": etsy.read_page,
    "artfire.com": artfire.read_page,
    "web.archive.org": artfire.read_archived_page,
}
#: The domains whose pages are read, with all hosts below them
SITES = tuple(_READERS)
#: Domains whose hosts are asked at one pace: a site's, but for its API, which has limits of its own
PACES = (etsy_api.HOST, *SITES)


def read_page(body: str, url: str) -> Page:
    """Read one page.

    Raises PageBlockedError, PageGoneError, UnknownPageError or PageChangedError.
    """
    return _READERS[site_of(url)](body, url)


def site_of(url: str) -> str:
    """Return the domain among those whose pages are read that an address belongs to.

    Raises UnknownPageError for any other.
    """
    if not url.isprintable():
        raise UnknownPageError(f"{url!r} holds control characters; give the address that the page came from")
    try:
        host = urlsplit(url).hostname or ""
    except ValueError as exc:
        raise UnknownPageError(f"{url!r} is no address ({exc}); give the one that the page came from") from exc
    if (domain := _domain_of(host, _READERS)) is not None:
        return domain
    raise UnknownPageError(f"{url}: no marketplace of ours has this host; known are {', '.join(_READERS)}")


def pace_of(host: str) -> str:
    """Return under which name a host is asked at one pace with others: that of its site, or its own."""
    return _domain_of(host, PACES) or host


def _domain_of(host: str, domains: Iterable[str]) -> str | None:
    return next((domain for domain in domains if host == domain or host.endswith("." + domain)), None)
