"""The operator's digest: what is new, due and wrong, as it really arrives."""

from datetime import timedelta

import pytest
from typer.testing import CliRunner

from tests.fixtures_told import HARBOUR
from tests.matched import MATCHED_AT
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.errors import DeliveryError, UsageError

pytestmark = pytest.mark.each_postgres


@pytest.fixture
def operator(told, mail_server, monkeypatch):
    """Have the digest go by mail to the mail server of the test."""
    monkeypatch.setenv(
        "THEFTWATCH_OPERATOR_URL", f"mailto://127.0.0.1:{mail_server.port}?from=w@example.org&to=op@example.org"
    )
    settings.cache_clear()
    return mail_server


def test_it_tells_what_is_new_due_and_wrong_once(told, operator, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_NODES", "http://127.0.0.1:9")
    settings.cache_clear()
    told.confirm(HARBOUR)
    told.run("case", "open", "Ana", "Harbour Co., Ltd.", "--by", "Eva")
    assert told.run("notify", "--operator").startswith("Sent: TheftWatch: 8 new findings, 1 due in cases, 2 wrong")
    [mail] = operator.mails
    assert operator.recipients == ["op@example.org"]
    assert mail["Subject"].startswith("TheftWatch: 8 new findings, 1 due in cases, 2 wrong")
    text = mail.get_body(["plain", "html"]).get_content()
    for part in (
        "8 new findings to look at",
        "Meadow Clothing (Alibaba): 2 findings of photos of Ana",
        "case 1, Ana and Harbour Co., Ltd., 1 listing, to be done since",
        "alibaba: run 2 on crawler was refused 3 pages",
        "node http://127.0.0.1:9: no answer (Connection refused); start scrapyd there",
        "1 artisan to be told of confirmed findings",
    ):
        assert part in text, part
    # the hostile vendor's name is text, and calls nobody
    assert "<script>" not in text

    # a day later there is nothing new, and the case is due all the same
    tomorrow = MATCHED_AT + timedelta(days=30_000)
    monkeypatch.setattr("theftwatch.commands.work.notify.system_clock", lambda: tomorrow)
    told.run("notify", "--operator")
    text = operator.mails[1].get_body(["plain", "html"]).get_content()
    assert "new finding" not in text
    assert "to be done since" in text
    assert told.rows("select count(*), max(sent_at) from operator_digest") == [(2, tomorrow)]


def test_without_an_address_it_is_printed_and_counts_as_not_sent(told):
    result = CliRunner().invoke(app, ["notify", "--operator"], standalone_mode=False, catch_exceptions=False)
    assert result.stdout.startswith("TheftWatch: 10 new findings")
    assert "THEFTWATCH_OPERATOR_URL is not set" in result.stderr
    assert told.rows("select count(*) from operator_digest") == [(0,)]


def test_what_does_not_go_out_is_told_by_the_next(told, operator):
    operator.refuses_message = "554 looks like spam"
    with pytest.raises(DeliveryError, match="did not go out to every address of THEFTWATCH_OPERATOR_URL"):
        told.run("notify", "--operator")
    assert told.rows("select count(*) from operator_digest") == [(0,)]
    operator.refuses_message = None
    assert told.run("notify", "--operator").startswith("Sent: TheftWatch: 10 new findings")


def test_an_address_that_apprise_does_not_know_is_refused(told, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_OPERATOR_URL", "smoke://signal")
    settings.cache_clear()
    with pytest.raises(UsageError, match="THEFTWATCH_OPERATOR_URL: not an address that Apprise knows"):
        told.run("notify", "--operator")
    with pytest.raises(UsageError, match="--operator writes to the operator and to no artisan"):
        told.run("notify", "--operator", "--send")


def test_with_nothing_to_tell_nothing_is_sent(dsn, mail_server, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    monkeypatch.setenv("THEFTWATCH_OPERATOR_URL", f"mailto://127.0.0.1:{mail_server.port}?to=op@example.org")
    settings.cache_clear()
    result = CliRunner().invoke(app, ["notify", "--operator"], standalone_mode=False, catch_exceptions=False)
    assert result.stdout == "Nothing to tell.\n"
    assert mail_server.mails == []
