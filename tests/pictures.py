"""Draws pictures of the documents: parts of the pages of a bundle and of the demo's report, as Chromium shows them.

`python -m tests.pictures BUNDLE REPORT FOLDER`; `make pictures` makes the bundle and the report as well.
"""

import asyncio
import io
import sys
import zipfile
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, ViewportSize, async_playwright

from theftwatch.chromium import launch_options, require_chromium
from theftwatch.config import settings

#: By name of the picture: a page of the bundle, and what of it
_PICTURES = {
    "case-dates": ("evidence.html", "section[aria-labelledby=first]"),
    "case-photos": ("evidence.html", "section[aria-labelledby=photos]"),
    "case-statement": ("statement.html", "body"),
}
#: Of the report: its size, and the pair that it begins with
_REPORT_SIZE: ViewportSize = {"width": 1120, "height": 1040}
_FIRST_PAIR = "Suede boots, grey, stitched"
_COLOURS = 256
_BYTES_MAX = 200_000


async def draw(bundle: Path, report: Path, folder: Path) -> None:
    """Write the pictures into a folder."""
    with zipfile.ZipFile(bundle) as archive:
        pages = {name: archive.read(name).decode() for name, _ in _PICTURES.values()}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options(require_chromium(settings())))
        page = await browser.new_page(viewport={"width": 860, "height": 900}, color_scheme="light")
        for picture, (name, part) in _PICTURES.items():
            await page.set_content(pages[name], wait_until="load")
            shot = await page.locator(part).first.screenshot()
            file = io.BytesIO()
            with Image.open(io.BytesIO(shot)) as image:
                image.convert("RGB").save(file, "JPEG", quality=82, optimize=True)
            assert file.tell() < _BYTES_MAX, f"{picture}: {file.tell()} bytes"
            (folder / f"{picture}.jpg").write_bytes(file.getvalue())
        await _draw_report(browser, report, folder / "report.png")
        await browser.close()


async def _draw_report(browser: Browser, report: Path, picture: Path) -> None:
    page = await browser.new_page(viewport=_REPORT_SIZE, color_scheme="light")
    await page.goto(report.as_uri(), wait_until="load")
    pair = page.locator("article.pair").filter(has_text=_FIRST_PAIR).first
    await pair.evaluate("each => window.scrollTo(0, each.getBoundingClientRect().top + window.scrollY - 10)")
    await page.evaluate("Promise.all([...document.images].map(each => (each.loading = 'eager', each.decode())))")
    with Image.open(io.BytesIO(await page.screenshot())) as image:
        image.convert("RGB").quantize(_COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    asyncio.run(draw(*(Path(each).resolve() for each in sys.argv[1:])))
