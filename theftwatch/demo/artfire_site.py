"""ArtFire in the replica: the live site, which has dropped the shops that are gone."""

import re

from theftwatch.demo import pages
from theftwatch.demo.answers import Answer, Request, Shelves, not_found, text_answer
from theftwatch.demo.catalogue import DemoSeller, SellerKind
from theftwatch.demo.images import answer_image

_TEXT = "text/plain; charset=utf-8"
_ROBOTS = "User-agent: *\nDisallow: /ext/cart/\n"
_LISTING = re.compile(r"/ext/shop/product_view/(?P<handle>\w+)/(?P<ref>\d+)(?:/.*)?")
_SHOP = re.compile(r"/ext/shop/(?:home|studio)/(?P<handle>\w+)/?")
#: Goods of the same shop that stand beside a listing
_BESIDE = 3


def answer_artfire(request: Request, shelves: Shelves) -> Answer:
    """Answer a request to ArtFire's own page host."""
    if request.path == "/robots.txt":
        return text_answer(_ROBOTS, content_type=_TEXT)
    return answer_page(request, shelves, archived=False)


def answer_static(request: Request, shelves: Shelves) -> Answer:
    """Answer a request to ArtFire's own image host, which has dropped the images of the shops that are gone."""
    key = request.path.rpartition("/")[2].partition(".")[0]
    owner = shelves.image_owner("artfire", key)
    return not_found(request) if owner and is_archived(owner) else answer_image(request, shelves, "artfire")


def answer_page(request: Request, shelves: Shelves, *, archived: bool) -> Answer:
    """Answer a request for a page, as the site has it or as it was when the archive took it."""
    listing = _LISTING.fullmatch(request.path)
    found = listing or _SHOP.fullmatch(request.path)
    seller = shelves.seller("artfire", found["handle"]) if found else None
    if seller is None or is_archived(seller) != archived:
        return not_found(request)
    goods = shelves.catalogue.of_seller(seller)
    if not listing:
        page = pages.shop_page(goods, request.page_number)
        return text_answer(page) if page is not None else not_found(request)
    offer = next((offer for offer in goods if offer.listing.listing_ref == listing["ref"]), None)
    if offer is None:
        return not_found(request)
    others = [other for other in goods if other != offer]
    return text_answer(pages.listing_page(offer, others[:_BESIDE]))


def is_archived(seller: DemoSeller) -> bool:
    """Return whether a shop is gone from the site, and in the archive alone."""
    return seller.kind is SellerKind.ARCHIVED
