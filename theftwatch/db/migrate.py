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
from psycopg.rows import class_row

from theftwatch.clock import Clock
from theftwatch.db.queries import queries
from theftwatch.errors import DatabaseError, SchemaError

log = logging.getLogger(__name__)

#: How a run ended whose program and database do not fit each other
WRONG_RELEASE = "wrong_release"

_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_FITS = re.compile(r"^-- fits: (\d{4})$", re.MULTILINE)


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

    @property
    def fits(self) -> int:
        """The oldest migration that a program has to know to work on after this one, as a line `-- fits: 0017` says."""
        found = _FITS.search(self.sql)
        return int(found[1]) if found else self.version


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """A migration that was applied to a database, maybe by a newer program."""

    version: int
    name: str
    sha256: bytes
    fits: int


def find_applied(connection: psycopg.Connection) -> list[Applied]:
    """Return the migrations that were applied to the database, in order."""
    [exists] = connection.execute(queries()["has_migrations"]).fetchone() or [False]
    if not exists:
        return []
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(queries()["find_migrations"]).fetchall()


def pending(connection: psycopg.Connection, known: Sequence[Migration] | None = None) -> Sequence[Migration]:
    """Return the migrations that the database still lacks; read-only. None is lacking of a newer one that fits.

    Raises SchemaError for a database that is newer than this program and does not fit it, and DatabaseError for one
    that has a migration whose file was changed.
    """
    known = known_migrations() if known is None else known
    applied = find_applied(connection)
    for there, migration in zip(applied, known, strict=False):
        if (there.version, there.name, there.sha256) != (migration.version, migration.name, migration.sha256):
            raise DatabaseError(
                f"migration {there.name} was changed after it had been applied to this database; "
                "restore the file from version control, and write the change as a new migration"
            )
    if any(newer.fits > len(known) for newer in applied[len(known) :]):
        raise SchemaError(
            f"the database is at schema {applied[-1].version}, this program knows {len(known)}; update the program, on "
            "nodes with `theftwatch deploy` (docs/upgrade.md)"
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
            {
                "version": migration.version,
                "name": migration.name,
                "sha256": migration.sha256,
                "fits": migration.fits,
                "now": clock(),
            },
        )
        connection.execute(setup_sql("reader"))
        return migration


def setup_sql(name: str) -> LiteralString:
    """Return the text of a file of `sql/setup`; it is part of the program, so it counts as literal."""
    return (_sql_folder("setup") / f"{name}.sql").read_text("utf-8")


def _sql_folder(name: str) -> resources.abc.Traversable:
    # not by __file__: inside an egg there are no files
    return resources.files("theftwatch.db").joinpath("sql", name)
