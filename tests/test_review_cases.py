"""Cases on the review page: opened on what was confirmed, entered step by step, and bundled."""

import io
import re
import time
import zipfile

import pytest
from typer.testing import CliRunner

from tests.reviewing import WAIT_MAX_S, Review
from tests.test_context import command, rows
from tests.test_review import filled, review, unused_port
from tests.test_review_pages import artisan_of, text_of
from theftwatch.cli import app

__all__ = ["filled", "review", "unused_port"]  # fixtures


@pytest.fixture
def confirmed(filled):
    """Return artisan, vendor and a finding between the two that a person confirmed."""
    [finding] = rows(
        filled,
        "select finding_id, suspect_seller_id from analysis.finding"
        " where suspect_listing_ref = '207' and original_listing_ref = '11'",
    )
    command("finding", "confirm", str(finding["finding_id"]), "--by", "Eva")
    return artisan_of(filled), finding["suspect_seller_id"], finding["finding_id"]


def test_a_case_is_opened_entered_bundled_and_closed(review, filled, confirmed):
    artisan, vendor, finding = confirmed
    assert "No case is open." in text_of(review, "/cases")
    _, _, page = review.ask("GET", f"/findings/{finding}")
    assert b'action="/cases"' in page
    status, headers, _ = review.ask("POST", "/cases", {"artisan": artisan, "vendor": vendor, "finding": finding})
    assert status == 303
    case = headers["location"]
    said = text_of(review, case)
    assert "opened. 1 listing, 0 filed" in said
    assert "Write to the vendor, or file a complaint" in said
    assert "none To be captured before it is filed." in said
    assert f'href="{case}"'.encode() in review.ask("GET", f"/findings/{finding}")[2]
    assert "Case 1 , Ana and Meadow Clothing , 1 listing: write to the vendor" in text_of(review, "/cases/due")
    assert f'href="{case}"'.encode() in review.ask("GET", f"/artisans/{artisan}")[2]
    assert f'href="{case}"'.encode() in review.ask("GET", f"/vendors/{vendor}")[2]

    assert "To: Meadow Clothing, Alibaba" in text_of(review, f"{case}/letter")
    steps = [
        ({"step": "asked", "at": "2999-01-01T10:00"}, 422, "is not past yet"),
        ({"step": "asked", "at": "yesterday"}, 422, "is no moment"),
        ({"step": "asked"}, 303, "Entered: asked, 1 listing. An answer is due by the end of"),
        ({"step": "asked"}, 422, "none of its listings is opened or relisted"),
        ({"step": "filed", "route": "portal", "reference": " "}, 422, "Enter the number"),
        ({"step": "filed", "route": "portal", "reference": "<b>17</b>"}, 303, "It is to be down by"),
        ({"step": "note"}, 422, "The note is empty"),
        ({"step": "note", "note": "called them"}, 303, "Entered: note."),
        ({"step": "countered"}, 303, "Entered: countered, 1 listing."),
        ({"step": "removed"}, 422, "has not seen"),
        ({"step": "stolen"}, 400, "That is no step"),
    ]
    for fields, expected, told in steps:
        status, headers, text = review.ask("POST", f"{case}/entries", fields)
        assert status == expected, fields
        if status == 303:
            assert told in text_of(review, headers["location"]), fields
        else:
            assert told in re.sub(r"&#39;", "'", text.decode()), fields
    assert "complaint <b>17</b>" in text_of(review, case)
    events = rows(filled, "select kind, made_by from case_event order by id")
    assert [row["kind"] for row in events] == ["opened", "asked", "filed", "note", "countered"]
    assert {row["made_by"] for row in events} == {"Eva"}

    status, headers, data = review.ask("POST", f"{case}/bundle", {})
    assert (status, headers["content-type"]) == (200, "application/zip")
    assert headers["content-disposition"] == 'attachment; filename="case-1-Ana-Meadow-Clothing.zip"'
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        assert bundle.testzip() is None
        assert {"complaint.txt", "statement.html", "evidence.html", "manifest.json"} <= set(bundle.namelist())

    assert review.ask("POST", f"{case}/entries", {"step": "withdrawn"})[0] == 303
    assert "No case is open." in text_of(review, "/cases")
    assert "Case 1 Ana Meadow Clothing withdrawn, closed" in text_of(review, "/cases?all=1&before=2")
    assert "That was the last." in text_of(review, "/cases?all=1&before=1")


def test_what_is_to_be_kept_as_proof_is_captured_from_the_page(review, confirmed):
    artisan, vendor, finding = confirmed
    fields = {"artisan": artisan, "vendor": vendor, "finding": finding}
    case = review.ask("POST", "/cases", fields)[1]["location"]
    assert "1 listing is to be captured first, lest the proof vanish." in text_of(review, case)
    status, headers, _ = review.ask("POST", f"{case}/captures", {})
    assert (status, headers["location"]) == (303, f"{case}#captures")
    # the spider starts, and says that it may not ask a site without a contact
    deadline = time.monotonic() + WAIT_MAX_S
    while "Listings are being captured" in (said := text_of(review, case)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "The capture failed: " in said
    assert "THEFTWATCH_CONTACT" in said
    assert "1 listing is to be captured first" in said


def test_a_notice_is_drafted_downloaded_and_entered_as_sent(review, filled, confirmed):
    artisan, _, finding = confirmed
    status, headers, _ = review.ask("POST", f"/artisans/{artisan}/notices", {})
    assert status == 303
    notice = headers["location"]
    said = text_of(review, notice)
    assert "A draft, written" in said
    assert "Meadow Clothing" in said
    assert "for a message form, as no mail address was entered" in said
    assert review.ask("POST", f"/artisans/{artisan}/contact", {"contact": " ana@example.org "})[0] == 303
    assert review.ask("POST", f"/artisans/{artisan}/contact", {"contact": "ana@"})[0] == 422
    assert b'value="ana@example.org"' in review.ask("GET", f"/artisans/{artisan}")[2]
    assert review.ask("POST", "/artisans/999999/contact", {"contact": "x"})[0] == 404
    status, headers, data = review.ask("POST", f"/artisans/{artisan}/notices", {"as": "files"})
    assert (status, headers["content-disposition"]) == (200, 'attachment; filename="0002-Ana.zip"')
    with zipfile.ZipFile(io.BytesIO(data)) as draft:
        assert "Meadow Clothing" in draft.read("0002-Ana/notice.txt").decode()
        assert b"To: ana@example.org" in draft.read("0002-Ana/notice.eml")
    notice = "/notices/2"
    assert review.ask("POST", notice, {"step": "burnt"})[0] == 400
    assert review.ask("POST", notice, {"step": "unsent"})[0] == 422
    assert review.ask("POST", notice, {"step": "sent"})[0] == 303
    assert "as Eva entered" in text_of(review, notice)
    assert "Notice 2 : sent" in text_of(review, f"/artisans/{artisan}")
    assert rows(filled, "select finding from notice_finding where told") == [{"finding": finding}]
    assert review.ask("POST", f"/artisans/{artisan}/notices", {})[0] == 422
    assert review.ask("GET", "/notices/99")[0] == 404


def test_no_case_is_opened_on_what_nobody_confirmed(review, filled, confirmed):
    artisan, vendor, _ = confirmed
    harbour = rows(filled, "select seller_id from analysis.seller where seller_ref = '101'")[0]["seller_id"]
    refused = [
        ({"artisan": artisan, "vendor": harbour}, 422, b"no person has confirmed it"),
        ({"artisan": artisan, "vendor": vendor, "finding": 10**9}, 422, b"not between this artisan and this vendor"),
        ({"artisan": artisan}, 400, b"with which vendor"),
        ({"vendor": vendor}, 400, b"whose case it is"),
    ]
    for fields, expected, told in refused:
        status, _, text = review.ask("POST", "/cases", fields)
        assert (status, told in text) == (expected, True), fields
    for path in ("/cases/1", "/cases/1/letter"):
        assert review.ask("GET", path)[0] in (404, 422)
    assert review.ask("POST", "/cases/1/bundle", {})[0] == 404
    assert rows(filled, "select count(*) as n from takedown_case")[0]["n"] == 0


def test_a_viewer_sees_cases_and_enters_nothing(filled, confirmed, tmp_path, unused_port):
    artisan, vendor, _ = confirmed
    command("case", "open", "Ana", "alibaba/104", "--by", "Eva")
    CliRunner().invoke(app, ["account", "add", "Vera", "--role", "viewer"], input="correct horse battery\n")
    review = Review(filled, tmp_path / "data", unused_port)
    signed = review.ask("POST", "/sign-in", {"name": "Vera", "password": "correct horse battery"})[1]
    own = {"Cookie": signed["set-cookie"].partition(";")[0]}
    status, _, text = review.ask("GET", "/cases/1", **own)
    assert (status, b"<button name" in text, b"Draft the letter" in text) == (200, False, False)
    for path in (f"/artisans/{artisan}", f"/vendors/{vendor}"):
        assert b'action="/cases"' not in review.ask("GET", path, **own)[2]
    for path in (f"/artisans/{artisan}/contact", "/shops", "/photos", "/addresses", "/pages"):
        assert review.ask("POST", path, {"shop": "AnaMakes", "address": "https://www.etsy.com/shop/x"}, **own)[0] == 403
    assert b"What do you have?" not in review.ask("GET", "/", **own)[2]
    for path in (
        "/cases",
        "/cases/1/entries",
        "/cases/1/captures",
        "/cases/1/bundle",
        f"/artisans/{artisan}/notices",
        "/notices/1",
    ):
        assert review.ask("POST", path, {"artisan": artisan, "vendor": vendor, "step": "asked"}, **own)[0] == 403
    assert review.ask("GET", "/cases/1/letter", **own)[0] == 403
    assert "Traceback" not in review.stop()
    assert rows(filled, "select count(*) as n from case_event")[0]["n"] == 1
