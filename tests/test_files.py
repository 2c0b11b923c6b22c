"""The image store, in a folder and in a bucket of a real server: the same tests for both."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from spiders.commands import crawl
from spiders.etsy import EtsySpider
from theftwatch import bucket as bucket_module
from theftwatch import store_check
from theftwatch.bucket import open_bucket
from theftwatch.cli import app
from theftwatch.config import Settings, settings
from theftwatch.errors import FileStoreError, TheftWatchError, UsageError
from theftwatch.files import PREFIXES, Files, Folder, _name, replacing
from theftwatch.image_store import MARKER, adopt, open_files, place_of, read_marker

DATA = b"\xff\xd8\xff of a photo"
SHA256 = hashlib.sha256(DATA).digest()
NAME = f"{SHA256.hex()[:2]}/{SHA256.hex()}"


@pytest.fixture(params=["folder", "bucket"])
def address(request, tmp_path) -> str:
    """Return where a store is, as THEFTWATCH_FILES has it."""
    return str(tmp_path / "store") if request.param == "folder" else request.getfixturevalue("bucket")


@pytest.fixture
def files(address) -> Files:
    return place_of(Settings(files=address))


def everything(files: Files) -> set[bytes]:
    return {digest for prefix in PREFIXES for digest, _ in files.find(prefix)}


def test_bytes_are_kept_under_their_digest_once(files):
    assert (files.has(SHA256), everything(files)) == (False, set())
    assert files.put(DATA) == SHA256
    assert files.put(DATA) == SHA256
    assert (files.has(SHA256), files.get(SHA256), everything(files)) == (True, DATA, {SHA256})
    [(digest, held)] = files.find(SHA256.hex()[:2])
    assert (digest, held.name, held.byte_count) == (SHA256, NAME, len(DATA))
    assert abs(held.written_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (files.delete(SHA256), files.delete(SHA256), files.has(SHA256)) == (True, False, False)
    with pytest.raises(FileNotFoundError):
        files.get(SHA256)


def test_empty_and_large_bytes_are_kept_too(files):
    for data in (b"", os.urandom(12_000_000)):
        assert files.get(files.put(data)) == data


def test_what_is_damaged_counts_as_not_kept(files, caplog):
    files.put(DATA)
    files.place.write(NAME, b"other bytes")
    with pytest.raises(FileNotFoundError, match="damaged"):
        files.get(SHA256)
    assert "theftwatch files check --read" in caplog.text
    # another length is told without reading, and made good
    files.put(DATA)
    assert files.get(SHA256) == DATA


def test_what_else_lies_there_is_left_alone(files):
    files.put(DATA)
    for name in (MARKER, f"{NAME[:2]}/notes.txt", f"00/{'f' * 64}", "inbox/page.html"):
        files.place.write(name, b"x")
    assert everything(files) == {SHA256}


def test_a_kill_leaves_nothing_half(address, files):
    code = "import os, sys\nfrom tests.test_files import put_for_ever\nput_for_ever(sys.argv[1])"
    child = subprocess.Popen([sys.executable, "-c", code, address], stdout=subprocess.PIPE)
    assert child.stdout is not None
    for _ in range(3):
        child.stdout.readline()
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    said = child.communicate()[0].split()
    whole = everything(files)
    for prefix in PREFIXES:
        files.place.sweep(prefix)
    held = {held.name for prefix in PREFIXES for held in files.place.find(prefix)}
    kept = everything(files)  # asked last: a server may still be writing what it was given before the kill
    assert {bytes.fromhex(line.decode()) for line in said if len(line) == 64} <= kept
    assert {_name(digest) for digest in whole} <= held <= {_name(digest) for digest in kept}
    for digest in kept:
        files.get(digest)  # whole, or this raises


def test_a_file_that_a_kill_broke_off_goes_with_the_next_one_there(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom theftwatch.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n    file.write(bytes(9_000_000))\n"
        "    print(flush=True)\n    time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bundle.zip")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with replacing(tmp_path / "other.zip") as file:
            file.write(b"x")
        assert len([each for each in tmp_path.iterdir() if each.suffix == ".part"]) == 1  # its writer lives
        child.kill()
    with replacing(tmp_path / "report.html") as file:
        with replacing(tmp_path / "another.html"):
            pass  # while the first one is being written
        file.write(b"x")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["another.html", "other.zip", "report.html"]


def put_for_ever(address: str) -> None:
    """Keep one thing after the other, and say so; until killed."""
    files = place_of(Settings(files=address))
    while True:
        sys.stdout.write(files.put(os.urandom(3_000_000)).hex() + "\n")
        sys.stdout.flush()


def test_a_store_that_is_away_says_so(monkeypatch, bucket):
    monkeypatch.setattr(bucket_module, "_PATIENCE", timedelta(seconds=1))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    files = Files(open_bucket(bucket))
    with pytest.raises(FileStoreError, match=r"s3://test-.*AWS_ENDPOINT_URL"):
        files.get(SHA256)


def test_wrong_keys_say_so(monkeypatch, bucket):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(FileStoreError, match="the keys") as refused:
        Files(open_bucket(bucket)).put(DATA)
    assert "wrong" not in str(refused.value)


def test_a_bucket_that_is_not_there_is_named_by_what_gave_its_address(theftwatch, bucket, monkeypatch):
    monkeypatch.delenv("THEFTWATCH_FILES")
    code, said = theftwatch("copy", "s3://not-there/files")
    assert (code, said) == (1, "s3://not-there/files: there is no such bucket; make it, or mend the address")
    monkeypatch.setenv("THEFTWATCH_FILES", "s3://not-there/files")
    for what in (["check"], ["copy", bucket]):
        code, said = theftwatch(*what)
        assert (code, said) == (1, "s3://not-there/files: there is no such bucket; make it, or mend THEFTWATCH_FILES")


@pytest.mark.parametrize("address", ["http://host/bucket", "s3://", "s3://key:secret@bucket", "s3://bucket?x=1"])
def test_an_address_of_no_bucket_is_refused(address):
    with pytest.raises(UsageError, match="s3://bucket/prefix"):
        place_of(Settings(files=address))


def opened(dsn: str, settings: Settings) -> Files:
    async def main() -> Files:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await open_files(connection, settings)

    return asyncio.run(main())


def hold(connection: psycopg.Connection, sha256: bytes) -> None:
    connection.execute(
        "insert into image (sha256, byte_count, bytes_state, first_seen_at) values (%s, 1, 'held', 'epoch')", [sha256]
    )


def test_the_first_use_makes_a_store_that_of_the_database(address, dsn, connection, tmp_path):
    own = Settings(files=address)
    opened(dsn, own).put(DATA)
    hold(connection, SHA256)
    assert opened(dsn, own).get(SHA256) == DATA
    [(store_id,)] = connection.execute("select id::text from image_store").fetchall()
    assert read_marker(place_of(own)) == store_id
    # a folder of another name, or a disk that is not mounted
    with pytest.raises(FileStoreError, match=r"empty is not the image store of this database.*THEFTWATCH_FILES"):
        opened(dsn, Settings(files=str(tmp_path / "empty")))


def test_the_store_of_another_database_is_refused(address, dsn, other_dsn):
    with psycopg.connect(other_dsn) as other:
        other.execute("update image_store set id = gen_random_uuid()")
    own = Settings(files=address)
    opened(dsn, own)
    with pytest.raises(FileStoreError, match="is the image store of another database"):
        opened(other_dsn, own)


def test_a_record_from_before_is_given_no_store_without_its_files(address, dsn, connection):
    own = Settings(files=address)
    hold(connection, SHA256)
    with pytest.raises(FileStoreError, match="holds none of the files"):
        opened(dsn, own)
    place_of(own).put(DATA)
    opened(dsn, own)


def test_a_kill_before_the_database_knows_does_no_harm(address, dsn, connection):
    own = Settings(files=address)
    opened(dsn, own)
    connection.execute("update image_store set named_at = null")
    opened(dsn, own)
    assert connection.execute("select named_at is not null from image_store").fetchall() == [(True,)]


def test_a_store_is_adopted_by_word(address, dsn, tmp_path):
    opened(dsn, Settings(files=str(tmp_path / "lost")))
    own = Settings(files=address)

    async def take() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await adopt(connection, place_of(own))

    asyncio.run(take())
    opened(dsn, own)


def test_a_folder_is_that_of_the_database_unless_told_otherwise(tmp_path):
    own = Settings(data_dir=tmp_path, database="mine")
    assert place_of(own).place == Folder(tmp_path / "mine")
    assert place_of(own.model_copy(update={"files": "/mnt/photos"})).place == Folder(Path("/mnt/photos"))


@pytest.fixture
def theftwatch(monkeypatch, dsn, address):
    """Return what runs a command on a database and a store, and gives its exit code and what it said."""
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    monkeypatch.setenv("THEFTWATCH_FILES", address)

    def run(*arguments: str) -> tuple[int, str]:
        settings.cache_clear()
        result = CliRunner().invoke(app, ["files", *arguments])
        if isinstance(result.exception, TheftWatchError):
            return result.exception.exit_code, result.output + str(result.exception)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_a_check_names_what_is_missed_damaged_and_stray(theftwatch, files, connection, monkeypatch):
    kept_whole, damaged, missed, stray = (f"file {n}".encode() for n in range(4))
    for data in (kept_whole, damaged, missed):
        hold(connection, files.put(data))
    assert theftwatch("check")[1].startswith(f"3 files in {files.place}, 0.0 MB; `--read` also reads them.")
    strange = files.put(stray)
    code, said = theftwatch("check", "--read")
    assert (code, "stands for" in said) == (0, False)  # a crawl may be about to write what stands for it
    monkeypatch.setattr(store_check, "STRAY_AFTER", timedelta(0))
    files.delete(sha256_of(missed))
    files.place.write(f"{sha256_of(damaged).hex()[:2]}/{sha256_of(damaged).hex()}", b"fil? 1")
    code, said = theftwatch("check", "--read")
    assert code == 1
    assert "1 file that nothing stands for, 0.0 MB; `--delete-strays` deletes them." in said
    assert f"  {sha256_of(damaged).hex()}  photo, damaged\n" in said
    assert f"  {sha256_of(missed).hex()}  photo, missed\n" in said
    assert "2 files missed or damaged" in said
    if isinstance(files.place, Folder):
        (files.place.root / "00").mkdir(exist_ok=True)
        (files.place.root / "00/.theftwatch-a1b2c3.part").write_bytes(b"half")
    said = theftwatch("check", "--delete-strays")[1]
    assert said.count("0.0 MB; 1 deleted.") == 1
    assert said.count("1 file that a kill broke off; deleted.") == isinstance(files.place, Folder)
    assert not files.has(strange)
    assert files.get(sha256_of(kept_whole)) == kept_whole


def test_a_store_moves_by_one_command(theftwatch, files, connection, tmp_path, monkeypatch):
    for n in range(40):
        hold(connection, files.put(f"file {n}".encode()))
    files.put(b"of no use")
    target = tmp_path / "moved"
    code, said = theftwatch("copy", str(target))
    assert code == 0
    assert "40 files copied, 0.0 MB; 0 were there." in said
    assert f"Set THEFTWATCH_FILES={target} for all nodes" in said
    assert "0 files copied, 0.0 MB; 40 were there." in theftwatch("copy", str(target))[1]
    monkeypatch.setenv("THEFTWATCH_FILES", str(target))
    assert theftwatch("check", "--read")[0] == 0
    # a database in whose place another was put
    connection.execute("update image_store set id = gen_random_uuid()")
    code, said = theftwatch("check")
    assert (code, "is the image store of another database" in said) == (1, True)
    code, said = theftwatch("adopt")
    assert (code, said) == (0, f"{target} is the image store of this database.\n")
    assert theftwatch("check")[0] == 0


def sha256_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_a_crawl_does_not_start_with_another_store(theftwatch, connection, monkeypatch, tmp_path):
    assert theftwatch("check")[0] == 0
    monkeypatch.setenv("THEFTWATCH_FILES", str(tmp_path / "not mounted"))
    monkeypatch.setenv("THEFTWATCH_HOST_MAP", "www.etsy.com=127.0.0.1:9")
    settings.cache_clear()
    with pytest.raises(FileStoreError, match="not mounted is not the image store of this database"):
        crawl._prepare(EtsySpider, {"shop": "Ana", "_job": "etsy-1"})
    rows = connection.execute("select spider, arguments, jobid, outcome, finish_reason from run").fetchall()
    assert rows == [("etsy", {"shop": "Ana"}, "etsy-1", "failed", "no_image_store")]
