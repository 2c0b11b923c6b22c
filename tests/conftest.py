"""A real Postgres for the tests, and an environment that knows nothing of the developer's own.

Postgres is the embedded one, with the programs of THEFTWATCH_TEST_POSTGRES where that names a folder; or the server of
THEFTWATCH_TEST_DSN, whose account has to be allowed to create databases. Tests that use it carry the mark `database`.
"""

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from theftwatch.clock import system_clock
from theftwatch.config import Settings, settings
from theftwatch.db import cluster, migrate, server

pytest_plugins = [
    "tests.drill",
    "tests.fixtures_bucket",
    "tests.fixtures_chromium",
    "tests.fixtures_mail",
    "tests.fixtures_timestamps",
    "tests.fixtures_told",
]

# What tests may know of the developer's environment.
_KEPT = ("THEFTWATCH_TEST_", "THEFTWATCH_CHROMIUM", "THEFTWATCH_DRILL", "THEFTWATCH_SOAK")
_TEST_DSN = os.environ.get("THEFTWATCH_TEST_DSN")
_TEST_POSTGRES = os.environ.get("THEFTWATCH_TEST_POSTGRES")
#: Files that take longest: they begin, so that in the end no process is left alone with one
_LONG = {
    f"test_{name}"
    for name in (
        *(
            "alarm_nights",
            "alarms",
            "analysts",
            "backup",
            "bench",
            "budget",
            "bundle",
            "capture",
            "case_days",
            "crawl",
            "dates",
        ),
        *("decide", "demo", "faults", "originals", "reach", "receive", "refusals", "review_pages", "scrapyd"),
        *("server", "trail", "watch_days"),
    )
}
#: How long a server of the tests may take to answer, where the program's own patience says how busy the machine is
_CONNECT_MAX_S = 120
#: What has to be free in memory for databases and other files to be kept there
_MEMORY_BYTES = 4_000_000_000


def pytest_configure(config):
    config.addinivalue_line("markers", "database: uses a real Postgres")
    config.addinivalue_line("markers", "each_postgres: about the database itself, and so run on each Postgres there is")
    for name in list(os.environ):
        if name.startswith(("THEFTWATCH_", "PG", "AWS_")) and not name.startswith(_KEPT):
            del os.environ[name]
    # before anything at all: a test that forgets its fixtures meets an error and not the developer's data
    os.environ["THEFTWATCH_DATA_DIR"] = "/dev/null/data"
    # The same examples each time: new ones are for `make fuzz`. How long one takes says how busy the machine is.
    hypothesis.settings.register_profile(
        "tests", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("tests")
    # a shell has what it starts in the background ignore Ctrl-C, and so would every program that is started here
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if folder := _memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_collection_modifyitems(items):
    for item in items:
        if "postgres_bin" in item.fixturenames:
            item.add_marker("database")
    items.sort(key=lambda item: item.path.stem not in _LONG)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path) -> Iterator[None]:
    """Give each test its own data folder and settings read anew; stop the server that it may have started."""
    monkeypatch.setenv("THEFTWATCH_DATA_DIR", str(tmp_path / "data"))
    if _TEST_POSTGRES:
        monkeypatch.setenv("THEFTWATCH_POSTGRES_BIN", _TEST_POSTGRES)
    settings.cache_clear()
    yield
    settings.cache_clear()
    if (tmp_path / "data/postgres/data").exists():
        server.stop(Settings(data_dir=tmp_path / "data"))


@pytest.fixture(scope="session")
def postgres_bin() -> Path | None:
    """Return the folder of the Postgres programs to test with; None stands for the packaged ones."""
    return Path(_TEST_POSTGRES) if _TEST_POSTGRES else None


@pytest.fixture
def embedded(tmp_path, postgres_bin) -> Settings:
    """Return the settings of an embedded Postgres of this test's own, which does not exist yet."""
    return Settings(data_dir=tmp_path / "data", postgres_bin=postgres_bin)


@pytest.fixture(scope="session")
def session(postgres_bin) -> Iterator[Settings]:
    """Return the settings of the embedded Postgres of this test session."""
    with tempfile.TemporaryDirectory(dir=_memory(), prefix="theftwatch-tests-") as folder:
        yield Settings(data_dir=Path(folder), postgres_bin=postgres_bin)


@pytest.fixture(scope="session")
def admin_dsn(session) -> Iterator[str]:
    """Start the server of this test session and return the DSN of an account that may create databases on it."""
    if _TEST_DSN:
        yield make_conninfo(_TEST_DSN, connect_timeout=_CONNECT_MAX_S)
        return
    try:
        running = server.start(session)
        with (running.data / "postgresql.conf").open("a") as file:
            # Nothing here has to outlive the machine, nor to take much of its memory.
            file.write("fsync = off\nmax_wal_size = 128MB\n")
        os.kill(running.pid, signal.SIGHUP)
        # the owner of our databases, who is no superuser: what it may not do may not be needed
        yield make_conninfo(server.owner_dsn(running, server.MAINTENANCE_DATABASE), connect_timeout=_CONNECT_MAX_S)
    finally:
        server.stop(session)


def _memory() -> Path | None:
    """Return a folder in memory with room to spare, or None: nothing written there waits for a disk."""
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > _MEMORY_BYTES else None


@pytest.fixture(scope="session")
def template(admin_dsn) -> Iterator[str]:
    """Return the name of a database with the schema of the program and nothing else, to be cloned."""
    with new_database(admin_dsn) as name:
        if not _TEST_DSN:
            # as the program does for its own databases
            with psycopg.connect(_as_superuser(admin_dsn, name), autocommit=True) as connection:
                connection.execute(migrate.setup_sql("extension"))
        with psycopg.connect(make_conninfo(admin_dsn, dbname=name), autocommit=True) as connection:
            migrate.apply(connection, clock=system_clock)
        yield name


def _as_superuser(admin_dsn: str, name: str) -> str:
    password = cluster.read_passwords(_data_folder(admin_dsn))[server.SUPERUSER]
    return make_conninfo(admin_dsn, dbname=name, user=server.SUPERUSER, password=password)


def _data_folder(admin_dsn: str) -> Path:
    with psycopg.connect(admin_dsn) as connection:
        [(folder,)] = connection.execute("select current_setting('data_directory')").fetchall()
        return Path(folder)


@pytest.fixture
def empty_dsn(admin_dsn) -> Iterator[str]:
    """Return the DSN of a database without any tables."""
    with new_database(admin_dsn) as name:
        yield make_conninfo(admin_dsn, dbname=name)


@pytest.fixture
def dsn(admin_dsn, template) -> Iterator[str]:
    """Return the DSN of a database of this test's own, with the schema of the program and nothing else."""
    with new_database(admin_dsn, template) as name:
        yield make_conninfo(admin_dsn, dbname=name)


@pytest.fixture
def on_embedded(session, dsn) -> Settings:
    """Return the settings with which the program has the database of this test on the embedded Postgres."""
    if _TEST_DSN:
        pytest.skip("needs the superuser of the embedded Postgres")
    chosen: Settings = session.model_copy(update={"database": str(conninfo_to_dict(dsn)["dbname"])})
    return chosen


@pytest.fixture(scope="session")
def superuser_dsn(admin_dsn) -> str:
    """Return the DSN of the superuser of this test session's server."""
    return admin_dsn if _TEST_DSN else _as_superuser(admin_dsn, server.MAINTENANCE_DATABASE)


@pytest.fixture
def without_vector(admin_dsn: str, dsn: str) -> str:
    """Return the DSN of a database of this test's own that has the schema and lacks the extension vector."""
    name = str(conninfo_to_dict(dsn)["dbname"])
    superuser_dsn = dsn if _TEST_DSN else _as_superuser(admin_dsn, name)
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("drop extension if exists vector cascade")
    return dsn


@pytest.fixture
def other_dsn(admin_dsn, template) -> Iterator[str]:
    """Return the DSN of a second database like `dsn`."""
    with new_database(admin_dsn, template) as name:
        yield make_conninfo(admin_dsn, dbname=name)


@pytest.fixture
def connection(dsn) -> Iterator[psycopg.Connection]:
    """Return a connection to the database of this test, in autocommit mode."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@contextmanager
def new_database(admin_dsn: str, template: str = "template0") -> Iterator[str]:
    """Create a database and yield its name."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        # By files, as no other strategy is as quick for so few pages.
        statement = sql.SQL("create database {} template {} strategy file_copy")
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    yield name
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
