"""Looking up in a real database: everything that copied one photo is found, with an index and without one."""

import random
from io import BytesIO

import pytest
from PIL import Image, ImageEnhance

from tests.edits import photo_paths
from tests.record import SHOP, VENDOR, Record
from theftwatch.db.records import image_record
from theftwatch.files import Files

COPIED = photo_paths()[44]
ORIGINAL = COPIED.read_bytes()
OTHERS = [photo_paths()[index].read_bytes() for index in range(100, 112)]


def copies(count: int) -> list[bytes]:
    """Return as many different copies of one photo, all cut by a quarter and more, so that no hash is near."""
    source, image = random.Random(5), Image.open(COPIED).convert("RGB")
    found = []
    for _ in range(count):
        width, height = (round(side * source.uniform(0.72, 0.85)) for side in image.size)
        left, top = source.randrange(image.width - width), source.randrange(image.height - height)
        cut = image.crop((left, top, left + width, top + height))
        buffer = BytesIO()
        ImageEnhance.Brightness(cut).enhance(source.uniform(0.8, 1.2)).save(buffer, "JPEG", quality=80)
        found.append(buffer.getvalue())
    return found


COPIES = copies(100)


@pytest.fixture
def record(dsn, tmp_path):
    return Record(dsn, Files(tmp_path / "files"))


def of_the_original(record: Record) -> set[bytes]:
    digest = image_record(ORIGINAL).sha256
    return {suspect for original, suspect, _ in record.matches() if original == digest}


def test_an_original_that_a_hundred_listings_copied_finds_all_hundred(record):
    for n in range(0, 100, 10):
        record.save(VENDOR, COPIES[n : n + 10], str(n))
    record.save(VENDOR, OTHERS, "others")
    record.compare()
    assert record.matches() == set()

    record.save(SHOP, [ORIGINAL, OTHERS[0]])
    record.compare()
    assert of_the_original(record) == {image_record(copy).sha256 for copy in COPIES}
    # Most of them by the network alone: it paged on while that found copies.
    [(by_hash,)] = record.rows("select count(*) from match where method = 'phash'")
    assert by_hash < 50
    assert len(record.matches()) == len(COPIES) + 1

    # A suspect that arrives later is looked up among the originals, by the same code.
    later = copies(102)[101]
    record.save(VENDOR, [later], "later")
    done = record.compare()
    assert (done.looked_up, done.matches) == (1, 1)
    assert image_record(later).sha256 in of_the_original(record)


def filled(record: Record) -> Record:
    record.save(VENDOR, [*COPIES[:30], *OTHERS], "1")
    record.compare()
    record.save(SHOP, [ORIGINAL, *OTHERS[:3]])
    record.compare()
    return record


def test_without_vector_the_matches_are_the_same(without_vector, other_dsn, tmp_path):
    by_scan, by_index = (
        filled(Record(each, Files(tmp_path / str(n)))) for n, each in enumerate((without_vector, other_dsn))
    )
    assert by_scan.rows("select to_regclass('descriptor_code_original_near')") == [(None,)]
    assert len(by_scan.matches()) == 30 + 3
    assert by_scan.matches() == by_index.matches()
    assert by_scan.digest() == by_index.digest()


def test_what_both_sides_show_is_one_image_and_an_exact_match(record):
    record.save(VENDOR, [ORIGINAL])
    record.save(SHOP, [ORIGINAL])
    record.compare()
    assert record.rows("select method, score::text from match") == [("exact", "1")]
