"""The review page, from its process to a real Chromium: looking, judging, and all that is refused."""

import re
import time

import pytest
from playwright.sync_api import expect, sync_playwright
from typer.testing import CliRunner

from bench.ports import kept_port
from tests.reviewing import HOSTILE_TITLE, WAIT_MAX_S, Review, fill
from tests.test_context import command, rows, run
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.errors import UsageError
from theftwatch.files import Files

TEN = 10
expect.set_options(timeout=WAIT_MAX_S * 1000)


@pytest.fixture
def filled(dsn, tmp_path, monkeypatch):
    files = Files(tmp_path / "data/theftwatch")
    run(dsn, lambda connection: fill(connection, files))
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    settings.cache_clear()
    return dsn


@pytest.fixture
def unused_port():
    with kept_port() as port:
        yield port


@pytest.fixture
def review(filled, tmp_path, unused_port):
    started = Review(filled, tmp_path / "data", unused_port, "--by", "Eva")
    yield started
    said = started.stop()
    assert "Traceback" not in said, said[-2000:]


@pytest.fixture
def page(review, chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield from looked_at(browser.new_context())
        browser.close()


def looked_at(context):
    """Yield a page, and check afterwards that nothing on it went against its own policy."""
    context.set_default_timeout(WAIT_MAX_S * 1000)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [fault for fault in faults if "409" not in fault and "422" not in fault] == []


def heading(page):
    return page.locator("h1")


def press(page, key):
    """Press a key once the page that took the place of another is there to the end, which its focus tells."""
    expect(page.locator("#page")).to_be_focused()
    page.keyboard.press(key)


def verdicts(dsn):
    return rows(dsn, "select * from analysis.verdict order by verdict_id")


def vendor_of(dsn, ref):
    return rows(dsn, f"select seller_id from analysis.seller where seller_ref = '{ref}'")[0]["seller_id"]


def test_ten_findings_are_reviewed_by_keyboard_alone(review, page, filled):
    page.goto(review.origin)
    expect(page.locator(".lead")).to_contain_text("10 findings need a look")
    page.keyboard.press("Enter")
    keys = ["c", "c", "u", "r3", "r2", "c", "c", "r4", "u", "c"]
    seen = []
    for nth, key in enumerate(keys, 1):
        expect(heading(page)).to_have_text(re.compile(r"Finding \d+"))
        expect(page.locator("#page")).to_be_focused()
        seen.append(heading(page).text_content())
        for letter in key:
            page.keyboard.press(letter)
        if nth < TEN:
            expect(heading(page)).not_to_have_text(seen[-1])
    expect(heading(page)).to_have_text("Queue")
    assert len(set(seen)) == TEN
    given = verdicts(filled)
    assert [row["verdict"] for row in given] == [
        {"c": "confirmed", "u": "unsure", "r": "rejected"}[key[0]] for key in keys
    ]
    assert {row["judged_by"] for row in given} == {"Eva"}
    assert [row["reason"] for row in given if row["reason"]] == ["own_shop", "stock_photo", "licensed"]


def test_a_verdict_is_taken_back_by_a_key(review, page, filled):
    page.goto(f"{review.origin}/queue")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text(re.compile(r"Finding \d+"))
    first = heading(page).text_content()
    press(page, "c")
    expect(heading(page)).not_to_have_text(first)
    press(page, "z")
    expect(heading(page)).to_have_text(first)
    assert [row["verdict"] for row in verdicts(filled)] == ["confirmed", "undone"]
    press(page, "n")
    expect(heading(page)).not_to_have_text(first)


def test_the_second_of_two_reviewers_is_told(review, page, filled):
    other = page.context.new_page()
    for each in (page, other):
        each.goto(f"{review.origin}/queue")
        each.keyboard.press("Enter")
        expect(heading(each)).to_have_text(re.compile(r"Finding \d+"))
    number = heading(page).text_content()
    press(page, "c")
    expect(heading(page)).not_to_have_text(number)
    press(other, "u")
    expect(other.locator("[role=alert]")).to_contain_text("Eva judged it confirmed")
    expect(heading(other)).to_have_text(number)
    assert len(verdicts(filled)) == 1
    # who has seen that may judge it all the same
    press(other, "u")
    expect(heading(other)).not_to_have_text(number)
    assert [row["verdict"] for row in verdicts(filled)] == ["confirmed", "unsure"]


def test_a_hostile_listing_stays_text(review, page, filled):
    [hostile] = {
        row["vendor_id"] for row in rows(filled, "select vendor_id from analysis.vendor where vendor_ref = '666'")
    }
    for path in ("/queue?vendor=alibaba/666", f"/vendors/{hostile}/findings"):
        page.goto(review.origin + path)
        expect(page.locator(".card")).to_have_count(2)
        assert page.title() != "owned"
    page.locator(".card .photos").first.click()
    expect(heading(page)).to_have_text(re.compile(r"Finding \d+"))
    shown = page.locator("section.facts").nth(1)
    expect(shown.locator(".title")).to_have_text(HOSTILE_TITLE)
    assert shown.locator("a[href^='javascript']").count() == 0
    assert page.locator("#page script, #page img[src=x]").count() == 0
    time.sleep(0.2)
    assert page.title() != "owned"


def test_both_photos_are_shown_and_laid_over_each_other(review, page, filled):
    page.goto(f"{review.origin}/queue?edit=resized")
    page.locator(".card .photos").first.click()
    over = page.locator("#over")
    expect(over).to_have_attribute("opacity", "0.5")
    page.keyboard.press("b")
    expect(over).to_have_attribute("opacity", "1")
    page.keyboard.press("b")
    expect(over).to_have_attribute("opacity", "0")
    page.locator("#share").fill("30")
    expect(over).to_have_attribute("opacity", "0.3")
    # the same scale: what is 60 % of the original's size is shown as wide as it
    boxes = [page.locator(f".photo-{side} image").bounding_box() for side in ("original", "suspect")]
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], rel=0.01)
    assert page.locator("figure polygon").count() == 4
    loaded = page.evaluate(
        "Promise.all([...document.querySelectorAll('svg image')].map(each => { const image = new Image();"
        " image.src = each.getAttribute('href'); return image.decode().then(() => image.naturalWidth) }))"
    )
    assert all(width > 100 for width in loaded)
    expect(page.locator(".done")).to_contain_text("Resized to 60 %")
    expect(page.locator("#likeness")).to_contain_text("Nobody has judged")
    page.keyboard.press("c")
    expect(page.locator("#likeness")).to_contain_text("People confirmed 100 % of matches like this one (1 of 1")


def test_one_verdict_for_all_that_is_ticked_of_a_vendor(review, page, filled):
    vendor = vendor_of(filled, "101")
    page.goto(f"{review.origin}/vendors/{vendor}/findings")
    expect(page.locator(".card")).to_have_count(5)
    page.get_by_role("button", name="Confirm the ticked").click()
    expect(page.locator("[role=alert]")).to_contain_text("Nothing is chosen")
    page.get_by_role("button", name="Tick all").click()
    page.locator("summary").click()
    page.locator("#relation").select_option("licensee")
    page.get_by_role("button", name="licensed").click()
    expect(page.locator("[role=status]")).to_contain_text("5 findings judged")
    assert [row["reason"] for row in verdicts(filled)] == ["licensed"] * 5
    assert {row["kind"] for row in rows(filled, "select kind from analysis.relation")} == {"licensee"}
    # and taken back together; what was entered with them is undone by itself
    page.keyboard.press("z")
    expect(page.locator("[role=status]")).to_have_count(0)
    assert rows(filled, "select count(*) as standing from standing_verdict") == [{"standing": 0}]
    assert {row["made_by"] for row in rows(filled, "select judged_by as made_by from verdict")} == {"Eva"}
    page.go_back()
    page.get_by_role("button", name="Undo all 5").click()
    expect(page.locator("[role=alert]")).to_contain_text("Nothing was taken back. Finding ")


def test_enter_in_the_note_judges_nothing(review, page, filled):
    page.goto(f"{review.origin}/queue")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text(re.compile(r"Finding \d+"))
    page.keyboard.press("r")
    page.locator("#note").fill("c")
    page.locator("#note").press("Enter")
    page.keyboard.press("c")
    time.sleep(0.3)
    assert verdicts(filled) == []
    page.locator("#note").fill("she gave it away")
    page.get_by_role("button", name="other, as noted").click()
    expect(page.locator("h1")).to_have_text(re.compile(r"Finding \d+"))
    page.wait_for_url(re.compile("done="))
    [row] = verdicts(filled)
    assert (row["reason"], row["note"]) == ("other", "she gave it away")


def test_what_answers_carry_and_what_is_refused(review, filled):
    status, headers, _ = review.ask("GET", "/queue")
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert review.ask("GET", "/queue", Host="evil.example")[0] == 400
    finding = rows(filled, "select min(finding_id) as id from analysis.finding")[0]["id"]
    fields = {"verdict": "confirmed", "seen": f"{finding}::"}
    path = f"/findings/{finding}/verdict"
    assert review.ask("POST", path, fields, Origin="http://evil.example")[0] == 403
    assert review.ask("POST", path, fields, Origin="")[0] == 403
    assert review.ask("POST", path, fields, Origin="null")[0] == 403
    assert review.ask("POST", path, fields, Sec_Fetch_Site="cross-site")[0] == 403
    assert verdicts(filled) == []
    assert review.ask("POST", path, {"verdict": "stolen", "seen": f"{finding}::"})[0] == 400
    assert review.ask("POST", path, {"verdict": "confirmed", "seen": "all"})[0] == 400
    assert review.ask("POST", path, {"reason": "other", "seen": f"{finding}::"})[0] == 422
    assert review.ask("POST", path, {"note": "x" * 300_000} | fields)[0] == 413
    assert review.ask("POST", path, fields)[0] == 303
    assert review.ask("POST", path, fields)[0] == 409
    bulk = f"/vendors/{vendor_of(filled, '101')}/findings"
    for reason, code in (("licensed", 409), ("other", 422)):
        status, _, said = review.ask("POST", bulk, {"reason": reason, "seen": f"{finding}::"})
        assert (status, b"Nothing was judged. " in said) == (code, True)
    assert review.ask("GET", "/findings/999999")[0] == 404
    assert review.ask("GET", "/static/../review.py")[0] == 404
    for query in (
        "after=x",
        "score=x",
        "score=nan",
        "edit=x",
        "after=99999999999999999999",
        "vendor=%00",
        "after=7777",
    ):
        assert review.ask("GET", f"/queue?{query}")[0] == 200, query


def test_photos_have_their_true_type_and_no_others_are_served(review, filled):
    [row] = rows(
        filled, "select encode(sha256, 'hex') as hex from image where sha256 = (select sha256 from image limit 1)"
    )
    status, headers, data = review.ask("GET", f"/images/{row['hex']}")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert data.startswith(b"\xff\xd8")
    assert review.ask("GET", f"/previews/{row['hex']}")[1]["content-type"] == "image/jpeg"
    # of an artisan who opted out
    tunic = rows(
        filled,
        "select encode(i.sha256, 'hex') as hex from image i join listing_image li on li.image = i.id"
        " join listing l on l.id = li.listing where l.listing_ref = '31'",
    )[0]["hex"]
    run(
        filled,
        lambda connection: connection.execute("delete from listing_image where position = 1 and image_key = '202-1'"),
    )
    for name in ("00" * 32, "xx", tunic, "../../x"):
        assert review.ask("GET", f"/images/{name}")[0] == 404, name


def test_a_viewer_looks_and_does_not_judge(filled, tmp_path, unused_port, monkeypatch):
    for name, role in (("Vera", "viewer"), ("Rita", "reviewer")):
        added = CliRunner().invoke(app, ["account", "add", name, "--role", role], input="correct horse battery\n")
        assert added.output == f"{name} may sign in as a {role}.\n"
    review = Review(filled, tmp_path / "data", unused_port)
    assert review.ask("GET", "/queue")[0] == 303
    assert review.ask("GET", "/queue")[1]["location"] == "/sign-in?to=%2Fqueue"
    assert review.ask("POST", "/findings/1/verdict", {})[0] == 401
    assert review.ask("GET", "/images/" + "00" * 32)[0] == 303
    signed = {"name": "Vera", "password": "correct horse battery", "to": "//evil.example"}
    assert review.ask("POST", "/sign-in", signed | {"password": "wrong"})[0] == 403
    assert review.ask("POST", "/sign-in", signed | {"name": "Nobody"})[0] == 403
    status, headers, _ = review.ask("POST", "/sign-in", signed)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    own = {"Cookie": cookie.partition(";")[0]}
    status, _, text = review.ask("GET", "/queue", **own)
    assert (status, b"looks only" in text) == (200, True)
    finding = rows(filled, "select min(finding_id) as id from analysis.finding")[0]["id"]
    judged = {"verdict": "confirmed", "seen": f"{finding}::"}
    assert review.ask("POST", f"/findings/{finding}/verdict", judged, **own)[0] == 403
    assert b"Confirm" not in review.ask("GET", f"/findings/{finding}", **own)[2]
    rita = {"Cookie": review.ask("POST", "/sign-in", signed | {"name": "Rita"})[1]["set-cookie"].partition(";")[0]}
    assert review.ask("POST", f"/findings/{finding}/verdict", judged, **rita)[0] == 303
    assert verdicts(filled)[0]["judged_by"] == "Rita"
    assert review.ask("POST", "/sign-out", {}, **rita)[0] == 303
    assert review.ask("GET", "/queue", **rita)[0] == 303
    command("account", "remove", "Vera")
    assert review.ask("GET", "/queue", **own)[0] == 303
    assert "Traceback" not in review.stop()
    assert "argon2id" in rows(filled, "select password_hash from access.account")[0]["password_hash"]


def test_beyond_this_machine_it_starts_with_accounts_and_an_address_alone(filled, monkeypatch):
    def refused(*arguments, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        with pytest.raises(UsageError) as raised:
            CliRunner().invoke(app, ["review", *arguments], catch_exceptions=False, standalone_mode=False)
        return str(raised.value)

    assert "no accounts" in refused("--address", "0.0.0.0")
    assert "no address" in refused("--address", "everywhere")
    # a server in front of it lets others in as well
    assert "put TLS in front" in refused(THEFTWATCH_PUBLIC_URL="https://review.example.org")
    monkeypatch.delenv("THEFTWATCH_PUBLIC_URL")
    short = CliRunner().invoke(app, ["account", "add", "Rita"], input="short\n")
    assert "too short" in str(short.exception)
    CliRunner().invoke(app, ["account", "add", "Rita"], input="correct horse battery\n", catch_exceptions=False)
    assert command("account", "list").startswith("Rita  reviewer  since ")
    assert "THEFTWATCH_PUBLIC_URL" in refused("--address", "0.0.0.0")
    command("account", "remove", "Rita")
    assert command("account", "list").startswith("No account")
