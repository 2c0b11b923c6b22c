"""Connecting: every failure is one line with the place and the remedy, and without the password."""

import uuid

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.ports import kept_port
from theftwatch.config import Settings
from theftwatch.db import server
from theftwatch.db.connect import connect, describe
from theftwatch.errors import DatabaseError, TheftWatchError, UsageError

pytestmark = pytest.mark.each_postgres


def failure(dsn):
    with pytest.raises(TheftWatchError) as failed:
        server.connect_dsn(Settings(dsn=dsn))
    text = str(failed.value)
    assert "\n" not in text
    assert "s3cret" not in text
    return failed.value


@pytest.fixture
def closed_port():
    with kept_port() as port:
        yield port


def test_where_nobody_listens_it_says_what_to_check(closed_port):
    error = failure(f"postgresql://me:s3cret@127.0.0.1:{closed_port}/record")
    assert isinstance(error, DatabaseError)
    assert str(error) == (
        f"database record at 127.0.0.1:{closed_port}: Connection refused; "
        "check THEFTWATCH_DSN and that the server runs, or unset it to use the embedded one"
    )


def test_a_wrong_password_is_told_and_not_shown(admin_dsn):
    error = failure(make_conninfo(admin_dsn, password="s3cret-but-wrong"))
    assert "password authentication failed" in str(error)


def test_a_database_that_cannot_hold_all_letters_is_refused(admin_dsn):
    name = f"ascii_{uuid.uuid4().hex}"
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        make = sql.SQL("create database {} encoding 'SQL_ASCII' locale 'C' template template0")
        connection.execute(make.format(sql.Identifier(name)))
        try:
            with pytest.raises(DatabaseError, match=r"is in SQL_ASCII.*encoding 'UTF8' template template0"):
                connect(make_conninfo(admin_dsn, dbname=name), remedy="")
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_a_database_that_is_not_there_is_named(admin_dsn):
    error = failure(make_conninfo(admin_dsn, dbname="nowhere"))
    assert "database nowhere at" in str(error)
    assert 'database "nowhere" does not exist' in str(error)


@pytest.mark.parametrize(
    "dsn", ["s3cret", "postgresql://me:s3cret@[::1/record", "postgresql://me:s3%cret@h/d", "a=s3cret"]
)
def test_a_dsn_that_cannot_be_read_is_not_quoted(dsn):
    error = failure(dsn)
    assert isinstance(error, UsageError)
    assert "THEFTWATCH_DSN is no connection string" in str(error)


def test_database_without_schema_is_left_to_a_decision(empty_dsn, tmp_path):
    chosen = Settings(dsn=empty_dsn, data_dir=tmp_path / "data")
    with pytest.raises(DatabaseError, match=r"lacks .* migrations; run `theftwatch db migrate`"):
        server.connect_dsn(chosen)

    assert server.migrate_database(chosen)
    assert server.connect_dsn(chosen) == empty_dsn
    assert not (tmp_path / "data").exists()


def test_reader_of_another_server_is_named_by_a_setting(dsn):
    with pytest.raises(UsageError, match="THEFTWATCH_READER_DSN"):
        server.reader_dsn(Settings(dsn=dsn))
    assert server.reader_dsn(Settings(dsn=dsn, reader_dsn="host=h")) == "host=h"


def test_connection_commits_by_itself(dsn):
    with connect(dsn, remedy="none") as connection:
        connection.execute("create table made (n int)")
    with psycopg.connect(dsn) as other:
        assert other.execute("select * from made").fetchall() == []


def test_description_has_place_and_no_password(admin_dsn):
    parts = conninfo_to_dict(admin_dsn)
    text = describe(make_conninfo(admin_dsn, password="s3cret"))
    assert text.startswith(f"database {parts['dbname']} at ")
    assert "s3cret" not in text
