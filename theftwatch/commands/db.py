"""`theftwatch db`: the embedded Postgres, and the schema of the database in use."""

# What a command needs is imported when it runs: so `theftwatch --help` and the other commands start without Postgres.
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theftwatch.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from psycopg import Connection

    from theftwatch.config import Settings

app = typer.Typer(help="Run the embedded Postgres, and migrate the database.", no_args_is_help=True)


@app.command()
def start() -> None:
    """Start the embedded Postgres, where it does not run."""
    from theftwatch.config import settings
    from theftwatch.db import server

    if settings().dsn:
        raise UsageError("THEFTWATCH_DSN is set, so the embedded Postgres is not used; unset it to start that")
    with _progress("Starting Postgres"):
        running = server.start(settings())
    print(f"Postgres runs at 127.0.0.1:{running.port}, with its data in {running.data}")


@app.command()
def stop() -> None:
    """Stop the embedded Postgres, whoever uses it."""
    from theftwatch.config import settings
    from theftwatch.db import server

    with _progress("Stopping Postgres"):
        stopped = server.stop(settings())
    print("Postgres is stopped." if stopped else "Postgres did not run.")


@app.command()
def url(
    *,
    owner: Annotated[bool, typer.Option("--owner", help="Of the account that may write.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Of the demo's database.")] = False,
) -> None:
    """Print the DSN of the database, for `psql` and other programs.

    It is that of the read-only account if not told otherwise. The embedded Postgres is started where it does not run.
    """
    from theftwatch.db import server

    chosen = _chosen(demo=demo)
    with _progress("Starting Postgres"):
        dsn = server.connect_dsn(chosen) if owner else server.reader_dsn(chosen)
    print(dsn)


_Account = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account: small letters, digits and _.")]
_Demo = Annotated[bool, typer.Option("--demo", help="In the demo's database.")]


@app.command()
def grant(name: _Account, *, demo: _Demo = False) -> None:
    """Make an account for an analyst, and print its DSN.

    It reads the schema analysis, writes in the schema workspace, and reaches nothing else. The password is kept
    nowhere; an account that is there gets another one.
    """
    from theftwatch.db import analysts

    with _progress("Making the account"):
        dsn = analysts.grant(_chosen(demo=demo), name)
    print(dsn)
    print("Keep it: the password is not shown again.", file=sys.stderr)


@app.command()
def revoke(name: _Account, *, demo: _Demo = False) -> None:
    """Let the account of an analyst sign in no more.

    What it keeps in the schema workspace stays.
    """
    from theftwatch.db import analysts

    with _progress("Locking the account"):
        analysts.revoke(_chosen(demo=demo), name)
    print(f"{name} signs in no more.")


@app.command("migrate")
def migrate_() -> None:
    """Bring the database to the schema of this program."""
    from theftwatch.config import settings
    from theftwatch.db import migrate, server

    with _progress("Migrating"):
        applied = server.migrate_database(settings())
    for migration in applied:
        print(f"applied {migration.name}")
    print(f"The database is at schema {migrate.known_migrations()[-1].name}.")


@app.command()
def status() -> None:
    """Show where the database is, how large, and at which schema.

    Exit code 1 where it does not run.
    """
    from theftwatch.config import settings
    from theftwatch.db import server
    from theftwatch.db.connect import connect, describe

    if dsn := settings().dsn:
        place = dsn.get_secret_value()
        _row("server", f"{describe(place)} (THEFTWATCH_DSN)")
        with connect(place, remedy="check THEFTWATCH_DSN and that the server runs") as connection:
            _row("state", "ready")
            _show_server(connection)
            _show_schema(connection)
        return
    running = server.status(settings())
    _row("server", "embedded")
    _row("state", running.state if running else "not running")
    _row("data", str(server.data_folder(settings())))
    if running is None or running.state != "ready":
        raise DatabaseError(
            f"Postgres is {running.state if running else 'not running'}; `theftwatch db start` starts it"
        )
    _row("size", _megabytes(_folder_bytes(running.data)))
    _row("address", f"127.0.0.1:{running.port}")
    remedy = f"see {running.data}/log"
    with connect(server.owner_dsn(running, server.MAINTENANCE_DATABASE), remedy=remedy) as connection:
        names = _show_server(connection)
    if settings().database not in names:
        _row("schema", f"none: database {settings().database} is made when it is first used")
        return
    with connect(server.owner_dsn(running, settings().database), remedy=remedy) as connection:
        _show_schema(connection)


@app.command()
def digest() -> None:
    """Print a digest of the database's content.

    Databases that say the same have the same digest, whenever and in whatever order they were filled.
    """
    import asyncio

    from theftwatch.config import settings
    from theftwatch.db import server

    print(asyncio.run(_digest(server.connect_dsn(settings()))))


async def _digest(dsn: str) -> str:
    from psycopg import AsyncConnection

    from theftwatch.db.digest import digest_record

    async with await AsyncConnection.connect(dsn) as connection:
        return await digest_record(connection)


def _chosen(*, demo: bool) -> "Settings":
    """Return the settings, or those of the demo, which is always on the embedded Postgres."""
    from theftwatch.config import DEMO_DATABASE, settings

    return settings().model_copy(update={"dsn": None, "database": DEMO_DATABASE}) if demo else settings()


def _progress(what: str) -> AbstractContextManager[Any]:
    """Show that something goes on, where a person watches."""
    from rich.console import Console

    return Console(stderr=True).status(what)


def _show_server(connection: "Connection") -> list[str]:
    """Show the server's version and databases and return their names."""
    from theftwatch.db.queries import queries

    _row("version", connection.info.parameter_status("server_version") or "unknown")
    databases = connection.execute(queries()["find_databases"]).fetchall()
    for name, size_bytes in databases:
        _row("database", name if size_bytes is None else f"{name} ({_megabytes(size_bytes)})")
    return [name for name, _ in databases]


def _show_schema(connection: "Connection") -> None:
    from theftwatch.db import migrate
    from theftwatch.db.queries import queries

    [(available, used, *_)] = connection.execute(queries()["find_vector"]).fetchall()
    _row("vector", f"{used} in use" if used else f"{available} available, not in use" if available else "not available")
    applied = migrate.find_applied(connection)
    todo = migrate.pending(connection)
    _row("schema", applied[-1].name if applied else "none")
    analysts = [name for (name,) in connection.execute(queries()["find_analysts"]).fetchall()]
    _row("analysts", ", ".join(analysts) or "none")
    _row("pending", ", ".join(migration.name for migration in todo) or "none")


def _row(name: str, value: str) -> None:
    print(f"{name:<10}{value}")


def _folder_bytes(folder: Path) -> int:
    """Return what the files of a folder take on the disk; those that vanish meanwhile count nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(path, name).lstat().st_blocks * 512  # POSIX: the unit of st_blocks
            except FileNotFoundError:
                continue
    return total


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.0f} MB"
