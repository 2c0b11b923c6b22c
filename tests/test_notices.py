"""Notices: who is told what, drafts for a person, mail that really arrives, and nothing told twice."""

import io
import os
import re
import signal
import subprocess
import sys
from email import message_from_bytes, policy
from typing import Any

import pytest
from PIL import Image

from tests.fixtures_told import BENS, HARBOUR, HOSTILE, MEADOW, OWN_FILE
from theftwatch.config import Settings, settings
from theftwatch.errors import DeliveryError, UsageError
from theftwatch.notices.smtp import mail_address, mail_server_of

WAIT_MAX_S = 120


def test_nobody_is_told_what_no_person_confirmed(told):
    assert told.notify().startswith("Nobody is to be told anything: no finding is confirmed; ")
    assert told.rows("select * from notice") == []


def test_one_draft_holds_all_that_an_artisan_was_not_told(told):
    told.confirm(HARBOUR, MEADOW, OWN_FILE)
    said = told.notify()
    assert re.fullmatch(
        r"1  Ana: 3 listings, .*/drafts/0001-Ana: read it, paste notice.txt into the message form of AnaMakes on Etsy, "
        r"then `theftwatch notice sent 1`\n",
        said,
    )
    text = (told.draft(1) / "notice.txt").read_text()
    assert text.startswith("Photos of yours in 3 listings on Alibaba\n\nHello Ana,\n")
    for part in (
        "Harbour Co., Ltd., Alibaba",
        "Meadow Clothing, Alibaba",
        "a vendor that is not named, Alibaba",
        "https://www.alibaba.com/listing/201",
        "https://www.alibaba.com/listing/207",
        "shows a photo of: Red shirt dress\n   https://www.etsy.com/listing/11\n",
        "shows a photo of: shoot/own.jpg",
        "resized to 60 %",
        "Alibaba Group IP Protection Platform, https://ipp.alibabagroup.com",
        'Write "stop" to watch@example.org,',
    ):
        assert part in text, part
    assert not re.search(r"theft(?!watch)|thie[fv]|stolen|steal", text, re.IGNORECASE)
    # each picture that the text names is there, with the two photos beside each other
    named = re.findall(r"Picture: (\S+)", text)
    assert sorted(named) == sorted(path.name for path in told.draft(1).glob("*.jpg"))
    with Image.open(told.draft(1) / named[0]) as picture:
        assert picture.width > picture.height
    assert not (told.draft(1) / "notice.eml").exists()


def test_a_draft_keeps_its_number_until_there_is_more_to_tell(told):
    told.confirm(HARBOUR)
    told.notify()
    told.notify()
    assert told.rows("select id, state from notice") == [(1, "drafted")]
    told.confirm(MEADOW)
    told.notify()
    assert told.rows("select id, state from notice order by id") == [(1, "replaced"), (2, "drafted")]
    # the person had pasted the first before the second was written
    assert "Notice 1 is sent" in told.run("notice", "sent", "1", "--by", "Eva")
    assert told.rows("select state, sent_by from notice order by id") == [("sent", "Eva"), ("replaced", None)]
    with pytest.raises(UsageError, match="another notice told some of it"):
        told.run("notice", "sent", "2")
    told.notify()
    [text] = [path.read_text() for path in told.draft(3).glob("*.txt")]
    assert "listing/207" in text
    assert "listing/201" not in text
    told.run("notice", "sent", "3", "--by", "Eva")
    assert told.notify().startswith(
        "Nobody is to be told anything: of 4 confirmed findings each was told, or is not to"
    )
    assert told.run("notice", "list") == "No notice needs a person.\n"
    assert "sent by Eva" in told.run("notice", "list", "--all", "--artisan", "Ana")
    assert "Hello Ana," in told.run("notice", "show", "3")


def test_a_shop_of_nobody_known_gets_an_artisan(told):
    told.confirm(BENS)
    assert "paste notice.txt into the message form of Ben's Pots on ArtFire" in told.notify()
    assert told.rows("select a.name from seller s join artisan a on a.id = s.artisan where s.name = 'Ben''s Pots'") == [
        ("Ben's Pots",)
    ]


def test_what_does_not_stand_is_not_told(told):
    told.confirm(HARBOUR, MEADOW)
    told.run("relation", "add", "Ana", "Meadow Clothing", "--kind", "licensee", "--by", "Eva")
    told.run("finding", "undo", *told.findings(HARBOUR)[:1], "--by", "Eva")
    told.notify()
    text = (told.draft(1) / "notice.txt").read_text()
    assert "listing/207" not in text
    assert text.count("shows a photo of") == len(told.findings(HARBOUR)) - 1


def test_a_vendor_that_was_first_is_not_accused(told):
    told.confirm(HARBOUR)
    told.do(lambda connection: connection.execute("update direction set direction = 'suspect_first', margin_days = 9"))
    assert told.notify().startswith("Nobody is to be told anything")


def test_mail_arrives_with_pictures_and_is_logged(told, mailing):
    told.confirm(HARBOUR, MEADOW)
    assert told.notify("--send") == "1  Ana: 2 listings, sent to ana@example.org\n"
    [mail] = mailing.mails
    assert mailing.recipients == ["ana@example.org"]
    assert mail["To"] == "ana@example.org"
    assert mail["From"] == "The Watch <watch@example.org>"
    assert mail["Subject"] == "Photos of yours in 2 listings on Alibaba"
    assert mail["List-Unsubscribe"] == "<mailto:watch@example.org?subject=stop>"
    assert mail["X-Unsent"] is None
    text, page = mail.get_body(["plain"]).get_content(), mail.get_body(["html"]).get_content()
    pictures = {part["Content-ID"].strip("<>"): part.get_content() for part in mail.walk() if part["Content-ID"]}
    assert set(re.findall(r'src="cid:([^"]+)"', page)) == set(pictures)
    assert len(pictures) == 2
    for data in pictures.values():
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.format == "JPEG"
    # nothing is loaded from elsewhere
    assert re.findall(r'src="(?!cid:)', page) == []
    [row] = told.rows("select state, recipient, body, message_id, failure, sent_by from notice")
    assert row == ("sent", "ana@example.org", text.replace("\r\n", "\n"), mail["Message-ID"], None, None)
    assert told.rows("select state, findings, vendors from analysis.notice") == [("sent", 4, 2)]
    assert told.notify("--send").startswith("Nobody is to be told anything")
    assert len(mailing.mails) == 1


def test_mail_goes_only_where_a_person_entered_an_address(told, mailing):
    told.confirm(HARBOUR, BENS)
    assert "Ben's Pots: 1 listing, " in told.notify("--send")
    assert mailing.recipients == ["ana@example.org"]
    with pytest.raises(UsageError, match="no whole mail address"):
        told.run("artisan", "contact", "Ben's Pots", "ben@")
    assert "no mail address" in told.run("artisan", "contact", "Ben's Pots", "https://www.artfire.com/bens")
    told.notify("--send")
    assert mailing.recipients == ["ana@example.org"]
    told.run("artisan", "contact", "Ben's Pots", "Ben <ben@example.org>", "--by", "Eva")
    told.notify("--send")
    assert mailing.recipients == ["ana@example.org", "ben@example.org"]
    listed = told.run("artisan", "list")
    assert "Ana  ana@example.org; etsy/AnaMakes; 1 file; 2 findings told\n" in listed


def test_hostile_titles_stay_text_in_header_and_body(told, mailing):
    hostile = "Ana\r\nBcc: all@example.org\n<b>"
    told.do(lambda connection: connection.execute("update artisan set name = %s where name = 'Ana'", [hostile]))
    told.do(
        lambda connection: connection.execute(
            "update listing set url = 'javascript:alert(1)' where listing_ref = %s", [HOSTILE]
        )
    )
    told.confirm(HOSTILE)
    told.notify("--send")
    [mail] = mailing.mails
    assert mailing.recipients == ["ana@example.org"]
    assert mail["Bcc"] is None
    text, page = mail.get_body(["plain"]).get_content(), mail.get_body(["html"]).get_content()
    assert "Hello Ana Bcc: all@example.org <b>," in text
    assert "\u202e" not in text
    assert "<script" not in page
    assert "onerror=" not in re.sub(r"&[a-z#0-9]+;[^<]*", "", page)
    assert 'href="javascript' not in page


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"refuses_recipient": "550 no such user"}, "refused the address ana@example.org: 550 no such user"),
        ({"refuses_message": "554 looks like spam"}, "refused the message: 554 looks like spam"),
    ],
)
def test_what_the_server_refuses_is_told_by_the_next_notice(told, mailing, answers, why):
    told.confirm(HARBOUR)
    for name, answer in answers.items():
        setattr(mailing, name, answer)
    with pytest.raises(DeliveryError, match=re.escape(why)):
        told.notify("--send")
    assert told.rows("select state, sent_at from notice") == [("failed", None)]
    assert told.rows("select count(*) from analysis.untold") == [(2,)]
    for name in answers:
        setattr(mailing, name, None)
    told.notify("--send")
    assert told.rows("select state from notice order by id") == [("failed",), ("sent",)]
    with pytest.raises(UsageError, match="it is failed"):
        told.run("notice", "sent", "1")


def test_a_server_that_cannot_be_reached_tells_nobody(told, mailing, monkeypatch):
    told.confirm(HARBOUR)
    monkeypatch.setenv("THEFTWATCH_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    with pytest.raises(DeliveryError, match=r"mail server 127\.0\.0\.1:9 cannot be used: .*; see THEFTWATCH_SMTP_URL"):
        told.notify("--send")
    assert told.rows("select state from notice") == [("failed",)]


def test_beyond_this_machine_nothing_is_said_without_tls(told, mailing, monkeypatch):
    told.confirm(HARBOUR)
    monkeypatch.setattr("theftwatch.notices.smtp._LOOPBACK", ())
    with pytest.raises(DeliveryError, match="cannot be used: STARTTLS extension not supported by server"):
        told.notify("--send")
    assert mailing.mails == []
    monkeypatch.setenv("THEFTWATCH_SMTP_URL", f"smtps://127.0.0.1:{mailing.port}")
    settings.cache_clear()
    with pytest.raises(DeliveryError, match=r"cannot be used: .*SSL"):
        told.notify("--send")


def test_a_server_that_falls_silent_leaves_an_unsure_notice(told, mailing):
    told.confirm(HARBOUR)
    mailing.instead_of_an_answer = lambda: None
    with pytest.raises(DeliveryError, match="had the message and gave no answer"):
        told.notify("--send")
    assert "1  unsure, may have gone out" in told.run("notice", "list")
    mailing.instead_of_an_answer = None
    # it is not told again by itself, until a person says that it did not arrive
    assert told.notify("--send").startswith("Nobody is to be told anything")
    told.run("notice", "unsent", "1", "--by", "Eva")
    with pytest.raises(UsageError, match="it is failed; only one that is sending"):
        told.run("notice", "unsent", "1")
    told.notify("--send")
    assert told.rows("select state, failure from notice order by id") == [
        ("failed", "did not arrive, says Eva"),
        ("sent", None),
    ]


def test_a_kill_between_sending_and_noting_tells_nobody_twice(told, mailing):
    told.confirm(HARBOUR)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    command = [sys.executable, "-m", "theftwatch", "notify", "--send", "-o", told.folder / "drafts"]
    with subprocess.Popen(command, env=environment, cwd=told.folder) as process:
        mailing.instead_of_an_answer = lambda: os.kill(process.pid, signal.SIGKILL)
        process.wait(WAIT_MAX_S)
    assert process.returncode == -signal.SIGKILL
    assert len(mailing.mails) == 1
    mailing.instead_of_an_answer = None
    assert told.rows("select state, failure from notice") == [("sending", None)]
    killed = told.digest
    assert told.notify("--send").startswith("Nobody is to be told anything")
    assert len(mailing.mails) == 1
    # the record says what an undisturbed run would have said
    told.run("notice", "sent", "1", "--by", "Eva")
    assert told.digest == killed
    assert told.digest["notice"].startswith("2:")


def test_who_opted_out_hears_no_more(told, mailing):
    told.confirm(HARBOUR)
    assert "is left alone" in told.run("artisan", "opt-out", "Ana", "--by", "Eva")
    assert told.notify("--send").startswith("Nobody is to be told anything")
    assert mailing.mails == []
    assert told.rows("select count(*) from analysis.notice") == [(0,)]
    with pytest.raises(UsageError, match="opted out already"):
        told.run("artisan", "opt-out", "Ana")
    assert "opted out" in told.run("artisan", "list")
    told.run("artisan", "opt-out", "Ana", "--undo", "--by", "Eva")
    told.notify("--send")
    assert len(mailing.mails) == 1


def test_who_opts_out_between_draft_and_sending_hears_nothing(told, mailing, monkeypatch):
    told.confirm(HARBOUR)

    async def composed(connection, *arguments, **options):
        await connection.execute("update artisan set opted_out_at = now()")
        return await compose(connection, *arguments, **options)

    from theftwatch.notices.message import compose

    monkeypatch.setattr("theftwatch.commands.work.notify.compose", composed)
    with pytest.raises(DeliveryError, match="something changed since it was written"):
        told.notify("--send")
    assert mailing.mails == []
    assert told.rows("select state from notice") == [("drafted",)]


def test_a_draft_for_an_artisan_with_an_address_opens_in_a_mail_program(told, mailing):
    told.confirm(HARBOUR)
    assert "send notice.eml" in told.notify()
    assert mailing.mails == []
    mail: Any = message_from_bytes((told.draft(1) / "notice.eml").read_bytes(), policy=policy.default)
    assert (mail["X-Unsent"], mail["To"]) == ("1", "ana@example.org")
    assert "listing/201" in mail.get_body(["plain"]).get_content()


@pytest.mark.parametrize(
    ("settings_", "why"),
    [
        ({}, "THEFTWATCH_SMTP_URL is not set"),
        ({"smtp_url": "mail.example.org"}, "THEFTWATCH_SMTP_URL: not of the form"),
        ({"smtp_url": "http://mail.example.org"}, "THEFTWATCH_SMTP_URL: not of the form"),
        ({"smtp_url": "smtps://mail.example.org:x"}, "THEFTWATCH_SMTP_URL: not of the form"),
        ({"smtp_url": "smtps://mail.example.org"}, "THEFTWATCH_MAIL_FROM: give the sender"),
        ({"smtp_url": "smtps://mail.example.org", "mail_from": "watch"}, "THEFTWATCH_MAIL_FROM: give the sender"),
    ],
)
def test_a_mail_server_that_cannot_be_is_refused(settings_, why):
    with pytest.raises(UsageError, match=why):
        mail_server_of(Settings(**settings_))


def test_a_mail_server_is_read_from_its_address():
    own = Settings(smtp_url="smtps://ana%40example.org:p%3Aw@mail.example.org", mail_from="Watch <w@example.org>")
    server = mail_server_of(own)
    assert (server.host, server.port, server.is_tls) == ("mail.example.org", 465, True)
    assert (server.user, server.password) == ("ana@example.org", "p:w")
    assert "p:w" not in repr(server)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ana@example.org", "ana@example.org"),
        ("Ana <ana@example.org>", "ana@example.org"),
        ("ana@example", None),
        ("ana@example.org, ben@example.org", None),
        ("ana@example.org\nBcc: ben@example.org", None),
        ("https://example.org/@ana", None),
        ("änä@example.org", None),
        ("", None),
    ],
)
def test_only_one_whole_address_is_a_mail_address(text, address):
    found = mail_address(text)
    assert (found.addr_spec if found else None) == address
