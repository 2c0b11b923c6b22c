"""`theftwatch extract`: what a saved page says, as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from theftwatch.errors import PageBlockedError, PageError, UsageError
from theftwatch.listing import Listing, Page, PageKind


def extract(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A page saved from a browser, or an answer of an API.")],
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The address of the page, where the file itself does not tell.")
    ] = None,
) -> None:
    """Print what a saved page says, as one JSON object.

    Needs no database and no network. Exit code 3: the page is a block. 4: a page of no known kind. 5: a known kind
    whose data is missing.
    """
    # The readers of pages take twice as long to load as all of `theftwatch --help`.
    from theftwatch.pages.read import read_page
    from theftwatch.pages.saved import read_saved_page

    try:
        data = file.read_bytes()
    except OSError as exc:
        raise UsageError(f"{file}: {exc.strerror}; give the path of a saved page") from exc
    try:
        saved = read_saved_page(data, url)
        page = read_page(saved.body, saved.url)
    except PageError as exc:
        kind = PageKind.BLOCKED if isinstance(exc, PageBlockedError) else PageKind.UNKNOWN
        print(_dump(Page(kind=kind)))
        raise
    print(_dump(page))


def _dump(page: Page) -> str:
    # in ASCII, as what a stranger wrote may steer a terminal
    return json.dumps(_as_json(page), indent=2)


def _as_json(page: Page) -> dict[str, Any]:
    return {
        "page_kind": page.kind.value,
        "listings": [_listing_as_json(listing) for listing in page.listings],
        "links": {"listings": list(page.listing_urls), "sellers": list(page.seller_urls)},
        "next_page": page.next_page,
    }


def _listing_as_json(listing: Listing) -> dict[str, Any]:
    seller = listing.seller
    return {
        "marketplace": listing.marketplace,
        "listing_ref": listing.listing_ref,
        "url": listing.url,
        "title": listing.title,
        "seller": {"ref": seller.ref, "name": seller.name, "url": seller.url} if seller else None,
        "price_min": None if listing.price_min is None else str(listing.price_min),
        "price_max": None if listing.price_max is None else str(listing.price_max),
        "currency": listing.currency,
        "listed_at": listing.listed_at.isoformat() if listing.listed_at else None,
        "images": [{"url": image.url, "key": image.key, "position": image.position} for image in listing.images],
        "claims": [{name: str(value) for name, value in asdict(claim).items() if value} for claim in listing.claims],
    }
