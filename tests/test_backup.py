"""Backup and restore: all comes back, of one moment; and nothing that is not whole is taken for a backup."""

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.fixtures_told import HARBOUR, MEADOW, Told
from theftwatch.backup import folder as backups
from theftwatch.backup.make import make_backup
from theftwatch.clock import system_clock
from theftwatch.config import settings
from theftwatch.db.queries import execute
from theftwatch.erasure import delete_files
from theftwatch.errors import BackupError, FileStoreError, UsageError
from theftwatch.files import PREFIXES, Files
from theftwatch.image_store import open_files, place_of
from theftwatch.web.accounts import add_account


def contents(files: Files) -> dict[bytes, bytes]:
    return {digest: files.get(digest) for prefix in PREFIXES for digest, _ in files.find(prefix)}


def destroy(told: Told, superuser_dsn: str) -> None:
    """Take the whole database away, and leave an empty one of its name."""
    name, owner = (sql.Identifier(str(conninfo_to_dict(told.dsn)[part])) for part in ("dbname", "user"))
    with psycopg.connect(superuser_dsn, autocommit=True) as superuser:
        superuser.execute(sql.SQL("drop database {} with (force)").format(name))
        superuser.execute(sql.SQL("create database {} owner {} template template0").format(name, owner))


def elsewhere(monkeypatch, tmp_path: Path, dsn: str) -> Told:
    """Have the program use another database, and an image store that is not there yet."""
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    monkeypatch.setenv("THEFTWATCH_DATA_DIR", str(tmp_path / "elsewhere"))
    settings.cache_clear()
    return Told(dsn, tmp_path)


@pytest.fixture(params=["folder", "bucket"])
def stored(request, told: Told, monkeypatch) -> Told:
    """Return a record whose image store is a folder, and one whose image store is a bucket."""
    if request.param == "bucket":
        address = request.getfixturevalue("bucket")
        told.run("files", "copy", address)
        monkeypatch.setenv("THEFTWATCH_FILES", address)
        settings.cache_clear()
    return told


def test_all_that_was_destroyed_comes_back(stored, superuser_dsn, tmp_path):
    told, folder = stored, tmp_path / "backups"
    told.confirm(HARBOUR, MEADOW)
    told.run("case", "open", "Ana", "Harbour Co., Ltd.", "--by", "Eva")
    told.do(lambda connection: add_account(connection, "Eva", "long and hard to guess", "reviewer", now=system_clock()))
    with psycopg.connect(told.dsn) as connection:
        connection.execute("insert into access.web_session values (sha256('token'), 'Eva', 'infinity')")
        connection.execute("create table workspace.notes as select 'of an analyst' as note")
    before, kept = told.digest, contents(place_of(settings()))
    assert kept
    said = told.run("backup", folder)
    assert f"{len(kept)} files, 0 of them from earlier backups" in said
    [made] = backups.find_backups(folder)
    assert (
        subprocess.run(
            ["sha256sum", "--check", "--quiet", made.path / backups.LIST], cwd=folder, check=False
        ).returncode
        == 0
    )
    assert "is whole: " in told.run("restore", folder, "--check")

    destroy(told, superuser_dsn)
    store = place_of(settings())
    for digest in kept:
        store.delete(digest)
    store.place.delete("store-id")
    said = told.run("restore", folder)
    assert f"is back, of {made.manifest.made_at}: {len(kept)} files." in said
    assert told.digest == before
    assert contents(place_of(settings())) == kept
    told.run("files", "check", "--read")
    assert told.rows("select name from access.account") == [("Eva",)]
    assert told.rows("select count(*) from access.web_session") == [(0,)]
    assert told.rows("select note from workspace.notes") == [("of an analyst",)]
    # and it works on: what is entered next gets the next number
    told.run("case", "note", "1", "brought back", "--by", "Eva")
    told.run("rematch", "--pending")


def test_the_next_backup_copies_what_is_new_and_old_ones_go(told, tmp_path, monkeypatch):
    folder, times = tmp_path / "backups", iter(range(1, 9))
    monkeypatch.setattr(
        "theftwatch.commands.work.backup.system_clock", lambda: system_clock().replace(year=2030 + next(times))
    )
    told.run("backup", folder)
    told.run("erase", "vendor", "Harbour Co., Ltd.", "--yes", "--by", "Eva")
    new = b"of a page that could not be read"
    files = place_of(settings())
    sha256 = files.put(new)
    with psycopg.connect(told.dsn) as connection:
        connection.execute("insert into image values (default, %s, 1, null, null, null, 'held', now())", [sha256])
    said = told.run("backup", folder)
    assert f"{len(contents(files)) - 1} of them from earlier backups; 0.0 MB copied." in said
    assert len(contents(backups.files_of(folder))) > len(contents(files))  # the first backup still has its own
    said = told.run("backup", folder, "--keep", "1")
    assert said.endswith("2 older backups and 2 files deleted.\n")
    assert contents(backups.files_of(folder)) == contents(files)
    assert len(backups.find_backups(folder)) == 1
    told.run("restore", folder, "--check")


def broken_off(told: Told, folder: Path) -> None:
    """Begin a backup and break off in the middle of its files."""

    def stop(done: int) -> None:
        if done == len(PREFIXES) // 2:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as threads, pytest.raises(KeyboardInterrupt):
        asyncio.run(make_backup(settings(), told.dsn, folder, threads, clock=system_clock, progress=stop))


def test_half_a_backup_is_none_and_the_next_clears_up(told, tmp_path):
    folder = tmp_path / "backups"
    broken_off(told, folder)
    assert backups.find_backups(folder) == []
    assert list(folder.glob("*.part"))
    error = told.run("restore", folder, code=2)
    assert str(error) == f"{folder} holds no backup; it has none"
    told.run("backup", folder)
    assert not list(folder.glob("*.part"))
    # a manifest that is gone is no whole backup either
    [made] = backups.find_backups(folder)
    (made.path / backups.MANIFEST).unlink()
    assert "manifest.json is missing or damaged" in str(told.run("restore", folder, code=1))


def test_what_is_damaged_is_told_before_anything_is_touched(told, tmp_path, monkeypatch, other_dsn):
    folder = tmp_path / "backups"
    told.run("backup", folder)
    files = backups.files_of(folder)
    digest, data = next(iter(contents(files).items()))
    files.place.write(f"{digest.hex()[:2]}/{digest.hex()}", data[:-1] + b"!")
    error = told.run("restore", folder, "--check", code=1)
    assert "1 file of " in str(error)
    [made] = backups.find_backups(folder)
    dump = made.path / backups.DUMP
    dump.write_bytes(dump.read_bytes()[:-100])
    for arguments in (["--check"], []):
        other = elsewhere(monkeypatch, tmp_path, other_dsn)
        assert "database.dump is missing or damaged" in str(other.run("restore", folder, *arguments, code=1))
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_that_holds_something_is_refused(told, tmp_path, monkeypatch, other_dsn):
    folder = tmp_path / "backups"
    told.run("backup", folder)
    before = told.digest
    assert "holds something, in " in str(told.run("restore", folder, code=1))
    assert told.digest == before
    # nor is the image store of another database written to
    other = elsewhere(monkeypatch, tmp_path, other_dsn)
    with psycopg.connect(other_dsn) as connection:
        connection.execute("update image_store set id = gen_random_uuid()")
    place_of(settings()).place.write("store-id", b"of a third")
    assert "is the image store of another database" in str(other.run("restore", folder, code=1))
    assert isinstance(told.run("restore", folder, "--backup", "20200101T000000Z", code=2), UsageError)


def test_a_restore_that_breaks_off_leaves_an_empty_database_and_is_begun_again(told, tmp_path, monkeypatch, other_dsn):
    folder = tmp_path / "backups"
    before = told.digest
    told.run("backup", folder)
    other = elsewhere(monkeypatch, tmp_path, other_dsn)
    with monkeypatch.context() as patch, psycopg.connect(other_dsn) as connection:
        # in the middle of the SQL: a table is held by somebody
        connection.execute("lock table schema_migration")
        patch.setenv("PGOPTIONS", "-c lock_timeout=200")
        assert "changed nothing" in str(other.run("restore", folder, code=1))
    assert other.rows("select count(*) from listing") == [(0,)]
    other.run("restore", folder)
    assert other.digest == before


def test_it_comes_back_without_the_extension_vector(told, tmp_path, monkeypatch, without_vector):
    folder = tmp_path / "backups"
    before = told.digest
    told.run("backup", folder)
    other = elsewhere(monkeypatch, tmp_path, without_vector)
    other.run("restore", folder)
    assert other.digest == before


def test_it_comes_back_into_an_embedded_server_that_is_new(told, tmp_path, monkeypatch):
    folder = tmp_path / "backups"
    told.run("backup", folder)
    monkeypatch.delenv("THEFTWATCH_DSN")
    monkeypatch.setenv("THEFTWATCH_DATA_DIR", str(tmp_path / "new/data"))
    settings.cache_clear()
    try:
        told.run("restore", folder)
        assert told.run("db", "digest").strip() == backups.find_backups(folder)[0].manifest.digest
        told.run("files", "check", "--read")
        with psycopg.connect(told.run("db", "url").strip()) as reader:
            assert reader.execute("select count(*) > 0 from analysis.finding").fetchall() == [(True,)]
    finally:
        told.run("db", "stop")


def test_only_files_come_back_where_the_database_is_there(told, tmp_path):
    folder = tmp_path / "backups"
    files = place_of(settings())
    kept = contents(files)
    told.run("backup", folder)
    lost, damaged = list(kept)[:2]
    files.delete(lost)
    files.place.write(f"{damaged.hex()[:2]}/{damaged.hex()}", bytes(len(kept[damaged])))
    assert told.run("restore", folder, "--files") == "2 of 2 files brought back.\n"
    assert contents(files) == kept


def test_what_the_store_misses_is_told_and_the_rest_is_backed_up(told, tmp_path):
    folder = tmp_path / "backups"
    files = place_of(settings())
    lost = next(iter(contents(files)))
    files.delete(lost)
    told.run("backup", folder)
    [made] = backups.find_backups(folder)
    assert made.manifest.missed == (lost.hex(),)
    told.run("restore", folder, "--check")


def test_no_file_is_deleted_while_a_backup_may_be_about_to_copy_it(told):
    told.run("erase", "vendor", "Harbour Co., Ltd.", "--by", "Eva")

    async def work(connection):
        files = await open_files(connection, settings())
        await connection.execute("insert into unneeded_file values (sha256('x'))")
        async with await psycopg.AsyncConnection.connect(told.dsn, autocommit=True) as backup:
            await execute(backup, "hold_files")
            files.put(b"x")
            assert await delete_files(connection, files) == 0
            await backup.execute("select pg_advisory_unlock_all()")  # as Postgres may see its end a moment later
        return await delete_files(connection, files)

    assert told.do(work) == 1


def test_a_backup_holds_no_password_and_is_for_its_owner_alone(told, tmp_path):
    folder = tmp_path / "backups"
    told.run("backup", folder)
    password = str(conninfo_to_dict(told.dsn)["password"]).encode()
    for path in folder.rglob("*"):
        assert path.is_dir() or password not in path.read_bytes(), path
    assert folder.stat().st_mode & 0o077 == 0


def test_two_at_once_and_a_store_that_is_not_there_are_refused(told, tmp_path, monkeypatch):
    folder = tmp_path / "backups"
    with backups.locked(folder):
        assert isinstance(told.run("backup", folder, code=1), BackupError)
    told.run("backup", folder)
    monkeypatch.setenv("THEFTWATCH_FILES", str(tmp_path / "not mounted"))
    settings.cache_clear()
    assert isinstance(told.run("backup", folder, code=1), FileStoreError)
    assert len(backups.find_backups(folder)) == 1


def test_programs_that_are_missing_are_named(told, tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("initdb", "pg_ctl", "postgres"):
        (programs / name).touch()
    monkeypatch.setenv("THEFTWATCH_POSTGRES_BIN", str(programs))
    settings.cache_clear()
    assert "pg_dump is missing; set THEFTWATCH_POSTGRES_BIN" in str(told.run("backup", tmp_path / "backups", code=1))
