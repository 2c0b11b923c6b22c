"""Alibaba's pages in other layouts, languages and states than the saved ones show (see test_samples.py for those)."""

import json
import re
from decimal import Decimal

import pytest

from tests.alibaba_pages import (
    KEYS,
    LISTING_URL,
    PHOTOS,
    SEARCH_URL,
    VENDOR_URL,
    detail_page,
    keys,
    only,
    paging,
    product,
    sample,
    search_page,
    vendor_page,
    without_scripts,
)
from theftwatch.errors import PageBlockedError, PageChangedError, PageError, UnknownPageError
from theftwatch.listing import Alias, PageKind
from theftwatch.pages.alibaba import read_page
from theftwatch.pages.embedded import named_values

# Product pages


def test_images_of_variants_and_of_related_goods_are_not_the_listings():
    for name, most in ("detail_raw_arabic_2026", 6), ("detail_rendered_english_2026", 21):
        body, url = sample(name)
        found = keys(only(body, url))
        data = next(named_values(body, "detailData"))
        variants = {
            value["originImage"].rpartition("/")[2].partition(".")[0]
            for attribute in data["globalData"]["product"]["sku"]["skuAttrs"]
            for value in attribute["values"]
            if "originImage" in value
        }
        assert len(variants) >= 4
        assert len(found) == most
        assert not variants & set(found)


def test_a_rendered_page_says_the_same_without_its_scripts():
    body, url = sample("detail_rendered_english_2026")
    full, bare = only(body, url), only(without_scripts(body), url)
    assert (bare.listing_ref, bare.url, bare.title) == (full.listing_ref, full.url, full.title)
    assert keys(bare) == keys(full)
    assert bare.seller
    assert full.seller
    assert (bare.seller.name, bare.seller.aliases) == (full.seller.name, full.seller.aliases)
    # The dollars stand in the scripts alone
    assert (bare.price_min, bare.price_max, bare.currency) == (Decimal(6500), Decimal(9070), "NGN")


@pytest.mark.parametrize(
    "page",
    [
        "<script>var detailData={data};</script>",
        '<script>window.__INITIAL_DATA__ = {{"page": {{"detailData": {data}}}}}</script>',
        '<script>window.__INITIAL_DATA__ = {{"page": {data}}}</script>',
        "<script id='state' type='application/json'>{data}</script>",
        "<script>window.detailData = JSON.parse({text});</script>",
        "<script>window.__INITIAL_DATA__ = {text}</script>",
    ],
)
def test_product_data_is_found_wherever_it_stands(page):
    description = {"details": [{"type": "image", "url": "//sc04.alicdn.com/kf/Hdescription.jpg"}, {"type": "text"}]}
    data = json.dumps(
        {
            "globalData": {"product": product(), "seller": {"companyId": "291096001", "companyName": "Lamps Ltd."}},
            "nodeMap": {"module_description": {"privateData": {"productDescription": description}}},
        }
    )
    listing = only(page.format(data=data, text=json.dumps(data)))
    assert listing.listing_ref == "1600000000001"
    assert listing.title == "Brass  Lamp & Shade"
    assert keys(listing) == [*KEYS, "Hdescription"]
    assert listing.seller
    assert (listing.seller.ref, listing.seller.name) == ("291096001", "Lamps Ltd.")


def test_the_older_form_without_global_data():
    related = '<a href="/product-detail/x_1600000000009.html"><img src="//sc01.alicdn.com/kf/Hrelated.jpg"></a>'
    html = f'<p><img data-src="//sc01.alicdn.com/kf/Hd.jpg">{related}</p>'
    data = {
        "product": product(productId="1600000000001", productHtmlDescription=html),
        "seller": {"subDomain": "lamps.en.alibaba.com"},
    }
    listing = only(f"<script>window.detailData = {json.dumps(data)}</script>")
    assert keys(listing) == [*KEYS, "Hd"]
    assert listing.seller
    assert listing.seller.ref is None
    assert listing.seller.aliases == (Alias(kind="subdomain", value="lamps"),)


RANGE = {"dollarPriceRangeLow": 0.58, "dollarPriceRangeHigh": "0.60", "priceRangeLow": 900}
EUROS = [{"formatPrice": "1.234,56 €", "price": 1234.56}, {"formatPrice": "999,00 €"}]


@pytest.mark.parametrize(
    ("price", "minimum", "maximum", "currency"),
    [
        ({"productRangePrices": RANGE}, "0.58", "0.60", "USD"),
        ({"productLadderPrices": [{"dollarPrice": "6.0"}, {"dollarPrice": 4}]}, "4", "6", "USD"),
        ({"fixedDollarPrice": 809.0, "fixedPrice": 1222853}, "809", "809", "USD"),
        ({"productLadderPrices": EUROS}, "999", "1234.56", "EUR"),
        ({"productRangePrices": {"priceRangeText": "$0.50-1.20"}}, "0.50", "1.20", "USD"),
        ("US$1.50 - $2.80", "1.50", "2.80", "USD"),
    ],
)
def test_prices_of_a_product(price, minimum, maximum, currency):
    listing = only(detail_page({"product": product(price=price)}))
    assert (listing.price_min, listing.price_max, listing.currency) == (Decimal(minimum), Decimal(maximum), currency)


@pytest.mark.parametrize(
    "price", [None, {}, [], "", {"productLadderPrices": [{"dollarPrice": None}]}, {"dollarPrice": float("nan")}]
)
def test_a_product_without_a_price(price):
    listing = only(detail_page({"product": product(price=price)}))
    assert (listing.price_min, listing.price_max, listing.currency) == (None, None, None)


def test_videos_and_placeholders_are_no_photos():
    drawing = {"big": None, "small": "//sc04.alicdn.com/kf/Hb.png_350x350.jpg"}
    media = [
        {"type": "video", "imageUrl": {"big": "//sc04.alicdn.com/kf/Hposter.jpg"}},
        {"type": "image", "group": "photos", "imageUrl": {"big": "//img.alicdn.com/tfs/TB1S-700-700.jpg"}},
        {"type": "image", "group": "Dimension Diagram", "imageUrl": drawing},
        {"imageUrl": "//sc04.alicdn.com/kf/Ha.jpg"},
        "text",
        None,
    ]
    assert keys(only(detail_page({"product": product(mediaItems=media)}))) == ["Hb", "Ha"]


@pytest.mark.parametrize(
    "wrap", ["{}", "[{}]", '{{"@context": "https://schema.org", "@graph": [{{"@type": "WebPage"}}, {}]}}']
)
def test_json_ld_stands_in_for_lost_data(wrap):
    offers = {"@type": "Offer", "url": LISTING_URL, "priceCurrency": "USD", "price": "4.3"}
    schema = {
        "@type": "Product",
        "name": "Brass Lamp",
        "sku": "1600000000001",
        "image": PHOTOS,
        "brand": {"name": "Lamps Ltd."},
        "offers": offers,
    }
    cut_off = '<script>window.detailData = {"globalData": {"product": {"productId": 1600'
    listing = only(f'<script type="application/ld+json">{wrap.format(json.dumps(schema))}</script>{cut_off}')
    assert (listing.title, listing.price_min, listing.currency) == ("Brass Lamp", Decimal("4.3"), "USD")
    assert keys(listing) == KEYS
    assert listing.seller
    assert listing.seller.name == "Lamps Ltd."
    assert not listing.complete


def test_json_ld_and_what_the_page_shows_add_up():
    body, url = sample("detail_rendered_english_2026")
    full = only(body, url)
    listing = only(body.replace("detailData", "detailDatum"), url)
    assert keys(listing) == keys(full)
    assert (listing.title, listing.price_min, listing.currency) == (full.title, Decimal("4.3"), "USD")
    assert listing.seller
    assert listing.seller.aliases == (Alias(kind="subdomain", value="mbshoes"),)
    assert listing.complete


def test_a_page_saved_by_a_browser_keeps_the_true_addresses_elsewhere():
    body, url = sample("detail_fragment_2026")
    full = only(body, url)

    def localised(image: re.Match[str]) -> str:
        file = image[1].rpartition("/")[2]
        return f'<img src="./Sneakers_files/{file}" srcset="{image[1]} 1x, {image[1]} 2x"'

    saved, count = re.subn(r'<img src="(//s\.alicdn\.com/@sc04/kf/[^"]*_960x960q80\.jpg)"', localised, body)
    assert count == 6
    assert only(saved, url).images == full.images
    # With the main view gone the strip of thumbnails is left, whose last entry is an icon
    assert keys(only(re.sub(r'<img src="//s\.alicdn[^>]*>', "", body), url)) == keys(full)


def test_the_address_names_the_listing_of_a_fragment_that_says_nothing():
    body, _ = sample("detail_fragment_2026")
    bare = re.sub(r"productId=\d+", "", body)
    assert (
        only(bare, "https://www.alibaba.com/product-detail/A-Shoe_1600000000001.html?x=y").listing_ref
        == "1600000000001"
    )
    with pytest.raises(UnknownPageError):
        read_page(bare, "https://www.alibaba.com/")


# Lists


def test_repeated_offers_count_where_they_stand_first():
    offers = [{"id": 1600000000 + number, "title": f"Lamp <strong>{number}</strong>"} for number in (1, 2, 1)]
    page = read_page(search_page({"offers": [*offers, None, {"id": "ad"}, {"title": "no number"}]}), SEARCH_URL)
    assert [(listing.listing_ref, listing.title) for listing in page.listings] == [
        ("1600000001", "Lamp 1"),
        ("1600000002", "Lamp 2"),
    ]


@pytest.mark.parametrize(("current", "following"), [(1, "2"), ("2", "3"), (3, None)])
def test_search_ends_with_its_last_page(current, following):
    rule = "//www.alibaba.com/trade/search?q=a&page={0}"
    paging = {"pageCount": 3, "urlRule": rule, "beginPage": current}
    page = read_page(search_page({"offers": [{"id": 1600000001}], "paginationData": paging}), SEARCH_URL)
    assert page.next_page == (f"https://www.alibaba.com/trade/search?q=a&page={following}" if following else None)


@pytest.mark.parametrize(
    ("page", "url"),
    [
        (search_page({"offers": [{"number": 1600000001}]}), SEARCH_URL),
        (search_page({"offerList": [{"firm": "Lamps Ltd."}]}), SEARCH_URL + "&tab=supplier"),
        (vendor_page({"productList": [{"number": 1600000001}], "pageNavView": paging(1)}), VENDOR_URL),
    ],
)
def test_a_list_of_which_nothing_can_be_read_has_changed(page, url):
    with pytest.raises(PageChangedError):
        read_page(page, url)


def test_a_card_that_leads_through_a_counter_is_read():
    card = (
        '<div data-ctrdot="1600000001"><a href="//us-click.alibaba.com/ci_bb?e=1">'
        '<img src="//img.alicdn.com/tfs/TB1S-700-700.jpg" data-src="//s.alicdn.com/@sc04/kf/Ha.jpg_300x300.jpg"></a>'
        '<h2>Brass lamp</h2><a href="//lamps.en.alibaba.com/"><img src="//sc04.alicdn.com/kf/Hlogo.png">Lamps Ltd.</a>'
        "<span>$1.50-2.80</span></div>"
    )
    (listing,) = read_page(card, SEARCH_URL).listings
    assert listing.url == "https://www.alibaba.com/product-detail/_1600000001.html"
    assert (listing.title, listing.price_max, keys(listing)) == ("Brass lamp", Decimal("2.80"), ["Ha"])
    assert listing.seller
    assert (listing.seller.name, listing.seller.aliases[0].value) == ("Lamps Ltd.", "lamps")


def test_search_without_a_rule_goes_on_from_its_own_address():
    data = {"offers": [{"id": 1600000001}]}
    assert read_page(search_page(data), SEARCH_URL).next_page == SEARCH_URL + "&page=2"
    assert read_page(search_page(data), SEARCH_URL + "&page=7&tab=all").next_page == SEARCH_URL + "&tab=all&page=8"
    assert read_page(search_page(data), SEARCH_URL + "&page=100").next_page is None


def test_past_the_end_of_a_search_the_list_is_empty():
    page = read_page(search_page({"offers": []}), SEARCH_URL)
    assert (page.kind, page.listings, page.next_page) == (PageKind.SEARCH, (), None)


def test_past_the_end_of_a_supplier_search_the_list_is_empty():
    body, url = sample("search_suppliers_data_2024")
    data = json.loads(body)
    data["offerResultData"]["offerList"] = []
    page = read_page(f"<script>window._PAGE_DATA_ = {json.dumps(data)}</script>", url)
    assert (page.kind, page.sellers, page.next_page) == (PageKind.SUPPLIER_SEARCH, (), None)


@pytest.mark.parametrize(("current", "following"), [(65, "&&page=66"), (66, None)])
def test_the_last_page_of_suppliers_has_no_next(current, following):
    body, url = sample("search_suppliers_data_2024")
    data = json.loads(body)
    data["offerResultData"]["pageIndex"] = current
    next_page = read_page(json.dumps(data), url).next_page
    assert next_page and next_page.endswith(following) if following else next_page is None


@pytest.mark.parametrize(("name", "count"), [("search_offers_spanish_2025", 48), ("search_offers_english_2022", 8)])
def test_rendered_cards_stand_in_for_lost_data(name, count):
    body, url = sample(name)
    full = {listing.listing_ref: listing for listing in read_page(body, url).listings}
    shown = read_page(without_scripts(body), url)
    assert shown.kind is PageKind.SEARCH
    assert len(shown.listings) == count
    for listing in shown.listings:
        known = full[listing.listing_ref]
        assert (listing.title, listing.url) == (known.title, known.url)
        assert set(keys(listing)) <= set(keys(known))
        assert listing.seller
        assert known.seller
        assert listing.seller.aliases == known.seller.aliases


@pytest.mark.parametrize(
    ("view", "following"),
    [
        (paging(1), "productlist-2.html"),
        (paging("2", "40"), "productlist-3.html"),
        (paging(3), None),
        (paging(2, 32), None),
        (paging(1, pattern=None), "productlist-2.html"),
        (paging(1, pattern="/productgrouplist-12-{0}/Lamps.html"), "productgrouplist-12-2/Lamps.html"),
        ({}, None),
    ],
)
def test_product_list_goes_on_to_its_last_page(view, following):
    page = read_page(vendor_page({"productList": [{"id": 1600000001}], "pageNavView": view}), VENDOR_URL)
    assert page.kind is PageKind.SHOP
    assert page.next_page == (f"https://lamps.en.alibaba.com/{following}" if following else None)


def test_products_of_a_list_in_older_forms():
    lamp = {"id": "1600000001", "url": "/product/1600000001-801/Brass_lamp.html", "subject": "Lamp &amp; Shade"}
    photo = {"x350": "//sc04.alicdn.com/kf/Ha/Lamp.jpg_350x350.jpg"}
    products = [
        lamp | {"fobPrice": "US$1.50-2.80 / piece"},
        {"id": 1600000001},
        {"url": "//www.alibaba.com/product-detail/Lamp_1600000002.html", "imageUrls": photo},
    ]
    page = read_page(vendor_page({"productList": products, "pageNavView": paging(1)}), VENDOR_URL)
    first, second = page.listings
    assert first.url == "https://www.alibaba.com/product-detail/Brass_lamp_1600000001.html"
    assert first.title == "Lamp & Shade"
    assert (first.price_min, first.price_max, first.currency) == (Decimal("1.50"), Decimal("2.80"), "USD")
    assert (second.listing_ref, keys(second)) == ("1600000002", ["Ha"])


def test_the_highest_price_is_left_out_where_a_list_gives_the_lowest_alone():
    lamp = {"id": 1600000001, "priceFrom": "0.15", "fobPrice": "ARS\u00a0237,41-\u00a0791,34 / unidad"}
    page = read_page(vendor_page({"productList": [lamp], "pageNavView": paging(1)}), VENDOR_URL)
    (listing,) = page.listings
    assert (listing.price_min, listing.price_max, listing.currency) == (Decimal("0.15"), None, "USD")


def test_a_product_list_without_paging_is_read_to_its_end():
    page = read_page(vendor_page({"productList": [{"id": 1600000001}]}), VENDOR_URL)
    assert (page.kind, len(page.listings), page.next_page) == (PageKind.SHOP, 1, None)


def test_a_vendor_without_products_is_no_fault():
    page = read_page(vendor_page({"productList": [], "pageNavView": paging(1, 0)}), VENDOR_URL)
    assert (page.kind, page.listings, page.next_page) == (PageKind.SHOP, (), None)
    assert page.sellers[0].ref == "291477804"


def test_a_product_list_without_its_list_has_changed():
    with pytest.raises(PageChangedError, match="shop page without its data"):
        read_page(vendor_page({"breadCrumb": []}), VENDOR_URL)


# Blocks and other pages


def test_marks_of_a_block_in_a_good_page_do_not_matter():
    body, url = sample("detail_raw_arabic_2026")
    marked = body + "<!--rgv587_flag:sm--><punish-component/><script src='/_____tmd_____/punish?x5secdata=1'></script>"
    assert read_page(marked, url) == read_page(body, url)


def test_a_page_led_astray_to_a_login_is_a_block():
    with pytest.raises(PageBlockedError):
        read_page("<html><title>Sign in</title></html>", "https://login.alibaba.com/newlogin/icbuLogin.htm")
    with pytest.raises(PageBlockedError):
        read_page("<html></html>", "https://lamps.en.alibaba.com/productlist.html/_____tmd_____/punish?x5secdata=1")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (LISTING_URL, PageChangedError),
        (SEARCH_URL, PageChangedError),
        (SEARCH_URL + "&tab=supplier", PageChangedError),
        (VENDOR_URL, PageChangedError),
        ("https://lamps.en.alibaba.com/productgrouplist-12/Lamps.html", PageChangedError),
        ("https://lamps.en.alibaba.com/es_ES/company_profile.html", PageChangedError),
        ("https://www.alibaba.com/", UnknownPageError),
        ("https://sourcing.alibaba.com/rfq/rfq_search_list.htm", UnknownPageError),
        ("", UnknownPageError),
        ("http://[", UnknownPageError),
    ],
)
@pytest.mark.parametrize(
    "body",
    ["", "<html><p>login captcha</p></html>", '{"offerResultData": 1}', "<script>window.detailData = {}</script>"],
)
def test_a_page_without_data_is_told_by_its_address(url, error, body):
    with pytest.raises(PageError) as caught:
        read_page(body, url)
    assert type(caught.value) is error
    assert len(str(caught.value).splitlines()) == 1
