"""Pages of Alibaba, told apart by what they hold rather than by their address.

A page is read from the data that its server wrote into it, else from what it shows. Where both are absent, the marks of
a block, which comes with status 200, decide whether the page was refused; then the address says whether the page should
have held data, so that its reader must be mended, or is of no interest.
"""

from dataclasses import replace

from parsel import Selector

from theftwatch.errors import PageBlockedError, PageChangedError, PageGoneError, UnknownPageError
from theftwatch.listing import Listing, Page, PageKind
from theftwatch.pages.alibaba_detail import is_unavailable, read_listing, read_schema_cards
from theftwatch.pages.alibaba_images import listing_images
from theftwatch.pages.alibaba_markup import read_rendered_cards, read_rendered_listing
from theftwatch.pages.alibaba_search import is_supplier_search, read_search, search_page
from theftwatch.pages.alibaba_urls import is_showroom, listing_ref, profile_url, split
from theftwatch.pages.alibaba_vendor import read_vendor
from theftwatch.pages.blocked import block_mark
from theftwatch.pages.embedded import storable

_NO_PAGE_HOSTS = ("login.alibaba.com", "passport.alibaba.com")


def read_page(body: str, url: str) -> Page:
    """Read one page of Alibaba.

    Raises PageBlockedError, PageGoneError, UnknownPageError or PageChangedError.
    """
    body = storable(body)
    if page := _read_data(body, url):
        return page
    if mark := _block(body, url):
        raise PageBlockedError(f"{url}: the answer is {mark}, not the page; wait, then crawl slower or save it by hand")
    if is_unavailable(body, Selector(body, type="html"), url):
        raise PageGoneError(f"{url}: the page says that the product is no longer available")
    kind = _kind_of(url)
    if kind is None:
        raise UnknownPageError(
            f"{url}: a page of no kind that is read; give the address of a product, of a search, "
            "or of a vendor's product list or profile"
        )
    raise PageChangedError(
        f"{url}: a {kind.value.replace('_', ' ')} page without its data ({len(body)} characters); "
        "save the whole page and give that, or mend theftwatch/pages/alibaba_*.py"
    )


def _read_data(body: str, url: str) -> Page | None:
    """Return the page from its data; what only a parsed document shows is looked at last, since parsing is slow."""
    listing = read_listing(body, url)
    if listing and listing.complete:
        return _listing_page(listing)
    if page := read_search(body, url):
        return page
    document = Selector(body, type="html")
    if page := read_vendor(body, document, url):
        return page
    rendered = read_rendered_listing(document, url)
    if listing and rendered:
        return _listing_page(_merge(listing, rendered))
    if only := listing or rendered:
        return _listing_page(only)
    cards = list(read_rendered_cards(document)) or (read_schema_cards(body) if is_showroom(url) else [])
    return search_page(cards, None) if cards else None


def _merge(listing: Listing, rendered: Listing) -> Listing:
    """Return a listing whose page lost its data, from what JSON-LD says of it and what the page shows."""
    if rendered.listing_ref != listing.listing_ref:
        return listing
    return replace(
        listing,
        seller=rendered.seller if rendered.seller and rendered.seller.aliases else listing.seller,
        images=listing_images(image.url for image in (*listing.images, *rendered.images)),
        complete=True,
    )


def _listing_page(listing: Listing) -> Page:
    seller = listing.seller
    profile = profile_url(seller.url) if seller else None
    return Page(
        kind=PageKind.LISTING,
        listings=(listing,),
        sellers=(seller,) if seller else (),
        seller_urls=(profile,) if profile else (),
    )


def _block(body: str, url: str) -> str | None:
    parts = split(url)
    if parts is not None and (parts.hostname in _NO_PAGE_HOSTS or "/_____tmd_____/" in parts.path):
        return "a login or a slider"
    return block_mark(body)


def _kind_of(url: str) -> PageKind | None:
    """Return the kind of page that an address promises; None where it promises none that is read."""
    parts = split(url)
    path = parts.path if parts else ""
    name = path.rpartition("/")[2]
    if listing_ref(url):
        return PageKind.LISTING
    if is_showroom(url):
        return PageKind.SEARCH
    if path.startswith("/trade/search"):
        return PageKind.SUPPLIER_SEARCH if is_supplier_search(url) else PageKind.SEARCH
    if name.startswith("productlist") or path.startswith("/productgrouplist"):
        return PageKind.SHOP
    return PageKind.PROFILE if name.startswith("company_profile") else None
