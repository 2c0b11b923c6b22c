"""Trusted timestamps from a real authority, each verified by OpenSSL alone."""

import asyncio
import base64
import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.fixtures_timestamps import openssl, verify_with_openssl
from tests.matched import DRESS, HAT, OWN, SHIRT, SKIRT, TUNIC, fill, image
from tests.program import refusal
from theftwatch.cli import main
from theftwatch.config import Settings
from theftwatch.db import store
from theftwatch.db.digest import digest_tables
from theftwatch.db.records import OriginalFileRecord
from theftwatch.errors import TimestampError, UsageError
from theftwatch.evidence.stamping import RENEW_BEFORE, work_off
from theftwatch.evidence.timestamp import Authority, ask, authority_of, read_certificates, verify
from theftwatch.files import Files


@pytest.fixture
def asked(authority) -> Authority:
    found = authority_of(
        Settings(timestamp_url=authority.url, timestamp_certificate=authority.certificate, contact="ana@example.org")
    )
    assert found
    return found


def test_a_timestamp_dates_exactly_these_bytes(authority, asked, tmp_path):
    before = datetime.now(UTC).replace(microsecond=0)
    timestamp = ask(asked, b"a photo")
    assert before <= timestamp.at <= datetime.now(UTC)
    assert timestamp.expires_at - before > timedelta(days=3000)
    (tmp_path / "photo").write_bytes(b"a photo")
    (tmp_path / "token").write_bytes(timestamp.token)
    verify_with_openssl(tmp_path / "photo", tmp_path / "token", authority.certificate)
    certificates = read_certificates(authority.certificate.read_text())
    assert verify(timestamp.token, b"a photo", certificates) == timestamp
    with pytest.raises(TimestampError, match="does not verify: Mismatch"):
        verify(timestamp.token, b"another photo", certificates)
    with pytest.raises(TimestampError, match="no timestamp"):
        verify(timestamp.token[:-9], b"a photo", certificates)
    # the authority learns the digest and nothing else
    assert hashlib.sha256(b"a photo").digest() in authority.queries[0]
    assert b"a photo" not in authority.queries[0]


def test_certificates_may_come_in_any_order(authority, asked):
    """OpenSSL puts the signer's first and the root's after it, whichever of them is the smaller."""
    for _ in range(4):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "signer.key", "-out", "signer.csr", "-subj", "/CN=S",
                cwd=authority.folder)  # fmt: skip
        authority.certify(days=3650)
        ask(asked, b"a photo")


def test_a_timestamp_of_somebody_else_is_refused(authority, asked, tmp_path):
    token = ask(asked, b"a photo").token
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-out", "other.pem",
            "-subj", "/CN=Root", "-days", "9", cwd=tmp_path)  # fmt: skip
    other = (tmp_path / "other.pem").read_text()
    with pytest.raises(TimestampError, match="does not verify"):
        verify(token, b"a photo", read_certificates(other))
    with pytest.raises(TimestampError, match="does not verify"):
        ask(Authority(url=authority.url, certificates=other, user_agent="x"), b"a photo")


def test_an_authority_that_gives_none_says_why(authority, asked):
    authority.down = True
    with pytest.raises(TimestampError, match="answers 503"):
        ask(asked, b"a photo")
    with pytest.raises(TimestampError, match=r"cannot be reached: .*refused"):
        ask(Authority(url="http://127.0.0.1:9/", certificates=asked.certificates, user_agent="x"), b"a photo")


@pytest.mark.parametrize(
    ("url", "certificate", "said"),
    [
        ("http://a.example/", None, "TIMESTAMP_CERTIFICATE is not set"),
        ("http://a.example/", "no.pem", "No such file"),
        ("http://a.example/", "key.pem", "Unable to load"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path, url, certificate, said):
    (tmp_path / "key.pem").write_text("no certificate")
    path = tmp_path / certificate if certificate else None
    with pytest.raises(UsageError, match=said) as raised:
        authority_of(Settings(timestamp_url=url, timestamp_certificate=path))
    assert "\n" not in str(raised.value)


def test_without_the_setting_there_is_no_authority():
    assert authority_of(Settings()) is None


class Record:
    """A database with files of Ana's, and the moment that it believes in."""

    def __init__(self, dsn, files, asked):
        self.dsn, self.files, self.asked = dsn, files, asked
        self.now = datetime.now(UTC)

    def give(self, *photos, name="photo.jpg"):
        async def main():
            async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
                records = [OriginalFileRecord(image=image(each), kind="original", name=name) for each in photos]
                await store.save_original_files(connection, "Ana", records, now=self.now)

        for each in photos:
            self.files.put(each)
        asyncio.run(main())

    def stamp(self):
        async def main():
            async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
                return await work_off(connection, self.files, self.asked, clock=lambda: self.now)

        return asyncio.run(main())

    def rows(self, query):
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def record(dsn, tmp_path, asked):
    return Record(dsn, Files(tmp_path / "files"), asked)


def test_what_is_given_is_stamped_once(record):
    record.give(DRESS, SHIRT)
    assert record.rows("select count(*) from timestamp_due") == [(2,)]
    done = record.stamp()
    assert (done.stamped, done.waiting, done.failure) == (2, 0, None)
    record.give(DRESS)
    assert record.stamp().stamped == 0
    assert record.rows("select count(*) from timestamp_token") == [(2,)]
    assert record.rows(
        "select timestamped_at is not null, timestamp_waits, timestamp_authority from analysis.original_file"
    ) == 2 * [(True, False, record.asked.url)]
    assert record.rows("select kind, source, strength from analysis.date_claim") == 2 * [
        ("timestamped", "127.0.0.1", "strong")
    ]


def test_an_authority_that_is_down_is_asked_again_and_once(record, authority):
    authority.down = True
    record.give(DRESS, SHIRT, SKIRT, TUNIC, HAT, OWN)
    done = record.stamp()
    assert (done.stamped, done.waiting) == (0, 6)
    assert "answers 503" in done.failure
    assert len(authority.queries) == 4, "those that were under way, and none of the rest"
    assert record.rows("select count(*) from timestamp_due where failure like '%answers 503%'") == [(6,)]
    assert record.rows("select distinct timestamp_waits from analysis.original_file") == [(True,)]
    authority.down = False
    record.now += timedelta(minutes=1)
    assert (record.stamp().stamped, record.stamp().waiting) == (6, 0)


def test_a_file_that_is_lost_keeps_none_of_the_others_waiting(record):
    record.give(DRESS, SHIRT)
    assert record.files.delete(hashlib.sha256(DRESS).digest())
    done = record.stamp()
    assert (done.stamped, done.waiting, done.failure) == (1, 1, None)
    assert record.rows("select failure from timestamp_due") == [("the bytes of the file are not kept",)]


def test_a_timestamp_is_renewed_before_it_runs_out_and_the_chain_verifies(record, authority, tmp_path):
    authority.certify(days=30)
    record.give(DRESS)
    record.stamp()
    [(expires_at,)] = record.rows("select expires_at from timestamp_token")
    assert expires_at - record.now < RENEW_BEFORE
    authority.certify(days=3650)
    record.now += timedelta(days=2)
    assert record.stamp().stamped == 1
    assert record.stamp().stamped == 0, "the new one holds for years"
    [(first, _), (second, renews)] = record.rows("select token, renews from timestamp_token order by id")
    assert renews is not None
    for name, data in (("photo", DRESS), ("first", bytes(first)), ("second", bytes(second))):
        (tmp_path / name).write_bytes(data)
    verify_with_openssl(tmp_path / "first", tmp_path / "second", authority.certificate)
    verify_with_openssl(tmp_path / "photo", tmp_path / "first", authority.certificate)
    # a renewal dates nothing by itself
    assert record.rows("select count(*) from date_claim") == [(1,)]


def test_one_that_ran_out_is_followed_by_a_new_one_of_the_file(record, authority, tmp_path):
    authority.certify(days=30)
    record.give(DRESS)
    record.stamp()
    authority.certify(days=3650)
    record.now += timedelta(days=31)
    assert record.stamp().stamped == 1
    [(token, renews)] = record.rows("select token, renews from timestamp_token order by id desc limit 1")
    assert renews is None
    (tmp_path / "photo").write_bytes(DRESS)
    (tmp_path / "token").write_bytes(token)
    verify_with_openssl(tmp_path / "photo", tmp_path / "token", authority.certificate)


def test_the_digest_holds_what_was_dated_and_not_when(record):
    def claims():
        async def main():
            async with await psycopg.AsyncConnection.connect(record.dsn) as connection:
                return (await digest_tables(connection))["date_claim"]

        return asyncio.run(main())

    record.give(DRESS)
    record.stamp()
    before = claims()
    with psycopg.connect(record.dsn) as connection:
        connection.execute("update date_claim set latest_at = latest_at + interval '1 day'")
    assert claims() == before


def theftwatch(dsn, tmp_path, *arguments, **environment):
    own = {"THEFTWATCH_DSN": dsn, "THEFTWATCH_DATA_DIR": str(tmp_path / "data"), "THEFTWATCH_DESCRIPTOR": "off"}
    return subprocess.run(
        [sys.executable, "-m", "theftwatch", *map(str, arguments)],
        env=os.environ | own | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_from_the_first_photo_to_the_certificate(dsn, authority, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a<b>.jpg").write_bytes(DRESS)
    (photos / "shirt.jpg").write_bytes(SHIRT)
    page = tmp_path / "ana.html"

    added = theftwatch(dsn, tmp_path, "originals", "add", photos, "--artisan", "Ana <i>")
    assert added.returncode == 0, added.stderr
    assert "2 files without a timestamp: THEFTWATCH_TIMESTAMP_URL is not set" in added.stderr
    shown = theftwatch(dsn, tmp_path, "originals", "certificate", "Ana <i>", "-o", page)
    assert shown.returncode == 0, shown.stderr
    assert "No photo of theirs has a timestamp yet" in shown.stdout
    assert page.read_text().count("No timestamp yet: it has not been asked for.") == 2

    authority.down = True
    failed = theftwatch(dsn, tmp_path, "evidence", "stamp", **authority.environment)
    assert failed.returncode == 1
    *_, last = failed.stderr.splitlines()
    assert last.endswith("answers 503 Service Unavailable; what waits is asked for again by the next call")
    more = theftwatch(dsn, tmp_path, "originals", "add", photos, "--artisan", "Ana <i>", **authority.environment)
    assert more.returncode == 0, "photos are never refused because of an authority"
    assert "2 files wait for a timestamp" in more.stderr

    authority.down = False
    stamped = theftwatch(dsn, tmp_path, "evidence", "stamp", **authority.environment)
    assert stamped.returncode == 0, stamped.stderr
    assert stamped.stdout == "2 timestamps by 127.0.0.1.\n"
    shown = theftwatch(dsn, tmp_path, "originals", "certificate", "Ana <i>", "-o", page)
    assert "2 of 2 photos have a timestamp." in shown.stdout
    text = page.read_text()
    assert "<bdi>Ana &lt;i&gt;</bdi>" in text
    assert "a&lt;b&gt;.jpg" in text
    tokens = re.findall(r'download="([0-9a-f]{16})-1.tsr" href="data:application/octet-stream;base64,([^"]+)"', text)
    assert len(tokens) == 2
    for digest, token in tokens:
        photo = next(path for path in photos.iterdir() if hashlib.sha256(path.read_bytes()).hexdigest()[:16] == digest)
        (tmp_path / "token.tsr").write_bytes(base64.b64decode(token))
        verify_with_openssl(photo, tmp_path / "token.tsr", authority.certificate)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evidence", "stamp"), "THEFTWATCH_TIMESTAMP_URL is not set; name an authority"),
        (("originals", "certificate", "Nobody", "-o", "x.html"), "Nobody: no artisan or shop goes by this"),
    ],
)
def test_a_mistake_is_one_line(dsn, arguments, said):
    assert said in refusal(main, ["theftwatch", *arguments], {"THEFTWATCH_DSN": dsn})


def test_a_timestamp_settles_who_was_first(dsn, tmp_path, asked):
    """The file that Ana gave was dated years before it was first seen at a vendor's."""
    record = Record(dsn, Files(tmp_path / "files"), asked)

    async def main():
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await fill(connection, record.files)

    asyncio.run(main())
    assert record.stamp().stamped == 1
    due = record.rows(
        "select count(*) from context_due join finding f on f.id = context_due.id"
        " where kind = 'finding' and f.original_file is not null"
    )
    assert due == [(1,)]
