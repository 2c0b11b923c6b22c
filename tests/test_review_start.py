"""The start of the review page: four ways in, and an artisan's way from her photos to a bundle."""

import http.client
import json
import re
import time
import uuid
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.crawling import World
from tests.matched import DRESS, HAT
from tests.reviewing import WAIT_MAX_S, Review
from tests.test_context import rows
from tests.test_review import filled, looked_at, unused_port
from tests.test_review_pages import text_of
from theftwatch.demo.replica import running_replica
from theftwatch.web.upload import UPLOAD_MAX_BYTES

__all__ = ["filled", "unused_port"]  # fixtures

CRAWL_MAX_S = 240


@pytest.fixture
def review(filled, tmp_path, unused_port):
    away = "127.0.0.1:9"
    own = {
        "THEFTWATCH_DESCRIPTOR": "off",
        "THEFTWATCH_HOST_MAP": f"*.alibaba.com={away},*.etsy.com={away}",
        "THEFTWATCH_NODES": f"http://{away}",
    }
    spoiled = tmp_path / "data/theftwatch/sent/spoiled"  # by a machine that went down
    spoiled.mkdir(parents=True)
    (spoiled / "about.json").write_bytes(b"")
    started = Review(filled, tmp_path / "data", unused_port, "--by", "Eva", **own)
    yield started
    said = started.stop()
    assert "Traceback" not in said, said[-2000:]


def send(review, path, fields, files, **headers):
    """Send a form with files, as a browser does, and return status, address that it leads to and text."""
    mark = uuid.uuid4().hex
    given = [(f'name="{name}"', value.encode()) for name, value in fields]
    given += [(f'name="{field}"; filename="{name}"', data) for field, name, data in files]
    parts = [f"--{mark}\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode() + data for what, data in given]
    body = b"\r\n".join([*parts, f"--{mark}--\r\n".encode()])
    connection = http.client.HTTPConnection("127.0.0.1", review.port, timeout=WAIT_MAX_S)
    own = {"Origin": review.origin, "Content-Type": f"multipart/form-data; boundary={mark}"} | headers
    connection.request("POST", path, body, own)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("location"), text


def finished(review, path):
    """Wait until something that was sent is taken in, and return what its page says."""
    deadline = time.monotonic() + WAIT_MAX_S
    while any(word in (said := text_of(review, path)) for word in ("Received", "Being taken in")):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said


def test_an_artisan_gets_from_her_photos_to_a_bundle(review, filled, chromium, tmp_path):
    photo = tmp_path / "hat <1>.jpg"
    photo.write_bytes(HAT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        pages = looked_at(browser.new_context(accept_downloads=True))
        page = next(pages)
        page.goto(review.origin)
        page.get_by_label("Whose photos they are").fill("Hana")
        page.get_by_label("The photos").set_input_files(photo)
        page.get_by_role("button", name="Search for my photos").click()
        expect(page.locator("#state")).to_have_text("Taken in")
        expect(page.locator(".lead")).to_contain_text("1 photo in the record, 1 compared, 1 match and 0 worth a look")
        page.locator(".card .photos").click()
        expect(page.locator("h1")).to_have_text(re.compile(r"Finding \d+"))
        finding = page.url
        page.keyboard.press("c")
        page.wait_for_url(re.compile("done="))
        page.goto(finding)
        page.get_by_label("No case is proposed on it").fill("I drew it in 2019, and have the sketches")
        page.get_by_role("button", name="Open a case").click()
        expect(page.locator("h1")).to_have_text("Case 1")
        with page.expect_download(timeout=120_000) as sent:
            page.get_by_role("button", name="Build the bundle").click()
        with zipfile.ZipFile(sent.value.path()) as bundle:
            manifest = json.loads(bundle.read("manifest.json"))
            assert manifest["artisan"] == "Hana"
            assert bundle.read(next(name for name in bundle.namelist() if name.startswith("originals/"))) == HAT
        page.goto(f"{review.origin}/cases")
        expect(page.locator(".due")).to_contain_text("Case 1, Hana and")
        page.goto(review.origin)
        expect(page.get_by_text("In cases 1 thing is due.")).to_be_visible()
        page.goto(f"{review.origin}/cases/1")
        page.get_by_label("Its number").fill("IPP-17")
        page.get_by_role("button", name="The complaint was filed").click()
        expect(page.locator("[role=status]")).to_contain_text("Entered: filed, 1 listing.")
        next(pages, None)
        browser.close()
    [*_, filed] = rows(filled, "select kind, reference from case_event order by id")
    assert filed == {"kind": "filed", "reference": "IPP-17"}
    assert rows(filled, "select name from original_file order by id")[-1] == {"name": "hat -1-.jpg"}


def test_photos_are_bounded_and_an_empty_result_says_what_was_compared(review, filled):
    own = [("artisan", "Ida")]
    for fields, files, expected, told in (
        ([], [("photos", "a.jpg", DRESS)], 422, "whose photos they are"),
        (own, [("photos", "", b"")], 422, "any photo"),
        (own, [("photos", "a.exe", DRESS)], 422, "A.exe: not taken"),
        ([*own, ("given_as", "sketch")], [("photos", "a.jpg", DRESS)], 400, "no kind of photo"),
        (own, [("photos", f"{n}.jpg", b"x") for n in range(101)], 400, "100 files at most"),
    ):
        status, _, text = send(review, "/photos", fields, files)
        assert (status, told in text) == (expected, True), told
    assert send(review, "/photos", own, [("photos", "a.jpg", DRESS)], Origin="http://evil.example")[0] == 403
    connection = http.client.HTTPConnection("127.0.0.1", review.port, timeout=WAIT_MAX_S)
    connection.putrequest("POST", "/photos")
    sent = {"Origin": review.origin, "Content-Type": "multipart/form-data; boundary=x"}
    for name, value in (sent | {"Content-Length": str(UPLOAD_MAX_BYTES + 1)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()

    names = ["../../etc/passwd.jpg", "C:\\photos\\a.jpg", "a.jpg", "broken.png", "IMG_1.HEIC"]
    photos = [b"\xff\xd8\xff", DRESS[:-3000], DRESS + b"\0", b"no photo", b"x"]
    status, where, _ = send(review, "/photos", own, [("photos", *each) for each in zip(names, photos, strict=True)])
    assert status == 303
    said = finished(review, where)
    assert "4 photos in the record, 1 compared, 3 cannot be compared, 0 matches and 0 worth a look, IMG_1.HEIC" in said
    assert "Nothing that needs a look was found among what was compared" in said
    assert "blocked by the marketplace" in said
    stored = {row["name"] for row in rows(filled, "select name from original_file where name <> 'shoot/own.jpg'")}
    assert stored == {"passwd.jpg", "a.jpg", "3-a.jpg", "broken.png"}
    assert review.ask("GET", "/received/none")[0] == 404


def test_a_shop_a_link_and_a_page_are_taken_up_with_what_is_known(review, filled):
    def followed(path, fields):
        status, headers, text = review.ask("POST", path, fields)
        assert status == 303, text
        return headers["location"]

    shop = followed("/shops", {"marketplace": "etsy", "shop": "https://www.etsy.com/shop/AnaMakes?ref=x"})
    said = ended(review, shop)
    assert "Shop AnaMakes on Etsy It is due: the next crawl of Etsy takes it up. It was not visited yet." in said
    assert "The crawl failed: failed at http://127.0.0.1:9: no answer (Connection refused)" in said
    assert followed("/shops", {"marketplace": "etsy", "shop": "AnaMakes"}) == shop
    assert "Not looked : no page of it has been read yet." in text_of(
        review, followed("/shops", {"marketplace": "artfire", "shop": "Nobody"})
    )
    vendor = text_of(review, followed("/addresses", {"address": "harbour.en.alibaba.com/company_profile.html"}))
    assert "Vendor harbour on Alibaba" in vendor
    listing = "https://www.alibaba.com/product-detail/dress_1600000000001.html"
    assert "Listing 1600000000001 on Alibaba" in text_of(review, followed("/addresses", {"address": listing}))
    for fields in ({"address": ""}, {"address": "https://evil.example/x"}, {"address": "javascript:alert(1)"}):
        status, _, text = review.ask("POST", "/addresses", fields)
        assert (status, b'role="alert"' in text) == (422, True)
    assert review.ask("GET", "/watched/999999")[0] == 404
    assert re.search(r"listing 1600000000001 .* vendor harbour .* shop Nobody", text_of(review, "/watched"))
    last = shop.removeprefix("/watched/")
    assert f'href="/watched/{last}"' not in review.ask("GET", f"/watched?before={last}")[2].decode()
    watched = rows(filled, "select kind, ref from target where reason like '%Eva%'")
    kinds = {(row["kind"], row["ref"]) for row in watched}
    assert {("shop", "AnaMakes"), ("vendor", "harbour"), ("listing", "1600000000001")} <= kinds

    for files, told in (
        ([("pages", "", b"")], "No page is chosen"),
        ([("pages", "x.html", b"<html>nothing</html>")], "does not tell which address"),
        ([("pages", "x.html", b"<!-- saved from url=(0024)https://evil.example/xy -->")], "no marketplace of ours"),
    ):
        status, _, text = send(review, "/pages", [], files)
        assert (status, told in text) == (422, True), text[-800:]


def ended(review, path):
    """Wait until no crawl is under way that a page has asked for, and return what it says."""
    deadline = time.monotonic() + CRAWL_MAX_S
    while "This page tells by itself" in (said := text_of(review, path)):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said


def test_a_shop_is_crawled_as_soon_as_it_is_given(dsn, tmp_path, unused_port, chromium):
    with running_replica() as replica, sync_playwright() as playwright:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        review = Review(dsn, tmp_path / "data", unused_port, **world.environment(THEFTWATCH_DESCRIPTOR="off"))
        browser = playwright.chromium.launch(executable_path=chromium)
        pages = looked_at(browser.new_context())
        page = next(pages)
        try:
            page.goto(review.origin)
            page.get_by_label("Where it is").select_option("artfire")
            page.get_by_label("Its name or its address").fill("DemoOldMillCrafts")
            page.get_by_role("button", name="Watch my shop").click()
            progress = page.locator("#progress")
            expect(progress).to_contain_text("This page tells by itself how it gets on")
            # it does, to the end, and then all of the page is another one
            expect(page.get_by_role("button", name="Crawl what is due")).to_be_visible(timeout=CRAWL_MAX_S * 1000)
            expect(progress).to_contain_text("it went well. 10 of the 10 listings on its list were read.")
            expect(progress).to_contain_text("The last crawl of ArtFire ended")
            expect(page.locator("main")).to_contain_text("10 listings with 11 photos, 11 of them compared")
            expect(page.locator("main")).to_contain_text(
                re.compile("What comes next.*Search by it: Google Lens", re.DOTALL)
            )
            expect(page.locator("#page")).to_be_focused()
            for target, expected in (("999", 404), ("x", 400)):
                assert review.ask("POST", "/watched", {"target": target})[0] == expected
            next(pages, None)
        finally:
            browser.close()
            review.stop()


def test_a_saved_page_is_taken_in_and_says_what_of_it_could_not_be_had(review, filled):
    sample = Path(__file__).parent / "samples/alibaba/detail_fragment_2026"
    url = json.loads((sample / "meta.json").read_text())["url"]
    page = (sample / "page.html").read_bytes()
    status, where, text = send(review, "/pages", [("address", url)], [("pages", "page.html", page)])
    assert status == 303, text[-800:]
    said = finished(review, where)
    assert "1 listing in the record, 0 photos fetched" in said
    assert "could not be had" in said
    assert "Nothing of it was found among what was compared" in said
    assert rows(filled, "select spider from run order by id desc limit 1") == [{"spider": "saved"}]
    assert "Taken in" in text_of(review, "/received")
