"""Nothing that a page says leads into this machine or its network: servers on loopback tell what reached them."""

import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote, unquote, urlsplit

import psycopg
import pytest
from scrapy.utils import _compression

from theftwatch.demo import pages
from theftwatch.demo.catalogue import Served, load_catalogue
from theftwatch.errors import TimestampError
from theftwatch.evidence.timestamp import Authority, ask

#: This machine in every way that an address of it can be written
THIS_MACHINE = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127.255.255.254",
    "①②⑦.⓪.⓪.①",
    "0",
    "0.0.0.0",
    "localhost.",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
)
#: What name servers of hostile hosts answer, the first time and then; the public address is nobody's
NAMES = {
    "private.alibaba.com": [["127.0.0.1"]],
    "mixed.alibaba.com": [["127.0.0.1", "192.88.99.1", "::1"]],
    "rebound.alibaba.com": [["192.88.99.1"], ["127.0.0.1"]],
    "translated.alibaba.com": [["64:ff9b::7f00:1"]],
    "metadata.alibaba.com": [["169.254.169.254"]],
}
HOSTILE = "www.alibaba.com"
#: The packages that Scrapy unpacks with
SCRAPYS = vars(_compression)
#: Where pages are that unpack to more than is taken, by how they are packed
PACKED = "/packed-"
BOMBS = {
    "gzip": lambda data: gzip.compress(data, 9),
    "deflate": lambda data: zlib.compress(data, 9),
    "br": lambda data: SCRAPYS["brotli"].compress(data, quality=5),
    "zstd": SCRAPYS["zstd"].compress,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data, 9)),
}


@dataclass(slots=True)
class Server:
    """A server on all addresses of this machine; `/to/ADDRESS` redirects."""

    port: int
    reached: list[str] = field(default_factory=list)
    #: In whatever protocol
    connections: int = 0
    #: What it answers, by path; nothing to all others
    pages: dict[str, bytes] = field(default_factory=dict)

    @property
    def host_map(self) -> str:
        # by a name, so that the guard lets no address pass for it
        return f"{HOSTILE}=localhost:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.seen.reached.append(self.path)
        path, _, to = self.path.partition("?to=")
        page = self.server.seen.pages.get(path)
        self.send_response(302 if to else 404 if page is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if path.startswith(PACKED):
            self.send_header("Content-Encoding", unquote(path.removeprefix(PACKED)))
        self.send_header("Content-Length", str(len(page or b"")))
        if to:
            self.send_header("Location", unquote(to, "latin-1"))
        self.end_headers()
        self.wfile.write(page or b"")

    do_HEAD = do_POST = do_CONNECT = do_OPTIONS = do_GET  # noqa: N815  the names that http.server looks for

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    seen: Server

    def verify_request(self, request: object, client_address: object) -> bool:
        self.seen.connections += 1
        return True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


@contextmanager
def serving() -> Iterator[Server]:
    with _Server(("::", 0), _Handler) as server:
        server.seen = Server(port=server.server_address[1])
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server.seen
        server.shutdown()


@pytest.fixture
def pit() -> Iterator[Server]:
    """Nobody should reach it, though everybody could."""
    with serving() as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", server.port))
        datagrams.setblocking(False)
        for host in ("127.0.0.1", "::1"):
            with closing(http.client.HTTPConnection(host, server.port)) as connection:
                connection.request("GET", "/")
                assert connection.getresponse().status == 404
        server.reached.clear()
        server.connections = 0
        yield server
        with pytest.raises(BlockingIOError):
            datagrams.recv(1)


@pytest.fixture
def hostile() -> Iterator[Server]:
    """The marketplace that is out to harm us."""
    with serving() as server:
        yield server


def environment(dsn: str, folder: Path, hostile: Server, **more: str) -> dict[str, str]:
    own = {
        "THEFTWATCH_DSN": dsn,
        "THEFTWATCH_DATA_DIR": str(folder / "data"),
        "THEFTWATCH_HOST_MAP": hostile.host_map,
        "THEFTWATCH_DELAY_S": "0",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("THEFTWATCH_")} | own | more


CARELESS = """
import json, socket, sys

names, looked_up, real = json.loads(sys.argv[1]), {}, socket.getaddrinfo

def getaddrinfo(host, port, *args, **kwargs):
    if host not in names:
        return real(host, port, *args, **kwargs)
    looked_up[host] = looked_up.get(host, 0) + 1
    answer = names[host][min(looked_up[host], len(names[host])) - 1]
    kinds = [socket.AF_INET6 if ":" in each else socket.AF_INET for each in answer]
    return [(kind, socket.SOCK_STREAM, 6, "", (each, port)) for kind, each in zip(kinds, answer)]

socket.getaddrinfo = getaddrinfo  # before Twisted takes it

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings

class Careless(scrapy.Spider):
    name = "careless"
    custom_settings = {"RETRY_ENABLED": False, "DNSCACHE_ENABLED": False}
    became = []

    @classmethod
    def from_crawler(cls, crawler):
        spider = super().from_crawler(crawler)
        crawler.signals.connect(spider.hurry, scrapy.signals.request_reached_downloader)
        return spider

    def hurry(self, request):
        # nobody is at the public address
        if any(name in request.url for name in ("mixed.", "rebound.")):
            request.meta["download_timeout"] = 1

    async def start(self):
        for url in json.loads(sys.argv[2]):
            for fearless in (False, True):
                meta = {"dont_obey_robotstxt": fearless}
                yield scrapy.Request(url, self.parse, errback=self.lost, meta=meta, dont_filter=True)

    def parse(self, response):
        self.became.append([response.url, response.status])

    def lost(self, failure):
        self.became.append([failure.request.url, type(failure.value).__name__])

process = CrawlerProcess(get_project_settings())
process.crawl(Careless)
process.start()
print(json.dumps([Careless.became, looked_up]))
"""


def test_no_address_that_a_page_gives_leads_into_this_machine(dsn, tmp_path, pit, hostile):
    """A spider without any care asks for this machine, by itself and by redirects."""
    control = f"http://{HOSTILE}/control"
    hostile.pages["/control"] = b"<html></html>"
    direct = [f"http://{host}:{pit.port}/" for host in (*THIS_MACHINE, *NAMES)]
    redirected = [f"http://{HOSTILE}/{n}?to={quote(url)}" for n, url in enumerate(direct)]
    packed = [f"http://{HOSTILE}{PACKED}{quote(how)}" for how in BOMBS]
    hostile.pages |= {f"{PACKED}{quote(how)}": pack(bytes(33 * 1024**2)) for how, pack in BOMBS.items()}
    done = subprocess.run(
        [sys.executable, "-c", CARELESS, json.dumps(NAMES), json.dumps([control, *packed, *direct, *redirected])],
        env=environment(dsn, tmp_path, hostile, http_proxy=f"http://127.0.0.1:{pit.port}"),
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    became, looked_up = json.loads(done.stdout.splitlines()[-1])
    assert [url for url, what in became if isinstance(what, int)] == [control, control]
    assert [what for url, what in became if url in packed] == ["DownloadCancelledError"] * 2 * len(packed)
    # of these the public address is dialled, and not the private one
    barred = {why for url, why in became if "mixed." not in url and "rebound." not in url and HOSTILE not in url}
    assert barred == {"CannotResolveHostError", "RobotsAwayError"}
    assert {f"/{n}?to={quote(url)}" for n, url in enumerate(direct)} <= set(hostile.reached)
    assert (pit.reached, pit.connections) == ([], 0)
    assert looked_up.keys() == NAMES.keys()


def test_an_authority_that_leads_elsewhere_is_not_followed(pit, hostile):
    url = f"http://localhost:{hostile.port}/tsr?to={quote(f'http://127.0.0.1:{pit.port}/')}"
    authority = Authority(url=url, certificates="", user_agent="TheftWatch")
    with pytest.raises(TimestampError, match="answers 302"):
        ask(authority, b"photo")
    assert (pit.reached, pit.connections) == ([], 0)


#: What a page may try with this machine, each of another kind
TRIES = """
<link rel="preconnect" href="{pit}"><link rel="prefetch" href="{pit}/prefetch"><link rel="icon" href="{pit}/icon">
<link rel="stylesheet" href="{pit}/style"><link rel="manifest" href="{pit}/manifest">
<img src="{pit}/image"><iframe src="{pit}/frame"></iframe><video src="{pit}/video"></video>
<iframe srcdoc="<img src='{pit}/nested'>"></iframe><object data="{pit}/object"></object>
<script src="{pit}/script"></script><script type="module">import("{pit}/module")</script>
<script src="https://www.alibaba.com/redirect?to={pit}/redirected"></script>
<form id="sent" method="post" action="{pit}/form" target="other"><input name="a"></form>
<script>
const ask = (what, how) => {{ try {{ how() }} catch (error) {{ console.log(what, error) }} }};
ask("fetch", () => fetch("{pit}/fetch", {{mode: "no-cors"}}));
ask("redirect", () => fetch("/redirect?to={pit}/fetched"));
ask("beacon", () => navigator.sendBeacon("{pit}/beacon", "x"));
ask("events", () => new EventSource("{pit}/events"));
ask("socket", () => new WebSocket("{pit}/socket".replace("http", "ws")));
ask("worker", () => new Worker(URL.createObjectURL(new Blob(["fetch('{pit}/worker', {{mode: 'no-cors'}})"]))));
ask("service", () => navigator.serviceWorker.register("/worker.js"));
ask("opened", () => window.open("{pit}/opened"));
ask("form", () => document.getElementById("sent").submit());
ask("rtc", () => {{
    const turn = ["udp", "tcp"].map(way => "turn:127.0.0.1:{port}?transport=" + way);
    const iceServers = [{{urls: turn, username: "a", credential: "b"}}, {{urls: "stun:127.0.0.1:{port}"}}];
    const peer = new RTCPeerConnection({{iceServers}});
    peer.createDataChannel("x");
    peer.createOffer().then(offer => peer.setLocalDescription(offer));
}});
</script>
"""


#: A crawl that gives one page in Chromium up sooner than others
CRAWL = """
import sys
from scrapy.cmdline import execute
from spiders.shown import Shown
end_in = Shown._end_in
Shown._end_in = lambda shown, seconds: end_in(shown, 5 if shown.document.url == sys.argv[2] else seconds)
execute(["scrapy", "crawl", "alibaba", "-a", "file=" + sys.argv[1]])
"""


def test_no_page_in_chromium_leads_into_this_machine(dsn, tmp_path, pit, hostile, chromium):
    """One listing shows itself by a script, and tries all that a browser lets pages do; another one hangs."""
    [offer] = [each for each in load_catalogue().offers if each.served is Served.SCRIPT]
    path = urlsplit(offer.listing.url).path
    hangs = path.replace(offer.listing.listing_ref, "1600000000001")
    starts = tmp_path / "starts.txt"
    starts.write_text(f"https://{HOSTILE}{hangs}\nhttps://{HOSTILE}{path}\n")
    tries = TRIES.format(pit=f"http://127.0.0.1:{pit.port}", port=pit.port)
    shown = pages.script_page(pages.listing_page(offer))
    hostile.pages[path] = shown.replace("</body>", tries + "</body>").encode()
    hostile.pages[hangs] = shown.replace("</body>", "<script>for (;;) {}</script></body>").encode()
    hostile.pages["/worker.js"] = f"fetch('http://127.0.0.1:{pit.port}/service')".encode()
    done = subprocess.run(
        [sys.executable, "-c", CRAWL, str(starts), f"https://{HOSTILE}{hangs}"],
        env=environment(dsn, tmp_path, hostile, THEFTWATCH_BROWSER="1", THEFTWATCH_CHROMIUM=str(chromium)),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select listing_ref from listing").fetchall() == [(offer.listing.listing_ref,)]
        [(kind, url, detail)] = connection.execute("select kind, url, detail from page_problem").fetchall()
    assert (kind, url) == ("failed", f"https://{HOSTILE}{hangs}")
    assert "not shown within" in detail
    assert hostile.reached.count(path) == 1, done.stderr
    # its scripts ran, and what they asked for was followed by Scrapy as far as that goes
    assert {each.partition("?")[0] for each in hostile.reached} >= {"/redirect", "/robots.txt"}
    assert (pit.reached, pit.connections) == ([], 0)
