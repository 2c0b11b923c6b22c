"""What the pages of the review are like to use: at every size, in light and dark, by a screen reader."""

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.test_context import command, rows
from tests.test_review import filled, review, unused_port

__all__ = ["filled", "review", "unused_port"]  # fixtures


def paths(dsn):
    finding = rows(dsn, "select min(finding_id) as id from analysis.finding")[0]["id"]
    vendor = rows(dsn, "select seller_id from analysis.seller where seller_ref = '101'")[0]["seller_id"]
    return [
        "/queue",
        f"/findings/{finding}",
        f"/vendors/{vendor}",
        f"/vendors/{vendor}/findings",
        "/crawls",
        "/nowhere",
        "/sign-in",
    ]


def test_pages_fit_and_a_screen_reader_finds_its_way(review, filled, chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        looks: list[tuple[Literal["light", "dark"], int, int]] = [("light", 320, 640), ("dark", 3840, 2160)]
        for scheme, width, height in looks:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            for path in paths(filled):
                page.goto(review.origin + path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
                found = [
                    (each["id"], each["impact"], [node["html"][:160] for node in each["nodes"][:3]])
                    for each in Axe().run(page).response["violations"]
                ]
                assert found == [], (path, scheme)
            context.close()
        browser.close()


def test_a_vendor_s_page_counts_what_people_said(review, filled):
    vendor = rows(filled, "select seller_id from analysis.seller where seller_ref = '101'")[0]["seller_id"]
    finding = rows(filled, "select min(finding_id) as id from analysis.finding where artisan = 'Ana'")[0]["id"]
    command("finding", "confirm", str(finding), "--by", "Eva")
    status, _, text = review.ask("GET", f"/vendors/{vendor}")
    assert status == 200
    figures = re.findall(r'<bdi>([^<]+)</bdi></a></th>|<td class="n" data-label="([^"]+)">([0-9]+)<', text.decode())
    assert [name or int(value) for name, _, value in figures] == ["Ana", 4, 3, 1, 0, 0, "Ben&#39;s Pots", 1, 1, 0, 0, 0]
    assert review.ask("GET", "/vendors/999999")[0] == 404


@pytest.mark.parametrize("script", [True, False], ids=["with", "without"])
def test_a_verdict_is_given_by_tab_and_enter_with_scripts_and_without(review, filled, chromium, script):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_context(java_script_enabled=script).new_page()
        page.goto(review.origin + paths(filled)[1])
        confirm = page.get_by_role("button", name="Confirm")
        for _ in range(30):
            page.keyboard.press("Tab")
            if confirm.and_(page.locator(":focus")).count():
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**done=*")
        browser.close()
    assert [row["verdict"] for row in rows(filled, "select verdict from analysis.verdict")] == ["confirmed"]
