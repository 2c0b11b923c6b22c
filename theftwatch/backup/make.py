"""Making a backup.

The database comes first, and its dump and the list of its files see one moment; then the files of that list are copied.
A file is kept before anything in the database stands for it, and none is deleted while a backup is under way: so each
that the list names is there to be copied.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC
from pathlib import Path

import psycopg

import theftwatch
from theftwatch.backup.dump import write_dump
from theftwatch.backup.folder import (
    DUMP,
    LIST,
    MANIFEST,
    Backup,
    Manifest,
    files_of,
    list_line,
    locked,
    new_backup,
    read_list,
    sha256_of,
    write_manifest,
)
from theftwatch.clock import Clock
from theftwatch.config import Settings
from theftwatch.db import migrate
from theftwatch.db.digest import digest_record
from theftwatch.db.files import find_files
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.file_copy import Copied, copy_files
from theftwatch.image_store import open_files


async def make_backup(
    settings: Settings, dsn: str, folder: Path, threads: Executor, *, clock: Clock, progress: Callable[[int], None]
) -> tuple[Backup, Copied]:
    """Back the database and its image store up into a folder; `progress` is told the prefixes of files that are done.

    Raises BackupError, DatabaseError or FileStoreError; what was copied until then the next backup need not copy.
    """
    now = clock()
    with locked(folder), new_backup(folder, f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}") as path:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            source = await open_files(connection, settings, clock=clock)
            await execute(connection, "hold_files")
            postgres = connection.info.parameter_status("server_version") or "unknown"
            digest, store_id = await _write_database(settings, dsn, connection, path)
            copied = Copied()
            for prefix, digests in read_list(path / LIST):
                copied += await copy_files(source, files_of(folder), digests, threads)
                progress(int(prefix, 16) + 1)
        manifest = Manifest(
            made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            program=theftwatch.__version__,
            postgres=postgres,
            schema=len(migrate.known_migrations()),
            digest=digest,
            store=store_id,
            files=copied.files + copied.there,
            byte_count=copied.byte_count,
            missed=tuple(digest.hex() for digest in copied.missed),
            dump_sha256=await asyncio.to_thread(sha256_of, path / DUMP),
            list_sha256=await asyncio.to_thread(sha256_of, path / LIST),
        )
        write_manifest(path / MANIFEST, manifest)
    return Backup(folder / path.stem, manifest), copied


async def _write_database(settings: Settings, dsn: str, connection: Connection, path: Path) -> tuple[str, str]:
    """Write the dump and the list of files; return the digest of the content, and which image store it names."""
    async with connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        [(snapshot,)] = await fetch(connection, "export_snapshot")
        await asyncio.to_thread(write_dump, settings, dsn, path / DUMP, snapshot=snapshot)
        with (path / LIST).open("w", encoding="ascii") as file:
            async for _, needed, _ in find_files(connection):
                file.writelines(list_line(sha256) for sha256 in sorted(needed))
        [(store_id, _)] = await fetch(connection, "find_image_store")
        return await digest_record(connection), store_id
