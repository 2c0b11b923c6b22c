"""Local features: those of a mirror without looking at it, the same in every thread, and as many as are wanted."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.edits import photo_paths
from theftwatch.images.features import (
    LocalFeatures,
    Scale,
    is_pattern,
    is_thin,
    local_features,
    mirror_features,
    to_grey,
)

SCALE = Scale(long_side_px=384, most=500, few=0, closer_px=0)
PHOTOS = [Image.open(photo_paths()[index]).convert("L") for index in (0, 44, 109)]


def found_in(photo: Image.Image) -> LocalFeatures:
    return local_features(to_grey(photo), SCALE)


@pytest.mark.parametrize("photo", PHOTOS)
def test_those_of_the_mirror_are_found_without_looking(photo):
    """Nearly all points that are found in the mirrored picture are told from the plain one, described alike."""
    told = mirror_features(found_in(photo))
    found = found_in(ImageOps.mirror(photo))
    assert np.abs(told.grey.astype(int) - found.grey).max() <= 1
    near = np.linalg.norm(told.points[:, None] - found.points[None], axis=2)
    turned = np.abs((told.angles[:, None] - found.angles[None] + np.pi) % (2 * np.pi) - np.pi)
    # A point may have several directions: the nearest in place and direction is the same one.
    partner = (near + 10 * turned).argmin(axis=1)
    rows = np.arange(len(partner))
    same_place = (near[rows, partner] < 0.1) & (turned[rows, partner] < 0.05)
    assert same_place.mean() > 0.75
    ours, theirs = told.descriptors[same_place].astype(int), found.descriptors[partner[same_place]].astype(int)
    assert np.median(np.linalg.norm(ours - theirs, axis=1)) < 40  # of 512, the length of each
    apart = np.linalg.norm(ours - np.roll(theirs, 1, axis=0), axis=1)
    assert np.median(apart) > 200


def test_the_mirror_of_the_mirror_is_the_picture():
    features = found_in(PHOTOS[0])
    twice = mirror_features(mirror_features(features))
    assert np.array_equal(twice.descriptors, features.descriptors)
    assert np.allclose(twice.points, features.points, atol=1e-4)
    assert np.allclose(twice.angles, features.angles, atol=1e-5)


def test_they_are_the_same_in_every_thread():
    one = found_in(PHOTOS[1])
    with ThreadPoolExecutor(4) as threads:
        for other in threads.map(lambda _: found_in(PHOTOS[1]), range(8)):
            assert all(
                np.array_equal(getattr(one, name), getattr(other, name))
                for name in ("points", "sizes", "angles", "descriptors", "grey")
            )


def test_a_pattern_that_repeats_has_no_more_features_than_wanted():
    """Thousands of points are as strong as each other there; comparing them all would take minutes and a gigabyte."""
    tile = np.zeros((16, 16), np.uint8)
    tile[4:9, 4:9] = 255
    features = local_features(np.tile(tile, (64, 64)), SCALE)
    assert len(features.points) == len(features.descriptors) == 500
    assert is_pattern(features)


@pytest.mark.parametrize("photo", [*PHOTOS, Image.new("L", (300, 200), 128)])
def test_neither_a_photo_nor_plain_ground_is_a_pattern(photo):
    assert not is_pattern(found_in(photo))


def test_a_thin_piece_is_looked_at_larger_and_once_where_it_is_known_to_be_thin():
    ring = Image.new("L", (600, 600), 255)
    ImageDraw.Draw(ring).ellipse((200, 200, 400, 400), outline=90, width=4)
    scale = Scale(long_side_px=256, most=200, few=60, closer_px=448)
    tried, known = (local_features(to_grey(ring), scale, thin=thin) for thin in (False, True))
    assert is_thin(tried, scale)
    assert (tried.width_px, tried.height_px) == (known.width_px, known.height_px) == (448, 448)
    assert np.array_equal(tried.descriptors, known.descriptors)
    assert not is_thin(local_features(to_grey(PHOTOS[0]), scale), scale)
