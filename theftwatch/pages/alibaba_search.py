"""Alibaba's search pages, for offers and for suppliers, from the data that the server writes into them.

Three layouts put it under three names (2020-2023 `__page__data__config`, 2024-2026 `__page__data_sse10._offer_list`,
suppliers `_PAGE_DATA_`), but all of them call the result `offerResultData`.
"""

from typing import Any
from urllib.parse import parse_qs

from theftwatch.listing import Listing, Page, PageKind, Seller
from theftwatch.pages.alibaba_images import listing_images
from theftwatch.pages.alibaba_prices import read_price
from theftwatch.pages.alibaba_sellers import MARKETPLACE, seller_of, unique_sellers
from theftwatch.pages.alibaba_urls import (
    MAIN_SITE,
    absolute,
    is_showroom,
    listing_ref,
    listing_url,
    profile_url,
    ref_of,
    split,
)
from theftwatch.pages.embedded import count_of, dig, items_of, named_values, plain_text_of, text_of

_LISTS = ("offers", "offerList", "itemInfoList", "suppliers")
# Alibaba shows no more, however many it counts
_MOST_PAGES = 100


def read_search(body: str, url: str) -> Page | None:
    """Read one page of search results; None where the page holds no data of one, or none that can be read.

    Past the last page the list is empty, which is no fault.
    """
    results = [result for result in named_values(body, "offerResultData") if isinstance(result, dict)]
    lists = [result for result in results if any(isinstance(result.get(name), list) for name in _LISTS)]
    if not lists:
        return None
    entries = [entry for result in lists for name in _LISTS for entry in items_of(result, name)]
    request = next(named_values(body, "requestData"), None)
    next_page = _next_page(body, url, lists[0], request) if entries else None
    if is_supplier_search(url, request):
        page = _supplier_page(entries, next_page)
    else:
        page = search_page([listing for entry in entries if (listing := _read_offer(entry))], next_page)
    return page if page.listings or page.sellers or not entries else None


def search_page(listings: list[Listing], next_page: str | None) -> Page:
    """Return a page of offers; advertisements repeat offers, so each counts where it stands first."""
    unique = {listing.listing_ref: listing for listing in reversed(listings)}
    firsts = tuple(listing for listing in listings if unique[listing.listing_ref] is listing)
    sellers = unique_sellers([listing.seller for listing in firsts])
    return Page(
        kind=PageKind.SEARCH,
        listings=firsts,
        sellers=sellers,
        listing_urls=tuple(listing.url for listing in firsts),
        seller_urls=_profiles(sellers),
        next_page=next_page,
    )


def is_supplier_search(url: str, request: Any = None) -> bool:
    """Return whether an address, or the request that a page repeats, asks for suppliers instead of offers."""
    query = _query(url)
    tab = text_of(dig(request, "tab"), dig(request, "params", "tab"), query.get("tab"))
    return tab == "supplier" or query.get("IndexArea") == "company_en"


def _supplier_page(entries: list[dict[str, Any]], next_page: str | None) -> Page:
    sellers = unique_sellers([_read_supplier(entry) for entry in entries])
    shown = [product.get("action") for entry in entries for product in items_of(entry, "productList")]
    return Page(
        kind=PageKind.SUPPLIER_SEARCH,
        sellers=sellers,
        listing_urls=tuple(
            dict.fromkeys(listing_url(ref, address) for address in shown if (ref := listing_ref(address)))
        ),
        seller_urls=_profiles(sellers),
        next_page=next_page,
    )


def _profiles(sellers: tuple[Seller, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for seller in sellers if (address := profile_url(seller.url))))


def _read_offer(entry: dict[str, Any]) -> Listing | None:
    """Read an offer; that of 2024 is flat, that of 2020 has its fields in groups."""
    offer = entry["offer"] if isinstance(entry.get("offer"), dict) else entry
    information, image = dig(offer, "information"), dig(offer, "image")
    address = offer.get("productUrl") or dig(information, "productUrl")
    ref = ref_of(offer.get("productId"), offer.get("id"), dig(information, "id"), listing_ref(address))
    if not ref:
        return None
    price = read_price(offer.get("price")) or read_price(dig(offer, "tradePrice", "price"))
    several = offer.get("multiImage") or dig(image, "multiImage")
    main = offer.get("mainImage") or dig(image, "mainImage") or dig(image, "productImage")
    return Listing(
        marketplace=MARKETPLACE,
        listing_ref=ref,
        url=listing_url(ref, address),
        title=plain_text_of(
            dig(information, "puretitle"), offer.get("title"), dig(information, "title"), offer.get("enPureTitle")
        ),
        seller=_read_vendor(offer),
        price_min=price.minimum,
        price_max=price.maximum,
        currency=price.currency,
        images=listing_images([main, *(several if isinstance(several, list) else [])]),
        complete=False,
    )


def _read_vendor(offer: dict[str, Any]) -> Seller | None:
    supplier = dig(offer, "supplier")
    return seller_of(
        ref=offer.get("companyId") or dig(supplier, "supplierId"),
        name=offer.get("companyName") or dig(supplier, "supplierName"),
        country=offer.get("countryCode") or dig(supplier, "supplierCountry", "id"),
        addresses=(
            offer.get("supplierHomeHref"),
            offer.get("supplierHref"),
            dig(supplier, "supplierHomeHref"),
            dig(supplier, "supplierHref"),
        ),
    )


def _read_supplier(entry: dict[str, Any]) -> Seller | None:
    return seller_of(
        ref=entry.get("companyId"),
        name=plain_text_of(entry.get("companyName"), entry.get("companyTitle")),
        country=entry.get("countryCode"),
        addresses=(entry.get("action"), entry.get("homeUrl"), entry.get("reviewLink")),
    )


def _next_page(body: str, url: str, result: dict[str, Any], request: Any) -> str | None:
    page = _page_number(result, request, url)
    # A showroom is read as far as its first page: what follows is ever less like its words
    if page >= _page_count(result) or is_showroom(url):
        return None
    navigation = next(named_values(body, "pageNavigationData"), None)
    rule = text_of(dig(result, "paginationData", "urlRule"), dig(navigation, "urlRule"))
    if rule and "{0}" in rule:
        # The rule of supplier search lacks the slash before its path
        address = rule if rule.startswith(("/", "http")) else "/" + rule
        return absolute(address.replace("{0}", str(page + 1)))
    return _with_page(url, page + 1) or _asked_page(request, page + 1)


def _page_number(result: dict[str, Any], request: Any, url: str) -> int:
    told = (dig(result, "pageIndex"), dig(result, "paginationData", "beginPage"), dig(request, "params", "page"))
    return next((number for value in (*told, _query(url).get("page")) if (number := count_of(value))), 1)


def _page_count(result: dict[str, Any]) -> int:
    told = count_of(dig(result, "paginationData", "pageCount"))
    size, total = count_of(result.get("pageSize")), count_of(result.get("totalCount"))
    counted = -(-total // size) if size and total else _MOST_PAGES
    return min(told or counted, _MOST_PAGES)


def _with_page(url: str, page: int) -> str | None:
    """Return a search address with another page number; None where the address is none of a search."""
    parts = split(url)
    if parts is None or not parts.query or not parts.path.startswith("/trade/search"):
        return None
    others = [field for field in parts.query.split("&") if field and not field.startswith("page=")]
    return parts._replace(query="&".join([*others, f"page={page}"]), fragment="").geturl()


def _asked_page(request: Any, page: int) -> str | None:
    words = text_of(dig(request, "params", "SearchText"))
    if not words:
        return None
    return f"{MAIN_SITE}trade/search?SearchText={'+'.join(words.split())}&page={page}"


def _query(url: str) -> dict[str, str]:
    parts = split(url)
    try:
        return {name: values[-1] for name, values in parse_qs(parts.query).items()} if parts else {}
    except ValueError:
        return {}
