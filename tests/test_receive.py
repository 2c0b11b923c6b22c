"""Pages sent by a bookmark: from a real Chromium, past the strictest page, into the record; and all that is refused."""

import gzip
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect, sync_playwright

from bench.ports import kept_port
from tests.crawling import World
from tests.waiting import wait_until
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.pages.read import SITES
from theftwatch.pages.saved import SavedPage, read_saved_page, write_saved_page
from theftwatch.web.bookmarklet import SETUP, Tokens, bookmarklet, load_tokens

#: What a page can say to keep itself from sending anything anywhere, and from being reached by other windows
STRICTEST = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; script-src 'none'; connect-src 'none'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
    "upgrade-insecure-requests",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
}
WAIT_MAX_S = 120


class Receiver:
    """`theftwatch receive` in a process of its own."""

    def __init__(self, world: World, process: subprocess.Popen[str], port: int) -> None:
        self.world = world
        self.process = process
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        self.tokens = load_tokens(world.folder / "data")

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_MAX_S)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, json.loads(text) if text.startswith("{") else {"says": text}

    def send(self, page: object, site: str = "alibaba.com", **headers: str) -> tuple[int, dict[str, str]]:
        body = page if isinstance(page, bytes) else gzip.compress(json.dumps(page).encode())
        sent = {"Origin": self.origin, "Authorization": f"Bearer {self.tokens.of(site)}"} | headers
        return self.ask("POST", "/pages", body, **sent)


def start(world: World, port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "theftwatch", "receive", "--port", str(port)],
        env=world.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    while not (line := process.stdout.readline()).startswith("Listening"):
        said.append(line)
        assert line, said
    return process


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica() as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


@pytest.fixture
def receiver(world, unused_port):
    process = start(world, unused_port)
    yield Receiver(world, process, unused_port)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WAIT_MAX_S)


@pytest.fixture
def unused_port():
    with kept_port() as port:
        yield port


def page_of(world: World, url: str) -> str:
    """Return what the replica shows at an address."""
    host, _, path = url.removeprefix("https://").partition("/")
    connection = http.client.HTTPConnection(world.replica.address)
    connection.request("GET", f"/{path}", headers={"Host": host})
    body = connection.getresponse().read().decode()
    connection.close()
    return body


LISTING = next(offer.listing.url for offer in load_catalogue().offers if offer.listing.marketplace == "alibaba")


def test_a_real_chromium_sends_the_strictest_page_and_is_told_what_became_of_it(receiver, chromium):
    body = page_of(receiver.world, LISTING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        context = browser.new_context()
        page = context.new_page()
        page.route("https://www.alibaba.com/**", lambda route: route.fulfill(status=200, headers=STRICTEST, body=body))
        page.goto(LISTING)
        # What the page could try instead: its own rules, or the browser's, keep it from all of them.
        fetch = f"fetch('{receiver.origin}/pages', {{method: 'POST'}}).then(() => 'sent', () => 'barred')"
        assert page.evaluate(fetch) == "barred"
        bar = context.new_page()
        bar.goto(f"{receiver.origin}/#{receiver.tokens.of(SETUP)}")
        codes = bar.locator("#bookmarklets a")
        codes.first.wait_for()
        assert [code.text_content() for code in codes.all()] == [f"TheftWatch {site}" for site in SITES]
        code = bar.locator("a", has_text="alibaba.com").get_attribute("href")
        assert code == bookmarklet(f"{receiver.origin}/", receiver.tokens.of("alibaba.com"))
        with context.expect_page() as opened:
            # As a bookmark does it: the browser goes to a javascript: address in the page's own tab.
            context.new_cdp_session(page).send("Page.navigate", {"url": code})
        shown = opened.value
        expect(shown.locator("#state")).to_have_text("Taken in", timeout=WAIT_MAX_S * 1000)
        assert "1 listing in the record" in (shown.locator("#says").text_content() or "")
        assert shown.locator("#address").text_content() == LISTING
        # neither the token nor the page stays in the history
        assert shown.url == f"{receiver.origin}/"
        assert page.url == LISTING
        browser.close()
    assert receiver.world.rows("select url, complete from listing") == [(LISTING, True)]
    assert receiver.world.rows("select spider, outcome from run") == [("saved", "ok")]
    [(held,)] = receiver.world.rows("select count(*) from listing_image where image is not null")
    assert held > 0
    assert not [path for path in (receiver.world.folder / "data").rglob("inbox/*/*") if path.is_file()]


def test_everything_else_is_refused_with_what_to_do(receiver):
    page = [LISTING, page_of(receiver.world, LISTING)]
    whole = gzip.compress(json.dumps(page).encode())
    etsy = ["https://www.etsy.com/listing/1/a", "<html></html>"]
    bomb = gzip.compress(json.dumps([LISTING, "x" * 20_000_000]).encode())
    big = gzip.compress(os.urandom(1_100_000))
    cases = [
        (receiver.send(page, Authorization="Bearer wrong"), 401, "does not know the bookmark"),
        (receiver.send(page, Authorization=receiver.tokens.of("alibaba.com")), 401, "does not know"),
        (receiver.send(page, Authorization="Bearer \xe4"), 401, "does not know"),
        (receiver.send(page, Origin="https://www.alibaba.com"), 403, "where the bookmark leads"),
        (receiver.send(page, Origin="null"), 403, "where the bookmark leads"),
        (receiver.send(page, site="etsy.com"), 403, "this bookmark is for etsy.com"),
        (receiver.send(etsy), 403, "use the one for it"),
        (receiver.send(["https://example.com/", ""]), 422, "no marketplace of ours"),
        (receiver.send(["https://www.alibaba.com/help", "<h1>Help</h1>"]), 422, "alibaba.com/help"),
        (receiver.send(["javascript:alert(1)", ""]), 400, "no page as the bookmark sends it"),
        (receiver.send(["https://www.alibaba.com/ -->", ""]), 400, "no page as the bookmark sends it"),
        (receiver.send({"url": LISTING}), 400, "press it again"),
        (receiver.send(b"plain"), 400, "press it again"),
        (receiver.send(whole[:-9]), 400, "press it again"),
        (receiver.send(bomb), 413, "theftwatch import"),
        (receiver.send(big), 413, "theftwatch import"),
        (receiver.send(page, Host="evil.example"), 400, "Invalid host"),
        (receiver.ask("GET", "/bookmarklets"), 401, "theftwatch receive"),
        (receiver.ask("GET", "/bookmarklets", Authorization=f"Bearer {receiver.tokens.of('etsy.com')}"), 401, "know"),
        (receiver.ask("GET", "/pages/00"), 401, "know"),
        (receiver.ask("OPTIONS", "/pages", Origin="https://www.alibaba.com"), 405, "Method Not Allowed"),
    ]
    assert [(status, says["says"]) for (status, says), _, _ in cases if not says.get("says")] == []
    for (status, says), expected, part in cases:
        assert (status, part in says["says"]) == (expected, True), says
    assert receiver.world.rows("select count(*) from run") == [(0,)]
    assert not list((receiver.world.folder / "data").rglob("inbox/*/*"))


def test_a_page_that_a_killed_receiver_had_not_taken_in_is_taken_in_by_the_next(world, unused_port):
    process = start(world, unused_port)
    receiver = Receiver(world, process, unused_port)
    status, _ = receiver.send([LISTING, page_of(world, LISTING)])
    assert status == 202
    process.kill()
    process.communicate()
    process = start(world, unused_port)
    wait_until(lambda: world.rows("select from run where outcome = 'ok'"), process)
    process.send_signal(signal.SIGINT)
    log, _ = process.communicate(timeout=WAIT_MAX_S)
    assert process.returncode == 130, log
    assert world.rows("select url from listing") == [(LISTING,)]


def test_the_port_is_taken(world, receiver):
    second = subprocess.run(
        [sys.executable, "-m", "theftwatch", "receive", "--port", str(receiver.port)],
        env=world.environment(),
        capture_output=True,
        text=True,
    )
    assert second.returncode == 2
    assert "one may run there; give another" in second.stderr


def test_a_live_receiver_names_someone_to_write_to(world):
    refused = subprocess.run(
        [sys.executable, "-m", "theftwatch", "receive"],
        env=world.environment(THEFTWATCH_HOST_MAP=""),
        capture_output=True,
        text=True,
    )
    assert (refused.returncode, "THEFTWATCH_CONTACT" in refused.stderr) == (2, True)


def test_tokens_stay_until_new_ones_are_asked_for_and_only_their_owner_reads_them(tmp_path):
    tokens = load_tokens(tmp_path / "data")
    assert load_tokens(tmp_path / "data") == tokens
    assert load_tokens(tmp_path / "data", new=True) != tokens
    [path] = (tmp_path / "data").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_token_is_of_one_site():
    tokens = Tokens(b"secret")
    assert [tokens.site_of(tokens.of(site)) for site in SITES] == list(SITES)
    assert tokens.site_of(tokens.of(SETUP)) is None
    assert Tokens(b"other").site_of(tokens.of(SITES[0])) is None


def test_a_bookmark_is_one_line_that_can_be_typed_in():
    code = bookmarklet("http://127.0.0.1:8477/", "ab12")
    assert code.startswith("javascript:void (async")
    assert re.fullmatch(r"[!-~ ]+", unquote(code))
    assert " " not in code.removeprefix("javascript:void ").replace("%20", "")
    assert '"http://127.0.0.1:8477/#ab12."' in unquote(code)


@given(st.text(), st.sampled_from(["iso-8859-1", "utf-16", "gb2312"]))
def test_a_page_that_was_sent_is_read_as_it_was(text, encoding):
    text = text.replace("\r", "")
    html = f'<html><head><meta charset="{encoding}"></head>{text}café 毛氈</html>'
    assert read_saved_page(write_saved_page(SavedPage(html, LISTING))) == SavedPage(
        f"<!-- saved from url=({len(LISTING):04}){LISTING} -->\n{html}", LISTING
    )


def test_the_files_of_the_page_are_in_the_package():
    web = Path(__file__).parents[1] / "theftwatch/web"
    assert {path.name for path in web.iterdir() if path.suffix in {".js", ".html", ".css"}} == {
        "bookmarklet.js",
        "receive.css",
        "receive.html",
        "receive.js",
    }
