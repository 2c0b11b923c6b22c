"""Working lookups off: all of a batch is written or nothing, whatever breaks, and the next run takes it up."""

import hashlib

import psycopg
import pytest
from PIL import Image, ImageOps

from tests.edits import jpeg, photo_paths
from tests.record import SHOP, VENDOR, Record
from theftwatch.config import settings
from theftwatch.files import Files

PHOTOS = [Image.open(photo_paths()[index]).convert("RGB") for index in (0, 44, 53, 99, 110, 111)]
ORIGINALS = [photo_paths()[index].read_bytes() for index in (0, 44, 53)]


def collage() -> bytes:
    sheet = Image.new("RGB", (600, 600), "white")
    for index, image in enumerate(PHOTOS[2:]):
        sheet.paste(ImageOps.fit(image, (296, 296)), (index % 2 * 304, index // 2 * 304))
    return jpeg(sheet)


SUSPECTS = [jpeg(ImageOps.mirror(PHOTOS[0])), jpeg(PHOTOS[1].resize((200, 260))), collage()]

BREAK = """
create function break_off() returns trigger language plpgsql as
    $$ begin raise exception 'broken off'; end $$;
create trigger break_off before insert or update on {} for each statement execute function break_off();
"""
COUNTS = """
select (select count(*) from local_features), (select count(*) from descriptor where part > 0),
    (select count(*) from match), (select count(*) from match_decision), (select count(*) from finding),
    (select count(*) from lookup where looked_up_at is not null)
"""


@pytest.fixture
def record(dsn, tmp_path):
    return filled(Record(dsn, Files(tmp_path / "files")))


def filled(record: Record) -> Record:
    record.save(SHOP, ORIGINALS)
    record.save(VENDOR, SUSPECTS)
    return record


@pytest.mark.parametrize("table", ["descriptor", "local_features", "match", "match_decision", "lookup"])
def test_what_breaks_off_leaves_nothing_of_a_batch_behind(record, other_dsn, connection, tmp_path, table):
    connection.execute(BREAK.format(table))
    with pytest.raises(psycopg.errors.RaiseException, match="broken off"):
        record.compare()
    assert record.rows(COUNTS) == [(0, 0, 0, 0, 0, 0)]

    connection.execute(f"drop trigger break_off on {table}")
    record.compare()
    undisturbed = filled(Record(other_dsn, Files(tmp_path / "other")))
    undisturbed.compare()
    assert record.digest() == undisturbed.digest()
    assert record.rows(COUNTS) == undisturbed.rows(COUNTS)
    assert len(record.matches()) == 3


def test_a_connection_that_dies_leaves_the_lookups_to_the_next_run(record, connection):
    """The server ends the session in the middle of the writing, as a kill of it would."""
    connection.execute(
        BREAK.format("match_decision").replace(
            "raise exception 'broken off'", "perform pg_terminate_backend(pg_backend_pid())"
        )
    )
    with pytest.raises(psycopg.OperationalError):
        record.compare()
    assert record.rows(COUNTS) == [(0, 0, 0, 0, 0, 0)]
    connection.execute("drop trigger break_off on match_decision")
    assert record.compare().matches == 3


def test_the_result_does_not_depend_on_the_threads(record, other_dsn, tmp_path):
    record.compare(threads=1)
    other = filled(Record(other_dsn, Files(tmp_path / "other")))
    other.compare(threads=4)
    assert record.digest() == other.digest()


@pytest.mark.parametrize("packed", ["\\x", "\\x02", "\\x0100000000", "\\x0300" + "00" * 40, "\\xff" + "00" * 40])
def test_stored_features_of_another_version_are_computed_anew(record, connection, packed):
    record.compare()
    before, counts = record.digest(), record.rows(COUNTS)
    connection.execute("update local_features set packed = %s::bytea", [packed])
    connection.execute("update lookup set looked_up_at = null")
    connection.execute("delete from finding")
    connection.execute("delete from match")
    record.compare()
    assert record.digest() == before
    assert record.rows(COUNTS) == counts
    assert record.rows(f"select count(*) from local_features where packed = '{packed}'") == [(0,)]


def test_bytes_that_are_gone_end_nothing(record):
    assert record.files.delete(hashlib.sha256(ORIGINALS[0]).digest())
    done = record.compare()
    assert (done.looked_up, done.matches) == (6, 2)


def test_without_the_network_what_hashes_find_is_found(record, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DESCRIPTOR", "off")
    settings.cache_clear()
    assert record.compare().matches == 2  # not the tile of the collage
    assert record.rows("select count(*) from lookup where looked_up_at is null") == [(0,)]
