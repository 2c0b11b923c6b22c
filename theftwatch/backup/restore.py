"""Bringing a backup back: first the files, then the database in one transaction; a kill leaves it empty."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import psycopg
from psycopg import sql

from theftwatch.backup.dump import read_dump
from theftwatch.backup.folder import DUMP, LIST, Backup, check_parts, files_of, find_backups, names_of, read_list
from theftwatch.clock import Clock
from theftwatch.config import Settings
from theftwatch.db import migrate, server
from theftwatch.db.connect import connect, describe
from theftwatch.db.digest import digest_record
from theftwatch.db.queries import Connection, queries
from theftwatch.errors import BackupError, UsageError
from theftwatch.file_copy import Copied, copy_files
from theftwatch.files import Files
from theftwatch.image_store import MARKER, place_of, read_marker
from theftwatch.store_check import Missed

#: Tables into which migrations write
_FILLED_BY_MIGRATIONS = {
    ("public", name)
    for name in (
        "algorithm", "image_store", "marketplace", "phash_flip", "portal", "public_address", "schema_migration",
    )
}  # fmt: skip
_REMEDY = "check that the server runs"


def choose(folder: Path, name: str | None) -> Backup:
    """Return the backup of a name, or the newest.

    Raises UsageError where there is none.
    """
    backups = find_backups(folder)
    chosen = [each for each in backups if name in (None, each.path.name)]
    if not chosen:
        raise UsageError(f"{folder} holds no backup{f' {name}' if name else ''}; it has {names_of(backups)}")
    return chosen[-1]


async def check_backup(
    folder: Path, backup: Backup, threads: Executor, *, progress: Callable[[int], None]
) -> tuple[int, list[bytes]]:
    """Read all that a backup consists of; return how many files that is, and those missing or damaged.

    Raises BackupError for a damaged dump or list.
    """
    await asyncio.to_thread(check_parts, backup)
    loop, files = asyncio.get_running_loop(), files_of(folder)
    known, total, lost = set(backup.manifest.missed), 0, list[bytes]()
    for prefix, digests in read_list(backup.path / LIST):
        wanted = sorted(digest for digest in digests if digest.hex() not in known)
        told = await asyncio.gather(*(loop.run_in_executor(threads, _is_lost, files, digest) for digest in wanted))
        lost += [digest for digest, is_lost in zip(wanted, told, strict=True) if is_lost]
        total += len(wanted)
        progress(int(prefix, 16) + 1)
    return total, lost


async def restore(
    settings: Settings,
    folder: Path,
    backup: Backup,
    threads: Executor,
    *,
    clock: Clock,
    progress: Callable[[int], None],
) -> Copied:
    """Bring files and database back, and bring the database to the schema of this program.

    Raises BackupError where the database or the image store of the settings is in use for something else.
    """
    await asyncio.to_thread(check_parts, backup)
    dsn = settings.dsn.get_secret_value() if settings.dsn else await asyncio.to_thread(server.connect_dsn, settings)
    if backup.manifest.schema > len(migrate.known_migrations()):
        raise BackupError(
            f"{backup.path} is at schema {backup.manifest.schema}, this program knows "
            f"{len(migrate.known_migrations())}; update the program"
        )
    target = place_of(settings)
    own = await asyncio.to_thread(_check_empty, dsn)
    told = await asyncio.to_thread(read_marker, target)
    if told not in (None, own, backup.manifest.store):
        raise BackupError(
            f"{target.place} is the image store of another database; set THEFTWATCH_FILES to another place"
        )
    copied = Copied()
    for prefix, digests in read_list(backup.path / LIST):
        copied += await copy_files(files_of(folder), target, digests, threads)
        progress(int(prefix, 16) + 1)
    await asyncio.to_thread(target.place.write, MARKER, f"{backup.manifest.store}\n".encode())
    await asyncio.to_thread(read_dump, settings, dsn, backup.path / DUMP)
    await asyncio.to_thread(server.migrate_database, settings, clock=clock)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(migrate.setup_sql("analyze"))
        await _compare(connection, backup)
    return copied


def put_back(folder: Path, target: Files, missed: list[Missed]) -> int:
    """Bring files back that a store misses or holds damaged, and return how many the backups of a folder held."""
    source, found = files_of(folder), 0
    for each in missed:
        try:
            data = source.get(each.sha256)
        except FileNotFoundError:
            continue
        target.delete(each.sha256)  # where it is damaged, its length may be right
        target.put(data)
        found += 1
    return found


def _check_empty(dsn: str) -> str | None:
    """Return which image store a database names that holds nothing yet; None where it has no tables.

    Raises BackupError where it holds something.
    """
    with connect(dsn, remedy=_REMEDY) as connection:
        tables = [(schema, name) for schema, name in connection.execute(queries()["find_our_tables"]).fetchall()]
        for schema, name in tables:
            if (schema, name) not in _FILLED_BY_MIGRATIONS and _has_rows(connection, schema, name):
                raise BackupError(
                    f"{describe(dsn)} holds something, in {schema}.{name}; name an empty one by THEFTWATCH_DSN or "
                    "THEFTWATCH_DATABASE, or drop it first"
                )
        if ("public", "image_store") not in tables:
            return None
        [(own, _)] = connection.execute(queries()["find_image_store"]).fetchall()
        return str(own)


def _has_rows(connection: psycopg.Connection, schema: str, table: str) -> bool:
    statement = sql.SQL("select exists (select from {})").format(sql.Identifier(schema, table))
    [(has_rows,)] = connection.execute(statement).fetchall()
    return bool(has_rows)


async def _compare(connection: Connection, backup: Backup) -> None:
    """Compare what was brought back with what was backed up, where both have the same schema."""
    if backup.manifest.schema != len(migrate.known_migrations()):
        return
    if (digest := await digest_record(connection)) != backup.manifest.digest:
        raise BackupError(
            f"what was brought back has the digest {digest}, and {backup.path.name} had {backup.manifest.digest}; keep "
            "the backup, and bring an older one back into another database"
        )


def _is_lost(files: Files, digest: bytes) -> bool:
    try:
        files.get(digest)
    except FileNotFoundError:
        return True
    return False
