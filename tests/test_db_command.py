"""`theftwatch db` as a person types it."""

import subprocess
import sys

import psycopg
import pytest
from typer.testing import CliRunner

from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.db import server
from theftwatch.db.queries import queries
from theftwatch.errors import DatabaseError, TheftWatchError, UsageError

pytestmark = pytest.mark.each_postgres


def db(*arguments):
    """Run the command in this process and return its lines; an expected error is raised."""
    result = CliRunner().invoke(app, ["db", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout.splitlines()


def rows(lines):
    """Return the rows of `db status` by name; of databases, there is one row each."""
    return [(line[:10].strip(), line[10:]) for line in lines]


@pytest.fixture
def external(monkeypatch, dsn):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    return dsn


def test_life_of_the_embedded_server(postgres_bin):
    with pytest.raises(DatabaseError, match="Postgres is not running; `theftwatch db start` starts it"):
        db("status")
    assert db("stop") == ["Postgres did not run."]

    [line] = db("start")
    running = server.start(settings())
    assert line == f"Postgres runs at 127.0.0.1:{running.port}, with its data in {running.data}"
    assert ("schema", "none: database theftwatch is made when it is first used") in rows(db("status"))

    lines = db("migrate")
    assert lines[0] == "applied 0001_core"
    assert lines[-1].startswith("The database is at schema 0")
    assert db("migrate") == lines[-1:]

    [reader], [owner], [demo] = db("url"), db("url", "--owner"), db("url", "--demo")
    assert reader == server.reader_dsn(settings())
    assert owner == server.connect_dsn(settings())
    assert demo.replace("theftwatch_demo", "theftwatch") == reader
    for dsn in (reader, owner, demo):
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select count(*) from listing").fetchone() == (0,)

    shown = rows(db("status"))
    assert ("state", "ready") in shown
    assert ("address", f"127.0.0.1:{running.port}") in shown
    assert ("data", str(running.data)) in shown
    assert ("pending", "none") in shown
    names = [value.split()[0] for name, value in shown if name == "database"]
    assert names == ["theftwatch", "theftwatch_demo"]
    [size] = [value for name, value in shown if name == "size"]
    assert 20 < int(size.removesuffix(" MB")) < 500

    assert db("stop") == ["Postgres is stopped."]
    with pytest.raises(DatabaseError, match="not running"):
        db("status")


def test_digest_is_that_of_the_content(external, connection):
    [before] = db("digest")
    connection.execute("insert into marketplace (code, default_side) values ('elsewhere', 'suspect')")
    insert = "insert into listing (marketplace, listing_ref, url, first_seen_at, last_seen_at, complete) values "
    connection.execute(insert + "('elsewhere', '1', 'https://elsewhere.example/1', now(), now(), true)")

    [after] = db("digest")
    assert before != after
    assert db("digest") == [after]


def test_another_server_is_looked_at_and_not_started(external, tmp_path):
    shown = dict(rows(db("status")))
    assert shown["state"] == "ready"
    assert shown["server"].endswith("(THEFTWATCH_DSN)")
    assert shown["pending"] == "none"
    assert db("url", "--owner") == [external]
    assert db("stop") == ["Postgres did not run."]
    with pytest.raises(UsageError, match="unset it"):
        db("start")
    with pytest.raises(UsageError, match="THEFTWATCH_READER_DSN"):
        db("url")
    assert not (tmp_path / "data").exists()


def test_demo_is_on_the_embedded_server_whatever_else_is_set(external):
    [demo] = db("url", "--demo")
    assert demo.endswith("/theftwatch_demo")
    assert demo.partition("@")[2] != external.partition("@")[2]


def test_views_lead_to_where_people_reach_the_page(monkeypatch, external, connection):
    def base():
        [(url,)] = connection.execute("select url from public_address").fetchall()
        return url

    def listens(port):
        page = {"url": f"http://127.0.0.1:{port}", "told": False}
        connection.execute(queries()["save_public_address"], page)

    db("migrate")
    assert base() == "http://127.0.0.1:8478"
    listens(9000)
    assert base() == "http://127.0.0.1:9000"
    monkeypatch.setenv("THEFTWATCH_PUBLIC_URL", "https://review.example.org/")
    settings.cache_clear()
    db("migrate")
    assert base() == "https://review.example.org"
    # a page that was not told does not know better
    listens(8478)
    assert base() == "https://review.example.org"


def test_pending_migrations_of_another_server_are_named(monkeypatch, empty_dsn):
    monkeypatch.setenv("THEFTWATCH_DSN", empty_dsn)
    shown = dict(rows(db("status")))
    assert shown["schema"] == "none"
    assert shown["pending"].startswith("0001_core")
    with pytest.raises(DatabaseError, match="`theftwatch db migrate`"):
        db("digest")
    assert db("migrate")[0] == "applied 0001_core"
    assert dict(rows(db("status")))["pending"] == "none"


@pytest.mark.parametrize("name", ["postgres", "../elsewhere", "Big", ""])
def test_database_name_that_cannot_be_is_refused(monkeypatch, name):
    monkeypatch.setenv("THEFTWATCH_DATABASE", name)
    with pytest.raises(TheftWatchError, match="THEFTWATCH_DATABASE"):
        db("url")


def test_error_is_one_line_and_the_exit_code_says_so():
    command = [sys.executable, "-c", "from theftwatch.cli import main; main()", "db", "status"]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stderr == "theftwatch: Postgres is not running; `theftwatch db start` starts it\n"
