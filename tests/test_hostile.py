"""One hostile listing goes the whole way, and is text at every exit: on the terminal, in files, in mail, in the log."""

import asyncio
import csv
import email
import email.policy
import json
import re
import subprocess
import sys
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import psycopg
import pytest
from parsel import Selector
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler
from typer.testing import CliRunner

from pipelines.store import StorePipeline
from pipelines.validate import clean
from spiders.counts import Counts
from tests.crawling import World
from tests.matched import DRESS, image, record
from tests.proof import copied_offers
from tests.test_crawl import fetch
from theftwatch.cli import app
from theftwatch.clock import system_clock
from theftwatch.config import settings
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.listing import Seller

#: What is said wherever a stranger may say something
EVIL = (
    "=HYPERLINK(\"http://evil.example\")</title></script><script>document.title='owned'</script>"
    "'\"><img src=x onerror=alert(1)>{{7*7}}{%raw%}${7*7}%(now)s%s\\'); drop table listing; --[red]"
    "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066\u200f\u2028\r\n"
    "Bcc: all@example.org\r\n\r\nbody\r\n../../etc/passwd"
)
#: What a person copied from there, who is not out to harm anybody
NAME = str(clean(EVIL))
#: A megabyte that cannot be packed
LONG = "".join(map(chr, Random(7).choices(range(0x4E00, 0x9C20), k=350_000)))
#: What could steer a terminal or turn the direction of writing; C1 are control characters too
_STEERS = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def steering(text: str) -> set[str]:
    return {each for each in text if unicodedata.category(each) in _STEERS} - {"\n", "\t"}


@pytest.fixture
def hostile(dsn, tmp_path, monkeypatch, chromium):
    """Return a world in which a hostile vendor's copy of a hostile artisan's photo was taken in from saved pages."""
    [pair] = copied_offers(1)
    catalogue = load_catalogue()
    spoiled = {
        offer.key: replace(
            offer,
            listing=replace(offer.listing, title=EVIL + LONG),
            seller=replace(offer.seller, seller=replace(offer.seller.seller, name=EVIL + LONG)),
        )
        for offer in (pair.original, pair.suspect)
    }
    offers = tuple(spoiled.get(each.key, each) for each in catalogue.offers)
    with running_replica(replace(catalogue, offers=offers)) as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        for offer in spoiled.values():
            page = fetch(world, offer.listing.url)
            assert b"drop table" in page
            mark = f"<!-- saved from url=(0001){offer.listing.url} -->\n".encode()
            (tmp_path / f"{offer.listing.marketplace}.html").write_bytes(mark + page)
        done = subprocess.run(
            [sys.executable, "-m", "theftwatch", "import", *map(str, tmp_path.glob("*.html"))],
            env=world.environment(),
            capture_output=True,
            text=True,
            timeout=200,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    assert steering(done.stdout + done.stderr) == set()
    assert max(map(len, done.stderr.splitlines())) < 5_000
    with psycopg.connect(dsn) as connection:
        connection.execute("insert into artisan (name, contact) values (%s, 'ana@example.org')", [NAME])
        connection.execute("update seller set artisan = (select id from artisan) where marketplace = 'etsy'")
    for name, value in world.environment(
        THEFTWATCH_CHROMIUM=str(chromium), THEFTWATCH_MAIL_FROM="Watch <watch@example.org>"
    ).items():
        if name.startswith("THEFTWATCH_"):
            monkeypatch.setenv(name, value)
    settings.cache_clear()
    monkeypatch.chdir(tmp_path)
    return world


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert steering(done.output) == set(), arguments
    return done.output


def test_a_hostile_listing_is_text_at_every_exit(hostile, tmp_path):
    stored = hostile.rows("select title from listing union all select name from seller")
    assert len(stored) == 4
    assert all("drop table listing" in text and len(text) <= 2_000 for (text,) in stored)
    [(finding,)] = hostile.rows("select id from finding")
    assert "HYPERLINK" in said("finding", "list")
    assert "HYPERLINK" in said("finding", "show", str(finding))
    said("finding", "confirm", str(finding), "--by", "Eva")
    [(vendor,)] = hostile.rows("select marketplace || '/' || seller_ref from seller where marketplace = 'alibaba'")
    [(listing,)] = hostile.rows("select url from listing where marketplace = 'alibaba'")
    because = ("--finding", str(finding), "--override", NAME)  # nothing dates the photo
    assert "HYPERLINK" in said("case", "open", NAME, vendor, "--by", "Eva", *because)
    for arguments in (
        ("case", "list"),
        ("case", "show", "1"),
        ("artisan", "list"),
        ("target", "list"),
        ("status",),
        ("status", "--json"),
        ("dates", listing),
        ("look", listing),
        ("report",),
        ("finding", "show", str(finding), "--json"),
        ("finding", "list", "--json"),
        ("case", "list", "--json"),
        ("case", "show", "1", "--json"),
        ("target", "list", "--json"),
        ("target", "plan", "--json"),
        ("artisan", "list", "--json"),
        ("alarm", "list", "--json"),
    ):
        said(*arguments)
    check_report(tmp_path)
    check_exports(tmp_path)
    check_bundle(tmp_path)
    check_mail(tmp_path)
    assert len(hostile.rows("select from listing")) == 2


def check_html(text: str) -> None:
    page = Selector(text)
    assert page.css("script, iframe, object, embed, link, base, form, [onerror], [onclick]") == []
    assert all(re.match(r"https?://|#|mailto:", target) for target in page.css("a::attr(href)").getall())
    assert "49" not in "".join(page.css("h1, h2, h3, title").getall()), "a template was rendered twice"
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)
    # what turns the direction of writing turns that of its own element alone
    turned = page.xpath("//body//text()[contains(., '\u202e')]/ancestor::*[self::bdi or @dir or self::pre]")
    assert len(turned) >= len(page.xpath("//body//text()[contains(., '\u202e')]"))


def check_report(folder: Path) -> None:
    said("report", "--html", str(folder / "report"))
    [path] = (folder / "report").glob("*.html")
    check_html(path.read_text())


def check_exports(folder: Path) -> None:
    for fmt in ("csv", "jsonl", "xlsx"):
        said("export", "findings", "--format", fmt, "-o", str(folder / f"findings.{fmt}"))
    with (folder / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert not [value for value in row.values() if value.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "drop table" in json.loads((folder / "findings.jsonl").read_text())["suspect_title"]
    with zipfile.ZipFile(folder / "findings.xlsx") as workbook:
        sheet = ElementTree.fromstring(workbook.read("xl/worksheets/sheet1.xml"))
    assert not [each for each in sheet.iter() if each.tag.endswith(("}f", "}hyperlink"))]


def check_bundle(folder: Path) -> None:
    said("evidence", "build", "1", "-o", str(folder / "bundle.zip"))
    with zipfile.ZipFile(folder / "bundle.zip") as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    assert not [name for name in files if not re.fullmatch(r"[A-Za-z0-9._/-]+", name) or ".." in name]
    assert {"evidence.pdf", "evidence.html", "complaint.txt"} <= files.keys()
    for name, data in files.items():
        if name.endswith(".html"):
            check_html(data.decode())
        elif name.endswith(".pdf"):
            # what is compressed, letters and pictures, holds any three bytes by chance; no object is in it
            objects = re.sub(rb"stream\r?\n.*?endstream", b"", data, flags=re.DOTALL)
            assert b"/Catalog" in objects
            assert b"/ObjStm" not in objects
            assert not re.search(rb"/(JavaScript|JS|Launch|EmbeddedFile|SubmitForm)\b", objects)
        elif name.endswith(".txt"):
            assert steering(data.decode()) == set(), name
            assert "\nBcc:" not in data.decode()
    assert "failed" not in said("evidence", "verify", str(folder / "bundle.zip"))


def check_mail(folder: Path) -> None:
    said("notify")
    [draft] = folder.rglob("notice.eml")
    assert re.fullmatch(r"notices/0001-[A-Za-z0-9._-]+/notice\.eml", draft.relative_to(folder).as_posix())
    mail = email.message_from_bytes(draft.read_bytes(), policy=email.policy.default)
    assert set(mail.keys()) <= {
        "Subject", "From", "To", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted",
        "List-Unsubscribe", "X-Unsent", "Reply-To", "Content-Transfer-Encoding",
    }  # fmt: skip
    assert mail["To"] == "ana@example.org"
    for part in mail.walk():
        if part.get_content_type() == "text/html":
            check_html(part.get_content())
        elif part.get_content_type() == "text/plain":
            assert steering(part.get_content()) == set()
            assert "\nBcc:" not in part.get_content()


class OneRun:
    """What the pipeline needs of a run: a real record, without a crawl."""

    id = None
    clock = staticmethod(system_clock)

    def __init__(self, dsn: str) -> None:
        self.dsn, self.counts = dsn, Counts(MemoryStatsCollector(get_crawler()))

    async def ask(self, work):
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            return await work(connection)


def test_a_listing_that_cannot_be_stored_keeps_no_other_from_it(dsn):
    seller = Seller(marketplace="alibaba", ref="1", name="Lamps")
    refs = ["1", "2", LONG[:2_000], "3", "4\0", "5"]
    run = OneRun(dsn)

    async def store():
        pipeline = StorePipeline.__new__(StorePipeline)
        pipeline._run, pipeline._waiting, pipeline._writer = run, [], None  # type: ignore[assignment]  # enough of one
        records = [record(seller, ref, image(DRESS)) for ref in refs]
        return await asyncio.gather(*map(pipeline.process_item, records), return_exceptions=True)

    became = asyncio.run(store())
    assert [type(each).__name__ for each in became if isinstance(each, Exception)] == [
        "ProgramLimitExceeded", "DataError"
    ]  # fmt: skip
    with psycopg.connect(dsn) as connection:
        stored = connection.execute("select listing_ref from listing order by 1").fetchall()
    assert stored == [("1",), ("2",), ("3",), ("5",)]
    assert (run.counts.get("listing/stored"), run.counts.get("listing/failed")) == (4, 2)
