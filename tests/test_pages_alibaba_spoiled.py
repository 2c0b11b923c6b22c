"""Alibaba's pages spoiled in every way: they are read, or refused by a PageError, and quickly."""

import copy
import random
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alibaba_pages import (
    CASES,
    LISTING_URL,
    PHOTOS,
    SEARCH_URL,
    VENDOR_URL,
    detail_page,
    paging,
    product,
    sample,
    search_page,
    vendor_page,
)
from theftwatch.errors import PageError
from theftwatch.listing import Page
from theftwatch.pages.alibaba import read_page

ODD: list[Any] = [
    *(None, True, 0, -1, 1e400, 10**30, "9" * 5000, "", "text", "\ud800\x00"),
    *("//", "http://[", "{0}", "<img src=x>", [], {}, [[]], [None], {"value": {}}),
]
DETAIL = {
    "globalData": {
        "product": product(
            price={"productLadderPrices": [{"dollarPrice": 1}], "formatLadderPrice": "$1-2"},
            productHtmlDescription="<img src='//sc04.alicdn.com/kf/Hd.jpg'>",
        ),
        "seller": {"companyId": 1, "companyName": "Lamps Ltd.", "subDomain": "lamps.en.alibaba.com"},
    },
    "nodeMap": {"m": {"privateData": {"productDescription": {"details": [{"type": "image", "url": PHOTOS[0]}]}}}},
}
OFFER = {
    "id": 1600000001,
    "title": "Lamp",
    "price": "$1",
    "multiImage": PHOTOS,
    "image": {"mainImage": PHOTOS[0]},
    "supplier": {"supplierId": 1, "supplierCountry": {"id": "CN"}, "supplierHref": "//lamps.en.alibaba.com/"},
}
SUPPLIER = {"companyId": 1, "companyName": "Lamps Ltd.", "action": VENDOR_URL, "productList": [{"action": LISTING_URL}]}
PRODUCT = {"id": 1600000001, "url": LISTING_URL, "subject": "Lamp", "priceFrom": "1", "imageUrls": {"x50": PHOTOS[0]}}
PAGES = {
    "detail": (LISTING_URL, detail_page, DETAIL),
    "search": (SEARCH_URL, search_page, {"offers": [OFFER], "paginationData": {"urlRule": "/{0}", "pageCount": 2}}),
    "suppliers": (
        SEARCH_URL + "&tab=supplier",
        search_page,
        {"offerList": [SUPPLIER], "pageSize": 20, "totalCount": 99},
    ),
    "vendor": (VENDOR_URL, vendor_page, {"productList": [PRODUCT], "pageNavView": paging(1)}),
}
PIECES = (
    *(
        "<script>",
        "</script>",
        "window.detailData = ",
        '{"globalData": {"product": ',
        '"offerResultData":{"offers":[{"id":',
    ),
    *(
        '"mediaItems": [',
        "&quot;detailData&quot;:",
        "JSON.parse(",
        "1600000001",
        "{",
        "}",
        "[",
        "]",
        '"',
        "\\",
        "\x00",
        "\ud800",
    ),
    *(
        "<div module-data='%7B%22gdc%22%3A1%7D'>",
        '<div data-ctrdot="1600000001">',
        '<div data-testid="product-image-view">',
    ),
    *(
        '<a href="//lamps.en.alibaba.com/?from=detail&productId=1600000001">',
        '<img src="//sc04.alicdn.com/kf/Ha.jpg">',
        "$1",
    ),
    *('<a href="/product-detail/x_1600000001.html">', '<meta property="og:url" content="http://[">', "<h1>", "<title>"),
    '<script type="application/ld+json">{"@type":"Product","image":"//sc04.alicdn.com/kf/Ha.jpg"}</script>',
)


def spoiled(value: Any, chance: random.Random) -> Any:
    """Return JSON with some of its values replaced by odd ones, and some left out."""
    if chance.random() < 0.05:
        return copy.copy(chance.choice(ODD))
    if isinstance(value, dict):
        return {key: spoiled(each, chance) for key, each in value.items() if chance.random() > 0.03}
    return [spoiled(each, chance) for each in value] if isinstance(value, list) else value


def check(page: Page) -> None:
    """Assert that what a page says can be stored: prices in order, text in UTF-8 without NUL, as Postgres asks."""
    said = str(page)
    assert "\\x00" not in said
    assert "\\ud800" not in said
    for listing in page.listings:
        assert listing.listing_ref.isdecimal()
        assert [image.position for image in listing.images] == list(range(len(listing.images)))
        if listing.price_min is not None:
            assert Decimal(0) < listing.price_min <= (listing.price_max or listing.price_min)


@pytest.mark.parametrize("kind", PAGES)
def test_spoiled_data_raises_nothing_but_page_errors(kind):
    url, page_around, data = PAGES[kind]
    read = 0
    for seed in range(200):
        try:
            check(read_page(page_around(spoiled(data, random.Random(seed))), url))
        except PageError:
            continue
        read += 1
    assert read > 50


@pytest.mark.parametrize("name", CASES)
def test_broken_pages_raise_nothing_but_page_errors(name):
    body, url = sample(name)
    chance = random.Random(name)
    for _ in range(5):
        cuts = sorted(chance.sample(range(len(body)), 3))
        for broken in (body[: cuts[0]], body[: cuts[1]] + body[cuts[2] :], body[cuts[2] :]):
            try:
                check(read_page(broken, url))
            except PageError:
                continue


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.sampled_from(
        [LISTING_URL, SEARCH_URL, VENDOR_URL, "", "//", "http://[", "https://www.alibaba.com/%ff?page=%ff"]
    ),
)
def test_any_page_raises_nothing_but_page_errors(body, url):
    try:
        check(read_page(body, url))
    except PageError:
        return


@pytest.mark.parametrize("name", ["detail_rendered_english_2026", "search_offers_spanish_2025"])
def test_a_page_of_two_megabytes_is_read_in_a_moment(name):
    body, url = sample(name)
    took_s = []
    for _ in range(3):
        began = time.process_time()
        read_page(body, url)
        took_s.append(time.process_time() - began)
    assert min(took_s) < 0.15
