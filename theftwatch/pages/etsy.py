"""Pages of Etsy: which reader a page goes to, and what it means when none finds anything.

Listing pages are read in `etsy_listing`, lists of listings in `etsy_lists`, answers of the API in `etsy_json`.
"""

from collections.abc import Sequence

from parsel import Selector

from theftwatch.errors import PageBlockedError, PageChangedError, PageGoneError, UnknownPageError
from theftwatch.listing import Page, PageKind
from theftwatch.pages.blocked import block_mark
from theftwatch.pages.etsy_json import read_json
from theftwatch.pages.etsy_listing import is_unavailable, read_listing_page
from theftwatch.pages.etsy_lists import read_list_page
from theftwatch.pages.etsy_urls import Address, read_address
from theftwatch.pages.jsonld import Block, find_blocks, find_products, has_type


def read_page(body: str, url: str) -> Page:
    """Read one page of Etsy, or one answer of its API.

    Raises PageBlockedError, PageGoneError, UnknownPageError or PageChangedError.
    """
    text = body.lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        return read_json(text, url)
    # Lone surrogates, which a wrongly decoded page may hold, cannot be parsed
    page = Selector(body.encode("utf-8", "replace").decode(), type="html")
    blocks = find_blocks(page)
    address = _find_address(page, blocks, url)
    result = None
    if address.kind is PageKind.LISTING:
        result = read_listing_page(page, blocks, url)
    elif address.kind:
        result = read_list_page(page, blocks, url, address)
    if result:
        return result
    if mark := block_mark(body):
        raise PageBlockedError(f"{url}: Etsy answered with {mark}; slow down, or use its API (THEFTWATCH_ETSY_API_KEY)")
    if address.kind is PageKind.LISTING and is_unavailable(page, blocks, url):
        raise PageGoneError(f"{url}: the page says that the item is no longer available")
    if address.kind:
        raise PageChangedError(
            f"{url}: a {address.kind.value} page without its data, neither in JSON-LD nor in markup; if a browser shows"
            " some, mend theftwatch.pages.etsy"
        )
    raise UnknownPageError(f"{url}: no listing, shop, search or sold page of Etsy; give the address of one of these")


def _find_address(page: Selector, blocks: Sequence[Block], url: str) -> Address:
    """Return what the address says; where it says nothing, what the page says of its own address or shows."""
    own = page.xpath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content").getall()
    for address in map(read_address, [url, *own]):
        if address.kind:
            return address
    if len(find_products(blocks)) == 1:
        return Address(kind=PageKind.LISTING)
    if any(has_type(block, "ItemList") for block in blocks):
        return Address(
            kind=PageKind.SHOP if any(has_type(block, "OnlineStore") for block in blocks) else PageKind.SEARCH
        )
    return Address()
