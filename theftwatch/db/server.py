"""The embedded Postgres: started when it is needed, by whoever needs it first, and running until it is stopped.

`connect_dsn` is what the rest of the program asks. With THEFTWATCH_DSN set it gives that, and nothing is embedded.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from theftwatch.clock import Clock, system_clock
from theftwatch.config import Settings
from theftwatch.db import cluster, migrate
from theftwatch.db.connect import connect
from theftwatch.db.privilege import home_for, reachable_programs, runner_for
from theftwatch.db.queries import queries
from theftwatch.errors import DatabaseError, SchemaError, UsageError

OWNER = "theftwatch"
READER = "theftwatch_reader"
SUPERUSER = "postgres"
#: A database that is always there, to ask about the others.
MAINTENANCE_DATABASE = "postgres"

_ACCOUNTS = (SUPERUSER, OWNER, READER)
_DATA = "data"
_LOCK_TIMEOUT_S = 2 * cluster.START_TIMEOUT_S
_PAUSE_S = 0.05
_EXTERNAL_REMEDY = "check THEFTWATCH_DSN and that the server runs, or unset it to use the embedded one"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The embedded Postgres, running."""

    data: Path
    pid: int
    port: int
    #: `starting`, `ready` or `stopping`
    state: str


def connect_dsn(settings: Settings, *, clock: Clock = system_clock) -> str:
    """Return the DSN of the database to use, which is there and has the schema of this program.

    The embedded server is started, and its database made and migrated, as needed. Raises DatabaseError for a server
    that cannot be started or reached, and SchemaError for a schema that does not fit this program: one that is newer,
    or at THEFTWATCH_DSN, where others may be using the old one, older.
    """
    if settings.dsn is None:
        server, _ = _migrate_embedded(settings, clock)
        return owner_dsn(server, settings.database)
    dsn = settings.dsn.get_secret_value()
    with connect(dsn, remedy=_EXTERNAL_REMEDY) as connection:
        if todo := migrate.pending(connection):
            raise SchemaError(
                f"the database of THEFTWATCH_DSN lacks {len(todo)} of {len(migrate.known_migrations())} migrations; "
                "run `theftwatch db migrate`"
            )
    return dsn


def bare_dsn(settings: Settings) -> str:
    """Return the DSN of the database to use, whatever its schema.

    Raises DatabaseError where the embedded server does not run.
    """
    if settings.dsn is not None:
        return settings.dsn.get_secret_value()
    if running := status(settings):
        return owner_dsn(running, settings.database)
    raise DatabaseError("Postgres is not running; `theftwatch db start` starts it")


def reader_dsn(settings: Settings, *, clock: Clock = system_clock) -> str:
    """Return the DSN of the read-only account, which may be shown to people; makes ready as `connect_dsn` does.

    Raises UsageError where THEFTWATCH_DSN is set and THEFTWATCH_READER_DSN is not.
    """
    if settings.dsn is None:
        server, _ = _migrate_embedded(settings, clock)
        return _dsn(server, READER, settings.database)
    if settings.reader_dsn is None:
        raise UsageError(
            "with THEFTWATCH_DSN set, THEFTWATCH_READER_DSN names the read-only account (docs/database.md says how "
            "to make one); `theftwatch db url --owner` prints THEFTWATCH_DSN"
        )
    return settings.reader_dsn.get_secret_value()


def admin_dsn(settings: Settings, *, clock: Clock = system_clock) -> str:
    """Return the DSN of the account that makes accounts: the superuser's, or with THEFTWATCH_DSN set that account.

    Makes ready as `connect_dsn` does.
    """
    if settings.dsn is not None:
        return connect_dsn(settings, clock=clock)
    server, _ = _migrate_embedded(settings, clock)
    return _dsn(server, SUPERUSER, settings.database)


def migrate_database(settings: Settings, *, clock: Clock = system_clock) -> list[migrate.Migration]:
    """Bring the database in use to the schema of this program and return the migrations applied now.

    Where the settings say how people reach the review page, its views lead there from then on.
    """
    if settings.dsn is None:
        server, applied = _migrate_embedded(settings, clock, always=True)
        with connect(owner_dsn(server, settings.database), remedy=f"see {server.data}/log") as connection:
            _save_public_address(connection, settings)
        return applied
    with connect(settings.dsn.get_secret_value(), remedy=_EXTERNAL_REMEDY) as connection:
        applied = migrate.apply(connection, clock=clock)
        _save_public_address(connection, settings)
    return applied


def _save_public_address(connection: psycopg.Connection, settings: Settings) -> None:
    if settings.public_url:
        connection.execute(queries()["save_public_address"], {"url": settings.public_url.rstrip("/"), "told": True})


def start(settings: Settings) -> Server:
    """Start the embedded server where it does not run, and return it ready.

    Any number of processes may do this at once. Raises DatabaseError.
    """
    home = _home(settings)
    data = home / _DATA
    with _explained(home), _locked(home) as lock:
        if server := _settled(data):
            return server
        programs = cluster.find_programs(settings.postgres_bin)
        runner = runner_for(home, data)
        programs = reachable_programs(programs, runner, home)
        if not data.exists():
            passwords = {account: secrets.token_urlsafe(24) for account in _ACCOUNTS}
            cluster.create(data, programs, runner, passwords, lock=lock)
        cluster.launch(data, programs, runner)
        server = _settled(data)
    if server is None:
        raise DatabaseError(f"Postgres ended right after its start; see {data}/log")
    return server


def stop(settings: Settings) -> bool:
    """Stop the embedded server, whoever uses it, and return whether it ran."""
    home = _home(settings)
    data = home / _DATA
    with _explained(home):
        if not home.exists():
            return False
        with _locked(home):
            postmaster = cluster.read_postmaster(data)
            if postmaster is None:
                return False
            cluster.shut_down(postmaster, data)
            return True


def status(settings: Settings) -> Server | None:
    """Return the embedded server; None where it does not run."""
    home = _home(settings)
    with _explained(home):
        return _read_server(home / _DATA)


def data_folder(settings: Settings) -> Path:
    """Return the folder in which the embedded server keeps its data, whether or not it exists yet."""
    return _home(settings) / _DATA


def owner_dsn(server: Server, database: str) -> str:
    """Return the DSN of the account that owns the databases."""
    return _dsn(server, OWNER, database)


def _home(settings: Settings) -> Path:
    return home_for(settings.data_dir.resolve() / "postgres", _DATA)


def _dsn(server: Server, account: str, database: str) -> str:
    password = cluster.read_passwords(server.data)[account]
    return f"postgresql://{account}:{password}@127.0.0.1:{server.port}/{database}"


def _read_server(data: Path) -> Server | None:
    if postmaster := cluster.read_postmaster(data):
        return Server(data=data, pid=postmaster.pid, port=postmaster.port, state=postmaster.state)
    return None


def _settled(data: Path) -> Server | None:
    """Return the server when it is ready, or None when it has ended; neither may be the case yet."""
    deadline = time.monotonic() + cluster.START_TIMEOUT_S
    while server := _read_server(data):
        if server.state == "ready":
            return server
        if time.monotonic() > deadline:
            raise DatabaseError(
                f"Postgres is {server.state} for more than {cluster.START_TIMEOUT_S} s; {data}/log says why"
            )
        time.sleep(_PAUSE_S)
    return None


def _migrate_embedded(
    settings: Settings, clock: Clock, *, always: bool = False
) -> tuple[Server, list[migrate.Migration]]:
    """Start the server and migrate its database; with `always`, see to accounts, extension and index all the same."""
    server = start(settings)
    remedy = f"see {server.data}/log"
    with connect(_dsn(server, SUPERUSER, MAINTENANCE_DATABASE), remedy=remedy) as connection:
        _ensure_database(connection, settings.database)
    with connect(owner_dsn(server, settings.database), remedy=remedy) as connection:
        if not migrate.pending(connection) and not always:
            return server, []
        # Only a superuser may: the index of descriptors needs it, and everything works without.
        with connect(_dsn(server, SUPERUSER, settings.database), remedy=remedy) as superuser, superuser.transaction():
            superuser.execute(queries()["lock_migrations"])
            superuser.execute(migrate.setup_sql("extension"))
        return server, migrate.apply(connection, clock=clock)


def _ensure_database(connection: psycopg.Connection, name: str) -> None:
    if connection.execute("select from pg_database where datname = %s", [name]).fetchone():
        return
    database, owner, reader = map(sql.Identifier, (name, OWNER, READER))
    try:
        connection.execute(sql.SQL("create database {} owner {} template template0").format(database, owner))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return  # another process was faster
    connection.execute(sql.SQL("revoke all on database {} from public").format(database))
    connection.execute(sql.SQL("grant connect on database {} to {}").format(database, reader))


@contextmanager
def _locked(home: Path) -> Iterator[int]:
    """Hold the lock of a home folder, and yield its open file; a killed process lets go of it."""
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as exc:
                if time.monotonic() > deadline:
                    raise DatabaseError(
                        f"{home}/lock is held for more than {_LOCK_TIMEOUT_S} s by a process that starts or stops "
                        "Postgres; end that process"
                    ) from exc
                time.sleep(_PAUSE_S)
        yield lock
    finally:
        os.close(lock)


@contextmanager
def _explained(home: Path) -> Iterator[None]:
    """Turn what the file system refuses into an error that names the remedy."""
    try:
        yield
    except PermissionError as exc:
        raise DatabaseError(
            f"{exc.filename or home}: {exc.strerror}; run as the user who made it, or set THEFTWATCH_DATA_DIR to a "
            "folder of your own"
        ) from exc
    except OSError as exc:
        raise DatabaseError(
            f"{exc.filename or home}: {exc.strerror}; make room, or set THEFTWATCH_DATA_DIR to another folder"
        ) from exc
