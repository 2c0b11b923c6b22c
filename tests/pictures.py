"""Draws the pictures of docs/cases.md: parts of the pages of a bundle, as Chromium shows them.

`python -m tests.pictures BUNDLE FOLDER`; `make pictures` makes the bundle as well.
"""

import asyncio
import io
import sys
import zipfile
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

from theftwatch.chromium import launch_options, require_chromium
from theftwatch.config import settings

#: By name of the picture: a page of the bundle, and what of it
_PICTURES = {
    "case-dates": ("evidence.html", "section[aria-labelledby=first]"),
    "case-photos": ("evidence.html", "section[aria-labelledby=photos]"),
    "case-statement": ("statement.html", "body"),
}
_BYTES_MAX = 150_000


async def draw(bundle: Path, folder: Path) -> None:
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
        await browser.close()


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]), Path(sys.argv[2])))
