"""The Chromium of this machine, for tests that need a real browser."""

import os
from pathlib import Path

import pytest

from theftwatch.chromium import find_chromium
from theftwatch.config import Settings


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Return the path of a Chromium; without one the test is skipped, and fails in continuous integration."""
    found = find_chromium(Settings())
    if found is None:
        missing = "no Chromium was found: make chromium installs one"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found
