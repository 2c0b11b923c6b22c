"""Every address of the review page: without a session, with one that ended, with a viewer's, from elsewhere."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import pytest
from starlette.routing import Route
from typer.testing import CliRunner

from tests.reviewing import Review
from tests.test_context import command, rows
from tests.test_review import filled, unused_port, vendor_of
from theftwatch.cli import app
from theftwatch.db.digest import digest_tables
from theftwatch.web.pages import Context
from theftwatch.web.review import review

__all__ = ["filled", "unused_port"]  # fixtures

PASSWORD = "correct horse battery"
#: Who may ask for these has no session, or wants to end it
SESSIONS = {"/sign-in", "/sign-out"}
OPEN = {"/sign-in", "/static/{name}"}


def routes() -> list[tuple[str, str]]:
    """Return method and path of each route that the application has, so that none can be forgotten here."""
    found = review(cast("Context", None), hosts=[]).routes
    assert all(isinstance(each, Route) for each in found)
    return [
        (method, each.path)
        for each in found
        if isinstance(each, Route)
        for method in sorted((each.methods or set()) - {"HEAD"})
    ]


@pytest.fixture
def guarded(filled, tmp_path, unused_port):
    for name, role in (("Vera", "viewer"), ("Rita", "reviewer")):
        added = CliRunner().invoke(app, ["account", "add", name, "--role", role], input=f"{PASSWORD}\n")
        assert added.exit_code == 0, added.output
    started = Review(filled, tmp_path / "data", unused_port)
    yield started
    said = started.stop()
    assert "Traceback" not in said, said[-2000:]


def sign_in(guarded, name):
    status, headers, _ = guarded.ask("POST", "/sign-in", {"name": name, "password": PASSWORD})
    assert status == 303
    return {"Cookie": headers["set-cookie"].partition(";")[0]}


def filled_in(dsn: str, path: str) -> str:
    """Return a path with keys of rows that are there."""
    [finding] = rows(dsn, "select min(finding_id) as id from analysis.finding")
    [image] = rows(dsn, "select encode(min(sha256), 'hex') as hex from image where unusable_reason is null")
    keys = {
        "finding": finding["id"],
        "vendor": vendor_of(dsn, "101"),
        "artisan": rows(dsn, "select min(id) as id from artisan")[0]["id"],
        "sha256": image["hex"],
        "name": "review.css",
        "what": "outcomes",
        "key": "00" * 32,
    }
    return re.sub(r"\{(\w+)(:int)?\}", lambda part: str(keys.get(part[1], 1)), path)


def record(dsn: str) -> dict[str, str]:
    async def read() -> dict[str, str]:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            return await digest_tables(connection)

    return asyncio.run(read())


def test_no_address_answers_one_who_may_not_ask(guarded, filled):
    before = record(filled)
    viewer, reviewer = sign_in(guarded, "Vera"), sign_in(guarded, "Rita")
    faults: list[Any] = []

    def check(expected, method, path, *more, **headers):
        status, answered, _ = guarded.ask(method, path, *more, **headers)
        if status not in expected or "default-src 'none'" not in answered.get("content-security-policy", ""):
            faults.append((method, path, headers, status))

    known = routes()
    assert len(known) > 35
    for method, pattern in known:
        path = filled_in(filled, pattern)
        fields: dict[str, str] | None = None if method == "GET" else {}
        # of another name that leads to this machine
        assert guarded.ask(method, path, fields, Host="evil.example")[0] == 400
        if pattern not in OPEN:
            for cookie in ({}, {"Cookie": "theftwatch=" + "A" * 43}, {"Cookie": "theftwatch=' or true --\xe4"}):
                check({303} if method == "GET" else {401}, method, path, fields, **cookie)
        if method == "GET":
            check({200, 403, 404}, method, path, **viewer)  # the letter of a case is for who writes it
            continue
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}):
            check({403}, method, path, fields, **reviewer, **headers)
        check({403}, method, path, fields, **reviewer, Sec_Fetch_Site="same-site")
        if pattern not in SESSIONS:
            check({403}, method, path, fields, **viewer)
            # whatever it is said to be, what is sent is no more than what it is
            for media_type in ("application/json", "multipart/form-data; boundary=x"):
                check({400, 404, 409, 413, 415, 422}, method, path, fields, Content_Type=media_type, **reviewer)
    assert not faults, "\n".join(map(str, faults))
    assert record(filled) == before

    check_stolen_sessions(guarded, filled)


def check_stolen_sessions(guarded, filled):
    """Check that a session ends with its account's password, role or name, and by signing out."""

    def is_open(session):
        return guarded.ask("GET", "/queue", **session)[0] == 200

    def change(*arguments):
        assert CliRunner().invoke(app, ["account", *arguments], input="another horse battery\n").exit_code == 0

    stolen = sign_in(guarded, "Rita")
    assert is_open(stolen)
    assert guarded.ask("POST", "/sign-out", {}, **stolen)[0] == 303
    assert not is_open(stolen)
    stolen = sign_in(guarded, "Vera")
    change("add", "Vera", "--role", "viewer")  # with another password
    assert not is_open(stolen)
    stolen = sign_in(guarded, "Rita")
    with psycopg.connect(filled) as connection:
        # what the record keeps opens nothing
        (kept,), *_ = connection.execute("select token_sha256 from access.web_session order by expires_at desc")
        connection.execute("update access.web_session set expires_at = %s", [datetime.now(UTC)])
    assert not is_open({"Cookie": f"theftwatch={kept.hex()}"})
    assert not is_open(stolen)
    stolen = sign_in(guarded, "Rita")
    command("account", "remove", "Rita")
    assert not is_open(stolen)
    change("add", "Rita")
    assert not is_open(stolen)
