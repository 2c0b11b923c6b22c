"""Alibaba's addresses of listings, vendors and images, its prices, and what its robots.txt says of the addresses."""

from decimal import Decimal

import pytest
from protego import Protego

from tests.alibaba_pages import CASES, SAMPLES, sample
from theftwatch.pages.alibaba import read_page
from theftwatch.pages.alibaba_images import listing_images, read_image_url
from theftwatch.pages.alibaba_prices import read_price
from theftwatch.pages.alibaba_urls import listing_ref, listing_url, product_list_url, profile_url, subdomain


@pytest.mark.parametrize(
    ("address", "ref"),
    [
        ("https://www.alibaba.com/product-detail/E-Bike-2024_1601428756950.html?spm=a2700&s=p", "1601428756950"),
        ("//arabic.alibaba.com/product-detail/Folding-E-Bike-2024-1601428756950.html", "1601428756950"),
        ("https://www.alibaba.com/product-detail/_60721809882.html", "60721809882"),
        ("http://m.alibaba.com/product/60721809882/Plush-Toy.html", "60721809882"),
        ("https://vendor.en.alibaba.com/product/1600547012595-812345678/HDPE_net.html", "1600547012595"),
        ("https://www.alibaba.com/product-detail/10000011024968.html", "10000011024968"),
        ("https://vendor.en.alibaba.com/productlist-2.html", None),
        ("https://www.alibaba.com/showroom/lamp_1601428756950.html", None),
        ("https://alibaba.com.example.org/product-detail/x_1601428756950.html", None),
        ("http://[", None),
        ("", None),
        (None, None),
    ],
)
def test_listing_number_of_an_address(address, ref):
    assert listing_ref(address) == ref


@pytest.mark.parametrize(
    "address",
    [
        "https://arabic.alibaba.com/product-detail/Folding-Bike-1601428756950.html?a=b",
        "//x.en.alibaba.com/product/1601428756950-1/Folding-Bike.html",
        "https://www.alibaba.com/product-detail/Folding-Bike_1601428756950.html#top",
    ],
)
def test_a_listing_has_one_address_on_all_hosts(address):
    expected = "https://www.alibaba.com/product-detail/Folding-Bike_1601428756950.html"
    assert listing_url("1601428756950", address) == expected


def test_words_of_another_listing_or_in_another_script_stay_out_of_the_address():
    expected = "https://www.alibaba.com/product-detail/_1601428756950.html"
    assert listing_url("1601428756950", "https://www.alibaba.com/product-detail/Other_1600000000001.html") == expected
    assert (
        listing_url("1601428756950", "https://arabic.alibaba.com/product-detail/دراجة-1601428756950.html") == expected
    )
    assert listing_url("1601428756950") == expected


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://hkduotts.en.alibaba.com/ar_SA/index.html?from=detail", "hkduotts"),
        ("//Hkduotts.en.alibaba.com", "hkduotts"),
        ("hkduotts.en.alibaba.com", "hkduotts"),
        ("https://dcsjry888.m.en.alibaba.com:443/productlist-1.html", "dcsjry888"),
        ("//u2-art.trustpass.alibaba.com/company_profile.html", "u2-art"),
        ("https://www.alibaba.com/", None),
        ("https://spanish.alibaba.com/", None),
        ("https://m.alibaba.com/", None),
        ("https://en.alibaba.com/", None),
        ("https://x.en.alibaba.com.example.org/", None),
        (None, None),
    ],
)
def test_subdomain_of_an_address(address, name):
    assert subdomain(address) == name


def test_vendor_pages_have_addresses_without_language_and_query():
    assert (
        product_list_url("//woodsun.m.en.alibaba.com/es_ES/?a=b") == "https://woodsun.en.alibaba.com/productlist.html"
    )
    assert profile_url("indart.trustpass.alibaba.com") == "https://indart.trustpass.alibaba.com/company_profile.html"
    assert profile_url("https://www.alibaba.com/") is None


@pytest.mark.parametrize(
    ("address", "original", "key"),
    [
        ("//s.alicdn.com/@sc04/kf/Ha1.jpg_300x300.jpg", "https://s.alicdn.com/@sc04/kf/Ha1.jpg", "Ha1"),
        ("https://sc04.alicdn.com/kf/Ha1.jpg_960x960q80.jpg", "https://sc04.alicdn.com/kf/Ha1.jpg", "Ha1"),
        ("http://sc01.alicdn.com/kf/Ha1.png_720x720q50.jpg", "https://sc01.alicdn.com/kf/Ha1.png", "Ha1"),
        ("//sc04.alicdn.com/kf/Ha1.jpg_220x220xz.jpg_.webp", "https://sc04.alicdn.com/kf/Ha1.jpg", "Ha1"),
        ("//sc04.alicdn.com/kf/Ha1.JPEG_Q75.jpg?x=1", "https://sc04.alicdn.com/kf/Ha1.JPEG", "Ha1"),
        ("//sc02.alicdn.com/kf/HT.7X_a-P.jpg_50x50.jpg", "https://sc02.alicdn.com/kf/HT.7X_a-P.jpg", "HT.7X_a-P"),
        ("//sc04.alicdn.com/kf/Ha1/A-lamp.jpg_350x350.jpg", "https://sc04.alicdn.com/kf/Ha1/A-lamp.jpg", "Ha1"),
        ("//s.alicdn.com/@sc04/kf/Ha1/28/Ha1.jpg_Q75.jpg", "https://s.alicdn.com/@sc04/kf/Ha1/28/Ha1.jpg", "Ha1"),
        ("https://sc04.alicdn.com/kf/Ha1", "https://sc04.alicdn.com/kf/Ha1", "Ha1"),
    ],
)
def test_original_and_key_of_an_image(address, original, key):
    assert read_image_url(address) == (original, key)


@pytest.mark.parametrize(
    "address",
    [
        "//img.alicdn.com/tfs/TB1S_7kkY5YBuNjSspoXXbeNFXa-700-700.jpg_350x350.jpg",
        "https://s.alicdn.com/@img/imgextra/i2/O1CN01hT1lFR1XQxDO42COG_!!6000000002919-2-tps-60-60.png",
        "//s.alicdn.com/@sc01/kf/Hcf709c539e4a4b658f806a0cdeb7fac9V.png_80x80.jpg",
        "https://sc01.alicdn.com/kf/Hd58a2101f24141a0ae490d8f57a0c169c.png",
        "https://example.org/kf/Hab1.jpg",
        "https://sc04.alicdn.com/kf/Hab1.svg",
        "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
        "./Brass Lamp_files/Hab1.jpg_960x960q80.jpg",
        "https://[",
        "",
        None,
        12,
    ],
)
def test_what_is_no_image_of_a_vendor_is_refused(address):
    assert read_image_url(address) is None


def test_an_image_counts_once_under_all_its_hosts_and_sizes():
    addresses = [
        "//s.alicdn.com/@sc04/kf/Ha.jpg_80x80.jpg",
        None,
        "//sc02.alicdn.com/kf/Ha.jpg",
        "//sc02.alicdn.com/kf/Hb",
    ]
    assert [(image.key, image.position) for image in listing_images(addresses)] == [("Ha", 0), ("Hb", 1)]


@pytest.mark.parametrize(
    ("text", "minimum", "maximum", "currency"),
    [
        ("$1.70", "1.70", "1.70", "USD"),
        ("US $13.00", "13.00", "13.00", "USD"),
        ("US$1.50 - $2.80 / Piece", "1.50", "2.80", "USD"),
        ("$0.10 - $0.17", "0.10", "0.17", "USD"),
        ("US $25.00-$30.00", "25.00", "30.00", "USD"),
        ("1.234,56 €", "1234.56", "1234.56", "EUR"),
        ("1 234,56\u00a0€", "1234.56", "1234.56", "EUR"),
        ("1,70-2,60 €", "1.70", "2.60", "EUR"),
        ("GH₵80.51", "80.51", "80.51", "GHS"),
        ("₦6,500-9,070", "6500", "9070", "NGN"),
        ("\u200f1,132,159-\u200f1,222,853\u00a0NGN", "1132159", "1222853", "NGN"),
        ("ARS\u00a0237,41-\u00a0791,34", "237.41", "791.34", "ARS"),
        ("CN¥82.34", "82.34", "82.34", "CNY"),
        ("R$ 12,50", "12.50", "12.50", "BRL"),
        ("A$2.21-A$4.42", "2.21", "4.42", "AUD"),
        ("١٬٢٣٤٫٥٠ SAR", "1234.50", "1234.50", "SAR"),
        ("¥500", "500", "500", None),
    ],
)
def test_prices_in_many_countries(text, minimum, maximum, currency):
    price = read_price(text)
    assert (price.minimum, price.maximum, price.currency) == (Decimal(minimum), Decimal(maximum), currency)


@pytest.mark.parametrize("text", ["", "Negotiable", "$", "US $0", None, 1.5, ["$1"]])
def test_what_is_no_price(text):
    assert not read_price(text)


@pytest.fixture(scope="module")
def rules():
    return Protego.parse((SAMPLES / "robots" / "robots_2019-07.txt").read_text())


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("product-detail/Folding-Bike_1601428756950.html", True),
        ("product-detail/_1601428756950.html", True),
        ("product-detail/Folding-Bike_1601428756950.html?spm=a2700", True),
        ("product-detail/Folding-Bike_1601428756950.html?priceId=1", False),
        ("product-detail/description/descIframe.html?productId=1601428756950", False),
        ("trade/search?SearchText=lamp", False),
        ("showroom/lamp.html", True),
        # Of the main site, since those of vendors' hosts are not known
        ("productlist-20.html", True),
        ("productlist-20.html?filter=all&sortType=modified-desc", False),
        ("company_profile.html", True),
    ],
)
def test_robots_of_2019_allow_addresses_without_a_query(rules, path, allowed):
    assert rules.can_fetch(f"https://www.alibaba.com/{path}", "theftwatch") is allowed


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(("blocked", "rfq"))])
def test_robots_allow_the_addresses_that_pages_lead_to(rules, name):
    page = read_page(*sample(name))
    addresses = {*page.listing_urls, *page.seller_urls, *(listing.url for listing in page.listings)}
    assert addresses
    for url in addresses:
        assert "?" not in url
        assert rules.can_fetch(url, "theftwatch")
