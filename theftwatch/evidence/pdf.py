"""Pages as PDF, by Chromium's own print."""

from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Error as BrowserError
from playwright.async_api import async_playwright

from theftwatch.chromium import launch_options
from theftwatch.errors import EvidenceError
from theftwatch.fonts import letters_of, letters_page, undrawn

_TIMEOUT_MS = 120_000
_FOOT = (
    '<div style="width:100%; box-sizing:border-box; padding:0 15mm; font:7pt sans-serif; color:#555;'
    ' display:flex; gap:5mm; justify-content:space-between">'
    '<span class="title" style="min-width:0; overflow:hidden; text-overflow:ellipsis; white-space:nowrap"></span>'
    '<span style="flex:none"><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Printed:
    """Pages as PDF files of A4."""

    files: list[bytes]
    #: Letters for which the machine has no font: boxes stand in their places
    undrawn: str


async def print_pages(chromium: Path, pages: list[str]) -> Printed:
    """Print HTML pages; Chromium reaches no network meanwhile.

    Raises EvidenceError where Chromium cannot print them.
    """
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**launch_options(chromium))
            context = await browser.new_context(java_script_enabled=False, offline=True, color_scheme="light")
            page = await context.new_page()
            printed, missing = [], ""
            if letters := letters_of(pages):
                await page.set_content(letters_page(letters))
                missing = undrawn(letters, await page.screenshot(type="png", full_page=True))
            for html in pages:
                await page.set_content(html, wait_until="load", timeout=_TIMEOUT_MS)
                printed.append(
                    await page.pdf(
                        format="A4",
                        print_background=True,
                        prefer_css_page_size=False,
                        display_header_footer=True,
                        header_template="<span></span>",
                        footer_template=_FOOT,
                        margin={"top": "15mm", "bottom": "18mm", "left": "15mm", "right": "15mm"},
                        tagged=True,
                    )
                )
            await browser.close()
            return Printed(files=printed, undrawn=missing)
    except BrowserError as exc:
        reason = exc.message.splitlines()[0]
        raise EvidenceError(f"{chromium} could not print: {reason}; `theftwatch doctor` tries it") from exc
