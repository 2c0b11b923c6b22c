"""Alibaba's vendor pages: product list and company profile, from the data in their `module-data` attributes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from parsel import Selector

from theftwatch.listing import Listing, Page, PageKind, Seller
from theftwatch.pages.alibaba_images import listing_images
from theftwatch.pages.alibaba_prices import Price, price_of, read_price
from theftwatch.pages.alibaba_sellers import MARKETPLACE, seller_of
from theftwatch.pages.alibaba_urls import (
    MAIN_SITE,
    absolute,
    listing_ref,
    listing_url,
    product_list_url,
    ref_of,
    split,
    vendor_url,
)
from theftwatch.pages.embedded import (
    count_of,
    dig,
    items_of,
    module_data,
    named_values,
    plain_text_of,
    text_of,
    values_of,
)

_SIZES = ("original", "x350", "x220", "x120", "x50")


def read_vendor(body: str, document: Selector, url: str) -> Page | None:
    """Read one page of a vendor's product list, or the vendor's profile; None where it holds data of neither.

    Past the last page the list is empty, which is no fault.
    """
    modules = [*module_data(document), *(("", data) for data in named_values(body, "shopBizData"))]
    seller = _read_seller([data for _, data in modules], document, url)
    if seller is None or not modules:
        return None
    products = next(_product_lists(modules), None)
    if products is None:
        return _profile_page(seller, url)
    unique: dict[str, Listing] = {}
    for product in items_of(products, "productList"):
        if listing := _read_product(product, seller):
            unique.setdefault(listing.listing_ref, listing)
    if products["productList"] and not unique:
        return None
    return Page(
        kind=PageKind.SHOP,
        listings=tuple(unique.values()),
        sellers=(seller,),
        listing_urls=tuple(listing.url for listing in unique.values()),
        next_page=_next_page(products, seller, url),
        total=count_of(dig(products, "pageNavView", "totalLines")) or None,
    )


def _profile_page(seller: Seller, url: str) -> Page | None:
    """Return a vendor's profile; None for a page of the product list, which must not lack its list."""
    parts = split(url)
    if parts is not None and "product" in parts.path:
        return None
    products = product_list_url(seller.url)
    return Page(kind=PageKind.PROFILE, sellers=(seller,), seller_urls=(products,) if products else ())


def _product_lists(modules: list[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the data that hold the vendor's list of products; other lists, such as that of the latest, lack paging."""
    for name, module in modules:
        for data in values_of({"data": module}, "data"):
            whole = isinstance(dig(data, "pageNavView"), dict) or "productlist" in name.lower()
            if whole and isinstance(dig(data, "productList"), list):
                yield data


def _read_seller(modules: list[Any], document: Selector, url: str) -> Seller | None:
    common = [found for module in modules if isinstance(found := dig(module, "gdc"), dict)]
    data = [found for module in modules for found in values_of(module, "data") if isinstance(found, dict)]
    # `Company Overview - <name>`, in the language of the page
    title = document.xpath("string(//title)").get("").partition(" - ")[2]
    return seller_of(
        ref=text_of(*(_plain(source.get("companyId")) for source in [*common, *data])),
        name=text_of(*(_plain(source.get("companyName")) for source in [*common, *data]), title),
        member=text_of(*(_plain(source.get("aliMemberId")) for source in [*common, *data])),
        addresses=(*(_plain(source.get("esiteSubDomain")) for source in [*common, *data]), url),
    )


def _plain(value: Any) -> Any:
    """Return a value that may be wrapped with its name and title."""
    return value.get("value") if isinstance(value, dict) else value


def _read_product(product: dict[str, Any], seller: Seller) -> Listing | None:
    address = absolute(product.get("url"), seller.url or MAIN_SITE)
    ref = ref_of(product.get("id"), product.get("productId"), listing_ref(address))
    if not ref:
        return None
    images = product.get("imageUrls")
    price = _price(product)
    return Listing(
        marketplace=MARKETPLACE,
        listing_ref=ref,
        url=listing_url(ref, address),
        title=plain_text_of(product.get("subject"), product.get("title")),
        seller=seller,
        price_min=price.minimum,
        price_max=price.maximum,
        currency=price.currency,
        images=listing_images(
            [next(filter(None, map(images.get, _SIZES)), None) if isinstance(images, dict) else images]
        ),
        complete=False,
    )


def _price(product: dict[str, Any]) -> Price:
    """Return the price in dollars, of which the list gives the lowest alone; else the one in the visitor's currency."""
    shown = read_price(product.get("fobPriceWithoutUnit")) or read_price(product.get("fobPrice"))
    lowest = price_of([product.get("priceFrom")], "USD")
    if lowest and not (shown and shown.minimum == shown.maximum):
        return replace(lowest, maximum=None)
    return lowest or shown


def _next_page(products: dict[str, Any], seller: Seller, url: str) -> str | None:
    """Return the next page without the query of the pattern, which robots.txt bars and the list does without."""
    paging = dig(products, "pageNavView")
    page, total, size = (count_of(dig(paging, name)) for name in ("currentPage", "totalLines", "pageLines"))
    if not page or not size or page * size >= total:
        return None
    pattern = text_of(dig(paging, "formatString"), dig(paging, "urlCreator", "formatString")) or ""
    path = pattern.partition("?")[0]
    base = seller.url or vendor_url(url)
    if not base:
        return None
    return absolute(path.replace("{0}", str(page + 1)) if "{0}" in path else f"/productlist-{page + 1}.html", base)
