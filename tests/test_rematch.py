"""Deciding everything anew: the same answer twice, whatever came first, and nothing changed without a note of it."""

from datetime import timedelta

import psycopg
import pytest
from PIL import Image, ImageOps

from tests.edits import EDITS, jpeg, photo_paths
from tests.record import NOW, SHOP, VENDOR, Record
from theftwatch.config import settings
from theftwatch.files import Files
from theftwatch.images import FINGERPRINT_VERSION
from theftwatch.match.decide import ALGORITHM_VERSION

CHOSEN = [photo_paths()[index] for index in (0, 44, 53, 99)]
ORIGINALS = [path.read_bytes() for path in CHOSEN]


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((image.width // 5, image.height // 6, image.width, image.height * 9 // 10))


def collage(images: list[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (600, 600), "white")
    for index, image in enumerate(images):
        sheet.paste(ImageOps.fit(image, (296, 296)), (index % 2 * 304, index // 2 * 304))
    return sheet


COPIES = [
    EDITS["mirrored"](Image.open(CHOSEN[0])),
    jpeg(cropped(Image.open(CHOSEN[1]))),
    jpeg(collage([Image.open(path) for path in (*photo_paths()[100:103], CHOSEN[2])])),
]
OTHERS = [path.read_bytes() for path in photo_paths()[110:113]]
BATCHES = ((SHOP, ORIGINALS[:2], "1"), (VENDOR, [*COPIES, OTHERS[0]], "1"), (SHOP, ORIGINALS[2:], "2"))
LATER = NOW + timedelta(days=30)


@pytest.fixture
def record(dsn, tmp_path):
    return Record(dsn, Files(tmp_path / "files"))


@pytest.fixture
def other(other_dsn, tmp_path):
    return Record(other_dsn, Files(tmp_path / "other"))


def filled(record, batches=BATCHES):
    for batch in batches:
        record.save(*batch)
        record.compare()
    return record


def network(monkeypatch, name):
    monkeypatch.setenv("THEFTWATCH_DESCRIPTOR", name)
    settings.cache_clear()


def test_twice_gives_the_same(record):
    filled(record)
    before = record.digest()
    assert len(record.matches()) == len(COPIES)
    record.rematch()
    assert record.digest() == before
    record.rematch(LATER)
    assert record.digest() == before


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1)])
def test_any_order_of_arrival_gives_the_same(record, other, order):
    filled(record)
    filled(other, [BATCHES[index] for index in order])
    for each in (record, other):
        each.rematch(LATER)
    assert record.matches() == other.matches()
    compared = ("match", "match_decision", "finding", "lookup", "image_phash")
    one, another = record.digest(), other.digest()
    assert {name: one[name] for name in compared} == {name: another[name] for name in compared}
    parts = "select i.sha256, d.part, d.place, d.embedding from descriptor d join image i on i.id = d.image"
    assert set(map(repr, record.rows(parts))) == set(map(repr, other.rows(parts)))


def test_what_is_not_met_again_is_withdrawn_with_a_decision_appended(record):
    filled(record)
    # An older version matched a pair that this one does not find.
    record.rows(
        """
        with made as (
            insert into match (original_image, suspect_image, decision, score, method, transform, explanation,
                algorithm_version, first_matched_at, decided_at)
            select o.image, s.image, 'match', 0.97, 'phash', '{}', 'near', 1, '2026-01-01', '2026-01-01'
            from lookup o, lookup s where o.side = 'original' and s.side = 'suspect'
                and not exists (select from match where original_image = o.image and suspect_image = s.image)
            order by o.image, s.image limit 1
            returning id
        )
        insert into match_decision (match, algorithm_version, method, score, decision, decided_at)
        select id, 1, 'phash', 0.97, 'match', '2026-01-01' from made returning match
        """
    )
    before = record.matches()
    record.rematch(LATER)
    history = record.rows(
        "select d.algorithm_version, d.decision, d.method, d.score, d.decided_at::date::text"
        " from match_decision d join match m on m.id = d.match where m.method = 'not_met' order by d.algorithm_version"
    )
    assert history == [
        (1, "match", "phash", pytest.approx(0.97), "2026-01-01"),
        (ALGORITHM_VERSION, "no_match", "not_met", 0, "2026-12-01"),
    ]
    [(decision, score, transform, explanation)] = record.rows(
        "select decision, score, transform, explanation from match where method = 'not_met'"
    )
    assert (decision, score, transform) == ("no_match", 0, None)
    assert explanation == "The search of this version does not meet the pair."
    assert len(record.matches()) == len(before) - 1
    once = record.digest()
    record.rematch(LATER + timedelta(days=1))
    assert record.digest() == once


def test_what_is_only_pending_withdraws_nothing(record):
    """After an update `rematch --pending` decides what is new; what it did not look up again is not withdrawn."""
    filled(record)
    before = record.matches()
    with_older = record.rows(
        "with m as (update match set algorithm_version = 1 returning id),"
        " d as (update match_decision set algorithm_version = 1),"
        " l as (update lookup set algorithm_version = 1) select count(*) from m"
    )
    assert with_older == [(len(before),)]
    record.save(VENDOR, OTHERS[1:], "9")
    record.compare(LATER)
    record.withdraw(LATER)
    assert record.matches() == before
    record.rematch(LATER)
    assert record.matches() == before
    assert record.rows("select distinct algorithm_version from match") == [(ALGORITHM_VERSION,)]


#: Leaves a record as another version would have: with other hashes, and with one image that it could not use
BY_ANOTHER_VERSION = """
with last as (select max(id) as id from image where unusable_reason is null),
    hashed as (insert into phash (hash) values (0)),
    lost as (delete from image_phash where image = (select id from last)),
    undescribed as (delete from descriptor where image = (select id from last)),
    waiting as (delete from lookup where image = (select id from last)),
    others as (
        update image_phash set hash = 0, hash_256 = sha256(''), variant = replace(variant, 'plain', 'trimmed')
        where image <> (select id from last) and variant = 'plain'
            and image not in (select image from image_phash where variant = 'trimmed')
    )
update image set
    fingerprint_version = 0, width_px = 1,
    unusable_reason = case when id = (select id from last) then 'flat' else unusable_reason end
"""


def test_what_another_version_fingerprinted_is_fingerprinted_anew(record):
    filled(record, [*BATCHES, (VENDOR, [jpeg(Image.new("RGB", (300, 300), "white"))], "3")])
    before, matches = record.digest(), record.matches()
    with psycopg.connect(record.dsn) as connection:
        connection.execute(BY_ANOTHER_VERSION)
    assert record.digest() != before
    record.rematch(LATER)
    assert record.matches() == matches
    assert record.digest() == before
    assert record.rows("select distinct fingerprint_version from image") == [(FINGERPRINT_VERSION,)]
    unused = "select count(*) from phash where hash not in (select hash from image_phash)"
    assert record.rows(unused) == [(0,)]


def test_another_network_replaces_what_the_first_said(record, monkeypatch):
    filled(record)
    before = record.matches()
    [(first,)] = record.rows("select distinct model from descriptor")
    network(monkeypatch, "full")
    record.rematch(LATER)
    [(second,)] = record.rows("select distinct model from descriptor")
    assert first != second
    assert record.matches() == before
    assert record.rows("select count(*) from descriptor where part = 0") == record.rows(
        "select count(distinct image) from lookup"
    )
    assert record.rows(
        "select count(*) from descriptor_code c join descriptor d using (image, part) where c.code <> d.code"
    ) == [(0,)]


def test_switched_off_the_matches_stay_and_their_history_too(record, monkeypatch):
    filled(record)
    before = record.digest()
    network(monkeypatch, "off")
    record.rematch(LATER)
    assert record.digest() == before
    assert record.rows("select count(*) from descriptor where part > 0") == [(0,)]
    network(monkeypatch, "distilled")
    record.rematch(LATER)
    assert record.digest() == before


def test_switched_on_it_finds_what_it_would_have_found(record, other, monkeypatch):
    network(monkeypatch, "off")
    filled(record)
    assert record.rows("select count(*) from descriptor") == [(0,)]
    assert len(record.matches()) < len(COPIES)
    network(monkeypatch, "distilled")
    record.rematch(LATER)
    filled(other)
    assert record.matches() == other.matches()
    assert len(record.matches()) == len(COPIES)
    once = record.digest()
    record.rematch(LATER)
    assert record.digest() == once
