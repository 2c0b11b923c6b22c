"""Looks at an original: packed and unpacked whole, refused where they are not, and close only where that was wanted."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.edits import photo_paths
from theftwatch.images.features import LocalFeatures, local_features, mirror_features, to_grey
from theftwatch.images.looks import CLOSE_LOOK, FIRST_LOOK, KEPT_SIDE_PX, Looks, first_looks, look_closely

PHOTOS = [Image.open(photo_paths()[index]).convert("L") for index in (0, 44, 109)]


def looked_at(photo: Image.Image) -> Looks:
    looks = first_looks(photo)
    return Looks(first=looks.first, close=look_closely(looks, photo), picture=looks.picture)


def same(one: LocalFeatures | None, other: LocalFeatures | None) -> bool:
    if one is None or other is None:
        return one is other
    names = ("points", "sizes", "angles", "descriptors", "grey")
    return (one.width_px, one.height_px) == (other.width_px, other.height_px) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


@pytest.mark.parametrize("look", [first_looks, looked_at])
@pytest.mark.parametrize("photo", PHOTOS)
def test_what_was_packed_is_unpacked_whole(photo, look):
    looks = look(photo)
    packed = looks.to_bytes()
    unpacked = Looks.from_bytes(packed)
    assert same(unpacked.first, looks.first)
    assert same(unpacked.close, looks.close)
    assert unpacked.to_bytes() == packed
    # A database of a million originals is meant to fit on a disk.
    assert len(packed) < 200_000


def test_the_first_look_is_small_and_the_close_one_larger():
    looks = looked_at(PHOTOS[0])
    assert looks.close
    for features, scale in ((looks.first, FIRST_LOOK), (looks.close, CLOSE_LOOK)):
        assert scale.few <= len(features.points) <= scale.most
        assert max(features.width_px, features.height_px) == scale.long_side_px
        assert max(features.grey.shape) == KEPT_SIDE_PX


def test_a_thin_piece_is_looked_at_closely_at_the_larger_scale_at_once():
    """Its first look has told that it is thin."""
    ring = Image.new("L", (600, 600), 255)
    ImageDraw.Draw(ring).ellipse((200, 200, 400, 400), outline=90, width=4)
    looks = looked_at(ring)
    assert looks.close
    assert max(looks.first.width_px, looks.first.height_px) == FIRST_LOOK.closer_px
    assert max(looks.close.width_px, looks.close.height_px) == CLOSE_LOOK.closer_px


def test_a_first_look_at_a_thin_piece_has_what_it_shows_at_both_scales():
    pearls = Image.new("L", (600, 600), 255)
    for x in range(60, 560, 90):
        ImageDraw.Draw(pearls).ellipse((x, 280 + x // 9, x + 20 + x // 20, 310 + x // 9), fill=90, outline=30, width=3)
    grey = to_grey(pearls)
    smaller, larger = (
        local_features(grey, replace(FIRST_LOOK, long_side_px=side_px, few=0))
        for side_px in (FIRST_LOOK.long_side_px, FIRST_LOOK.closer_px)
    )
    grown = np.float32(FIRST_LOOK.closer_px / FIRST_LOOK.long_side_px)
    # A pixel's middle is half a pixel from where it begins, and points are found a quarter to the right of theirs.
    placed = (smaller.points + np.float32(0.25)) * grown - np.float32(0.25)
    found = first_looks(pearls).first
    assert 0 < len(smaller.points) < FIRST_LOOK.few
    assert found.width_px == larger.width_px
    assert np.array_equal(found.points, [*larger.points, *placed])
    assert np.array_equal(found.sizes, [*larger.sizes, *smaller.sizes * grown])
    assert np.array_equal(found.angles, [*larger.angles, *smaller.angles])
    assert np.array_equal(found.descriptors, [*larger.descriptors, *smaller.descriptors])


@pytest.mark.parametrize("size", [(24, 240), (240, 24), (24, 24), (2000, 200)])
def test_a_picture_of_any_shape_is_looked_at(size):
    looks = looked_at(PHOTOS[0].resize(size))
    assert same(Looks.from_bytes(looks.to_bytes()).close, looks.close)


def test_a_picture_without_any_features_is_packed_too():
    looks = looked_at(Image.new("L", (300, 200), 128))
    unpacked = Looks.from_bytes(looks.to_bytes())
    for features in (unpacked.first, unpacked.close):
        assert features
        assert (features.points.shape, features.descriptors.shape) == ((0, 2), (0, 128))
        assert same(mirror_features(mirror_features(features)), features)
    assert same(unpacked.close, looks.close)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4, 255])
def test_those_of_another_version_are_refused(version):
    packed = bytearray(first_looks(PHOTOS[0]).to_bytes())
    packed[0] = version
    with pytest.raises(ValueError, match=f"version {version} where 5 is read"):
        Looks.from_bytes(bytes(packed))


@pytest.mark.parametrize("cut", [0, 3, 15, 16, 1000, -1000, -1])
def test_what_was_cut_short_is_refused(cut):
    packed = looked_at(PHOTOS[0]).to_bytes()
    with pytest.raises(ValueError, match="compute them anew"):
        Looks.from_bytes(packed[:cut])


def test_what_has_no_first_look_is_refused():
    packed = bytearray(first_looks(PHOTOS[0]).to_bytes())
    packed[2:8] = bytes(6)
    with pytest.raises(ValueError, match="compute them anew"):
        Looks.from_bytes(bytes(packed))
