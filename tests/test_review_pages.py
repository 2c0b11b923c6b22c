"""What the pages of the review are like to use: at every size, in light and dark, by a screen reader."""

import html
import re
from typing import Literal
from xml.etree import ElementTree

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from psycopg.rows import dict_row

from tests.matched import DRESS, OWN, SMALL_DRESS, TUNIC, image
from tests.test_context import command, rows, run
from tests.test_review import filled, review, unused_port
from theftwatch.db.queries import queries

__all__ = ["filled", "review", "unused_port"]  # fixtures


def artisan_of(dsn):
    return rows(dsn, "select artisan_id from analysis.seller where artisan = 'Ana'")[0]["artisan_id"]


def paths(dsn):
    finding = rows(dsn, "select min(finding_id) as id from analysis.finding")[0]["id"]
    vendor = rows(dsn, "select seller_id from analysis.seller where seller_ref = '101'")[0]["seller_id"]
    return [
        "/",
        "/received",
        "/watched",
        "/watched/1",
        "/queue",
        f"/findings/{finding}",
        f"/vendors/{vendor}",
        f"/vendors/{vendor}/findings",
        "/cases",
        "/cases/due",
        "/cases/1",
        "/cases/1/letter",
        "/notices/1",
        "/artisans",
        f"/artisans/{artisan_of(dsn)}",
        f"/photos/{image(DRESS).sha256.hex()}",
        "/crawls",
        "/nowhere",
        "/sign-in",
    ]


def raise_alarm(dsn):
    """Raise an alarm on another list, as a run would; its name is as hostile as any."""
    run(
        dsn,
        lambda connection: connection.execute(
            "with list as (insert into target (marketplace, kind, ref, every, reason, added_at, due_at)"
            " select 'alibaba', 'vendor', '<script>' || count(*), '1 day', 'a test', now(), now() from target"
            " returning id)"
            " insert into alarm (kind, spider, target, value, usual, size, run, first_seen_at, last_seen_at)"
            " select 'fewer_listings', 'alibaba', list.id, 3, 40, 7, max(run.id), now(), now() from list, run"
            " group by list.id"
        ),
    )


def test_pages_fit_and_a_screen_reader_finds_its_way(review, filled, chromium):
    [finding] = rows(filled, "select min(finding_id) as id from analysis.finding where suspect_listing_ref = '207'")
    command("finding", "confirm", str(finding["id"]), "--by", "Eva")
    command("case", "open", "Ana", "alibaba/104", "--by", "Eva")
    raise_alarm(filled)
    assert review.ask("POST", f"/artisans/{artisan_of(filled)}/notices", {})[0] == 303
    long = "repeat('<b>', 40) || repeat('x', 200)"
    run(filled, lambda connection: connection.execute(f"update listing set title = {long}"))
    run(filled, lambda connection: connection.execute(f"update seller set name = {long} where side is null"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        looks: list[tuple[Literal["light", "dark"], int, int]] = [("light", 320, 640), ("dark", 3840, 2160)]
        for scheme, width, height in looks:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            for path in paths(filled):
                page.goto(review.origin + path)
                title = page.title()
                for across in (1280, width):
                    page.set_viewport_size({"width": across, "height": height})
                    assert page.evaluate("document.documentElement.scrollWidth") <= across, (path, across)
                found = [
                    (each["id"], each["impact"], [node["html"][:160] for node in each["nodes"][:3]])
                    for each in Axe().run(page).response["violations"]
                ]
                assert found == [], (path, scheme)
                # What is fetched into a page once it is there brings no title of its own.
                page.wait_for_function("document.querySelectorAll('.htmx-request').length === 0")
                assert page.title() == title, path
            context.close()
        browser.close()


def test_a_vendor_s_page_counts_what_people_said(review, filled):
    vendor = rows(filled, "select seller_id from analysis.seller where seller_ref = '101'")[0]["seller_id"]
    finding = rows(filled, "select min(finding_id) as id from analysis.finding where artisan = 'Ana'")[0]["id"]
    command("finding", "confirm", str(finding), "--by", "Eva")
    status, _, text = review.ask("GET", f"/vendors/{vendor}")
    assert status == 200
    table = text.decode().partition("</table>")[0]
    figures = re.findall(r'<bdi>([^<]+)</bdi>(?:</a>)?</th>|<td class="n" data-label="[^"]+">([0-9]+)<', table)
    assert [name or int(value) for name, value in figures] == ["Ana", 4, 3, 1, 0, 0, "Ben&#39;s Pots", 1, 1, 0, 0, 0]
    assert review.ask("GET", "/vendors/999999")[0] == 404


def text_of(review, path):
    """Return what a page says, without its marks."""
    status, _, text = review.ask("GET", path)
    assert status == 200, path
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text.decode())).split())


def test_a_photo_s_page_tells_everywhere_it_was_seen(review, filled):
    dress, small, own, tunic = (image(each).sha256.hex() for each in (DRESS, SMALL_DRESS, OWN, TUNIC))
    said = text_of(review, f"/photos/{dress}")
    assert said.count("original AnaMakes , Etsy") == 2
    assert "a copy of it: resized to 60 %" in said
    vendors = text_of(review, f"/photos/{small}")
    for name in ("Harbour Co., Ltd.", "Meadow Clothing"):
        assert f"suspect {name} , Alibaba" in vendors
    assert "it is a copy of this: resized to 60 %" in vendors
    findings = rows(filled, f"select distinct finding_id from analysis.match where suspect_sha256 = '{small}'")
    _, _, page = review.ask("GET", f"/photos/{small}")
    linked = {int(number) for number in re.findall(r'href="/findings/(\d+)"', page.decode())}
    assert linked == {row["finding_id"] for row in findings}
    assert "Ana , as an out-take, shoot/own.jpg" in text_of(review, f"/photos/{own}")
    # a vendor's listing alone shows the photo of an artisan who opted out
    assert "31" not in re.findall(r"Goods (\d+)", text_of(review, f"/photos/{tunic}"))
    for name in ("00" * 32, "xx"):
        assert review.ask("GET", f"/photos/{name}")[0] == 404


def test_an_artisan_s_page_tells_who_shows_the_photos_and_what_came_of_it(review, filled):
    ana = artisan_of(filled)
    [finding, *_] = rows(filled, "select finding_id from analysis.finding where suspect_listing_ref = '207'")
    command("finding", "confirm", str(finding["finding_id"]), "--by", "Eva")
    said = text_of(review, f"/artisans/{ana}")
    assert re.search(r"findings?: \d+ needs? a look, 1 confirmed, 0 rejected, 0 unsure", said)
    assert "Meadow Clothing , Alibaba 2 1 1 0 0 1 0 look" in said
    assert "0 originals and 1 out-take, 0 with a trusted timestamp" in said
    assert "AnaMakes , Etsy: 2 listings" in said
    with psycopg.connect(filled, row_factory=dict_row) as connection:
        # the sums count all vendors, however few are listed
        found = connection.execute(queries()["find_artisan_exposure"], {"artisan": ana, "most": 1}).fetchall()
    assert [row["of_all"] for row in found] == [True, False]
    assert found[0]["findings"] > found[1]["findings"]
    assert f"{found[0]['findings']} findings: {found[0]['waiting']} need" in said
    run(filled, lambda connection: connection.execute("update listing set state = 'gone' where listing_ref = '207'"))
    assert "Meadow Clothing , Alibaba 2 1 1 0 0 0 1 look" in text_of(review, f"/artisans/{ana}")
    listed = text_of(review, "/artisans")
    assert "Ana" in listed
    assert "Cleo" not in listed
    assert "That was the last." in text_of(review, "/artisans?after=zz")
    for path in ("/artisans/999999", "/artisans?after=%00"):
        assert review.ask("GET", path)[0] in (200, 404)


def test_alarms_are_acknowledged_and_silenced_on_the_page(review, filled):
    run(filled, lambda connection: connection.execute("update run set started_at = now(), finished_at = now()"))
    for _ in range(2):
        raise_alarm(filled)
    older, newer = (row["alarm_id"] for row in rows(filled, "select alarm_id from analysis.alarm order by alarm_id"))
    said = text_of(review, "/crawls")
    assert re.search(r"Alibaba vendor=<script>\d: 3 listings, where 40 are usual look in a browser", said), said
    assert said.count("nobody yet") == 2
    assert text_of(review, f"/crawls?before={newer}").count("nobody yet") == 1

    def enter(alarm, **fields):
        status, headers, text = review.ask("POST", "/alarms", {"alarm": alarm, "until": "", "reason": ""} | fields)
        return status, headers.get("location") or html.unescape(text.decode())

    assert enter(older, step="acknowledge") == (303, "/crawls")
    assert enter(newer, step="silence", until="2099-01-01", reason="<b>rebuilt") == (303, "/crawls")
    said = text_of(review, "/crawls")
    assert "nobody yet" not in said
    assert "silent until 2099-01-01 ( Eva : <b>rebuilt )" in said
    for alarm, fields, expected in (
        (older, {"step": "acknowledge"}, f"Alarm {older} is over or acknowledged"),
        (older, {"step": "silence", "until": "soon", "reason": "x"}, "Until 'soon': no day"),
        (older, {"step": "silence", "until": "2026-01-01", "reason": "x"}, "Until 2026-01-01 is over"),
        (older, {"step": "silence", "until": "2099-01-01", "reason": " "}, "The reason is empty"),
        ("x", {"step": "acknowledge"}, "No alarm is ticked"),
        (99, {"step": "acknowledge"}, "99: no such alarm"),
    ):
        status, text = enter(alarm, **fields)
        assert (status, expected in text) == (422, True), text
    [told] = rows(filled, f"select acknowledged_by, silenced_until from analysis.alarm where alarm_id = {older}")
    assert told == {"acknowledged_by": "Eva", "silenced_until": None}


def test_plots_are_drawings_of_what_the_tables_say(review, filled):
    [hostile] = rows(filled, "select seller_id from analysis.seller where seller_ref = '666'")
    vendor = rows(filled, "select seller_id from analysis.seller where seller_ref = '104'")[0]["seller_id"]
    command("finding", "confirm", str(rows(filled, "select min(id) as id from finding")[0]["id"]), "--by", "Eva")
    run(filled, lambda connection: connection.execute("update run set started_at = now(), finished_at = now()"))
    paths = [f"/plots/crawls/{what}.svg" for what in ("outcomes", "listings", "refused", "throughput")]
    paths += [f"/plots/vendors/{vendor}/{what}.svg" for what in ("timeline", "shared")]
    for path in paths:
        drawn = {}
        for scheme in ("light", "dark"):
            status, headers, data = review.ask("GET", f"{path}?scheme={scheme}")
            assert (status, headers["content-type"]) == (200, "image/svg+xml")
            assert headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
            drawn[scheme] = "".join(ElementTree.fromstring(data).itertext())
            assert (b"#1f2328" in data) == (scheme == "light")
        assert drawn["light"]
    refused = " ".join(ElementTree.fromstring(review.ask("GET", "/plots/crawls/refused.svg")[2]).itertext())
    assert re.search(r"\b3\b", refused), refused
    crawls = text_of(review, "/crawls")
    assert re.search(r"\d{4}-\d\d-\d\d 1 0 1 0 3 4 3", crawls), crawls
    assert "alarm" not in crawls
    assert "1 of 2 runs was not ok. What" in crawls
    begun = "insert into run (spider, arguments, host, version, started_at, heartbeat_at)"
    run(filled, lambda connection: connection.execute(f"{begun} values ('etsy', '{{}}', 'here', '0', now(), now())"))
    crawls = text_of(review, "/crawls")
    assert "1 of 2 runs was not ok; 1 is under way. What" in crawls
    # one that has not ended did not fail
    assert re.search(r"\d{4}-\d\d-\d\d 1 0 1 0 3 4 3", crawls), crawls
    said = text_of(review, f"/vendors/{vendor}")
    assert "Who else shows photos of the same artisans" in said
    [shared] = {row["artisan"] for row in rows(filled, "select artisan from analysis.finding where artisan = 'Ana'")}
    assert f"Meadow Clothing {shared} 2" in said
    status, _, data = review.ask("GET", f"/plots/vendors/{hostile['seller_id']}/shared.svg")
    assert (status, b"<script>document" in data) == (200, False)
    assert review.ask("GET", "/plots/vendors/999999/shared.svg")[0] == 200


@pytest.mark.parametrize("script", [True, False], ids=["with", "without"])
def test_a_verdict_is_given_by_tab_and_enter_with_scripts_and_without(review, filled, chromium, script):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_context(java_script_enabled=script).new_page()
        page.goto(f"{review.origin}/findings/{rows(filled, 'select min(id) as id from finding')[0]['id']}")
        confirm = page.get_by_role("button", name="Confirm")
        for _ in range(30):
            page.keyboard.press("Tab")
            if confirm.and_(page.locator(":focus")).count():
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**done=*")
        browser.close()
    assert [row["verdict"] for row in rows(filled, "select verdict from analysis.verdict")] == ["confirmed"]
