"""The pictures of a page in Chromium: of all of it, and of the places of its photos."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page

from spiders.visit import Visit
from theftwatch.pages.addresses import image_key

#: The window that the page is shown in; larger pages are scrolled through, so that they load all of themselves
VIEWPORT = {"width": 1280, "height": 1600}
#: Chromium draws no picture that is longer
_LONGEST_PX = 16_000
_PLACE_MARGIN_PX = 160
_SCROLLS_MAX = 20
_SCROLL_PAUSE_S = 0.15
_LOAD_MAX_MS = 30_000
_SHOOT_MAX_S = 180
#: What a picture of a page needs
LOADS = frozenset({"document", "stylesheet", "image", "font", "script", "xhr", "fetch"})

# Every element that shows an image, whether as such or as its background, with its number among all.
_FIND_IMAGES = r"""() => [...document.querySelectorAll('*')].map((element, number) => {
    const background = getComputedStyle(element).backgroundImage;
    const urls = [...background.matchAll(/url\("([^"]+)"\)/g)].map(found => found[1]);
    if (element.currentSrc || element.src) urls.push(element.currentSrc || element.src);
    const box = element.getBoundingClientRect();
    return {number, urls: urls.filter(url => url.startsWith('http')), area: box.width * box.height};
}).filter(each => each.urls.length && each.area > 0)"""
_SCROLL_TO = """number => {
    const element = document.querySelectorAll('*')[number];
    element.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
    const box = element.getBoundingClientRect();
    return {x: box.x, y: box.y, width: box.width, height: box.height};
}"""


async def shoot(page: Page, visit: Visit) -> None:
    """Take the pictures of a page; a `PageMethod` of requests.

    Raises Playwright's Error, or TimeoutError, where the page cannot be shown; what was taken by then is kept.
    """
    assert page.context.browser is not None
    visit.browser = f"Chromium {page.context.browser.version}"
    async with asyncio.timeout(_SHOOT_MAX_S):
        with contextlib.suppress(BrowserError):  # what has not come by now is not waited for
            await page.wait_for_load_state("load", timeout=_LOAD_MAX_MS)
        height_px = await _scroll_through(page)
        if height_px > _LONGEST_PX:
            visit.notes.append(f"the picture of the page shows {_LONGEST_PX} of its {height_px} px")
        whole = {"x": 0, "y": 0, "width": VIEWPORT["width"], "height": max(1, min(height_px, _LONGEST_PX))}
        visit.screenshot = await page.screenshot(
            full_page=True,
            clip=whole,  # type: ignore[arg-type]  # a TypedDict
            type="jpeg",
            quality=85,
            animations="disabled",
        )
        async for key, number in _find_places(page, {photo.image_key for photo in visit.subject.photos}):
            visit.places[key] = await _shoot_place(page, number)


async def _scroll_through(page: Page) -> int:
    """Scroll to the end, so that what loads when it is seen has loaded, and back; return how long the page is."""
    height_px = 0
    for step in range(_SCROLLS_MAX):
        await page.evaluate("y => window.scrollTo(0, y)", step * VIEWPORT["height"])
        await asyncio.sleep(_SCROLL_PAUSE_S)
        height_px = int(await page.evaluate("() => document.documentElement.scrollHeight"))
        if (step + 1) * VIEWPORT["height"] >= height_px:
            break
    with contextlib.suppress(BrowserError):
        await page.wait_for_load_state("networkidle", timeout=_LOAD_MAX_MS)
    await page.evaluate("() => window.scrollTo(0, 0)")
    return height_px


async def _find_places(page: Page, keys: set[str]) -> AsyncIterator[tuple[str, int]]:
    """Yield where photos stand, each at its largest: image key, and number of the element."""
    largest: dict[str, tuple[float, int]] = {}
    for found in await page.evaluate(_FIND_IMAGES):
        for key in {image_key(url) for url in found["urls"]} & keys:
            assert key is not None
            largest[key] = max(largest.get(key, (0.0, 0)), (float(found["area"]), int(found["number"])))
    for key, (_, number) in sorted(largest.items()):
        yield key, number


async def _shoot_place(page: Page, number: int) -> bytes:
    box = await page.evaluate(_SCROLL_TO, number)
    left, top = max(0, box["x"] - _PLACE_MARGIN_PX), max(0, box["y"] - _PLACE_MARGIN_PX)
    right = min(VIEWPORT["width"], box["x"] + box["width"] + _PLACE_MARGIN_PX)
    bottom = min(VIEWPORT["height"], box["y"] + box["height"] + _PLACE_MARGIN_PX)
    clip = {"x": left, "y": top, "width": max(1, right - left), "height": max(1, bottom - top)}
    return await page.screenshot(clip=clip, type="png", animations="disabled")  # type: ignore[arg-type]
