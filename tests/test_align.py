"""How one picture lies in another: the map that an edit made is found again, and none where there is none."""

import math
from dataclasses import replace
from itertools import permutations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.edits import photo_paths
from theftwatch.images.align import Alignment, align, moved
from theftwatch.images.features import LocalFeatures, Scale, local_features, to_grey
from theftwatch.images.looks import Looks, first_looks, look_closely
from theftwatch.match.decide import MATCH_SCORE, POSSIBLE_SCORE
from theftwatch.match.locate import score_alignment

CHOSEN = (0, 44, 109)
SCALE = Scale(long_side_px=512, most=1000, few=0, closer_px=0)
GROUND = Image.open(photo_paths()[113]).convert("RGB")


def photo(index: int) -> Image.Image:
    return Image.open(photo_paths()[index]).convert("RGB")


def looked_at(image: Image.Image) -> LocalFeatures:
    return local_features(to_grey(image.convert("L")), SCALE)


def original_looks(image: Image.Image) -> tuple[Looks, LocalFeatures]:
    """Return how an original looks, and what a close look at it finds."""
    looks = first_looks(image.convert("L"))
    return looks, look_closely(looks, image.convert("L"))


def aligned(original: Image.Image, suspect: Image.Image) -> Alignment | None:
    return align(original_looks(original)[1], looked_at(suspect))


def found(original: Image.Image, suspect: Image.Image) -> tuple[Alignment, np.ndarray]:
    """Return the alignment with its map from pixels of one image to those of the other, for the plain original."""
    alignment = aligned(original, suspect)
    assert alignment is not None
    assert score_alignment(alignment) >= MATCH_SCORE
    scale, other = (side / max(image.size) for image, side in ((original, 384), (suspect, 512)))
    matrix = alignment.matrix * [scale / other, scale / other, 1 / other]
    if alignment.mirrored:
        matrix = matrix @ np.array([[-1, 0, original.width], [0, 1, 0], [0, 0, 1]])
    return alignment, matrix


def near(matrix: np.ndarray, expected: list[list[float]]) -> bool:
    """Return whether two maps lead the corners of a photo to the same places, to two pixels."""
    corners = np.array([[0, 0, 1], [400, 0, 1], [0, 400, 1], [400, 400, 1]])
    return float(np.abs(corners @ (matrix - np.array(expected)).T).max()) < 2


@pytest.mark.parametrize("index", CHOSEN)
def test_a_crop_lies_where_it_was_cut(index):
    original = photo(index)
    left, top = original.width // 4, original.height // 5
    alignment, matrix = found(original, original.crop((left, top, original.width, original.height)))
    assert near(matrix, [[1, 0, -left], [0, 1, -top]])
    assert alignment.agreement.shown == pytest.approx(0.75 * 0.8, abs=0.02)


@pytest.mark.parametrize("index", CHOSEN)
def test_a_stretch_has_its_factor_in_the_map(index):
    original = photo(index)
    _, matrix = found(original, original.resize((round(original.width * 1.25), original.height)))
    assert near(matrix, [[1.25, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("index", CHOSEN)
def test_a_rotation_has_its_angle_in_the_map(index):
    original = photo(index)
    turned = original.rotate(10, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    _, matrix = found(original, turned)
    cos, sin = math.cos(math.radians(10)), math.sin(math.radians(10))
    middle = np.array([original.width / 2, original.height / 2])
    offset = np.array([turned.width / 2, turned.height / 2]) - np.array([[cos, sin], [-sin, cos]]) @ middle
    assert near(matrix, [[cos, sin, offset[0]], [-sin, cos, offset[1]]])


def pulled(image: Image.Image, share: float) -> Image.Image:
    """Return a photo whose upper corners were pulled in by a share of its width: taken off a screen, from below."""
    width, height = image.size
    inset = round(share * width)
    there = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    here = np.array([[inset, 0], [width - inset, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(there, here)
    return Image.fromarray(cv2.warpPerspective(np.asarray(image), matrix, image.size, borderValue=(40, 40, 40)))


@pytest.mark.parametrize("share", [0.06, 0.15])
@pytest.mark.parametrize("index", CHOSEN)
def test_a_tilt(index, share):
    alignment, _ = found(photo(index), pulled(photo(index), share))
    assert alignment.tilt == pytest.approx(share / 2, rel=0.35)
    assert alignment.agreement.whole > 0.95
    assert alignment.agreement.shown == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("index", CHOSEN)
def test_the_same_scene_from_another_place_with_another_thing_in_it_is_not_tilted(index):
    """As pendants that were shot one after the other on one piece of wood: they lie on flat ground that agrees."""
    suspect = photo(index)
    thing = ImageOps.fit(photo(69), (suspect.width // 2, suspect.height // 2))
    suspect.paste(thing, (suspect.width // 4, suspect.height // 4))
    alignment = aligned(photo(index), pulled(suspect, 0.08))
    assert alignment is None or (alignment.tilt == 0 and score_alignment(alignment) < MATCH_SCORE)


@pytest.mark.parametrize("index", CHOSEN)
def test_a_mirror_is_found_as_one(index):
    original = photo(index)
    alignment, matrix = found(original, ImageOps.mirror(original))
    assert alignment.mirrored
    assert near(matrix, [[-1, 0, original.width], [0, 1, 0]])
    assert alignment.error_px < 0.3


@pytest.mark.parametrize("index", CHOSEN)
def test_a_photo_pasted_onto_another(index):
    original, ground = photo(index), ImageOps.fit(GROUND, (800, 1000))
    ground.paste(original, (150, 300))
    alignment, matrix = found(original, ground)
    assert near(matrix, [[1, 0, 150], [0, 1, 300]])
    assert alignment.agreement.shown == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("index", CHOSEN)
def test_a_tile_of_a_collage(index):
    original, sheet = photo(index), Image.new("RGB", (800, 800))
    for place, other in enumerate((60, index, 90, 123)):
        sheet.paste(ImageOps.fit(photo(other), (400, 400)), (place % 2 * 400, place // 2 * 400))
    alignment, matrix = found(original, sheet)
    scale = 400 / min(original.size)
    assert np.allclose(np.diag(matrix[:, :2]), scale, atol=0.02)
    assert matrix[0, 2] >= 395  # it is the tile at the right
    assert alignment.agreement.shown < 0.98


def test_two_photos_do_not_lie_in_each_other():
    """Also where they show goods of one kind on one ground: dark clothes on red cloth, produce in crates."""
    alike = [photo(index) for index in (47, 70, 140, 22, 9, 25, 28, 120)]
    features = [(original_looks(each)[1], looked_at(each)) for each in alike]
    for (one, _), (_, other) in permutations(features, 2):
        alignment = align(one, other)
        assert alignment is None or score_alignment(alignment) < POSSIBLE_SCORE


@pytest.mark.parametrize("index", CHOSEN)
def test_the_same_scene_with_another_thing_in_the_middle_is_no_match(index):
    original, suspect = photo(index), photo(index)
    thing = ImageOps.fit(photo(69), (round(0.6 * original.width), round(0.6 * original.height)))
    suspect.paste(thing, (round(0.2 * original.width), round(0.2 * original.height)))
    alignment = aligned(original, suspect)
    assert alignment is not None  # the ground is the same, to the pixel
    assert score_alignment(alignment) < MATCH_SCORE
    assert (alignment.agreement.block_map < 0).mean() > 0.2


def test_nothing_lies_in_a_picture_without_features():
    blank, some = Image.new("RGB", (400, 400), "grey"), photo(0)
    assert aligned(blank, some) is None
    assert aligned(some, blank) is None


def test_a_pattern_that_repeats_is_compared_in_no_time():
    tile = np.zeros((16, 16), np.uint8)
    tile[4:9, 4:9] = 255
    pattern = Image.fromarray(np.tile(tile, (64, 64)))
    alignment = aligned(pattern, photo(0))
    assert alignment is None or score_alignment(alignment) < MATCH_SCORE
    aligned(pattern, pattern.resize((900, 900)))


@pytest.mark.parametrize(("off_px", "is_found"), [(0.0, True), (0.3, True), (0.8, False)])
def test_four_pairs_agree_only_where_they_are_off_by_little(off_px, is_found):
    """Three of them fix a map, so whatever the fourth is, it is nearly right."""
    features = looked_at(photo(0))
    chosen = [0, len(features.points) // 3, len(features.points) // 2, -1]
    corners = np.array([[50, 50], [350, 50], [350, 350], [50, 350]], np.float32)
    # No affine map takes corners to where neighbours are moved to opposite sides.
    shaken = corners + np.float32(off_px) * np.array([[1, 0], [-1, 0], [1, 0], [-1, 0]], np.float32)
    one, other = (
        replace(
            features,
            points=points,
            **{name: getattr(features, name)[chosen] for name in ("sizes", "angles", "descriptors")},
        )
        for points in (corners, shaken)
    )
    assert (align(one, other) is not None) == is_found


def test_the_same_pair_gives_the_same_to_the_last_bit():
    (looks, close), suspect = original_looks(photo(0)), looked_at(photo(0).rotate(3))
    stored = Looks.from_bytes(replace(looks, close=close).to_bytes()).close
    assert stored
    one, other = align(close, suspect), align(stored, suspect)
    assert repr(one) == repr(other)


def test_an_alignment_with_a_part_is_moved_to_the_whole():
    original = photo(0)
    alignment = aligned(original, original)
    assert alignment is not None
    shifted = moved(alignment, (10.0, 20.0))
    assert np.allclose(shifted.matrix - alignment.matrix, [[0, 0, 10], [0, 0, 20]])
    assert shifted.agreement is alignment.agreement
