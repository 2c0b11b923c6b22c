"""Chromium, for pages that need scripts and for captures."""

import time

from theftwatch.chromium import find_chromium, try_chromium
from theftwatch.config import Settings
from theftwatch.doctor.check import Check, failure, took
from theftwatch.errors import UsageError
from theftwatch.fonts import REMEDY


def check_chromium(settings: Settings) -> Check:
    """Start a Chromium and have it take a picture."""
    try:
        found = find_chromium(settings)
    except UsageError as exc:
        return failure("chromium", exc, "unset THEFTWATCH_CHROMIUM")
    if found:
        started = time.perf_counter()
        try:
            version, writes_chinese = try_chromium(found)
        except UsageError as exc:
            again = "unset THEFTWATCH_CHROMIUM" if settings.chromium else "sudo apt-get install --reinstall chromium"
            return failure("chromium", exc, again)
        if not writes_chinese:
            detail = f"{version}, {found}: no font for Chinese, so captures and PDF files show boxes in its place"
            return Check(name="chromium", state="off", detail=detail, remedy=REMEDY)
        # captures use it all the same
        used = "" if settings.browser else "; crawls do not use it while THEFTWATCH_BROWSER is unset"
        return Check(name="chromium", state="ok", detail=f"{version}, {found}, a picture in {took(started)}{used}")
    needed = "THEFTWATCH_BROWSER is set and none is found" if settings.browser else "none is found"
    return Check(
        name="chromium",
        state="failed" if settings.browser else "off",
        detail=f"{needed}: pages that need scripts cannot be read",
        remedy="make chromium",
    )
