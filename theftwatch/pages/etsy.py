"""Pages of etsy."""

from theftwatch.listing import Page


def read_page(body: str, url: str) -> Page:
    """Read one page of etsy."""
    raise NotImplementedError
