"""Migrations: each whole or not at all, once, in order, and only forwards."""

import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

import theftwatch
from theftwatch.db import migrate
from theftwatch.errors import DatabaseError

pytestmark = pytest.mark.each_postgres

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def migrations(*statements):
    return [
        migrate.Migration(version=number, name=f"{number:04}_test", sql=text)
        for number, text in enumerate(statements, start=1)
    ]


ONE = migrations("create table one (n int)")
TWO = migrations("create table one (n int)", "create table two (n int); insert into two values (2)")


def clock():
    return NOW


def connect(dsn):
    return psycopg.connect(dsn, autocommit=True)


@pytest.fixture
def empty(empty_dsn):
    with connect(empty_dsn) as connection:
        yield connection


def tables(connection):
    return [name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")]


def test_pending_changes_nothing(empty):
    assert migrate.pending(empty, TWO) == TWO
    assert migrate.find_applied(empty) == []
    assert tables(empty) == []


def test_apply_does_what_is_pending_and_records_it(empty):
    assert migrate.apply(empty, clock=clock, known=ONE) == ONE
    assert migrate.apply(empty, clock=clock, known=TWO) == TWO[1:]
    assert migrate.apply(empty, clock=clock, known=TWO) == []

    assert migrate.pending(empty, TWO) == []
    assert empty.execute("select n from two").fetchall() == [(2,)]
    assert empty.execute("select version, name, applied_at from schema_migration order by version").fetchall() == [
        (1, "0001_test", NOW),
        (2, "0002_test", NOW),
    ]


def test_failing_migration_leaves_nothing_and_keeps_those_before_it(empty):
    broken = migrations(ONE[0].sql, "create table two (n int); insert into two values ('x')")

    with pytest.raises(DatabaseError, match=r"migration 0002_test failed and changed nothing: .*integer") as failed:
        migrate.apply(empty, clock=clock, known=broken)

    assert "\n" not in str(failed.value)
    assert sorted(tables(empty)) == ["one", "schema_migration"]
    assert [applied.name for applied in migrate.find_applied(empty)] == ["0001_test"]
    assert migrate.apply(empty, clock=clock, known=TWO) == TWO[1:]


def test_first_migration_that_fails_leaves_an_empty_database(empty):
    with pytest.raises(DatabaseError, match="0001_test failed"):
        migrate.apply(empty, clock=clock, known=migrations("create table one (n int); select 1 / 0"))

    assert tables(empty) == []


def test_processes_at_once_apply_each_migration_once(empty_dsn):
    known = migrations(*(f"create table t{n} (n int); select pg_sleep(0.01)" for n in range(5)))

    def apply(_):
        with connect(empty_dsn) as connection:
            return migrate.apply(connection, clock=clock, known=known)

    with ThreadPoolExecutor(4) as threads:
        applied = [migration.version for done in threads.map(apply, range(4)) for migration in done]

    assert sorted(applied) == [1, 2, 3, 4, 5]


def test_database_newer_than_the_program_is_refused(empty):
    migrate.apply(empty, clock=clock, known=TWO)

    for refuse in (migrate.pending, lambda *args: migrate.apply(args[0], clock=clock, known=args[1])):
        with pytest.raises(DatabaseError, match="at schema 2, this program knows 1; update the program"):
            refuse(empty, ONE)


def test_applied_file_that_was_changed_is_named(empty):
    migrate.apply(empty, clock=clock, known=ONE)

    with pytest.raises(DatabaseError, match=r"0001_test was changed after it had been applied .*; restore the file"):
        migrate.pending(empty, migrations("create table one (n bigint)"))


def test_reader_is_granted_what_migrations_make(empty, running_reader):
    migrate.apply(empty, clock=clock, known=TWO)
    later = migrations(
        *(migration.sql for migration in TWO), "create schema analysis; create view analysis.v as select"
    )
    migrate.apply(empty, clock=clock, known=later)

    def may_read(table):
        query = "select has_table_privilege('theftwatch_reader', %s, 'select')"
        return empty.execute(query, [table]).fetchone() == (True,)

    assert may_read("two")
    assert may_read("analysis.v")
    empty.execute("create table analysis.by_hand (n int)")
    assert may_read("analysis.by_hand")
    assert empty.execute("select has_table_privilege('theftwatch_reader', 'two', 'insert')").fetchone() == (False,)

    empty.execute("revoke select on two from theftwatch_reader")
    assert not may_read("two")
    migrate.apply(empty, clock=clock, known=later)
    assert may_read("two")


@pytest.fixture
def running_reader(empty):
    if not empty.execute("select 1 from pg_roles where rolname = 'theftwatch_reader'").fetchall():
        pytest.skip("the server of THEFTWATCH_TEST_DSN has no account theftwatch_reader")


def test_own_migrations_are_numbered_and_take_no_time_from_the_server():
    known = migrate.known_migrations()

    assert [migration.version for migration in known] == list(range(1, len(known) + 1))
    for migration in known:
        assert not re.search(r"\bnow\(\)|current_timestamp|\b(begin|commit|rollback)\s*;", migration.sql, re.IGNORECASE)


def test_own_migrations_make_the_same_tables_once_and_in_parts(empty, connection):
    for end in range(1, len(migrate.known_migrations()) + 1):
        migrate.apply(empty, clock=clock, known=migrate.known_migrations()[:end])

    assert sorted(tables(empty)) == sorted(tables(connection))
    assert migrate.pending(empty) == ()


@pytest.mark.parametrize("name", ["2_x.sql", "0002_x.sql", "0001_Two.sql", "notes.txt"])
def test_misnamed_file_is_refused(tmp_path, monkeypatch, name):
    (tmp_path / name).touch()
    monkeypatch.setattr(migrate, "_sql_folder", lambda _: tmp_path)
    with pytest.raises(ValueError, match="numbered without gaps"):
        migrate.known_migrations.__wrapped__()


def test_migrations_are_read_from_inside_a_zipped_egg(tmp_path):
    package = Path(theftwatch.__file__).parent
    with closing(zipfile.ZipFile(tmp_path / "theftwatch.egg", "w")) as egg:
        for file in [*package.rglob("*.py"), *package.rglob("*.sql")]:
            egg.write(file, Path("theftwatch", file.relative_to(package)))
    code = "from theftwatch.db import migrate; print(migrate.__file__, len(migrate.known_migrations()))"
    environment = {"PYTHONPATH": str(tmp_path / "theftwatch.egg")}

    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)

    module, count = answer.stdout.split()
    assert module.startswith(str(tmp_path / "theftwatch.egg"))
    assert int(count) == len(migrate.known_migrations())
