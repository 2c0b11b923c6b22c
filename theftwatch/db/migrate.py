"""Bringing a database to the schema of this program: numbered SQL files, forward only, each in one transaction."""

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import LiteralString

import psycopg

from theftwatch.clock import Clock
from theftwatch.db.queries import queries
from theftwatch.errors import DatabaseError

log = logging.getLogger(__name__)

_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    #: The file's name without `.sql`
    name: str
    sql: LiteralString

    @property
    def sha256(self) -> bytes:
        """Digest of the file."""
        return hashlib.sha256(self.sql.encode()).digest()


@cache
def known_migrations() -> tuple[Migration, ...]:
    """Return the migrations of this program, in order.

    Raises ValueError for a misnamed file or a gap in the numbers.
    """
    found: list[Migration] = []
    for file in sorted(_sql_folder("migrations").iterdir(), key=lambda file: file.name):
        if not (match := _FILE_NAME.fullmatch(file.name)) or int(match[1]) != len(found) + 1:
            raise ValueError(f"{file.name}: migrations are numbered without gaps, as 0001_name.sql")
        found.append(Migration(version=int(match[1]), name=file.name.removesuffix(".sql"), sql=file.read_text("utf-8")))
    return tuple(found)


def find_applied(connection: psycopg.Connection) -> list[tuple[int, str, bytes]]:
    """Return version, name and digest of the migrations that were applied to the database, in order."""
    [exists] = connection.execute(queries()["has_migrations"]).fetchone() or [False]
    if not exists:
        return []
    rows = connection.execute(queries()["find_migrations"]).fetchall()
    return [(version, name, sha256) for version, name, sha256, _ in rows]


def pending(connection: psycopg.Connection, known: Sequence[Migration] | None = None) -> Sequence[Migration]:
    """Return the migrations that the database still lacks; read-only.

    Raises DatabaseError for a database that is newer than this program, or has a migration whose file was changed.
    """
    known = known_migrations() if known is None else known
    applied = find_applied(connection)
    for (version, name, sha256), migration in zip(applied, known, strict=False):
        if (version, name, sha256) != (migration.version, migration.name, migration.sha256):
            raise DatabaseError(
                f"migration {name} was changed after it had been applied to this database; "
                "restore the file from version control, and write the change as a new migration"
            )
    if len(applied) > len(known):
        raise DatabaseError(
            f"the database is at schema {applied[-1][0]}, this program knows {len(known)}; update the program"
        )
    return known[len(applied) :]


def apply(connection: psycopg.Connection, *, clock: Clock, known: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is pending, each migration in a transaction with its record, and return what was applied.

    The read-only account, where there is one, may read what is there. Takes a connection in autocommit mode. Several
    processes may do this at once. Raises DatabaseError as `pending` does, and for a migration that fails, which leaves
    nothing behind.
    """
    applied: list[Migration] = []
    while migration := _apply_next(connection, clock, known):
        log.info("applied migration %s", migration.name)
        applied.append(migration)
    return applied


def _apply_next(connection: psycopg.Connection, clock: Clock, known: Sequence[Migration] | None) -> Migration | None:
    with connection.transaction():
        connection.execute(queries()["lock_migrations"])
        # read under the lock: another process may have been faster
        todo = pending(connection, known)
        if not todo:
            # the account may have been made since, and the extension installed
            connection.execute(setup_sql("reader"))
            connection.execute(setup_sql("vector"))
            return None
        migration = todo[0]
        connection.execute(setup_sql("schema_migration"))
        try:
            connection.execute(migration.sql)
        except psycopg.Error as exc:
            raise DatabaseError(
                f"migration {migration.name} failed and changed nothing: {exc.diag.message_primary or exc}; "
                "mend what it names and run `theftwatch db migrate` again"
            ) from exc
        connection.execute(
            queries()["insert_migration"],
            {"version": migration.version, "name": migration.name, "sha256": migration.sha256, "now": clock()},
        )
        connection.execute(setup_sql("reader"))
        return migration


def setup_sql(name: str) -> LiteralString:
    """Return the text of a file of `sql/setup`; it is part of the program, so it counts as literal."""
    return (_sql_folder("setup") / f"{name}.sql").read_text("utf-8")


def _sql_folder(name: str) -> resources.abc.Traversable:
    # not by __file__: inside an egg there are no files
    return resources.files("theftwatch.db").joinpath("sql", name)
