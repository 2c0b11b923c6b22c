"""The page hosts of the replica: which page stands at which address."""

import re
from collections.abc import Callable

from theftwatch.demo import captured, flickr_site, pages
from theftwatch.demo.answers import Answer, Request, Shelves, not_found, text_answer
from theftwatch.demo.archive_site import answer_archive
from theftwatch.demo.artfire_site import answer_artfire, answer_static
from theftwatch.demo.catalogue import DemoSeller, Offer, Served
from theftwatch.demo.etsy_api import CallLimit, answer_api
from theftwatch.demo.images import answer_image

_TEXT = "text/plain; charset=utf-8"
_ETSY_LISTING = re.compile(r"(?:/[a-z]{2}(?:-[a-z]{2})?)?/listing/(?P<ref>\d+)(?:/[^/]*)?")
_ETSY_SHOP = re.compile(r"/shop/(?P<handle>\w+)/?")
_ALIBABA_LISTING = re.compile(r"/product-detail/(?:.*[_-])?(?P<ref>\d{8,14})\.html")
_SHOWROOM = re.compile(r"/showroom/(?P<words>[a-z0-9-]+)\.html")
_ALIBABA_LIST = re.compile(r"/productlist(?:-(?P<number>\d+))?\.html")
# A vendor's home page was not captured; it names the vendor in the same modules as the profile
_PROFILE_PATHS = ("/", "/index.html", "/company_profile.html")
_VENDOR_HOST = re.compile(r"(?P<handle>[\w-]+)\.(?:m\.)?en\.alibaba\.com")


def answer(request: Request, shelves: Shelves, limit: CallLimit) -> Answer:
    """Answer a request to any host of the marketplaces; `limit` is that of Etsy's API."""
    if page := captured.find_captured(request.url):
        kind = _TEXT if ".txt" in page.file else "text/html; charset=utf-8"
        return Answer(status=page.status, content_type=kind, body=captured.read_captured(page.file))
    if request.host == "openapi.etsy.com":
        return answer_api(request, shelves, limit)
    answer_host = _HOSTS.get(request.host)
    if answer_host:
        return answer_host(request, shelves)
    if request.host.endswith(".alicdn.com"):
        return answer_image(request, shelves, "alibaba")
    if request.host.endswith(".alibaba.com"):
        return _answer_alibaba(request, shelves)
    return text_answer(
        f"{request.host}: no host of the replica; send the Host of a marketplace\n", status=421, content_type=_TEXT
    )


def _answer_etsy(request: Request, shelves: Shelves) -> Answer:
    if found := _ETSY_LISTING.fullmatch(request.path):
        return _answer_listing(request, shelves.offer("etsy", found["ref"]))
    if found := _ETSY_SHOP.fullmatch(request.path):
        return _answer_shop(request, shelves, shelves.seller("etsy", found["handle"]), request.page_number)
    return not_found(request)


def _answer_alibaba(request: Request, shelves: Shelves) -> Answer:
    if request.path == "/robots.txt":
        # What robots.txt of vendors' own hosts says is not known; they get that of the main site
        return Answer(content_type=_TEXT, body=captured.read_captured(captured.ROBOTS["alibaba"]))
    if found := _ALIBABA_LISTING.fullmatch(request.path):
        return _answer_listing(request, shelves.offer("alibaba", found["ref"]))
    if request.host == "www.alibaba.com" and (found := _SHOWROOM.fullmatch(request.path)):
        return text_answer(pages.showroom_page(shelves.catalogue, found["words"].split("-")))
    host = _VENDOR_HOST.fullmatch(request.host)
    vendor = shelves.seller("alibaba", host["handle"]) if host else None
    if vendor and request.path in _PROFILE_PATHS:
        return text_answer(pages.profile_page(vendor))
    if found := _ALIBABA_LIST.fullmatch(request.path):
        return _answer_shop(request, shelves, vendor, int(found["number"] or 1))
    return not_found(request)


def _answer_listing(request: Request, offer: Offer | None) -> Answer:
    if offer is None:
        return not_found(request)
    match offer.served:
        case Served.PAGE:
            return text_answer(pages.listing_page(offer))
        case Served.SCRIPT:
            return text_answer(pages.script_page(pages.listing_page(offer)))
        case Served.CHANGED:
            return text_answer(pages.changed_page(offer))
        case Served.CAPTCHA:
            body = captured.read_captured(captured.CAPTCHA)
            return Answer(status=403, body=body, headers={"Server": "DataDome"})
        case Served.SLIDER:
            return Answer(body=captured.read_captured(captured.SLIDER))
        case Served.UNAVAILABLE if offer.listing.marketplace != "artfire":
            return text_answer(pages.unavailable_page(offer))
        case Served.GONE | Served.DELETED | Served.UNAVAILABLE:
            return not_found(request)
        case Served.ENDED:
            return text_answer("This listing has ended.\n", status=410, content_type=_TEXT)


def _answer_shop(request: Request, shelves: Shelves, seller: DemoSeller | None, page_number: int) -> Answer:
    goods = shelves.catalogue.of_seller(seller) if seller else ()
    page = pages.shop_page(goods, page_number) if goods else None
    return text_answer(page) if page is not None else not_found(request)


_HOSTS: dict[str, Callable[[Request, Shelves], Answer]] = {
    "www.etsy.com": _answer_etsy,
    "i.etsystatic.com": lambda request, shelves: answer_image(request, shelves, "etsy"),
    "www.artfire.com": answer_artfire,
    "static.artfire.com": answer_static,
    "web.archive.org": answer_archive,
    "api.flickr.com": flickr_site.answer_call,
    "live.staticflickr.com": flickr_site.answer_photo,
}
