"""The database: a connection, the clock of its machine, the schema, and the search by descriptor."""

import time
from collections.abc import Iterator

import psycopg

from theftwatch.clock import Clock
from theftwatch.config import Settings
from theftwatch.db import migrate, server
from theftwatch.db.connect import connect, describe
from theftwatch.db.queries import queries
from theftwatch.doctor.check import SET_CLOCK, Check, clock_off, failure, line_of, took
from theftwatch.errors import TheftWatchError
from theftwatch.images import descriptor
from theftwatch.match.routes import index_off


def check_database(settings: Settings, clock: Clock) -> Iterator[Check]:
    """Try to connect, then the schema, and the search by descriptor."""
    external = settings.dsn is not None
    try:
        dsn = settings.dsn.get_secret_value() if settings.dsn else server.connect_dsn(settings, clock=clock)
        with connect(dsn, remedy="see `theftwatch db status`") as connection:
            version = connection.info.parameter_status("server_version")
            where = f"{describe(dsn)} (THEFTWATCH_DSN)" if external else f"embedded, {describe(dsn)}"
            yield Check(name="database", state="ok", detail=f"Postgres {version}, {where}")
            yield _check_clock(connection, clock)
            schema = _check_schema(connection)
            yield schema
            if schema.state == "ok":
                yield _check_index(connection, embedded=not external)
    except TheftWatchError as exc:
        yield failure("database", exc, "export THEFTWATCH_DSN=…, naming a server that runs" if external else None)
    except psycopg.Error as exc:
        yield Check(name="database", state="failed", detail=line_of(exc), remedy="theftwatch db status")


def _check_clock(connection: psycopg.Connection, clock: Clock) -> Check:
    """Compare this machine's clock with the database's."""
    [(theirs,)] = connection.execute(queries()["read_clock"]).fetchall()
    off = clock_off(theirs, clock)
    if off:
        return Check(name="clock", state="failed", detail=f"the database's clock is {off}", remedy=SET_CLOCK)
    return Check(name="clock", state="ok", detail="this machine and the database agree")


def _check_schema(connection: psycopg.Connection) -> Check:
    try:
        todo = migrate.pending(connection)
    except TheftWatchError as exc:
        return failure("schema", exc, "git pull && make setup")
    newest = migrate.known_migrations()[-1].name
    if todo:
        lacks = f"the database lacks {len(todo)} of {len(migrate.known_migrations())} migrations, up to {newest}"
        return Check(name="schema", state="failed", detail=lacks, remedy="theftwatch db migrate")
    return Check(name="schema", state="ok", detail=newest)


def _check_index(connection: psycopg.Connection, *, embedded: bool) -> Check:
    """Look something up by its descriptor, with the index where there is one."""
    [(available, used, postgres, database)] = connection.execute(queries()["find_vector"]).fetchall()
    [(by_index,)] = connection.execute(queries()["has_descriptor_index"]).fetchall()
    if not (by_index and used):
        off = index_off(available, used, postgres, database, embedded=embedded)
        return Check(name="index", state="off", detail=off.why, remedy=off.remedy)
    started = time.perf_counter()
    try:
        with connection.transaction():
            connection.execute(queries()["prepare_search"], {"width": "40"})
            connection.execute(
                queries()["find_alike_by_index"],
                {"codes": ["10" * (descriptor.LENGTH // 2)], "side": "original", "model": "none", "most": 40},
            )
    except psycopg.Error as exc:
        rebuild = 'psql "$(theftwatch db url --owner)" -c "reindex table descriptor_code"'
        return Check(name="index", state="failed", detail=f"the search failed: {line_of(exc)}", remedy=rebuild)
    return Check(name="index", state="ok", detail=f"vector {used}, a search in {took(started)}")
