"""Perceptual hashes against those of imagehash itself."""

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.edits import EDITS, jpeg, photo_paths
from theftwatch.images.decode import decode
from theftwatch.images.fingerprint import SHORT_SIDE_PX, Fingerprint, fingerprint
from theftwatch.images.phash import VariantHash, shrink
from theftwatch.images.trim import trim

SAMPLE = photo_paths()[::20]


def variant(prints: Fingerprint, name: str) -> VariantHash:
    return next(each for each in prints.hashes if each.variant == name)


def deinterleaved(value: int) -> list[int]:
    """Return the 64 bits in imagehash's order; bands of 22, 21 and 21 bits hold every third one."""
    bits = [(value >> (63 - n)) & 1 for n in range(64)]
    order = [n for band in range(3) for n in range(band, 64, 3)]
    return [bit for _, bit in sorted(zip(order, bits, strict=True))]


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.stem)
def test_hashes_are_those_of_imagehash(path):
    data = jpeg(Image.open(path))
    prints, grey = fingerprint(data), shrink(decode(data, short_side_px=SHORT_SIDE_PX).grey)
    for name, image in (("plain", grey), ("mirror", ImageOps.mirror(grey))):
        found = variant(prints, name)
        assert deinterleaved(found.hash) == imagehash.phash(image, 8).hash.ravel().astype(int).tolist()
        bits = np.unpackbits(np.frombuffer(found.hash_256, np.uint8))
        assert bits.tolist() == imagehash.phash(image, 16).hash.ravel().astype(int).tolist()


def test_the_mirror_of_an_image_swaps_its_hashes():
    image = Image.open(SAMPLE[0]).convert("L")
    one, other = fingerprint(jpeg(image, 95)), fingerprint(jpeg(ImageOps.mirror(image), 95))
    difference = variant(one, "mirror").hash ^ variant(other, "plain").hash
    assert (difference & (1 << 64) - 1).bit_count() <= 2


def test_a_plain_border_is_trimmed():
    image = Image.open(SAMPLE[1]).convert("L")
    inside = trim(ImageOps.expand(image, 50, 255))
    assert inside is not None
    assert inside.size == pytest.approx(image.size, abs=12)


@pytest.mark.parametrize("edit", ["bordered", "squared"])
def test_a_padded_copy_has_the_hash_of_its_original_inside(edit):
    for path in SAMPLE:
        original, copy = fingerprint(path.read_bytes()), fingerprint(EDITS[edit](Image.open(path)))
        nearest = min(
            ((one.hash ^ other.hash) & (1 << 64) - 1).bit_count()
            for one in original.hashes
            for other in copy.hashes
            if "mirror" not in one.variant and "mirror" not in other.variant
        )
        assert nearest <= 8, path.name


@pytest.mark.parametrize("colour", ["white", "black", (200, 30, 30)])
def test_nothing_inside_a_border_is_no_picture(colour):
    assert trim(Image.new("RGB", (300, 300), colour).convert("L")) is None


def test_a_picture_without_border_is_not_trimmed():
    noise = np.random.default_rng(1).integers(0, 255, (300, 300)).astype(np.uint8)
    assert trim(Image.fromarray(noise)) is None
