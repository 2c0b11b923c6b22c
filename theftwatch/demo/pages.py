"""Pages of the replica: captured pages with their values replaced.

The templates in `pages/` are captured pages, cut down to what is about the goods, with an expression where a value
stood; `pages/README.md` says from which capture each was made. The data blocks in them are deeper than a template reads
well: `alibaba_data` and `etsy_data` build them.
"""

import base64
import math
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from theftwatch.demo import alibaba_data, etsy_data
from theftwatch.demo.catalogue import PER_PAGE, Catalogue, DemoSeller, Offer

_SIGNS = {"USD": "$", "EUR": "€"}


def listing_page(offer: Offer, others: Sequence[Offer] = ()) -> str:
    """Return the page of a listing; `others` are goods of the same shop that stand beside it."""
    listing = offer.listing
    seller = offer.seller.seller
    match listing.marketplace:
        case "etsy":
            return _render(
                "etsy_listing.html.j2",
                listing=listing,
                seller=seller,
                photos=listing.images,
                product=etsy_data.product(listing, seller),
                sign=_SIGNS[offer.seller.currency],
                listed_on=etsy_data.listed_on(listing),
            )
        case "artfire":
            cards = [other.listing for other in others]
            return _render(
                "artfire_listing.html.j2", listing=listing, seller=seller, photos=listing.images, others=cards
            )
        case _:
            return _render(
                "alibaba_listing.html.j2",
                listing=listing,
                seller=seller,
                host=offer.seller.host,
                photos=alibaba_data.photo_urls(offer),
                ladder=alibaba_data.price_ladder(listing),
                detail=alibaba_data.detail(offer),
            )


def changed_page(offer: Offer) -> str:
    """Return a page that bears the marks of a listing's page and lacks its data."""
    name = "etsy_changed.html.j2" if offer.listing.marketplace == "etsy" else "alibaba_changed.html.j2"
    return _render(name, listing=offer.listing)


def unavailable_page(offer: Offer) -> str:
    """Return a listing's page on Etsy or Alibaba when the goods are no longer there, as we assume it to be."""
    if offer.listing.marketplace == "etsy":
        product = etsy_data.product(offer.listing, offer.seller.seller)
        gone = {name: product[name] for name in ("@type", "url", "name")}
        offers = {"@type": "Offer", "availability": "https://schema.org/SoldOut"}
        return _render("etsy_unavailable.html.j2", listing=offer.listing, product=gone | {"offers": offers})
    detail = alibaba_data.detail(offer)
    detail["globalData"]["product"] |= {"mediaItems": [], "sku": {}, "tradeAvailable": False}
    return _render("alibaba_unavailable.html.j2", listing=offer.listing, detail=detail)


def script_page(page: str) -> str:
    """Return a shell that puts `page` into the document by a script once it has loaded."""
    return _render("alibaba_script.html.j2", packed=base64.b64encode(page.encode()).decode())


def profile_page(vendor: DemoSeller) -> str:
    """Return the company profile of a vendor on Alibaba."""
    return _render("alibaba_profile.html.j2", seller=vendor.seller, host=vendor.host, **alibaba_data.profile(vendor))


def shop_page(goods: Sequence[Offer], page_number: int) -> str | None:
    """Return one page, from 1, of the shop or product list that has `goods`; None where there is no such page."""
    owner = goods[0].seller
    marketplace = owner.seller.marketplace
    size = PER_PAGE[marketplace]
    listings = [offer.listing for offer in goods[(page_number - 1) * size : page_number * size]]
    # Past its last page Alibaba answers with an empty list
    if not listings and marketplace != "alibaba":
        return None
    values = {
        "seller": owner.seller,
        "listings": listings,
        "page_number": page_number,
        "page_count": math.ceil(len(goods) / size),
        "sign": _SIGNS[owner.currency],
    }
    match marketplace:
        case "etsy":
            items = etsy_data.item_list(listings, owner.seller, len(goods))
            return _render("etsy_shop.html.j2", item_list=items, **values)
        case "artfire":
            return _render("artfire_shop.html.j2", **values)
        case _:
            modules = alibaba_data.product_list(owner, listings, len(goods), page_number)
            return _render("alibaba_products.html.j2", seller=owner.seller, **modules)


def showroom_page(catalogue: Catalogue, words: Sequence[str]) -> str:
    """Return the page of the goods of all vendors on Alibaba that go with some words."""
    shown = catalogue.in_showroom(words)
    return _render("alibaba_showroom.html.j2", words=" ".join(words), data=alibaba_data.showroom(shown))


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> jinja2.Environment:
    pages = resources.files(__package__).joinpath("pages")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: pages.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["sized"] = etsy_data.sized_url
    # The order of the keys as it was captured
    environment.policies["json.dumps_kwargs"] = {}
    environment.filters["thumbs"] = lambda url: url.replace("https://sc04.alicdn.com/", "//s.alicdn.com/@sc04/")
    return environment
