"""Accounts of analysts: what they can do, and what they cannot."""

import asyncio
import os
import re
import subprocess
import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner

from tests import matched
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.db import analysts, cluster, migrate
from theftwatch.errors import DatabaseError, UsageError
from theftwatch.files import Files
from theftwatch.match.context import update_context

pytestmark = pytest.mark.each_postgres

REFUSED = psycopg.errors.InsufficientPrivilege
#: A name of `public` without the schema is not found, or is that of a view
REFUSED_OR_UNKNOWN = (
    REFUSED,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedTable,
)


@pytest.fixture(scope="module")
def names(admin_dsn, superuser_dsn):
    """Yield a maker of names for accounts, which are dropped in the end, as all databases have them."""
    made: list[str] = []

    def name():
        made.append(f"ana_{uuid.uuid4().hex[:12]}")
        return made[-1]

    yield name
    with psycopg.connect(superuser_dsn, autocommit=True) as superuser:
        for each in made:
            superuser.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(each)))


@pytest.fixture
def filled(dsn, tmp_path):
    async def fill():
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            files = Files(tmp_path / "files")
            await matched.fill(connection, files)
            await connection.execute("update artisan set contact = 'ana@example.org' where name = 'Ana'")
            await update_context(connection, load=files.get, now=matched.MATCHED_AT)

    asyncio.run(fill())


@pytest.fixture
def analyst_dsn(names, on_embedded, filled):
    return analysts.grant(on_embedded, names())


@pytest.fixture
def analyst(analyst_dsn):
    with psycopg.connect(analyst_dsn, autocommit=True) as connection:
        yield connection


def one(connection, query):
    [[value]] = connection.execute(query).fetchall()
    return value


def test_an_analyst_reads_all_views_and_keeps_tables_of_one_s_own(analyst, analyst_dsn, names, on_embedded, dsn):
    views = analyst.execute("select viewname from pg_views where schemaname = 'analysis'").fetchall()
    assert len(views) > 20
    for (view,) in views:
        analyst.execute(f"select * from analysis.{view} limit 1")
    # without naming the schemas
    analyst.execute("create table shortlist as select vendor, matches from vendor where matches > 0")
    assert one(analyst, "select count(*) from workspace.shortlist") == 3
    assert analyst.execute("select state, price_min from listing_at('2026-11-20') where listing_ref = '201'").fetchone()
    # a colleague may read it and not change it, and so may who makes backups
    with psycopg.connect(analysts.grant(on_embedded, names()), autocommit=True) as colleague:
        assert one(colleague, "select count(*) from shortlist") == 3
        with pytest.raises(REFUSED):
            colleague.execute("delete from shortlist")
    with psycopg.connect(dsn) as owner:
        assert one(owner, "select count(*) from workspace.shortlist") == 3


#: What an analyst is refused
BEYOND = (
    "select contact from public.artisan",
    "select contact from artisan",
    "select * from public.match",
    "select * from public.review_queue",
    "select * from access.account",
    "select * from near_phash(1, 8)",
    "select * from public.near_phash(1, 8)",
    "delete from analysis.artisan_finding",
    "delete from analysis.portal",
    "create view analysis.mine as select 1",
    "create table analysis.mine (a int)",
    "create table public.mine (a int)",
    "create schema mine",
    "create role mine",
    "set role theftwatch",
    "alter role theftwatch_analyst createrole",
    "drop schema workspace",
    "copy (select 1) to '/tmp/mine'",
    "copy (select 1) to program 'true'",
    "select pg_read_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
)


def is_refused(connection, statement):
    try:
        connection.execute(statement)
    except REFUSED_OR_UNKNOWN:
        return True
    return False


def test_an_analyst_reaches_nothing_else(analyst):
    assert [statement for statement in BEYOND if not is_refused(analyst, statement)] == []


def test_no_view_rests_on_a_contact_or_a_password(connection):
    hidden = connection.execute("""
        select distinct v.relname, t.relname, a.attname
        from pg_class v
        join pg_rewrite r on r.ev_class = v.oid
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refobjsubid > 0
        join pg_class t on t.oid = d.refobjid
        join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
        where v.relnamespace = 'analysis'::regnamespace
            and ((t.relname, a.attname) = ('artisan', 'contact') or t.relnamespace = 'access'::regnamespace)
    """).fetchall()
    assert hidden == []
    seen = connection.execute("""
        select count(*) from pg_depend d
        join pg_rewrite r on r.oid = d.objid
        join pg_class v on v.oid = r.ev_class and v.relnamespace = 'analysis'::regnamespace
        where d.classid = 'pg_rewrite'::regclass and d.refobjid = 'artisan'::regclass and d.refobjsubid > 0
    """).fetchone()
    assert seen[0] > 10


def test_sessions_of_an_analyst_are_bounded(analyst):
    assert one(analyst, "show statement_timeout") == "1min"
    assert one(analyst, "show idle_in_transaction_session_timeout") == "10min"
    assert one(analyst, "show timezone") == "UTC"
    analyst.execute("set statement_timeout = '50ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        analyst.execute("select count(*) from generate_series(1, 1000000000)")


def test_a_second_grant_gives_another_password_and_a_revoked_account_signs_in_no_more(
    analyst, analyst_dsn, on_embedded
):
    name = str(conninfo_to_dict(analyst_dsn)["user"])
    again = analysts.grant(on_embedded, name)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(analyst_dsn)
    analysts.revoke(on_embedded, name)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(again)
    with pytest.raises(psycopg.OperationalError):
        analyst.execute("select 1")  # its session has ended
    with pytest.raises(UsageError, match="no analyst has this account"):
        analysts.revoke(on_embedded, name)


@pytest.mark.parametrize("name", ["Ana", "ana smith", "1ana", "pg_ana", "postgres", "theftwatch", "a" * 64, ""])
def test_a_name_that_cannot_be_one_is_refused(name, embedded):
    with pytest.raises(UsageError, match="a name starts with a letter"):
        analysts.grant(embedded, name)


def test_an_account_of_somebody_else_is_left_alone(on_embedded, superuser_dsn, names):
    name = names()
    with psycopg.connect(superuser_dsn, autocommit=True) as superuser:
        superuser.execute(f"create role {name} login")
    with pytest.raises(UsageError, match="is no analyst's"):
        analysts.grant(on_embedded, name)


def test_an_account_that_may_make_none_says_who_may(monkeypatch, dsn):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    settings.cache_clear()
    with pytest.raises(DatabaseError, match="have a superuser run `alter role theftwatch createrole`"):
        CliRunner().invoke(app, ["db", "grant", "ana"], catch_exceptions=False, standalone_mode=False)


def test_an_owner_that_may_make_roles_needs_no_superuser(monkeypatch, dsn, superuser_dsn, names):
    owner, name = conninfo_to_dict(dsn)["user"], names()
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    settings.cache_clear()
    with psycopg.connect(superuser_dsn, autocommit=True) as superuser:
        superuser.execute(migrate.setup_sql("analyst"))  # other tests may have made it, as another account
        superuser.execute(f"grant theftwatch_analyst to {owner} with admin option")
        superuser.execute(f"alter role {owner} createrole")
        try:
            shown = CliRunner().invoke(app, ["db", "grant", name], catch_exceptions=False).stdout
            with psycopg.connect(shown.splitlines()[0]) as connection:
                assert one(connection, "select count(*) from analysis.finding") == 0
            assert name in CliRunner().invoke(app, ["db", "status"], catch_exceptions=False).stdout
            assert "signs in no more" in CliRunner().invoke(app, ["db", "revoke", name], catch_exceptions=False).stdout
        finally:
            superuser.execute(f"alter role {owner} nocreaterole")


def test_psql_and_a_cursor_on_the_server_read_the_views(analyst_dsn, postgres_bin):
    psql = cluster.find_programs(postgres_bin) / "psql"
    asked = "select finding_id, suspect_seller from finding order by 1"
    shown = subprocess.run(
        [psql, analyst_dsn, "--csv", "-c", asked],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert (lines[0], len(lines)) == ("finding_id,suspect_seller", 9)
    assert re.fullmatch(r"\d+,.+", lines[1])
    with psycopg.connect(analyst_dsn) as connection, connection.cursor("many") as cursor:
        cursor.itersize = 3
        rows = list(cursor.execute(asked))
    assert [f"{finding}" for finding, _ in rows] == [line.split(",")[0] for line in lines[1:]]


def test_pandas_reads_the_views_as_the_document_says(analyst_dsn):
    import pandas  # takes a second to load

    document = (Path(__file__).parents[1] / "docs/analysis.md").read_text()
    [line] = re.findall(r"^\| pandas,.*\| `(.+)` \|$", document, re.MULTILINE)
    found = eval(line, {"pandas": pandas, "DSN": analyst_dsn})
    assert len(found) == 8
    assert str(found["first_matched_at"].dt.tz) == "UTC"
    assert found["matches"].sum() == 8
    assert found.groupby("suspect_seller")["proposable"].count()["Harbour Co., Ltd."] > 1
