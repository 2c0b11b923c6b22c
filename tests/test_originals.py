"""`theftwatch originals add` and `theftwatch rematch`, as a user types them."""

import shutil
import subprocess
import sys

import pytest

from tests.crawling import World
from tests.edits import photo_paths
from theftwatch.demo.replica import running_replica
from theftwatch.errors import UsageError
from theftwatch.originals import read_originals

PHOTOS = photo_paths()[::4]


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica() as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def theftwatch(world: World, *arguments) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "theftwatch", *map(str, arguments)]
    return subprocess.run(command, env=world.environment(), capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "shoot").mkdir(parents=True)
    for n, path in enumerate(PHOTOS):
        shutil.copy(path, folder / "shoot" / path.name if n % 2 else folder / path.name)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_an_artisan_s_photos_find_their_copies(world, photos):
    world.crawl("alibaba", "vendor=demolotus")
    added = theftwatch(world, "originals", "add", photos, "--artisan", "Ana")
    assert added.returncode == 0, added.stderr
    assert f"{len(PHOTOS) + 1} photos of Ana are in the record; 1 of them cannot be compared." in added.stdout
    [(matches, findings)] = world.rows(
        "select (select count(*) from match where decision = 'match'), (select count(*) from finding)"
    )
    assert matches >= 5
    assert findings >= 5
    assert world.rows("select count(*) from finding where original_file is null") == [(0,)]
    before = world.digest_tables()

    again = theftwatch(world, "originals", "add", photos, "--artisan", "Ana")
    assert "Not looked: no photo is waiting to be compared." in again.stdout
    assert world.digest_tables() == before

    rematched = theftwatch(world, "rematch")
    assert rematched.returncode == 0, rematched.stderr
    assert world.digest_tables() == before


def test_a_csv_file_gives_kinds_and_dates(world, photos):
    name = next(path.name for path in photos.glob("*.jpg") if path.name != "broken.jpg")
    inside = next((photos / "shoot").glob("*.jpg")).name
    table = photos / "mine.csv"
    table.write_text(f"﻿file,kind,date\n{name},,2019-04-01\nshoot/{inside},outtake,2019-04-01T10:00+02:00\n", "utf-8")
    done = theftwatch(world, "originals", "add", table, "--artisan", "Ana")
    assert done.returncode == 0, done.stderr
    assert world.rows("select name, kind, dated_at::text from original_file order by kind") == [
        (name, "original", "2019-04-01 00:00:00+00"),
        (f"shoot/{inside}", "outtake", "2019-04-01 08:00:00+00"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,kind,date\nnone.jpg,,\n", "mine.csv:2: no photo 'none.jpg'"),
        ("file,kind,date\nphoto.jpg,sketch,\n", "mine.csv:2: kind 'sketch'"),
        ("file,kind,date\nphoto.jpg,,last spring\n", "mine.csv:2: date 'last spring'"),
        ("name\nphoto.jpg\n", "mine.csv:2: no photo ''"),
    ],
)
def test_a_wrong_csv_file_is_refused_by_line(tmp_path, text, message):
    shutil.copy(photo_paths()[0], tmp_path / "photo.jpg")
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_originals(tmp_path / "mine.csv", "original")


def test_what_is_no_folder_and_no_csv_is_refused(world, tmp_path):
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "none", tmp_path / "empty"):
        done = theftwatch(world, "originals", "add", source, "--artisan", "Ana")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
