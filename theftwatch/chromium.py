"""Where a Chromium is, for the pages that show nothing without scripts.

`python -m theftwatch.chromium` exits with 0 where one is found, and else with 1.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import platformdirs

from theftwatch.config import Settings, settings
from theftwatch.errors import UsageError
from theftwatch.fonts import font_environment, letters_page, undrawn

_COMMANDS = ("chromium", "chromium-browser", "google-chrome")

_START_MAX_MS = 60_000

#: "felt hare", as vendors write it
_CHINESE = "毛毡兔"

# One folder a version, named by its number: chromium-1234/chrome-linux64/chrome
_PLAYWRIGHT_PATTERNS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)


def find_chromium(settings: Settings) -> Path | None:
    """Return the Chromium of the settings, else the first one on PATH, else the newest that Playwright installed.

    Raises UsageError where the settings name one that cannot be run.
    """
    if settings.chromium is not None:
        if not os.access(settings.chromium, os.X_OK) or settings.chromium.is_dir():
            raise UsageError(
                f"THEFTWATCH_CHROMIUM: {settings.chromium} is no program that can be run; "
                "name another, or unset it to have one looked for"
            )
        return settings.chromium
    on_path = (shutil.which(command) for command in _COMMANDS)
    return next((Path(found) for found in on_path if found), None) or next(_installed_by_playwright(), None)


def require_chromium(settings: Settings) -> Path:
    """Return the Chromium to use.

    Raises UsageError where there is none.
    """
    found = find_chromium(settings)
    if found is None:
        raise UsageError("THEFTWATCH_BROWSER is set and no Chromium is found; `make chromium` installs one")
    return found


def launch_options(chromium: Path) -> dict[str, Any]:
    """Return how Playwright is to start a Chromium: with its sandbox, and cut off from every network.

    It shows what is put before it. Rules that would let some hosts pass do not reach redirects and WebSockets.
    """
    return {
        "executable_path": str(chromium),
        "env": {
            # our own settings, passwords among them, are none of its business
            **{name: value for name, value in os.environ.items() if not name.startswith("THEFTWATCH_")},
            **font_environment(settings().data_dir),
        },
        "chromium_sandbox": os.geteuid() != 0,  # which refuses to start under root
        "args": [
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # addresses written as numbers too
            # Calls between browsers ask no resolver for those; the second is the name in newer versions.
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        ],
    }


def try_chromium(chromium: Path) -> tuple[str, bool]:
    """Start a Chromium and have it take pictures of pages; return its version, and whether it can write Chinese.

    Raises UsageError where it does not.
    """
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**launch_options(chromium), timeout=_START_MAX_MS)
            page = browser.new_page(viewport={"width": 64, "height": 48})
            page.set_content("<body style='background: #123456'>")
            picture = page.screenshot(type="png")
            page.set_content(letters_page(_CHINESE))
            chinese = undrawn(_CHINESE, page.screenshot(type="png", full_page=True))
            version = browser.version
            browser.close()
    except (Error, OSError) as exc:
        # what follows the first line is Playwright's log
        raise UsageError(f"{chromium} does not start: {str(exc).strip().splitlines()[0]}") from exc
    if not picture.startswith(b"\x89PNG"):
        raise UsageError(f"{chromium} takes no picture of a page")
    return version, not chinese


def _installed_by_playwright() -> Iterator[Path]:
    for folder in _playwright_folders():
        found = [path for pattern in _PLAYWRIGHT_PATTERNS for path in folder.glob(pattern)]
        yield from sorted(found, key=_revision, reverse=True)


def _playwright_folders() -> Iterator[Path]:
    """Yield the folders where Playwright keeps browsers: the one chosen, the one inside its package, the user's."""
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "0")
    if chosen != "0":
        yield Path(chosen)
    package = find_spec("playwright")
    if package is not None and package.origin is not None:
        yield Path(package.origin).with_name("driver") / "package/.local-browsers"
    yield platformdirs.user_cache_path("ms-playwright")


def _revision(path: Path) -> int:
    folder = next(part for part in path.parts if part.startswith("chromium-"))
    digits = folder.removeprefix("chromium-")
    return int(digits) if digits.isdigit() else 0


if __name__ == "__main__":
    try:
        sys.exit(find_chromium(settings()) is None)
    except UsageError as exc:
        sys.exit(f"theftwatch: {exc}")
