"""Local features: packed and unpacked whole, and those of a mirror without looking at it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.edits import photo_paths
from theftwatch.images.features import (
    KEPT_SIDE_PX,
    ORIGINAL,
    LocalFeatures,
    Scale,
    local_features,
    mirror_features,
    original_features,
    to_grey,
)

SCALE = Scale(long_side_px=384, most=500, few=0, closer_px=0)
PHOTOS = [Image.open(photo_paths()[index]).convert("L") for index in (0, 44, 109)]


def same(one: LocalFeatures, other: LocalFeatures) -> bool:
    names = ("points", "sizes", "angles", "descriptors", "grey")
    return (one.width_px, one.height_px) == (other.width_px, other.height_px) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


@pytest.mark.parametrize("photo", PHOTOS)
def test_what_was_packed_is_unpacked_whole(photo):
    features = original_features(photo)
    packed = features.to_bytes()
    assert same(LocalFeatures.from_bytes(packed), features)
    assert LocalFeatures.from_bytes(packed).to_bytes() == packed
    assert len(features.points) <= ORIGINAL.most
    assert max(features.width_px, features.height_px) == ORIGINAL.long_side_px
    assert max(features.grey.shape) == KEPT_SIDE_PX
    # A database of a million originals is meant to fit on a disk.
    assert len(packed) < 150_000


def test_a_picture_without_any_features_is_packed_too():
    features = original_features(Image.new("L", (300, 200), 128))
    assert (features.points.shape, features.descriptors.shape) == ((0, 2), (0, 128))
    assert same(LocalFeatures.from_bytes(features.to_bytes()), features)
    assert same(mirror_features(mirror_features(features)), features)


@pytest.mark.parametrize("version", [0, 1, 255])
def test_those_of_another_version_are_refused(version):
    packed = bytearray(original_features(PHOTOS[0]).to_bytes())
    packed[0] = version
    with pytest.raises(ValueError, match=f"version {version} where 2 is read"):
        LocalFeatures.from_bytes(bytes(packed))


@pytest.mark.parametrize("cut", [0, 3, 7, 1000, -1000, -1])
def test_what_was_cut_short_is_refused(cut):
    packed = original_features(PHOTOS[0]).to_bytes()
    with pytest.raises(ValueError, match=r"compute them anew|buffer"):
        LocalFeatures.from_bytes(packed[:cut])


@pytest.mark.parametrize("photo", PHOTOS)
def test_those_of_the_mirror_are_found_without_looking(photo):
    """Nearly all points that are found in the mirrored picture are told from the plain one, described alike."""
    told = mirror_features(local_features(to_grey(photo), SCALE))
    found = local_features(to_grey(ImageOps.mirror(photo)), SCALE)
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
    features = original_features(PHOTOS[0])
    twice = mirror_features(mirror_features(features))
    assert np.array_equal(twice.descriptors, features.descriptors)
    assert np.allclose(twice.points, features.points, atol=1e-4)
    assert np.allclose(twice.angles, features.angles, atol=1e-5)


def test_they_are_the_same_in_every_thread():
    with ThreadPoolExecutor(4) as threads:
        packed = set(threads.map(lambda _: original_features(PHOTOS[1]).to_bytes(), range(8)))
    assert packed == {original_features(PHOTOS[1]).to_bytes()}


def test_a_pattern_that_repeats_has_no_more_features_than_wanted():
    """Thousands of points are as strong as each other there; comparing them all would take minutes and a gigabyte."""
    tile = np.zeros((16, 16), np.uint8)
    tile[4:9, 4:9] = 255
    features = local_features(np.tile(tile, (64, 64)), SCALE)
    assert len(features.points) == len(features.descriptors) == 500


@pytest.mark.parametrize("size", [(24, 240), (240, 24), (24, 24), (2000, 200)])
def test_a_picture_of_any_shape_has_features(size):
    features = original_features(PHOTOS[0].resize(size))
    assert same(LocalFeatures.from_bytes(features.to_bytes()), features)
