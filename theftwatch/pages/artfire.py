"""Pages of artfire."""

from theftwatch.listing import Page


def read_page(body: str, url: str) -> Page:
    """Read one page of artfire."""
    raise NotImplementedError


def read_archived_page(body: str, url: str) -> Page:
    """Read one page of artfire as the Internet Archive keeps it."""
    raise NotImplementedError
