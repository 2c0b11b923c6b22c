"""`theftwatch compare` and `theftwatch scan`, as a user types them."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest
from PIL import Image

from tests.edits import EDITS, photo_paths
from theftwatch.images.descriptor import similarity
from theftwatch.match.decide import Decision
from theftwatch.match.picture import read_suspect
from theftwatch.match.scan import read_folder, scan
from theftwatch.match.workers import Processes, Threads, Workers

PHOTOS = photo_paths()[::12]


def theftwatch(*arguments):
    command = [sys.executable, "-m", "theftwatch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def folders(tmp_path):
    originals, suspects = tmp_path / "originals", tmp_path / "suspects"
    (suspects / "vendor one").mkdir(parents=True)
    originals.mkdir()
    for path in PHOTOS:
        shutil.copy(path, originals / path.name)
    for n, (edit, path) in enumerate(zip(EDITS, PHOTOS, strict=False)):
        (suspects / "vendor one" / f"{n} {edit}.jpg").write_bytes(EDITS[edit](Image.open(path)))
    shutil.copy(PHOTOS[0], suspects / "same.jpg")
    shutil.copy(photo_paths()[7], suspects / "other.jpg")
    (suspects / "broken.jpg").write_bytes(PHOTOS[0].read_bytes()[:2000])
    Image.new("RGB", (300, 300), "white").save(suspects / "white.png")
    return originals, suspects


def test_scan_finds_the_copies_and_names_what_it_could_not_compare(folders, tmp_path):
    out = tmp_path / "pairs.jsonl"
    no_text = os.fsdecode(b"caf\xe9.jpg")
    shutil.copy(PHOTOS[0], folders[1] / no_text)
    done = theftwatch("scan", *folders, "--out", out)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert all(line.keys() == {"original", "suspect", "score", "decision", "method", "transform"} for line in lines)
    expected = {
        (path.name, f"vendor one/{n} {edit}.jpg") for n, (edit, path) in enumerate(zip(EDITS, PHOTOS, strict=False))
    }
    found = {(line["original"], line["suspect"]) for line in lines if line["decision"] == "match"}
    assert found == expected | {(PHOTOS[0].name, "same.jpg"), (PHOTOS[0].name, no_text)}
    told = done.stderr.splitlines()
    assert f"{folders[1]}: {len(EDITS) + 3} photos; cannot be compared: 1 flat, 1 truncated" in told
    assert {"  broken.jpg: the file is cut off", "  white.png: too plain to be compared"} <= set(told)
    again = tmp_path / "again.jsonl"
    theftwatch("scan", *folders, "--out", again)
    assert again.read_bytes() == out.read_bytes()


def test_how_many_look_ups_are_in_work_changes_nothing_and_a_scan_left_early_leaves_none(folders, monkeypatch):
    async def pairs(workers: Workers) -> dict[tuple[str, str], Decision]:
        return {(pair.original, pair.suspect): pair.decision async for pair in scan(originals, suspects, workers)}

    async def left_early(workers: Workers) -> set[asyncio.Task[object]]:
        async with aclosing(scan(originals, suspects, workers)) as scanning:
            await anext(scanning)
        return asyncio.all_tasks() - {asyncio.current_task()}

    with ThreadPoolExecutor(2) as threads:
        originals, suspects = (asyncio.run(read_folder(root, Threads(threads))) for root in folders)
        in_one = asyncio.run(pairs(Threads(threads)))
        monkeypatch.setattr("theftwatch.match.scan._LOOKED_UP", 2)
        monkeypatch.setattr("theftwatch.match.scan._LOOKUPS", 3)
        assert asyncio.run(pairs(Threads(threads))) == in_one
        assert not asyncio.run(left_early(Threads(threads)))


def test_a_photo_like_very_many_is_decided_the_same_by_one_thread_and_by_several_processes(tmp_path):
    """Its pairs are shared out then, and each stays with its own original."""
    originals, suspects = tmp_path / "originals", tmp_path / "suspects"
    originals.mkdir()
    suspects.mkdir()
    photo = Image.open(PHOTOS[0]).convert("RGB")
    photo.save(suspects / "one.jpg", quality=80)
    for level in range(60):
        photo.point(lambda value, level=level: value * (100 + level) // 200).save(originals / f"{level}.jpg")

    async def pairs(workers: Workers) -> dict[str, Decision]:
        shown, asked = [await read_folder(folder, workers) for folder in (originals, suspects)]
        return {pair.original: pair.decision async for pair in scan(shown, asked, workers)}

    with ThreadPoolExecutor(1) as one, Processes(3) as several:
        alone, together = (asyncio.run(pairs(workers)) for workers in (Threads(one), several))
    assert alone == together
    assert len(alone) == 60
    assert {decision.decision for decision in alone.values()} == {"match"}


def test_of_neighbours_as_near_as_the_nearest_two_are_verified_where_they_are_far_and_else_more(tmp_path):
    """A suspect that shows little of an original is found by its parts; of these none has any."""
    originals, suspects = tmp_path / "originals", tmp_path / "suspects"
    originals.mkdir()
    suspects.mkdir()
    for n, path in enumerate(photo_paths()):
        if n % 7 != 3:
            shutil.copy(path, originals / path.name)
        elif not read_suspect(path.read_bytes()).parts:
            shutil.copy(path, suspects / path.name)

    async def pairs(workers: Workers) -> list[tuple[str, str]]:
        return [(pair.suspect, pair.original) async for pair in scan(shown, asked, workers)]

    with ThreadPoolExecutor(2) as threads:
        shown, asked = (asyncio.run(read_folder(folder, Threads(threads))) for folder in (originals, suspects))
        verified = asyncio.run(pairs(Threads(threads)))
    counts = set()
    for suspect, prints in asked.prints.items():
        [name] = asked.names(suspect)
        near = [similarity(prints.descriptor, each.descriptor) for each in shown.prints.values()]
        close, as_near = (sum(cosine >= max(least, 0.2) for cosine in near) for least in (0.35, 0.85 * max(near)))
        expected = min(as_near, max(2, min(close, 4)))
        assert sum(each == name for each, _ in verified) == expected, name
        counts.add(expected)
    assert {1, 2, 3} <= counts


def test_scan_of_nothing_says_that_it_did_not_look(tmp_path):
    (tmp_path / "empty").mkdir()
    done = theftwatch("scan", tmp_path / "empty", tmp_path / "empty", "--out", tmp_path / "pairs.jsonl")
    assert done.returncode == 0
    assert "Not looked" in done.stderr
    assert (tmp_path / "pairs.jsonl").read_text() == ""


def test_scan_refuses_what_is_no_folder(tmp_path):
    done = theftwatch("scan", tmp_path / "none", tmp_path, "--out", tmp_path / "pairs.jsonl")
    assert done.returncode == 2
    assert "no such folder" in done.stderr


def test_compare_prints_one_json_object(folders):
    originals, suspects = folders
    copy = next(suspects.rglob("3 mirrored.jpg"))
    done = theftwatch("compare", originals / PHOTOS[3].name, copy, "--json")
    answer = json.loads(done.stdout)
    assert answer.keys() == {"decision", "score", "method", "transform", "explanation"}
    assert (answer["decision"], answer["transform"]["mirrored"]) == ("match", True)
    assert 0 <= answer["score"] <= 1


@pytest.mark.parametrize("suspect", ["white.png", "broken.jpg"])
def test_compare_says_what_cannot_be_compared(folders, suspect):
    originals, suspects = folders
    done = theftwatch("compare", originals / PHOTOS[0].name, suspects / suspect, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["decision"] == "unusable"


def test_compare_says_its_answer_in_words(folders):
    originals, suspects = folders
    done = theftwatch("compare", originals / PHOTOS[0].name, suspects / "same.jpg")
    assert done.stdout == "match, score 1.00\nThe two files are the same, byte for byte.\n"
    assert theftwatch("compare", originals / "none.jpg", suspects / "same.jpg").returncode == 2
