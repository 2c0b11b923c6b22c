"""What was done to a photo, read off its alignment: where it was cut, where it lies, and what covers it."""

from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.edits import jpeg, photo_paths
from theftwatch.match.decide import decide
from theftwatch.match.picture import read_original, read_suspect
from theftwatch.match.transform import Transform, describe

ORIGINAL = Image.open(photo_paths()[44]).convert("RGB")
WIDTH, HEIGHT = ORIGINAL.size


def read(suspect: Image.Image, original: Image.Image = ORIGINAL) -> Transform:
    decision = decide(read_original(jpeg(original, 95)), read_suspect(jpeg(suspect, 90)))
    assert decision.decision == "match", decision
    assert decision.transform is not None
    return decision.transform


def about(*values: float) -> Any:
    return pytest.approx(list(values), abs=0.02)


@pytest.mark.parametrize("box", [(0, 0, 0.75, 0.8), (0.2, 0.1, 1, 1), (0.15, 0.2, 0.85, 0.9)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_box_that_a_crop_left(box, mirrored):
    cut = ORIGINAL.crop(tuple(round(share * side) for share, side in zip(box, (WIDTH, HEIGHT) * 2, strict=True)))
    transform = read(ImageOps.mirror(cut) if mirrored else cut)
    assert transform.mirrored is mirrored
    assert list(transform.crop) == about(*box)  # of the original as it is, not of its mirror
    assert list(transform.place) == about(0, 0, 1, 1)
    assert transform.shown == pytest.approx((box[2] - box[0]) * (box[3] - box[1]), abs=0.02)
    assert transform.around == "nothing"


def test_the_place_in_another_picture():
    ground = ImageOps.fit(Image.open(photo_paths()[113]).convert("RGB"), (800, 1000))
    small = ORIGINAL.resize((WIDTH * 3 // 4, HEIGHT * 3 // 4))
    ground.paste(small, (200, 400))
    transform = read(ground)
    assert list(transform.place) == about(0.25, 0.4, (200 + small.width) / 800, (400 + small.height) / 1000)
    assert list(transform.crop) == about(0, 0, 1, 1)
    assert transform.around == "picture"
    assert transform.scale == pytest.approx(0.75, abs=0.01)
    assert describe(transform) == "resized to 75 %, with something around it"


def test_a_border_is_told_from_a_picture():
    transform = read(ImageOps.expand(ORIGINAL, 60, "white"))
    assert transform.around == "border"
    assert describe(transform) == "with a plain border"


@pytest.mark.parametrize("degrees", [-10, 3, 10])
def test_a_rotation_is_told_by_its_degrees(degrees):
    transform = read(ORIGINAL.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white"))
    # Pillow turns against the clock; rows grow downwards.
    assert transform.rotation_degrees == pytest.approx(-degrees, abs=0.5)
    assert "turned by" in describe(transform)


def test_a_stretch_is_told_by_its_factor():
    transform = read(ORIGINAL.resize((round(1.2 * WIDTH), HEIGHT)))
    assert transform.stretch == pytest.approx(1.2, abs=0.02)
    assert "stretched" in describe(transform)


@pytest.mark.parametrize(
    ("where", "x", "y"),
    [("lower right", 0.8, 0.82), ("upper left", 0.2, 0.18), ("upper right", 0.8, 0.18), ("middle", 0.5, 0.5)],
)
def test_a_logo_is_told_by_its_place(where, x, y):
    covered = ORIGINAL.copy()
    pen = ImageDraw.Draw(covered)
    middle, size = (x * WIDTH, y * HEIGHT), 0.13 * WIDTH
    pen.ellipse((middle[0] - size, middle[1] - size, middle[0] + size, middle[1] + size), fill="white")
    pen.text(middle, "ACME", fill="red", anchor="mm", font_size=36, stroke_width=2)
    transform = read(covered)
    assert transform.covered[0].where == where
    assert transform.covered[0].share == pytest.approx(3.14 * size**2 / (WIDTH * HEIGHT), abs=0.06)
    assert f"with something over it at the {where}" in describe(transform)


def test_nothing_covers_a_plain_copy():
    transform = read(ORIGINAL)
    assert transform.covered == ()
    assert not transform.cut_out
    assert describe(transform) == "the same photo, stored anew"
    assert transform.as_json()["crop"] == about(0, 0, 1, 1)


def test_goods_that_were_cut_out_onto_white():
    """A bag on a cluttered ground, and then on none."""
    goods, ground = (Image.open(photo_paths()[index]).convert("RGB") for index in (145, 113))
    grey = goods.convert("L")
    mask = Image.eval(grey, lambda level: 255 if level < 235 else 0)
    scene = ImageOps.fit(ground, goods.size)
    scene.paste(goods, mask=mask)
    white = Image.new("RGB", goods.size, "white")
    white.paste(goods, mask=mask)
    transform = read(white, scene)
    assert transform.cut_out
    assert describe(transform).startswith("cut out, on plain ground")
