"""The replica answers as the marketplaces do, and what it shows is what its catalogue says."""

import base64
import hashlib
import http.client
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from PIL import Image, UnidentifiedImageError
from protego import Protego

from theftwatch.demo import addresses, captured, photos
from theftwatch.demo.catalogue import Edit, SellerKind, Served, load_catalogue, read_picture
from theftwatch.demo.etsy_api import CALLS_PER_DAY, CALLS_PER_SECOND, CallLimit
from theftwatch.demo.replica import running_replica
from theftwatch.demo.starts import start_lines
from theftwatch.errors import PageBlockedError, PageChangedError, PageGoneError
from theftwatch.pages import archive, etsy_api
from theftwatch.pages.read import read_page

CATALOGUE = load_catalogue()
SHOPS = [seller for seller in CATALOGUE.sellers if seller.kind is SellerKind.SHOP]
BROWSER = "Mozilla/5.0 (test)"


@pytest.fixture(scope="module")
def replica():
    with running_replica() as running:
        yield running


@pytest.fixture
def etsy_key():
    return {"x-api-key": "keystring:secret"}


def get(replica, url, *, method="GET", headers=()):
    """Ask the replica for a real address; return status, headers and body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", replica.port)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, headers={"Host": parts.netloc, **dict(headers)})
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def read(replica, url):
    """Read a page of the replica as a spider would."""
    status, _, body = get(replica, url)
    assert status == 200, url
    return read_page(body.decode(), url)


def offers(*served, marketplace=None):
    return [
        pytest.param(offer, id=f"{offer.listing.marketplace}-{offer.listing.listing_ref}")
        for offer in CATALOGUE.offers
        if offer.served in served
        and offer.seller.kind is not SellerKind.ARCHIVED
        and marketplace in {None, offer.listing.marketplace}
    ]


def assert_same(found, expected):
    """Compare a listing that was read with the catalogue's."""
    fields = ("marketplace", "listing_ref", "title", "price_min", "price_max", "currency")
    assert {name: getattr(found, name) for name in fields} == {name: getattr(expected, name) for name in fields}
    assert (found.seller.ref, found.seller.name) == (expected.seller.ref, expected.seller.name)
    assert [(image.url, image.key, image.position) for image in found.images] == [
        (image.url, image.key, image.position) for image in expected.images
    ]
    assert found.complete


@pytest.mark.parametrize("offer", offers(Served.PAGE))
def test_listing_page_reads_as_the_catalogue_says(replica, offer):
    (listing,) = read(replica, offer.listing.url).listings
    assert_same(listing, offer.listing)


@pytest.mark.parametrize("offer", offers(Served.SCRIPT))
def test_script_page_shows_nothing_until_its_script_has_run(replica, offer):
    _, _, body = get(replica, offer.listing.url)
    with pytest.raises(PageChangedError):
        read_page(body.decode(), offer.listing.url)

    (packed,) = re.findall(r'packed = "([^"]+)"', body.decode())
    (listing,) = read_page(base64.b64decode(packed).decode(), offer.listing.url).listings
    assert_same(listing, offer.listing)


@pytest.mark.parametrize(
    ("served", "status", "error"),
    [
        (Served.CAPTCHA, 403, PageBlockedError),
        (Served.SLIDER, 200, PageBlockedError),
        (Served.CHANGED, 200, PageChangedError),
    ],
)
def test_hurdle_is_told_from_a_page(replica, served, status, error):
    hurdles = [offer for offer in CATALOGUE.offers if offer.served is served]
    assert hurdles
    for offer in hurdles:
        answered, _, body = get(replica, offer.listing.url)
        assert answered == status
        with pytest.raises(error):
            read_page(body.decode(), offer.listing.url)


def test_gone_listing_is_404_and_still_in_its_shop(replica):
    gone = [offer for offer in CATALOGUE.offers if offer.served is Served.GONE]
    assert {offer.listing.marketplace for offer in gone} == {"etsy", "alibaba"}
    for offer in gone:
        assert get(replica, offer.listing.url)[0] == 404
        (start,) = (line for line in first_pages(offer.seller.seller.marketplace) if offer.seller.handle in line)
        assert offer.listing.listing_ref in refs_of(read(replica, start))


@pytest.mark.parametrize("seller", SHOPS, ids=lambda seller: seller.handle)
def test_shop_lists_its_goods_page_by_page(replica, seller):
    start = next(url for url in first_pages(seller.seller.marketplace) if seller.handle in url)
    found, url, pages = [], start, 0
    while url:
        page = read(replica, url)
        found += refs_of(page)
        url, pages = page.next_page, pages + 1
    assert found == [offer.listing.listing_ref for offer in CATALOGUE.of_seller(seller)]
    assert pages == {"DemoSecondBloom": 2, "demoharbour": 2}.get(seller.handle, 1)


def first_pages(marketplace):
    sellers = [one for one in CATALOGUE.sellers if one.seller.marketplace == marketplace]
    tail = "productlist.html" if marketplace == "alibaba" else ""
    return [f"{one.seller.url}{tail}" for one in sellers]


def refs_of(page):
    return [listing.listing_ref for listing in page.listings]


@pytest.mark.parametrize("path", ["", "index.html?from=detail", "company_profile.html"])
def test_vendor_has_a_profile_that_leads_to_its_goods(replica, path):
    page = read(replica, f"https://demoharbour.en.alibaba.com/{path}")
    assert [(seller.ref, seller.name) for seller in page.sellers] == [("990000101", "Harbour Demo Garments Co., Ltd.")]
    assert "https://demoharbour.en.alibaba.com/productlist.html" in page.seller_urls


@pytest.mark.parametrize(
    ("url", "same_as"),
    [
        ("https://www.etsy.com/listing/1385245506", "etsy_listing.html.gz"),
        ("https://www.alibaba.com/product-detail/_1601115433652.html?spm=a", "alibaba_listing_english.html.gz"),
        (
            "https://arabic.alibaba.com/product-detail/Fafrees-F20-Pro-1601428756950.html",
            "alibaba_listing_arabic.html.gz",
        ),
        ("https://www.etsy.com/shop/WovenRainbowsByErin?ref=x", "etsy_shop.html.gz"),
    ],
)
def test_captured_page_is_there_under_its_other_addresses(replica, url, same_as):
    assert get(replica, url)[2] == captured.read_captured(same_as)


def test_captured_shop_has_no_second_page(replica):
    assert get(replica, "https://www.etsy.com/shop/WovenRainbowsByErin?page=2")[0] == 404


@pytest.mark.parametrize("page", captured.captured_pages(), ids=lambda page: page.file)
def test_captured_page_is_there_byte_for_byte(replica, page):
    assert hashlib.sha256(captured.read_captured(page.file)).hexdigest() == page.sha256
    if page.url:
        status, _, body = get(replica, page.url)
        assert (status, hashlib.sha256(body).hexdigest()) == (page.status, page.sha256)


@pytest.mark.parametrize("marketplace", ["etsy", "alibaba"])
def test_captured_listings_have_photos_that_stand_in(replica, marketplace):
    for url in captured.captured_listings(marketplace):
        (listing,) = read(replica, url).listings
        assert listing.images
        for image in listing.images:
            status, _, body = get(replica, image.url)
            assert (status, opened(body).format) == (200, "JPEG"), image.url


def test_stand_ins_of_one_side_are_not_those_of_the_other():
    etsy, alibaba = (set(captured.STAND_INS[name].split()) for name in ("etsy", "alibaba"))
    shown = {
        photo.partition(".")[0] for offer in CATALOGUE.offers for one in offer.shown for photo in one.picture.photos
    }
    assert not etsy & alibaba
    assert not (etsy | alibaba) & shown


def opened(body):
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def test_every_picture_answers_at_its_address(replica):
    for offer in CATALOGUE.offers:
        for shown in offer.shown:
            if offer.seller.kind is SellerKind.ARCHIVED:
                assert get(replica, shown.url)[0] == 404, "the marketplace has dropped it"
                continue
            status, headers, body = get(replica, shown.url)
            if shown.picture.edit is Edit.MISSING:
                assert status == 404
                continue
            assert status == 200
            assert headers["Content-Type"] == ("image/png" if body.startswith(b"\x89PNG") else "image/jpeg")
            if shown.picture.edit is Edit.BROKEN:
                with pytest.raises((OSError, UnidentifiedImageError)):
                    opened(body)
            else:
                opened(body)


def test_exact_copy_has_the_bytes_of_the_original(replica):
    copies = [one for offer in CATALOGUE.offers for one in offer.shown if one.picture.edit is Edit.EXACT]
    originals = {
        one.picture.photos: one for offer in CATALOGUE.offers for one in offer.shown if one.picture.edit is Edit.NONE
    }
    assert len(copies) >= 6
    for copy in copies:
        original = originals[copy.picture.photos]
        assert copy.url != original.url
        assert get(replica, copy.url)[2] == photos.photo_bytes(copy.picture.photos[0])
        if "artfire" not in original.url:
            assert get(replica, original.url)[2] == get(replica, copy.url)[2]


@pytest.mark.parametrize(
    ("ending", "side_px"),
    [("_350x350.jpg", 350), ("_120x120.jpg", 120), ("_960x960q80.jpg", 532), ("_Q75.jpg", 532), ("", 532)],
)
def test_image_comes_in_the_size_that_is_asked_for(replica, ending, side_px):
    offer = next(offer for offer in CATALOGUE.offers if offer.listing.listing_ref == "1690000000101")
    url = offer.shown[0].url.replace("https://sc04.alicdn.com/", "https://s.alicdn.com/@sc04/") + ending
    assert max(opened(get(replica, url)[2]).size) == side_px


@pytest.mark.parametrize("url", [CATALOGUE.offers[0].shown[0].url, CATALOGUE.offers[0].listing.url])
def test_what_has_not_changed_is_not_sent_again_to_who_has_it(replica, url):
    _, headers, _ = get(replica, url)
    status, _, body = get(replica, url, headers={"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")


def test_placeholder_is_in_a_listing_and_read_by_none(replica):
    (shown,) = (one for offer in CATALOGUE.offers for one in offer.shown if one.image is None)
    assert shown.url == addresses.PLACEHOLDER_URL
    assert get(replica, shown.url)[0] == 200


@pytest.mark.parametrize(
    ("host", "url", "allowed"),
    [
        ("www.alibaba.com", "https://www.alibaba.com/product-detail/Shirt_1690000000101.html", True),
        ("www.alibaba.com", "https://www.alibaba.com/product-detail/Shirt_1690000000101.html?a=1", False),
        ("www.alibaba.com", "https://www.alibaba.com/trade/search?SearchText=shirt", False),
        ("demoharbour.en.alibaba.com", "https://demoharbour.en.alibaba.com/productlist-2.html", True),
        ("www.etsy.com", "https://www.etsy.com/listing/1900000101/shirt", True),
        ("www.etsy.com", "https://www.etsy.com/shop/DemoSecondBloom?page=2", True),
        ("www.etsy.com", "https://www.etsy.com/api/v3/ajax", False),
        ("www.artfire.com", "https://www.artfire.com/ext/shop/home/DemoOldMillCrafts", True),
        ("www.artfire.com", "https://www.artfire.com/ext/cart/view", False),
    ],
)
def test_robots_allow_what_they_allow_there(replica, host, url, allowed):
    status, _, body = get(replica, f"https://{host}/robots.txt")
    assert status == 200
    assert Protego.parse(body.decode()).can_fetch(url, "theftwatch") is allowed


def test_api_gives_a_shop_with_its_images_and_dates(replica, etsy_key):
    shop = json.loads(get(replica, etsy_api.shop_by_name_url("demosecondbloom"), headers=etsy_key)[2])["results"][0]
    url = etsy_api.active_listings_url(str(shop["shop_id"]))
    listed = json.loads(get(replica, url, headers=etsy_key)[2])
    assert listed["count"] == len(listed["results"]) == shop["listing_active_count"]

    refs = [str(result["listing_id"]) for result in listed["results"]]
    batch = etsy_api.batch_url(refs)
    page = read_page(get(replica, batch, headers=etsy_key)[2].decode(), batch)
    expected = {offer.listing.listing_ref: offer.listing for offer in CATALOGUE.offers}
    assert [listing.listing_ref for listing in page.listings] == refs
    for listing in page.listings:
        assert [image.key for image in listing.images] == [image.key for image in expected[listing.listing_ref].images]
        assert listing.images[0].published_at == expected[listing.listing_ref].listed_at
        assert listing.seller
        assert listing.seller.name == "DemoSecondBloom"


def test_two_listings_of_a_shop_share_one_image():
    shown = [one for offer in CATALOGUE.offers if offer.seller.handle == "DemoSecondBloom" for one in offer.shown]
    assert len({one.url for one in shown}) == len(shown) - 1


def test_api_leaves_out_what_is_gone(replica, etsy_key):
    (gone,) = (one for one in CATALOGUE.offers if one.served is Served.GONE and one.listing.marketplace == "etsy")
    url = etsy_api.active_listings_url(str(gone.seller.seller.ref))
    results = json.loads(get(replica, url, headers=etsy_key)[2])["results"]
    assert len(results) == len(CATALOGUE.of_seller(gone.seller)) - 1
    assert get(replica, etsy_api.api_listing_url(gone.listing.listing_ref), headers=etsy_key)[0] == 404


def test_api_has_the_captured_listing(replica, etsy_key):
    (url,) = captured.captured_listings("etsy")
    (expected,) = read(replica, url).listings
    call = etsy_api.api_listing_url(expected.listing_ref)
    status, _, body = get(replica, call, headers=etsy_key)
    assert status == 200
    (listing,) = read_page(body.decode(), call).listings
    assert [image.key for image in listing.images] == [image.key for image in expected.images]
    assert (listing.title, listing.price_min) == (expected.title, expected.price_min)


@pytest.mark.parametrize("key", ["", "keystring", ":", "a b:c"])
def test_api_refuses_a_wrong_key(replica, key):
    status, _, body = get(replica, etsy_api.shop_by_name_url("x"), headers={"x-api-key": key})
    assert status == 403
    assert "keystring:shared_secret" in json.loads(body)["error"]


def test_api_keeps_to_its_limit(etsy_key):
    url = etsy_api.shop_by_name_url("DemoSecondBloom")
    with running_replica() as fresh:
        fresh.limit = CallLimit(clock_s=lambda: 0)
        answers = [get(fresh, url, headers=etsy_key) for _ in range(CALLS_PER_SECOND + 1)]
        fresh.limit = CallLimit(clock_s=itertools.count().__next__)
        assert {get(fresh, url, headers=etsy_key)[0] for _ in range(CALLS_PER_SECOND + 1)} == {200}
    first, last = etsy_api.read_limits(answers[0][1]), answers[-1]
    assert (first.per_second, first.remaining_this_second) == (CALLS_PER_SECOND, CALLS_PER_SECOND - 1)
    assert (first.remaining_today, first.per_day) == (CALLS_PER_DAY - 1, CALLS_PER_DAY)
    assert last[0] == 429
    assert json.loads(last[2]) == {"error": "Exceeded per second rate limit"}
    assert etsy_api.read_limits(last[1]).retry_after_s == 1


@pytest.fixture(scope="module")
def archived():
    (seller,) = (one for one in CATALOGUE.sellers if one.kind is SellerKind.ARCHIVED)
    return CATALOGUE.of_seller(seller)


def index_of_shop(**query):
    return archive.index_url("https://www.artfire.com/ext/shop/product_view/DemoRiverLoft/", prefix=True, **query)


def captures_of(replica, index):
    return archive.read_index(get(replica, index)[2].decode())


def test_archive_has_the_shop_that_is_gone(replica, archived):
    captures = captures_of(replica, index_of_shop()).captures
    assert len(captures) == len(archived)
    found = {}
    for capture in captures:
        (listing,) = read(replica, capture.url).listings
        assert [claim.latest_at for claim in listing.claims] == [capture.captured_at]
        found[listing.listing_ref] = listing
    for offer in archived:
        assert_same(found[offer.listing.listing_ref], offer.listing)
        assert get(replica, offer.listing.url)[0] == 404


def test_archive_leads_to_the_nearest_capture_of_an_image(replica, archived):
    capture = captures_of(replica, index_of_shop()).captures[0]
    (listing,) = read(replica, capture.url).listings
    status, headers, _ = get(replica, archive.capture_url(capture.captured_at, listing.images[0].url))
    assert status == 302
    nearest = archive.read_capture_url(headers["Location"])
    assert nearest
    assert timedelta(0) < nearest.captured_at - capture.captured_at < timedelta(minutes=5)
    status, _, body = get(replica, headers["Location"])
    assert status == 200
    assert body in {photos.photo_bytes(one.picture.photos[0]) for offer in archived for one in offer.shown}


def test_archive_index_goes_on_where_it_stopped(replica):
    whole = captures_of(replica, index_of_shop()).captures
    index, parts = index_of_shop(limit=4), []
    while index:
        answer = captures_of(replica, index)
        assert len(answer.captures) <= 4
        parts += answer.captures
        index = answer.resume_key and archive.resumed_url(index, answer.resume_key)
    assert tuple(parts) == whole


def test_archive_index_of_nothing_is_empty(replica):
    index = archive.index_url("https://www.artfire.com/ext/shop/product_view/Nobody/", prefix=True)
    assert archive.read_index(get(replica, index)[2].decode()).captures == ()


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://www.etsy.com/listing/1", 404),
        ("https://www.etsy.com/shop/DemoSecondBloom?page=9", 404),
        ("https://i.etsystatic.com/90000101/r/il/000000/1/il_fullxfull.1_abcd.jpg", 404),
        ("https://sc04.alicdn.com/kf/H00000000000000000000000000000000a.jpg", 404),
        ("https://www.alibaba.com/product-detail/Nothing_1690000009999.html", 404),
        ("https://nobody.en.alibaba.com/productlist.html", 404),
        ("https://web.archive.org/web/20160311040506id_/https://www.artfire.com/", 404),
        ("https://www.example.com/", 421),
    ],
)
def test_what_is_not_there_is_not_found(replica, url, status):
    assert get(replica, url)[0] == status


def test_head_has_no_body(replica):
    status, headers, body = get(replica, CATALOGUE.offers[0].listing.url, method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0


def test_host_map_covers_every_address():
    mapped = addresses.host_map(8080)
    urls = [offer.listing.url for offer in CATALOGUE.offers]
    urls += [shown.url for offer in CATALOGUE.offers for shown in offer.shown]
    urls += [page.url for page in captured.captured_pages() if page.url]
    for url in urls:
        host = urlsplit(url).netloc
        wild = {f"*.{host.split('.', count)[-1]}" for count in range(1, host.count(".") + 1)}
        assert mapped.keys() & {host, *wild}, url
    assert set(mapped.values()) == {"127.0.0.1:8080"}


def test_start_lines_reach_all_sellers():
    lines = {name: start_lines(CATALOGUE, name) for name in ("etsy", "artfire", "alibaba")}
    assert "shop=DemoSecondBloom" in lines["etsy"]
    assert lines["artfire"] == ["shop=DemoOldMillCrafts", "archive=DemoRiverLoft"]
    assert "vendor=demohurdle" in lines["alibaba"]
    assert "vendor=demohurdle" not in start_lines(CATALOGUE, "alibaba", hurdles=False)
    captured_ones = [line for each in lines.values() for line in each if line.startswith("https://")]
    assert sum(map(len, lines.values())) == len(CATALOGUE.sellers) + len(captured_ones)
    assert len(captured_ones) == 3


def test_another_day_is_another_catalogue():
    first, *rest = CATALOGUE.offers
    dearer = replace(first, listing=replace(first.listing, title="Dearer now", price_max=Decimal("99.00")))
    with running_replica() as running:
        running.show(replace(CATALOGUE, offers=(dearer, *rest[1:])))
        (listing,) = read(running, first.listing.url).listings
        assert (listing.title, listing.price_max) == ("Dearer now", Decimal("99.00"))
        assert get(running, rest[0].listing.url)[0] == 404
        assert rest[0].listing.listing_ref not in refs_of(read(running, first.seller.seller.url))


@pytest.mark.parametrize("marketplace", ["etsy", "alibaba"])
def test_goods_that_are_no_longer_there_have_a_page_that_says_so(marketplace):
    offer = next(offer for offer in CATALOGUE.offers if offer.listing.marketplace == marketplace)
    offers = tuple(replace(one, served=Served.UNAVAILABLE) if one == offer else one for one in CATALOGUE.offers)
    with running_replica(replace(CATALOGUE, offers=offers)) as running:
        status, _, body = get(running, offer.listing.url)
    assert status == 200
    with pytest.raises(PageGoneError):
        read_page(body.decode(), offer.listing.url)


def test_requests_are_logged(tmp_path):
    log = tmp_path / "requests.jsonl"
    with running_replica(log=log) as running:
        get(running, "https://www.etsy.com/robots.txt", headers={"User-Agent": BROWSER})
        get(running, "https://www.etsy.com/shop/DemoSecondBloom?page=2")
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert (first["host"], first["path"], first["user_agent"], first["status"]) == (
        "www.etsy.com",
        "/robots.txt",
        BROWSER,
        200,
    )
    assert (second["path"], second["query"]) == ("/shop/DemoSecondBloom", "page=2")
    assert first["at"] <= second["at"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_replica_runs_by_itself_until_it_is_stopped(end):
    command = [sys.executable, "-m", "theftwatch.demo.replica", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        address = process.stdout.readline().strip()
        port = urlsplit(address).port
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/robots.txt", headers={"Host": "www.artfire.com"})
        assert connection.getresponse().read()
        # The connection is still open: stopping must not wait for it
        os.kill(process.pid, end)
        assert process.wait(120) == 0
        connection.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("word", "edit", "variant", "names"),
    [
        ("a.jpg", Edit.NONE, "", ("a.jpg",)),
        ("mirrored=a.jpg", Edit.MIRRORED, "", ("a.jpg",)),
        ("resized-150=a.jpg", Edit.RESIZED, "150", ("a.jpg",)),
        ("collage=a.jpg+b.jpg", Edit.COLLAGE, "", ("a.jpg", "b.jpg")),
        ("size-chart", Edit.DRAWN, "size-chart", ()),
    ],
)
def test_picture_is_read_from_its_word(word, edit, variant, names):
    picture = read_picture(word)
    assert (picture.edit, picture.variant) == (edit, variant)
    assert picture.photos == (names if names else ())


@pytest.mark.parametrize(
    ("word", "size"),
    [
        ("resized-150=049fb77f0266.jpg", (113, 150)),
        ("resized-720=049fb77f0266.jpg", (541, 720)),
        ("mirrored=049fb77f0266.jpg", (400, 532)),
        ("padded-square=049fb77f0266.jpg", (532, 532)),
        ("padded-border=049fb77f0266.jpg", (506, 638)),
        ("cropped=049fb77f0266.jpg", (280, 372)),
    ],
)
def test_edit_has_its_size(word, size):
    assert opened(photos.picture_bytes(read_picture(word))).size == size


def test_mirrored_twice_is_the_photo_again():
    once = opened(photos.picture_bytes(read_picture("mirrored=049fb77f0266.jpg")))
    photo = opened(photos.photo_bytes("049fb77f0266.jpg"))
    left, right = photo.resize((8, 8)).getpixel((0, 4)), once.resize((8, 8)).getpixel((7, 4))
    assert max(abs(one - other) for one, other in zip(left, right, strict=True)) < 8


def test_pictures_are_the_same_in_every_run():
    picture = read_picture("banner=049fb77f0266.jpg")
    assert photos.picture_bytes.__wrapped__(picture) == photos.picture_bytes.__wrapped__(picture)
