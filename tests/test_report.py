"""The report: the page as it is parsed and as Chromium shows it, the table, and the command."""

import asyncio
import base64
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from parsel import Selector
from PIL import Image
from playwright.sync_api import sync_playwright
from typer.testing import CliRunner

from tests import matched
from tests.record import path_of
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.db import store
from theftwatch.db.runs import insert_run
from theftwatch.errors import DatabaseError, UsageError
from theftwatch.files import Files, replacing
from theftwatch.listing import Seller
from theftwatch.match.context import update_context
from theftwatch.match.queue import update_queue
from theftwatch.reports import report
from theftwatch.reports.chosen import Chosen, choose
from theftwatch.reports.figures import find_figures
from theftwatch.reports.pairs import match_rows
from theftwatch.reports.preview import LONG_SIDE_PX, Previews, make_preview
from theftwatch.reports.report import write_report
from theftwatch.reports.table import COLUMNS, match_lines
from theftwatch.reports.words import done_to_the_photo, one_line, web_address

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOSTILE_TITLE = '"><script>alert(1)</script>[red]\x1b[31m\u202egnir'
STYLE = (Path(report.__file__).parent / "templates/report.css").read_text()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")


@pytest.fixture
def filled(dsn, files):
    run(dsn, lambda connection: matched.fill(connection, files))
    return dsn


def run(dsn, work):
    async def main():
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            return await work(connection)

    return asyncio.run(main())


def write(dsn, files, folder, **options):
    async def work(connection):
        await update_queue(connection, everything=True)
        return await write_report(connection, files, folder, await choose(connection, **options), now=NOW)

    summary = run(dsn, work)
    return summary, Selector((folder / "index.html").read_text("utf-8"))


def words(selector):
    """Return what a person reads, with single spaces."""
    return " ".join("".join(selector.xpath(".//text()[not(ancestor::style)]").getall()).split())


def test_each_match_shows_both_photos_and_what_is_known_of_them(filled, files, tmp_path):
    summary, page = write(filled, files, tmp_path / "report")
    assert (summary.vendors, summary.matches, summary.possible, summary.left_out) == (3, 4, 1, 0)
    assert summary.byte_count == summary.path.stat().st_size
    assert (
        len(page.css("article")) == len(page.css("article .original img")) == len(page.css("article .suspect img")) == 5
    )

    shirt = page.xpath("//article[contains(., 'Mirrored')]")
    text = words(shirt)
    assert "Match score 0.91 Mirrored" in text
    assert "two of 64 hash bits differ" in text
    assert "perceptual hash, confirmed by local features" in text
    assert "First matched 2026-11-11 09:30 UTC" in text
    assert "First seen 2026-11-01 09:30 UTC" in words(shirt.css(".original"))
    assert "Photo put up 2021-05-11, says Etsy" in words(shirt.css(".original"))
    assert "Listed by 2021-05-11, says Etsy" in words(shirt.css(".original"))
    assert "First seen 2026-11-10 09:30 UTC" in words(shirt.css(".suspect"))
    assert "Suspect 482 × 400 px mirrored" in words(shirt.css(".suspect"))
    assert shirt.css(".title a::attr(href)").getall() == [
        "https://www.etsy.com/listing/11",
        "https://www.alibaba.com/listing/201",
    ]
    assert matched.image(matched.MIRRORED_SHIRT).sha256.hex() in text

    skirt = page.xpath("//article[.//span[@class='badge possible']]")
    assert "Worth a look" in words(skirt)
    assert "Archived by 2015-11-19, says web.archive.org" in words(skirt)


def test_a_photo_in_several_listings_is_one_pair(filled, files, tmp_path):
    _, page = write(filled, files, tmp_path)
    dress = page.xpath("//section[@id='vendor-1']//article[contains(., 'Resized to 60 %')]")
    assert len(dress) == 1
    assert dress.css(".original .title a::attr(href)").getall() == [
        "https://www.etsy.com/listing/11", "https://www.etsy.com/listing/12",
    ]  # fmt: skip
    assert dress.css(".suspect .title a::attr(href)").getall() == [
        "https://www.alibaba.com/listing/201", "https://www.alibaba.com/listing/202",
    ]  # fmt: skip


def test_vendors_stand_in_the_order_of_how_many_they_concern(filled, files, tmp_path):
    _, page = write(filled, files, tmp_path)
    assert page.css("section.vendor h2 bdi::text").getall() == [
        "Harbour Co., Ltd.", "Meadow Clothing", "Vendor not known",
    ]  # fmt: skip
    assert "2 matches and 1 possible, in 3 of 3 listings, with photos of 2 artisans." in words(page.css("#vendor-1"))
    decisions = page.css("#vendor-1 .badge::text").getall()
    assert decisions == ["Match", "Match", "Possible"]


def test_a_file_of_an_artisan_stands_as_one(filled, files, tmp_path):
    _, page = write(filled, files, tmp_path)
    [article] = page.xpath("//article[contains(., 'byte for byte')]")
    assert "shoot/own.jpg Out-take given by Ana Given 2026-11-01 09:30 UTC" in words(article)


def test_the_page_says_what_was_compared_and_what_was_not(filled, files, tmp_path):
    _, page = write(filled, files, tmp_path)
    text = words(page)
    assert "7 photos of 3 vendors compared with 4 photos of 3 shops and artisans" in text
    rows = [words(row) for row in page.css(".coverage tbody tr")]
    assert "Etsy original 1 2 3 2 1 0 2026-11-01 09:30 UTC" in rows
    assert "Alibaba suspect 4 7 7 7 0 2 2026-11-10 09:30 UTC" in rows
    assert "Artisans’ own files original 1 – 1 1 0 0 –" in rows
    assert "1 of 2 runs was not ok." in text
    assert (
        "alibaba, 2026-11-01 09:30 UTC: blocked: 1 page blocked by the marketplace, 2 pages not allowed by robots.txt,"
        " 2 photos not fetched" in text
    )
    assert "blocked, 2026-11-10 09:30 UTC, HTTP 200: https://quiet.en.alibaba.com/productlist.html" in text
    assert "1 photo on Etsy: too plain to be compared" in text
    assert "1 photo on Alibaba: robots.txt does not allow fetching it" in text
    assert "Lotus Factory (Alibaba): no match among 1 photo of 1 listing" in text
    assert "Quiet Trading (Alibaba): not looked, no photo of 1 listing is held" in text


def test_with_nothing_compared_it_says_so(dsn, files, tmp_path):
    summary, page = write(dsn, files, tmp_path)
    assert not summary.looked
    assert words(page.css("h1")) == "Not looked"
    assert "No page has been read yet." in words(page)
    assert "no match among" not in words(page).lower()
    assert "nothing found" not in words(page).lower()


@pytest.mark.parametrize(
    ("side", "remedy"), [("original", "theftwatch import"), ("suspect", "theftwatch originals add")]
)
def test_one_side_alone_is_not_looked_at(dsn, files, tmp_path, side, remedy):
    photo = matched.HAT if side == "suspect" else matched.DRESS
    seller = matched.LOTUS if side == "suspect" else matched.BEN
    listing = matched.record(seller, "1", matched.image(photo))

    async def save(connection):
        await store.save_listings(connection, [listing], run=None, now=NOW)
        looked_up = {"suspects": [photo]} if side == "suspect" else {"originals": [photo]}
        await matched.save_decisions(connection, [], **looked_up)

    run(dsn, save)
    summary, page = write(dsn, files, tmp_path)
    assert not summary.looked
    assert words(page.css("h1")) == "Not looked"
    assert remedy in words(page.css(".not-looked"))


def test_a_look_without_a_match_is_no_match(filled, files, tmp_path):
    summary, page = write(filled, files, tmp_path, vendor="lotus factory")
    assert (summary.matches, summary.looked) == (0, True)
    assert words(page.css("h1")) == "No such match among what was compared"
    assert "Only what concerns vendors that go by lotus factory is shown." in words(page)


def test_a_vendor_that_was_not_looked_at_has_no_result(filled, files, tmp_path):
    summary, page = write(filled, files, tmp_path, vendor="103")
    assert not summary.looked
    assert words(page.css("h1")) == "Not looked"


def test_a_vendor_nobody_knows_is_refused_and_nothing_written(filled, files, tmp_path):
    with pytest.raises(UsageError, match="Nobody: no vendor goes by this name"):
        write(filled, files, tmp_path / "report", vendor="Nobody")
    assert not (tmp_path / "report").exists()


def test_the_page_never_judges(filled, files, tmp_path):
    _, page = write(filled, files, tmp_path)
    text = words(page).replace("TheftWatch", "").replace("theftwatch ", "")
    assert not re.search(r"theft|thie[fv]|stolen|steal|infring|fraud|counterfeit|guilty", text, re.IGNORECASE)
    assert "Only a person can confirm that." in text


def test_who_opted_out_is_left_out(filled, files, tmp_path):
    write(filled, files, tmp_path)
    assert "CleoQuiet" not in (tmp_path / "index.html").read_text()


def hostile(connection):
    seller = Seller(
        marketplace="alibaba", ref="<b>666</b>", name="<img src=x onerror=alert(1)>", url="javascript:alert(2)"
    )
    listing = matched.record(
        seller, "'666", matched.image(matched.SMALL_DRESS), title=HOSTILE_TITLE, url="javascript:alert(3)"
    )
    return store.save_listings(connection, [listing], run=None, now=NOW)


def drawing(source):
    """Return a plot that a page holds."""
    kind, _, data = source.partition(";base64,")
    assert kind == "data:image/svg+xml"
    return Selector(base64.b64decode(data).decode(), type="xml")


def test_hostile_listings_stay_text(filled, files, tmp_path):
    run(filled, hostile)
    run(
        filled,
        lambda connection: store.insert_findings(connection, [matched.image(matched.SMALL_DRESS).sha256], now=NOW),
    )
    _, page = write(filled, files, tmp_path)
    assert HOSTILE_TITLE.replace("\x1b", "�") in words(page).replace("\x1b", "�")
    assert page.css("script, iframe, object, embed, link, base, form, [onerror], [onclick], [style]") == []
    sources = page.xpath("//@src | //@srcset").getall()
    plots = [source for source in sources if not source.startswith("data:image/jpeg;base64,")]
    drawn = [drawing(source) for source in plots]
    assert len(drawn) == 4  # two, for light and dark
    assert all(each.xpath("//*[local-name() = 'img' or local-name() = 'image'] | //@onerror") == [] for each in drawn)
    assert any("<img src=x onerror=alert" in each.xpath("string()").get() for each in drawn)
    targets = page.css("a::attr(href)").getall()
    assert targets
    assert all(re.match(r"https?://|#vendor-\d+$", target) for target in targets)


def test_a_photo_whose_file_is_gone_has_its_place(filled, files, tmp_path):
    path_of(files, matched.image(matched.SHIRT).sha256).unlink()
    path_of(files, matched.image(matched.MIRRORED_SHIRT).sha256).write_bytes(b"\xff\xd8\xff no photo")
    _, page = write(filled, files, tmp_path)
    shirt = page.xpath("//article[contains(., 'Mirrored')]")
    assert shirt.css("img") == []
    assert words(shirt).count("The file of this photo is not kept.") == 2


def test_many_pairs_are_folded_and_too_many_left_out(dsn, files, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_PAIRS_MAX", 40)
    copies = [matched.edited(matched.DRESS, scale=0.2 + n / 100) for n in range(45)]
    for photo in (matched.DRESS, *copies):
        files.put(photo)

    async def save(connection):
        listings = [matched.record(matched.ANA, "1", matched.image(matched.DRESS))]
        listings += [matched.record(matched.HARBOUR, f"s{n}", matched.image(copy)) for n, copy in enumerate(copies)]
        await store.save_listings(connection, listings, run=None, now=NOW)
        decided = [matched.decided(matched.DRESS, copy) for copy in copies]
        await matched.save_decisions(connection, decided, originals=[matched.DRESS], suspects=copies)

    run(dsn, save)
    summary, page = write(dsn, files, tmp_path)
    assert (summary.matches, summary.left_out) == (45, 5)
    assert len(page.css("section.vendor > article")) == 24
    assert len(page.css("details.more > article")) == 16
    assert "16 more pairs" in words(page)
    assert "5 pairs of this vendor have no room on this page" in words(page)


def test_a_page_that_breaks_off_leaves_the_old_one(tmp_path):
    path = tmp_path / "index.html"
    path.write_text("old")

    def break_off():
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_none_is_one_line(filled, files, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match=r"taken: .*; name a folder"):
        write(filled, files, tmp_path / "taken")


def encoded(image, image_format, **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def shown(data):
    preview = make_preview(data)
    image = Image.open(io.BytesIO(base64.b64decode(preview.uri.partition(",")[2])))
    assert image.size == (preview.width_px, preview.height_px)
    return image


def sideways():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees to the right
    left_red = Image.new("RGB", (800, 400), "blue")
    left_red.paste("red", (0, 0, 400, 400))
    return encoded(left_red, "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("data", "size_px", "top_colour"),
    [
        (encoded(Image.new("RGB", (1600, 1200), "red"), "JPEG"), (320, 240), (255, 0, 0)),
        (encoded(Image.new("RGB", (100, 50), "red"), "PNG"), (100, 50), (255, 0, 0)),
        (encoded(Image.new("RGBA", (640, 640), (0, 0, 0, 0)), "PNG"), (320, 320), (255, 255, 255)),
        (encoded(Image.new("CMYK", (640, 640), (0, 255, 255, 0)), "JPEG"), (320, 320), (255, 0, 0)),
        (encoded(Image.new("I;16", (640, 640), 0x8000), "PNG"), (320, 320), (128, 128, 128)),
        (encoded(Image.new("P", (640, 320)), "GIF"), (320, 160), (0, 0, 0)),
        (sideways(), (160, 320), (255, 0, 0)),
    ],
    ids=["jpeg", "small", "transparent", "cmyk", "16-bit", "palette", "sideways"],
)
def test_previews_show_the_photo_as_browsers_do(data, size_px, top_colour):
    image = shown(data)
    assert image.size == size_px
    assert max(image.size) <= LONG_SIDE_PX
    colour = image.getpixel((image.width // 2, image.height // 8))
    assert colour == pytest.approx(top_colour, abs=6)


def test_a_preview_that_cannot_be_made_is_none(files, caplog):
    kept = [files.put(b"GIF89a of nothing"), files.put(matched.DRESS)]

    async def make():
        with Previews(files, workers=2) as previews:
            return await previews.of([*kept, bytes(32)])

    broken, whole, missing = asyncio.run(make())
    assert broken is missing is None
    assert whole.height_px == LONG_SIDE_PX
    [message] = caplog.messages
    assert message.startswith(f"no preview of image {kept[0].hex()}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast(scheme):
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in STYLE.split("@media print")[0].split("dark)")
    )
    colours = light | (dark if scheme == "dark" else {})
    assert set(light) == set(dark)
    inks = [(ink, ground) for ink in ("ink", "muted", "link") for ground in ("ground", "surface", "well")]
    inks += [("match-ink", "match"), ("possible-ink", "possible"), ("alarm", "ground")]
    for ink, ground in inks:
        # WCAG 2.2, success criterion 1.4.3
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("width_px", [1280, 400])
def test_chromium_shows_both_photos_of_each_pair_and_asks_for_nothing(filled, files, tmp_path, chromium, width_px):
    run(filled, hostile)
    summary, _ = write(filled, files, tmp_path / "report")
    asked, told = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": width_px, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: told.append(message.text))
        page.goto(summary.path.as_uri())
        # what is folded, or far below, loads when it is looked at
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        page.evaluate("document.querySelectorAll('img').forEach(each => each.loading = 'eager')")
        page.wait_for_function("[...document.images].every(each => each.complete)")
        loaded = page.evaluate(
            "[...document.querySelectorAll('article')]"
            ".map(each => [...each.querySelectorAll('figure img')].map(each => each.naturalWidth))"
        )
        plots = page.evaluate("[...document.querySelectorAll('.plot img')].map(each => each.naturalWidth)")
        styled = page.evaluate("getComputedStyle(document.querySelector('.pair')).display")
        overflow_px = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        unnamed = page.evaluate("[...document.images].filter(each => !each.alt.trim()).length")
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(each => +each.tagName[1])")
        browser.close()
    assert len(loaded) == summary.matches + summary.possible
    assert all(len(widths) == 2 and min(widths) > 100 for widths in loaded)
    assert len(plots) == 2
    assert min(plots) > 100
    assert [url for url in asked if not url.startswith(("data:", summary.path.as_uri()))] == []
    assert told == []  # the policy of the page had nothing to refuse
    assert styled == "grid"
    assert overflow_px <= 0
    assert unnamed == 0
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_lines_hold_one_pair_each(filled):
    lines = list(match_lines(run(filled, lambda connection: match_rows(connection, Chosen()))))
    assert lines[0].split("\t") == list(COLUMNS)
    assert len(lines) == 1 + 5
    assert lines[1].split("\t") == [
        "Harbour Co., Ltd.",
        "match",
        "0.9700",
        "resized to 60 %",
        "AnaMakes",
        "https://www.etsy.com/listing/11",
        "https://www.alibaba.com/listing/201",
        "",
    ]


@pytest.fixture
def command(monkeypatch, filled, tmp_path):
    monkeypatch.setenv("THEFTWATCH_DSN", filled)
    monkeypatch.setenv("THEFTWATCH_FILES", str(tmp_path / "files"))
    settings.cache_clear()
    # where the tables are drawn and where they are not is told by the terminal
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments):
        result = CliRunner().invoke(app, ["report", *arguments])
        if result.exception:
            raise result.exception
        return result

    return invoke


def test_the_command_writes_the_page(command, files, tmp_path):
    result = command("--html", str(tmp_path / "made/here"))
    page = tmp_path / "made/here/index.html"
    assert result.stdout.splitlines() == ["4 matches, 1 possible, at 3 vendors.", str(page)]
    assert "The file of this photo is not kept." not in page.read_text()


def test_the_command_prints_lines_where_nobody_watches(command):
    result = command("--vendor", "harbour co., ltd.")
    assert len(result.stdout.splitlines()) == 4
    assert result.stderr.startswith(
        "Compared: 7 photos of 3 vendors with 4 photos of 3 shops and artisans; last good look"
    )


def test_the_command_prints_a_table_on_a_terminal(command, filled, monkeypatch):
    run(filled, hostile)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    output = command().stdout
    assert "Harbour Co., Ltd." in output
    assert "\x1b]8;" in output  # titles lead to the listings
    assert "[red][31mgnir" in output  # the vendor's own escapes and markup are mere letters
    assert "javascript:" not in output
    assert "only a person can confirm" in output


def test_the_command_knows_no_match_from_not_looked(command, filled):
    with psycopg.connect(filled) as connection:
        connection.execute("update match set decision = 'no_match'")
    result = command()
    assert result.stdout.splitlines() == ["\t".join(COLUMNS)]
    assert result.stderr.startswith("Compared: 7 photos")
    with psycopg.connect(filled) as connection:
        connection.execute("update lookup set looked_up_at = null")
    assert command().stderr.startswith("Not looked")


def test_a_vendor_nobody_knows_is_one_line(command):
    with pytest.raises(UsageError, match="Nobody: no vendor goes by this name"):
        command("--vendor", "Nobody")


def test_a_database_that_is_not_there_is_one_line(command, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", "postgresql://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    with pytest.raises(DatabaseError) as raised:
        command()
    assert raised.value.exit_code == 1
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://www.etsy.com/listing/1?a=b&c=d", True),
        ("http://example.com/ä", True),
        ("HTTPS://example.com", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("https:alert(1)", False),
        ("https://", False),
        ("https://[", False),
        ("https://example.com/\u202egpj", False),
        ("data:text/html,<script>", False),
        ("//example.com/", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_become_links(url, safe):
    assert web_address(url) == (url if safe else None)


@pytest.mark.parametrize(
    ("method", "transform", "text"),
    [
        ("exact", {"mirrored": False, "scale": 1.0}, "the same file, byte for byte"),
        ("phash", {"mirrored": True, "scale": 0.6}, "mirrored, resized to 60 %"),
        ("phash", {"scale": 1.001}, "the same photo, stored anew"),
        ("features", {"shown": 0.5, "around": "picture"}, "cropped to 50 %, with something around it"),
        ("phash", {"around": "border"}, "with a plain border"),
        ("phash", None, "what was done to it could not be told"),
    ],
)
def test_what_was_done_is_said_in_words(method, transform, text):
    assert done_to_the_photo(method, transform) == text


def test_a_line_has_no_controls():
    assert one_line("a\tb\n c\x1b[31m\u202ed") == "a b c[31md"


def test_runs_that_never_ended_have_broken_off(filled, files, tmp_path):
    async def start(connection):
        for spider, silent in (("artfire", timedelta(minutes=1)), ("etsy", timedelta(hours=1))):
            await insert_run(
                connection, spider=spider, arguments={}, jobid=None, host="here", version="0.1.0", now=NOW - silent
            )

    run(filled, start)
    _, page = write(filled, files, tmp_path)
    assert "artfire, 2026-11-23 11:59 UTC: running" in words(page)
    assert "etsy, 2026-11-23 11:00 UTC: broken off" in words(page)


def update(connection):
    return update_context(connection, load=lambda sha256: b"", now=NOW, everything=True)


def test_a_pair_says_who_was_first(filled, files, tmp_path):
    run(filled, update)
    _, page = write(filled, files, tmp_path)
    shirt = words(page.xpath("//article[contains(., 'Mirrored')]"))
    assert "On known evidence the original was first, by 2,009 days." in shirt
    assert "Weakest link: the suspect: first seen by us, so there by 2026-11-10." in shirt
    own = words(page.xpath("//article[contains(., 'shoot/own.jpg')]"))
    assert "Who was first is undecided; it would be settled by a publication of the original" in own


def test_a_pair_whose_dates_were_not_looked_at_says_so(filled, files, tmp_path):
    _, page = write(filled, files, tmp_path)
    assert words(page).count("Who was first: not looked.") == 5


def test_dates_and_pixels_that_disagree_are_shown(filled, files, tmp_path):
    async def contradict(connection):
        await update(connection)
        await connection.execute("update direction set likelier_source = 'suspect', pixel_reasons = '{<i>larger}'")

    run(filled, contradict)
    _, page = write(filled, files, tmp_path)
    assert "By the pixels the suspect is the likelier source: <i>larger. Dates and pixels disagree." in words(page)


def test_what_does_not_count_is_shown_apart_with_its_reason(filled, files, tmp_path, command):
    async def keep_apart(connection):
        for rule, photo in (("common", matched.SMALL_DRESS), ("banner", matched.MIRRORED_SHIRT)):
            await connection.execute(
                "insert into suppression (image, rule, made_by, made_at) select id, %s, 'Eva', now() from image"
                " where sha256 = %s",
                [rule, matched.image(photo).sha256],
            )
        await connection.execute(
            "insert into relation (artisan, seller, kind, made_by, made_at, active)"
            " select a.id, s.id, 'licensee', 'Eva', now(), true from artisan a, seller s"
            " where a.name = 'Ana' and s.name = 'Harbour Co., Ltd.'"
        )
        await update(connection)

    run(filled, keep_apart)
    run(filled, hostile)
    summary, page = write(filled, files, tmp_path)
    assert (summary.matches, summary.possible) == (1, 1)
    [apart] = page.css(".not-counted")
    text = words(apart)
    assert "Not counted, and why: 4 pairs" in text
    assert "shown by many vendors and several artisans; licensee: AnaMakes" in text
    assert "the vendor’s banner; licensee" in text
    assert apart.css("details[open]") == []
    assert "Meadow Clothing" in text
    assert words(page.css(".others")).count("Meadow Clothing") == 2  # without a match, and here
    _, page = write(filled, files, tmp_path, vendor="Harbour Co., Ltd.")
    assert "Not counted, and why: 2 pairs" in words(page)
    assert "4 more pairs not counted" in command().stderr


def test_what_was_removed_and_where_it_is_seen_again_is_said(filled, files, tmp_path):
    removed_at = matched.MATCHED_AT + timedelta(days=1)

    async def remove(connection):
        await connection.execute(
            """
            with missed as (
                insert into run (spider, arguments, host, version, started_at, heartbeat_at)
                values ('alibaba', '{}', 'here', '1', %(now)s, %(now)s)
                returning id
            )
            insert into removal (finding, how, last_shown_at, missed_at, removed_at, run)
            select f.id, 'gone', %(seen)s, %(now)s, %(now)s, missed.id
            from missed, finding f join listing l on l.id = f.suspect_listing where l.listing_ref = '201'
            """,
            {"seen": matched.SUSPECTS_SEEN_AT, "now": removed_at},
        )
        again = matched.record(matched.HARBOUR, "208", matched.image(matched.SMALL_DRESS))
        await store.save_listings(connection, [again], run=None, now=removed_at + timedelta(days=2))

    run(filled, remove)
    run(filled, lambda connection: update_context(connection, load=files.get, now=removed_at))
    _, page = write(filled, files, tmp_path / "report")
    told = {words(each) for each in page.css("p.removal")}
    listing = "https://www.alibaba.com/listing/"
    removed = f"Removed from {listing}201, with the listing: 2026-11-12 09:30 UTC."
    assert told == {f"{removed} Seen again at {listing}208."}
    [month] = run(filled, lambda connection: find_figures(connection, Chosen(), "month"))
    # found two days before it was gone; seen again in one listing, for each of the originals that show it
    assert (month.name, month.removed, month.relisted, month.median_days_to_removal) == ("2026-11", 2, 2, 1.0)


def test_where_nothing_counts_it_does_not_say_that_nothing_matched(filled, files, tmp_path):
    with psycopg.connect(filled) as connection:
        connection.execute(
            "insert into suppression (image, rule, made_by, made_at) select id, 'common', 'Eva', now() from image"
        )
    _, page = write(filled, files, tmp_path)
    assert words(page.css("h1")) == "No match that counts"


def judged(connection):
    """Confirm two findings of Harbour's in December, and reject one; December was not crawled."""
    return connection.execute("""
        insert into verdict (finding, verdict, reason, judged_by, judged_at)
        select f.id, case l.listing_ref when '207' then 'rejected' else 'confirmed' end,
            case l.listing_ref when '207' then 'stock_photo' end, 'Eva', '2027-01-10'
        from finding f join listing l on l.id = f.suspect_listing
        where l.listing_ref in ('201', '207')""")


def test_figures_leave_no_month_out_and_say_which_was_not_looked_at(filled):
    run(filled, judged)
    months = run(filled, lambda connection: find_figures(connection, Chosen(), "month"))
    assert [(row.name, row.looked, row.found, row.confirmed, row.rejected) for row in months] == [
        ("2026-11", "in part", 8, 0, 0),
        ("2026-12", "not looked", 0, 0, 0),
        ("2027-01", "not looked", 0, 2, 2),
    ]


def test_figures_by_vendor_and_by_artisan(filled):
    run(filled, judged)
    vendors = run(filled, lambda connection: find_figures(connection, Chosen(), "vendor"))
    assert [(row.name, row.looked, row.found, row.confirmed, row.rejected) for row in vendors] == [
        ("Harbour Co., Ltd.", "in part", 5, 2, 0),
        ("Meadow Clothing", "in full", 2, 0, 2),
        (None, "in full", 1, 0, 0),
    ]
    artisans = run(filled, lambda connection: find_figures(connection, Chosen(), "artisan"))
    assert [(row.name, row.looked, row.found) for row in artisans] == [
        ("Ana", "in part", 7),
        ("Ben's Pots", "in full", 1),
    ]


def test_a_report_is_narrowed_to_an_artisan_and_a_time(filled, files, tmp_path):
    summary, page = write(filled, files, tmp_path / "ben", artisan="BensPots")
    assert (summary.matches, summary.possible, summary.vendors) == (0, 1, 1)
    assert "Only what concerns photos of BensPots is shown." in words(page)
    assert "AnaMakes" not in words(page.css(".vendor, .vendors"))
    assert {words(row.css("th")) for row in page.css(".figures tbody tr")} == {
        "2026-11",
        "Ben's Pots",
        "Harbour Co., Ltd.",
    }
    summary, page = write(filled, files, tmp_path / "now", since=date(2026, 11, 11), until=date(2026, 11, 11))
    assert (summary.matches, summary.possible) == (4, 1)
    summary, page = write(filled, files, tmp_path / "later", artisan="ana", since=date(2026, 11, 12))
    assert (summary.matches, summary.possible) == (0, 0)
    assert words(page.css("h1")) == "No such match among what was compared"
    assert "no such match among 4 photos of 3 listings" in words(page.css(".others"))


def test_figures_are_printed_as_lines_a_table_or_json(command, filled, monkeypatch):
    run(filled, judged)
    lines = [line.split("\t") for line in command("--by", "vendor", "--since", "2027-01-01").stdout.splitlines()]
    assert lines[0][:4] == ["vendor", "found", "confirmed", "rejected"]
    assert [line[:4] for line in lines[1:]] == [
        ["Harbour Co., Ltd.", "0", "2", "0"],
        ["Meadow Clothing", "0", "0", "2"],
    ]
    [row] = map(json.loads, command("--by", "month", "--until", "2026-11-30", "--json").stdout.splitlines())
    assert (row["month"], row["found"], row["looked"]) == ("2026-11", 8, "in part")
    pairs = [json.loads(line) for line in command("--artisan", "Ana", "--json").stdout.splitlines()]
    assert [pair["shop"] for pair in pairs] == ["AnaMakes", "AnaMakes", "AnaMakes", "Ana"]
    assert all(len(pair["suspect_sha256"]) == 64 and pair["decision"] == "match" for pair in pairs)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    assert "days to removal" in command("--by", "artisan").stdout


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["--artisan", "Nobody"], "Nobody: no artisan or shop goes by this"),
        (["--vendor", "AnaMakes"], "AnaMakes: no vendor goes by this"),
        (["--since", "2026-12-01", "--until", "2026-11-01"], "is before --since"),
        (["--html", "here", "--by", "month"], "give it without --by"),
        (["--gallery", "Ana", "--html", "here", "--since", "2026-12-01"], "and nothing else"),
    ],
)
def test_what_a_report_cannot_be_about_is_one_line(command, arguments, refused):
    with pytest.raises(UsageError, match=refused):
        command(*arguments)
