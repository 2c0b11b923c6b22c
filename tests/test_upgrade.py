"""A database of an earlier release, with rows of every table: brought to the present schema, nothing is lost."""

import gzip
import json
from pathlib import Path
from typing import IO, cast

import psycopg
import pytest

from tests.fixtures_told import HARBOUR, Told
from tests.released import SAMPLES, rows_by_table
from theftwatch.backup.dump import run_script
from theftwatch.clock import system_clock
from theftwatch.config import settings
from theftwatch.db import migrate

RELEASES = sorted(path.name.removesuffix(".sql.gz") for path in SAMPLES.glob("*.sql.gz"))
#: Rows that say what is to be worked out anew, which migrations add to; a dump leaves out who is signed in
_WORKED_OFF = {"public.context_due", "public.coverage_due", "public.trail_due", "public.sum_due"}
_NOT_DUMPED = {"access.web_session"}
_ADDED_TO = {"public.schema_migration", "public.algorithm", *_WORKED_OFF, *_NOT_DUMPED}

#: What a schema consists of, in words, so that two can be compared; views by their columns, as Postgres writes the text
#: of one that comes from a dump a little differently; without the index that a server with `vector` has
_SCHEMA = """
select 'column ' || table_schema || '.' || table_name || '.' || column_name as what,
    data_type || coalesce(' default ' || column_default, '') || ' ' || is_nullable as says
from information_schema.columns where table_schema in ('public', 'analysis', 'access')
union all
select 'constraint ' || conrelid::regclass || ' ' || conname, pg_get_constraintdef(c.oid)
from pg_constraint c join pg_class t on t.oid = conrelid
where t.relnamespace in ('public'::regnamespace, 'access'::regnamespace)
union all
select 'index ' || indexname, indexdef from pg_indexes
where schemaname in ('public', 'access') and indexname not like 'descriptor_code_%_near'
union all
select 'trigger ' || tgrelid::regclass || ' ' || tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all
select 'comment ' || objoid::regclass || ' ' || objsubid, description
from pg_description d join pg_class c on c.oid = objoid
where classoid = 'pg_class'::regclass and c.relnamespace in ('public'::regnamespace, 'analysis'::regnamespace)
union all
select 'routine ' || p.oid::regprocedure, md5(pg_get_functiondef(p.oid))
from pg_proc p
where p.prokind <> 'a' and p.pronamespace in ('public'::regnamespace, 'analysis'::regnamespace)
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
"""


def schema_of(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute(_SCHEMA).fetchall())


@pytest.fixture
def old(request, empty_dsn: str, monkeypatch) -> str:
    """Return the DSN of a database as a release left it."""
    monkeypatch.setenv("THEFTWATCH_DSN", empty_dsn)
    settings.cache_clear()
    with gzip.open(SAMPLES / f"{request.param}.sql.gz") as script:
        run_script(settings(), empty_dsn, cast("IO[bytes]", script))
    return empty_dsn


@pytest.mark.parametrize("old", RELEASES, indirect=True)
def test_a_database_of_an_earlier_release_comes_along_whole(request, old, connection, tmp_path: Path):
    release = request.node.callspec.params["old"]
    told = json.loads((SAMPLES / f"{release}.json").read_text())
    with psycopg.connect(old, autocommit=True) as upgraded:
        before = rows_by_table(upgraded)
        assert before == told["rows"] | dict.fromkeys(_NOT_DUMPED, 0)
        assert all(before[table] for table in before.keys() - _NOT_DUMPED)  # a table without rows tests nothing
        assert len(migrate.apply(upgraded, clock=system_clock)) == len(migrate.known_migrations()) - int(release)
        after = rows_by_table(upgraded)
        kept = before.keys() - _ADDED_TO
        assert {table: after.get(table) for table in kept} == {table: before[table] for table in kept}
        assert schema_of(upgraded) == schema_of(connection)
    record = Told(old, tmp_path)
    digest = record.digest
    assert {name: digest.get(name) for name in told["digest"]} == told["digest"]
    # and the program works on it
    record.run("files", "adopt")  # the photos are not part of the sample
    record.run("finding", "list")
    assert record.run("finding", "show", record.findings(HARBOUR)[0])
    record.run("case", "show", "1")
    record.run("keep")


def test_there_is_a_database_that_a_migration_is_left_for():
    newest = len(migrate.known_migrations())
    assert [release for release in RELEASES if int(release) < newest]
