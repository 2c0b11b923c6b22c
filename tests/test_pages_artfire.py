"""ArtFire's addresses, images, lists and records, beside the sweep over its samples in test_samples.py."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_samples import CASES, sample_body
from theftwatch.errors import PageBlockedError, PageChangedError, PageError, UnknownPageError
from theftwatch.listing import Page, PageKind
from theftwatch.pages import archive, artfire
from theftwatch.pages.artfire_images import listing_images, read_image_url
from theftwatch.pages.artfire_urls import (
    listing_prefix,
    page_number,
    read_listing_url,
    read_shop_url,
    search_url,
    shop_url,
)
from theftwatch.pages.read import read_page

LISTING = "https://www.artfire.com/ext/shop/product_view/DressXpress/12389222/decal/commercial"
SHOP = "https://www.artfire.com/ext/shop/home/DressXpress"
SEARCH = "https://www.artfire.com/ext/discover/?search_term=decal&json=yup"
HEX = "3c58575a667b657c32614b0a891c3477b4ea7e937b4766d45ab41ef84ea8c9bc"
NEW = f"https://static.artfire.com/uploads/mfs/items/3c/58/{{}}/{HEX}.jpg"
OLD = "http://static.artfire.com/uploads/product/0/50/39050/3339050/3339050/{}/mini_cooper_mug_0003_1989b1a8.jpg"
SAMPLES = {
    str(case.name): (sample_body(case), json.loads((case / "meta.json").read_text())["url"])
    for case in CASES
    if case.parent.name == "artfire"
}


# Image addresses


@pytest.mark.parametrize(
    ("url", "key", "large_url"),
    [
        (NEW.format("default"), HEX, NEW.format("large")),
        (NEW.format("large") + "?v=2", HEX, NEW.format("large")),
        (NEW.format("x-large"), HEX, NEW.format("x-large")),
        (OLD.format("thumb"), "3339050/mini_cooper_mug_0003_1989b1a8", OLD.format("large").replace("http:", "https:")),
        (
            "http://static.artfire.com:80/uploads/products/2016/02/11/large/ring_ab12.jpg",
            "2016/02/11/ring_ab12",
            "https://static.artfire.com/uploads/products/2016/02/11/large/ring_ab12.jpg",
        ),
    ],
)
def test_each_form_of_image_address_gives_key_and_largest_size(url, key, large_url):
    image = read_image_url(url)
    assert image
    assert (image.key, image.large_url) == (key, large_url)


@pytest.mark.parametrize(
    "url",
    [
        NEW.format("large").replace("static.artfire.com", "static.artfire.com.example"),
        NEW.format("large").replace("static.artfire.com", "notartfire.com"),
        NEW.format("large").replace(HEX, HEX[:-1]),
        OLD.format("large").replace("3339050/3339050", "3339050/3339051"),
        "https://www.artfire.com/assets/images/logo.png",
        "https://static.artfire.com/uploads/users/1/avatar.jpg",
        "http://[::1",
        "",
    ],
)
def test_other_addresses_are_no_listing_images(url):
    assert read_image_url(url) is None


def test_an_image_counts_once_however_many_sizes_are_named():
    live = listing_images([NEW.format("default"), OLD.format("large"), NEW.format("large")], archived=False)
    assert [(image.key, image.url, image.position) for image in live] == [
        (HEX, NEW.format("large"), 0),
        ("3339050/mini_cooper_mug_0003_1989b1a8", OLD.format("large").replace("http:", "https:"), 1),
    ]


def test_an_archived_image_keeps_the_largest_size_that_the_page_named():
    (image,) = listing_images([NEW.format("thumb"), NEW.format("default"), NEW.format("thumb")], archived=True)
    assert image.url == NEW.format("default")


# Page addresses


@pytest.mark.parametrize(
    "url",
    [
        LISTING,
        LISTING + "/?utm_source=a#b",
        LISTING.replace("https://www.artfire.com", "HTTP://ArtFire.com:80"),
        "https://web.archive.org/web/20160311040506/" + LISTING,
    ],
)
def test_a_listing_has_one_address(url):
    address = read_listing_url(archive.original_url(url))
    assert address
    assert (address.url, address.shop, address.listing_ref) == (LISTING, "DressXpress", "12389222")


@pytest.mark.parametrize(
    "url",
    [
        "https://www.artfire.com/ext/shop/product_view/DressXpress/decal",
        "https://www.artfire.com/ext/shop/product_view/%00/12389222",
        "https://www.artfire.com/ext/shop/product_view//12389222",
        "https://example.com/?to=" + LISTING,
        LISTING.replace("www.artfire.com", "www.artfire.com.example"),
        "mailto:shop@artfire.com",
        SHOP,
    ],
)
def test_another_address_is_no_listing(url):
    assert read_listing_url(url) is None


def test_the_addresses_that_we_make_are_those_that_we_read():
    assert read_shop_url(shop_url("Two Words")) == "Two Words"
    address = read_listing_url(listing_prefix("Two Words") + "123")
    assert address
    assert address.shop == "Two Words"
    assert search_url("wire & bead", 3) == (
        "https://www.artfire.com/ext/discover/?search_term=wire+%26+bead&sort_by=newest&json=yup&page=3"
    )
    assert page_number(search_url("ring", 3)) == 3


# Pages


def test_the_shop_is_found_in_whatever_case_its_name_is_written():
    body = f'<a href="{LISTING}">Decal</a>'
    page = read_page(body, SHOP.replace("DressXpress", "dressxpress"))
    assert [listing.listing_ref for listing in page.listings] == ["12389222"]


def test_a_shop_page_without_goods_of_the_shop_is_a_changed_page():
    with pytest.raises(PageChangedError, match="DressXpress was not found"):
        read_page(f'<a href="{LISTING.replace("DressXpress", "Other")}">Decal</a>', SHOP)


@pytest.mark.parametrize(
    ("url", "total", "next_number"),
    [(SEARCH, 24, None), (SEARCH, 25, 2), (f"{SEARCH}&page=2", 49, 3), (f"{SEARCH}&page=3", 49, None)],
)
def test_a_search_ends_with_the_number_found(url, total, next_number):
    page = read_page(f'<input name="total_found" value="{total}"><a href="{LISTING}">Decal</a>', url)
    assert page.next_page == (f"{SEARCH}&page={next_number}" if next_number else None)


def test_past_the_last_page_of_a_search_is_an_empty_page():
    page = read_page('<input name="total_found" value="1,049">', f"{SEARCH}&page=3")
    assert page == Page(kind=PageKind.SEARCH)


def test_a_link_that_is_marked_as_next_counts_before_a_numbered_one():
    links = '<a href="?page=2">2</a><a rel="nofollow next" href="?page=2&amp;after=9">Next</a>'
    assert read_page(f'<a href="{LISTING}">Decal</a>{links}', SHOP).next_page == f"{SHOP}?page=2&after=9"


def test_a_next_link_to_the_same_page_or_to_another_site_is_none():
    body = (
        f'<a href="{LISTING}">Decal</a><link rel="next" href="{SHOP}"><a rel="next" href="https://example.com/2">2</a>'
    )
    assert read_page(body, SHOP).next_page is None


def test_only_the_preview_image_of_a_listing_is_not_all_of_its_images():
    page = read_page(f'<title>Decal</title><meta property="og:image" content="{NEW.format("large")}">', LISTING)
    (listing,) = page.listings
    assert [image.key for image in listing.images] == [HEX]
    assert not listing.complete


def test_a_price_without_a_currency_is_read_without_one():
    page = read_page(f'<img data-x-large="{NEW.format("large")}"><div itemprop="price">12.50</div>', LISTING)
    (listing,) = page.listings
    assert (str(listing.price_min), listing.currency, listing.title) == ("12.50", None, None)


def test_addresses_in_a_srcset_are_read():
    srcset = f"{OLD.format('default')} 1x, {OLD.format('large')} 2x"
    page = read_page(f'<img srcset="{srcset}">', LISTING.replace("12389222", "3339050"))
    assert [image.key for image in page.listings[0].images] == ["3339050/mini_cooper_mug_0003_1989b1a8"]


def test_a_block_in_place_of_the_page_is_named():
    with pytest.raises(PageBlockedError, match="captcha"):
        read_page('<script src="https://ct.captcha-delivery.com/c.js"></script>', LISTING)


# Records


def record(**changes):
    return {
        "id": 14138186,
        "seller_name": "AmeliaOriginals",
        "seller_id": 11829,
        "title": "Silver &amp; Wire",
        "created": "2018-05-21 21:04:13",
        "price": 25,
        "image": NEW.format("default"),
    } | changes


def read_record(**changes):
    (listing,) = read_page(json.dumps([record(**changes)]), SEARCH).listings
    return listing


def test_a_record_with_an_address_keeps_it():
    url = "https://www.artfire.com/ext/shop/product_view/Amelia/14138186/silver"
    assert read_record(url=url + "?a=1").url == url
    assert read_record(link="/ext/shop/product_view/Amelia/14138186/silver").url == url
    assert read_record(related="/ext/shop/product_view/Amelia/99/other").url == (
        "https://www.artfire.com/ext/shop/product_view/AmeliaOriginals/14138186"
    )


def test_a_date_of_known_time_zone_is_that_moment():
    listing = read_record(created="2018-05-21T21:04:13-07:00")
    assert listing.listed_at == datetime(2018, 5, 22, 4, 4, 13, tzinfo=UTC)
    assert listing.claims[0].earliest_at == listing.claims[0].latest_at == listing.listed_at


@pytest.mark.parametrize(
    "created", ["", "0000-00-00 00:00:00", "0001-01-01", "9999-12-31 23:59:59", "yesterday", 1526936653, None]
)
def test_a_date_that_cannot_be_meant_is_none(created):
    listing = read_record(created=created)
    assert (listing.listed_at, listing.claims) == (None, ())


@pytest.mark.parametrize("price", [None, "", "free", -5, True, 1e300, [25]])
def test_a_price_that_cannot_be_meant_is_none(price):
    assert read_record(price=price).price_min is None


def test_text_that_no_database_stores_is_left_out():
    assert read_record(title="Silver\x00 \ud800Wire\n").title == "Silver Wire"


@pytest.mark.parametrize("changes", [{"id": None}, {"id": True}, {"id": "x"}, {"title": ""}, {"seller_name": " "}])
def test_an_object_without_number_title_or_seller_is_no_record(changes):
    with pytest.raises(PageChangedError, match="any item record was not found"):
        read_page(json.dumps([record(**changes)]), SEARCH)


def test_a_record_is_found_wherever_it_stands_and_once():
    page = read_page(json.dumps({"a": [{"b": {"c": [record()]}}], "d": record(title="Again")}), SEARCH)
    assert [listing.title for listing in page.listings] == ["Silver & Wire"]


def test_cards_in_a_json_answer_are_read():
    page = read_page(json.dumps({"html": f'<div><a href="{LISTING}"><img alt="Decal"></a></div>'}), SEARCH)
    assert [(listing.listing_ref, listing.title) for listing in page.listings] == [("12389222", "Decal")]


def test_an_answer_at_the_address_of_a_listing_must_be_about_that_listing():
    page = read_page(json.dumps(record()), LISTING.replace("12389222", "14138186"))
    assert (page.kind, page.listings[0].listing_ref) == (PageKind.LISTING, "14138186")
    with pytest.raises(PageChangedError, match="a record of the listing"):
        read_page(json.dumps(record()), LISTING)


def test_an_answer_of_no_known_address_counts_if_it_holds_records():
    url = "https://www.artfire.com/ext/api/newest"
    assert read_page(json.dumps([record()]), url).kind == PageKind.SEARCH
    with pytest.raises(UnknownPageError):
        read_page('{"ok": true}', url)


# Archived pages


def test_what_is_in_the_archive_but_not_of_artfire_is_unknown():
    with pytest.raises(UnknownPageError, match="no capture of an ArtFire page"):
        artfire.read_archived_page("<p>", "https://web.archive.org/web/20160311040506/https://example.com/")


def test_the_archives_index_leads_to_the_oldest_capture_of_each_listing():
    rows = [
        ["timestamp", "original"],
        ["20180102030405", LISTING + "/new_slug"],
        ["20140102030405", LISTING.replace("https:", "http:")],
        ["20150102030405", LISTING.replace("12389222", "777")],
        ["20130102030405", SHOP],
        [],
        ["key%21"],
    ]
    url = archive.index_url(listing_prefix("DressXpress"), prefix=True)
    page = read_page(json.dumps(rows), url)
    assert page == Page(
        kind=PageKind.SEARCH,
        listing_urls=(
            f"https://web.archive.org/web/20140102030405id_/{LISTING.replace('https:', 'http:')}",
            f"https://web.archive.org/web/20150102030405id_/{LISTING.replace('12389222', '777')}",
        ),
        next_page=url + "&resumeKey=key%21",
    )
    assert read_page("[]", url) == Page(kind=PageKind.SEARCH)


@pytest.mark.parametrize("name", ["{{zoom}}", "{}", "{x", "\x1f", "\ufffe"])
def test_an_attribute_of_any_name_is_no_hindrance(name):
    page = read_page(f'<img {name} data-x-large="{NEW.format("large")}">', LISTING)
    assert [image.key for image in page.listings[0].images] == [HEX]


# Bad input


@given(body=st.text(), url=st.sampled_from([LISTING, SHOP, SEARCH, "https://www.artfire.com/"]) | st.text())
def test_any_text_is_read_or_refused_by_name(body, url):
    with contextlib.suppress(PageError):
        assert isinstance(artfire.read_page(body, url), Page)
    with contextlib.suppress(PageError):
        assert isinstance(artfire.read_archived_page(body, url), Page)


@given(data=st.data(), name=st.sampled_from(sorted(SAMPLES)))
def test_a_damaged_sample_is_read_or_refused_by_name(data, name):
    body, url = SAMPLES[name]
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    insert = data.draw(
        st.text(max_size=8) | st.sampled_from(['"', "[", "{", "<", "http://[", "//[", "\ud800", "1e999"])
    )
    with contextlib.suppress(PageError):
        page = read_page(body[:start] + insert + body[end:], url)
        for listing in page.listings:
            assert listing.listing_ref.isdigit()
            assert len({image.key for image in listing.images}) == len(listing.images)


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"a":' * 100_000, "<div>" * 50_000, "<a href='//['>" * 1000, "\x00", " " * 10_000]
)
@pytest.mark.parametrize("url", [LISTING, SHOP, SEARCH])
def test_a_page_made_to_hurt_is_refused_by_name(body, url):
    with pytest.raises(PageError):
        read_page(body, url)
