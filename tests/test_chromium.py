"""Which Chromium is found, and that it opens a page."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import sync_playwright

from theftwatch.chromium import find_chromium
from theftwatch.config import Settings
from theftwatch.errors import UsageError


def program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without any browser: nothing on PATH, nothing of Playwright's, an empty home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    monkeypatch.delenv("THEFTWATCH_CHROMIUM", raising=False)
    monkeypatch.setattr("theftwatch.chromium.find_spec", lambda name: None)
    return tmp_path


def test_a_bare_machine_has_none(bare):
    assert find_chromium(Settings()) is None


@pytest.mark.parametrize("command", ["chromium", "chromium-browser", "google-chrome"])
def test_one_on_path_is_found(bare, command):
    expected = program(bare / "bin" / command)
    assert find_chromium(Settings()) == expected


def test_chromium_goes_before_chrome(bare):
    program(bare / "bin/google-chrome")
    expected = program(bare / "bin/chromium")
    assert find_chromium(Settings()) == expected


@pytest.mark.parametrize(
    "binary",
    [
        "chrome-linux/chrome",
        "chrome-linux64/chrome",
        "chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
    ],
)
def test_the_newest_of_playwright_is_found(bare, binary):
    program(bare / "browsers/chromium-999" / binary)
    expected = program(bare / "browsers/chromium-1200" / binary)
    assert find_chromium(Settings()) == expected


def test_path_goes_before_playwright(bare):
    program(bare / "browsers/chromium-999/chrome-linux64/chrome")
    expected = program(bare / "bin/chromium")
    assert find_chromium(Settings()) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of Linux")
def test_the_users_own_of_playwright_is_found(bare, monkeypatch):
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
    expected = program(bare / "cache/ms-playwright/chromium-999/chrome-linux64/chrome")
    assert find_chromium(Settings()) == expected


def test_the_one_inside_the_package_is_found(bare, monkeypatch):
    class Package:
        origin = str(bare / "site-packages/playwright/__init__.py")

    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "0")
    monkeypatch.setattr("theftwatch.chromium.find_spec", lambda name: Package)
    inside = bare / "site-packages/playwright/driver/package/.local-browsers"
    expected = program(inside / "chromium-999/chrome-linux64/chrome")
    assert find_chromium(Settings()) == expected


def test_the_settings_go_first(bare, monkeypatch):
    program(bare / "bin/chromium")
    chosen = program(bare / "chosen")
    monkeypatch.setenv("THEFTWATCH_CHROMIUM", str(chosen))
    assert find_chromium(Settings()) == chosen


@pytest.mark.parametrize("wrong", ["missing", "folder", "text"])
def test_a_setting_that_cannot_be_run_is_one_line(bare, wrong):
    (bare / "folder").mkdir()
    (bare / "text").write_text("not a program")
    with pytest.raises(UsageError, match=r"^THEFTWATCH_CHROMIUM: .* is no program"):
        find_chromium(Settings(chromium=bare / wrong))


def test_it_opens_a_page(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page()
        page.goto("data:text/html,<title>before</title><script>document.title = 6 * 7</script>")
        assert page.title() == "42"
        assert page.screenshot().startswith(b"\x89PNG")
        browser.close()


@pytest.mark.parametrize(("name", "status"), [("chosen", 0), ("missing", 1)])
def test_the_module_says_by_its_exit_code_whether_one_is_there(tmp_path, name, status):
    program(tmp_path / "chosen")
    env = {**os.environ, "THEFTWATCH_CHROMIUM": str(tmp_path / name)}
    ran = subprocess.run([sys.executable, "-m", "theftwatch.chromium"], env=env, capture_output=True, text=True)
    assert ran.returncode == status
    assert len(ran.stderr.splitlines()) == status


def test_a_plain_crawl_does_without_playwright():
    code = (
        "import sys; from scrapy.settings import Settings; from scrapy.spiderloader import SpiderLoader; "
        "ours = Settings(); ours.setmodule('theftwatch.settings'); "
        "print(*SpiderLoader.from_settings(ours).list()); print('playwright' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spiders, loaded = done.stdout.splitlines()
    assert "capture" in spiders.split()
    assert loaded == "False"
