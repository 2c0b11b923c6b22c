"""A database as a release left it, with rows of every table: `samples/database/NNNN.sql.gz`, for the test of upgrades.

`python -m tests.released FOLDER`, run in the checkout of that release, makes it anew in an embedded Postgres of that
folder; NNNN is the newest migration. Beside it `NNNN.json` says what the release itself counted and summed up.
"""

import asyncio
import gzip
import json
import os
import shutil
import sys
from pathlib import Path

import psycopg

SAMPLES = Path(__file__).parent / "samples/database"


def rows_by_table(connection: psycopg.Connection) -> dict[str, int]:
    """Return how many rows each of our tables has."""
    tables = connection.execute(
        "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('public', 'access') and c.relkind = 'r' order by 1"
    ).fetchall()
    counts: dict[str, int] = {}
    for (table,) in tables:
        [(counts[table],)] = connection.execute(f"select count(*) from {table}").fetchall()
    return counts


def fill(dsn: str, folder: Path) -> None:
    """Fill an empty database, so that no table is without rows."""
    from tests import reviewing
    from tests.fixtures_told import HARBOUR, MEADOW, Told
    from theftwatch.config import settings
    from theftwatch.files import Files

    told = Told(dsn, folder)
    told.do(lambda connection: reviewing.fill(connection, Files(settings().files_dir)))
    told.confirm(HARBOUR, MEADOW)
    told.run("artisan", "contact", "Ana", "ana@example.org", "--by", "Eva")
    told.run("case", "open", "Ana", "Harbour Co., Ltd.", "--by", "Eva")
    told.run("case", "note", "1", "a note", "--by", "Eva")
    told.notify()
    told.run("target", "add", "alibaba", "vendor=harbour", "--every", "12h")
    [(photo,)] = told.rows("select encode(sha256, 'hex') from image order by id limit 1")
    told.run("suppression", "add", photo, "--rule", "banner", "--by", "Eva")
    with psycopg.connect(dsn) as connection:
        connection.execute((SAMPLES / "rest.sql").read_text())
        empty = [table for table, rows in rows_by_table(connection).items() if not rows]
    assert not empty, f"add rows of {', '.join(empty)} to {SAMPLES}/rest.sql"


def write(dsn: str) -> None:
    """Write the dump of a database, and what it says of itself."""
    from theftwatch.backup.dump import script_of, write_dump
    from theftwatch.config import settings
    from theftwatch.db.digest import digest_tables

    async def digest_and_dump(path: Path) -> dict[str, str]:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            [(snapshot,)] = await (await connection.execute("select pg_export_snapshot()")).fetchall()
            await asyncio.to_thread(write_dump, settings(), dsn, path, snapshot=snapshot)
            return await digest_tables(connection)

    with psycopg.connect(dsn) as connection:
        [(newest,)] = connection.execute("select max(version) from schema_migration").fetchall()
        counts = rows_by_table(connection)
    dump = SAMPLES / "database.dump"
    digest = asyncio.run(digest_and_dump(dump))
    with script_of(settings(), dump) as script, gzip.GzipFile(SAMPLES / f"{newest:04}.sql.gz", "wb", mtime=0) as file:
        shutil.copyfileobj(script, file)
    dump.unlink()
    told = {"rows": counts, "digest": digest}
    (SAMPLES / f"{newest:04}.json").write_text(json.dumps(told, indent=2, sort_keys=True) + "\n")


def main(folder: Path) -> None:
    os.environ |= {"THEFTWATCH_DATA_DIR": str(folder / "data"), "THEFTWATCH_DESCRIPTOR": "off"}
    from theftwatch.config import settings
    from theftwatch.db import server

    dsn = server.connect_dsn(settings())
    try:
        fill(dsn, folder)
        write(dsn)
    finally:
        server.stop(settings())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
