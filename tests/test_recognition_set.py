"""The set of the recognition benchmark: its photos, its edits, how photos are shared out, and one small run."""

import csv
import hashlib
import json
import re
import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageOps

from bench.recognition import drawing, routes
from bench.recognition.build import PARTS, build, read_truth, share_out
from bench.recognition.edits import EDITS, PLAIN, edited
from bench.recognition.photos import committed_photos, local_photos, opened

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "bench/recognition/photos"
BY_NAME = {edit.name: edit for edit in EDITS}


@cache
def photo():
    """Return a drawn bracelet beside the middle of a wide sheet: plain ground, and no symmetry."""
    sheet = Image.new("RGB", (900, 700), (236, 234, 230))
    sheet.paste(opened(drawing.draw("bracelet-0", 1)).resize((600, 600)), (60, 40))
    return sheet


def host(chance: Random) -> Image.Image:
    blots = np.random.default_rng(chance.randrange(1000)).integers(0, 255, (13, 15, 3), np.uint8)
    return Image.fromarray(blots).resize((300, 260))


def shown(name: str, seed: str = "seed") -> Image.Image:
    return Image.open(BytesIO(edited(photo(), BY_NAME[name], seed, host))).convert("RGB")


def distance(one: Image.Image, other: Image.Image) -> float:
    small = [
        np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BOX), np.float32) for image in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())


@pytest.mark.parametrize("edit", [*EDITS, PLAIN], ids=lambda edit: edit.name)
def test_an_edit_is_a_function_of_the_photo_and_the_seed(edit):
    once, again = (edited(photo(), edit, "seed", host) for _ in range(2))
    assert once == again
    assert hashlib.sha256(once).digest() != hashlib.sha256(photo().tobytes()).digest()
    Image.open(BytesIO(once)).verify()


def test_chance_differs_between_seeds():
    assert edited(photo(), BY_NAME["logo"], "one", host) != edited(photo(), BY_NAME["logo"], "two", host)


@pytest.mark.parametrize("side_px", [150, 350, 720])
def test_resize_sets_the_long_side(side_px):
    assert max(shown(f"resize {side_px}").size) == side_px


def test_jpeg_sets_the_quality():
    sizes = [len(edited(photo(), BY_NAME[f"jpeg {quality}"], "seed", host)) for quality in (30, 50, 70)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("percent", [5, 10, 20, 30, 50])
def test_crop_cuts_away_a_share_of_the_area(percent):
    whole = photo().width * photo().height
    for seed in "abcd":
        cropped = shown(f"crop {percent}", seed)
        assert 1 - cropped.width * cropped.height / whole == pytest.approx(percent / 100, abs=0.01)


def test_crop_to_half_the_sides():
    assert shown("crop to half the sides").size == (450, 350)


def test_a_mirror_is_turned_and_grey_has_no_colour():
    assert distance(shown("mirror"), ImageOps.mirror(photo())) < 2 < distance(shown("mirror"), photo())
    pixels = np.asarray(shown("grey"), np.int16)
    assert np.abs(pixels[:, :, 0] - pixels[:, :, 2]).max() < 8


def test_padding_makes_a_square_that_holds_the_photo():
    squared = shown("square")
    assert squared.width == squared.height >= max(photo().size)
    bordered = shown("border")
    assert bordered.width > photo().width
    assert (np.asarray(bordered)[:5, :5] > 250).all()


def test_stretch_changes_the_shape_alone():
    stretched = shown("stretch")
    assert stretched.width / stretched.height != pytest.approx(photo().width / photo().height, rel=0.05)
    assert distance(stretched, photo()) < 2


def test_light_edits_leave_the_picture_and_colours_move_it():
    for name in ("jpeg 30", "resize 350", "blur", "sharpen", "evasion"):
        assert distance(shown(name), photo()) < 12, name
    for name in ("brightness", "contrast", "saturation", "tint", "grey"):
        assert distance(shown(name), photo()) > distance(shown("jpeg 70"), photo()), name


def test_the_evading_bot_makes_up_a_camera():
    exif = Image.open(BytesIO(edited(photo(), BY_NAME["evasion"], "seed", host))).getexif()
    assert exif[0x010F] == "Apple"
    assert not Image.open(BytesIO(edited(photo(), BY_NAME["jpeg 70"], "seed", host))).getexif()


def test_cutting_out_leaves_the_subject_on_white():
    cut = np.asarray(shown("cut out on white"), np.int16)
    assert (cut[5:30, 5:30] > 250).all()
    beads = np.asarray(photo(), np.int16)[300:400, 60:660]
    left = cut[300:400, 60:660]
    assert np.abs(left - beads).max(axis=2)[beads.min(axis=2) < 90].mean() < 30


@pytest.mark.parametrize("name", ["logo", "tiled text", "banner"])
def test_an_overlay_covers_a_part(name):
    changed = np.abs(np.asarray(shown(name), np.int16) - np.asarray(photo(), np.int16)).max(axis=2) > 24
    assert 0.005 < changed.mean() < 0.35


@pytest.mark.parametrize("name", ["collage", "pasted on a photo", "template", "phone screenshot"])
def test_an_embedded_photo_is_a_part_of_another_picture(name):
    cv2 = pytest.importorskip("cv2")
    whole = np.asarray(shown(name).convert("L"))
    found = 0.0
    for width in range(160, 800, 8):  # looked for at many sizes, a little inside its edge
        small = photo().resize((width, round(width * 7 / 9))).convert("L")
        inner = np.asarray(small.crop((width // 6, width // 12, width * 7 // 10, width * 7 // 10)))
        if inner.shape[0] < whole.shape[0] and inner.shape[1] < whole.shape[1]:
            found = max(found, float(cv2.matchTemplate(whole, inner, cv2.TM_CCOEFF_NORMED).max()))
    assert found > 0.8


def test_the_families_are_those_of_the_tables():
    assert [*dict.fromkeys(edit.family for edit in EDITS)] == [
        "light", "colour", "pad", "crop", "overlay", "mirror", "rotate", "white background", "embedded", "combined",
    ]  # fmt: skip
    assert len({edit.name for edit in EDITS}) == len(EDITS)


def test_drawn_pieces_are_the_same_each_time_and_all_different():
    names = drawing.family_names()
    assert len(set(names)) == drawing.FAMILIES
    assert drawing.draw(names[3], 2) == drawing.draw(names[3], 2)
    pieces = [opened(drawing.draw(names[0], piece)) for piece in range(drawing.PIECES)]
    differing = [
        np.abs(np.asarray(piece, np.int16) - np.asarray(pieces[0], np.int16)).max(axis=2) > 40 for piece in pieces[1:]
    ]
    # Alike at a look, and yet another pendant and another lie of the chain
    assert all(0.002 < each.mean() < 0.2 for each in differing)


def test_every_photo_is_listed_with_its_bytes_and_its_licence():
    with (FOLDER / "PHOTOS.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {row["file"] for row in rows} == {path.name for path in FOLDER.iterdir() if path.suffix in {".jpg", ".png"}}
    licences = (FOLDER / "LICENCES.md").read_text()
    for row in rows:
        assert hashlib.sha256((FOLDER / row["file"]).read_bytes()).hexdigest() == row["sha256"], row["file"]
        assert f"{row['repository']}: {row['licence']}" in licences


def test_a_group_has_one_role_and_a_cluster_is_in_one_part():
    photos = committed_photos()
    assert len({each.name for each in photos}) == len(photos) > 450
    parts = [share_out(photos, part) for part in PARTS]
    roles = [
        {each.group for each in part} for roles in parts for part in (roles.originals, roles.unrelated, roles.hosts)
    ]
    assert sum(map(len, roles)) == len(set().union(*roles))
    clusters = [{each.cluster for each in (*part.originals, *part.unrelated, *part.hosts)} for part in parts]
    assert not clusters[0] & clusters[1]
    for part in parts:
        assert len(part.originals) == pytest.approx(len(photos) / 4, rel=0.1)
        # Originals have look-alikes among the unrelated photos.
        assert {each.cluster for each in part.originals if each.source == "drawn"} == {
            each.cluster for each in part.unrelated if each.source == "drawn"
        }


def test_more_photos_leave_the_parts_of_others_as_they_were(tmp_path):
    photo().save(tmp_path / "own.jpg")
    (tmp_path / "known.jpg").write_bytes(next(each for each in committed_photos() if each.source != "drawn").read())
    known = committed_photos()
    own = local_photos(tmp_path, known)
    assert len(own) == 1
    for part in PARTS:
        before, after = (share_out(photos, part) for photos in (known, known + own))
        assert {each.name for each in before.originals} <= {each.name for each in after.originals}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    photos = [each for each in committed_photos() if each.source != "drawn" or each.name.endswith("-0.jpg")][::6]
    return folder, build(folder, photos, "tune", 24), photos


def test_a_set_is_the_same_each_time(small, tmp_path):
    folder, truth, photos = small
    assert build(tmp_path, photos, "tune", 24) == truth == read_truth(folder / "truth.tsv")
    files = [path.relative_to(folder) for path in folder.rglob("*.jpg")]
    assert len(files) > 48
    assert all((folder / path).read_bytes() == (tmp_path / path).read_bytes() for path in files)


def test_a_set_has_as_many_unrelated_photos_as_copies_dressed_alike(small):
    folder, truth, _ = small
    assert sum(bool(each.original) for each in truth) == 24
    assert len(truth) == 48
    originals = {path.name for path in (folder / "originals").iterdir()}
    assert {each.original for each in truth if each.original} < originals
    assert {path.name for path in (folder / "suspects").iterdir()} == {each.suspect for each in truth}
    assert sum(not each.original and each.edit != "plain" for each in truth) >= 18


def test_methods_run_side_by_side(small, tmp_path):
    folder, _, _ = small
    command = [sys.executable, "-m", "bench.recognition", "--set", folder, "--out", tmp_path / "out.json"]
    command += ["--plot", tmp_path / "plot.svg"]
    for method in ("theftwatch", "phash 256", "pdq", "sscd distilled", "immaculate pdq"):
        command += ["--method", method]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^theftwatch +[01]\.\d", done.stdout, re.MULTILINE)
    methods = json.loads((tmp_path / "out.json").read_text())["methods"]
    for name, figures in methods.items():
        overall = figures["overall"]
        assert overall["copies"] == 24, name
        assert 0.2 < overall["recall"] <= 1, name
        assert overall["recall_at_no_error"] <= overall["recall_at_precision"], name
    assert methods["theftwatch"]["overall"]["average_precision"] > 0.5
    ElementTree.parse(tmp_path / "plot.svg")


def test_a_folder_that_holds_something_is_not_built_into(small):
    command = [sys.executable, "-m", "bench.recognition", "build", small[0]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    assert done.returncode == 2
    assert "is not empty" in done.stderr


def test_both_ways_of_this_program_claim_the_same_pairs(small):
    folder = small[0]
    by_route = [
        {(pair.suspect, pair.original) for pair in route(folder / "originals", folder / "suspects") if pair.claimed}
        for route in (routes.by_folders, routes.by_database)
    ]
    assert by_route[0] == by_route[1]
    assert len(by_route[0]) > 5
