"""Images of every kind that a marketplace, a mistake or malice may serve: each is read whole or refused by name."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.edits import jpeg, photo_paths
from theftwatch.db.records import image_record
from theftwatch.errors import UnusableImageError
from theftwatch.images.decode import MAX_IMAGE_PIXELS, decode
from theftwatch.images.fingerprint import Fingerprint, fingerprint

PHOTO = Image.open(photo_paths()[3]).convert("RGB")


def saved(image: Image.Image, image_format: str, **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def distance(one: Fingerprint, other: Fingerprint) -> int:
    return ((one.hashes[0].hash ^ other.hashes[0].hash) & (1 << 64) - 1).bit_count()


def refused(data: bytes) -> UnusableImageError:
    with pytest.raises(UnusableImageError) as caught:
        fingerprint(data)
    assert image_record(data).unusable_reason == caught.value.reason
    return caught.value


def sixteen_bit() -> Image.Image:
    return Image.fromarray(np.asarray(PHOTO.convert("L")).astype(np.uint16) * 257)


def with_alpha() -> Image.Image:
    image = PHOTO.convert("RGBA")
    image.putalpha(255)
    return image


READABLE = {
    "PNG": lambda: saved(PHOTO, "PNG"),
    "WebP": lambda: saved(PHOTO, "WEBP", quality=80),
    "AVIF": lambda: saved(PHOTO, "AVIF"),
    "GIF": lambda: saved(PHOTO, "GIF"),
    "animated GIF": lambda: saved(PHOTO, "GIF", save_all=True, append_images=[Image.new("RGB", PHOTO.size)] * 3),
    "animated WebP": lambda: saved(PHOTO, "WEBP", save_all=True, append_images=[Image.new("RGB", PHOTO.size)]),
    "CMYK": lambda: saved(PHOTO.convert("CMYK"), "JPEG"),
    "progressive": lambda: saved(PHOTO, "JPEG", progressive=True),
    "palette": lambda: saved(PHOTO.quantize(128), "PNG"),
    "grey": lambda: saved(PHOTO.convert("L"), "PNG"),
    "16 bits": lambda: saved(sixteen_bit(), "PNG"),
    "opaque alpha": lambda: saved(with_alpha(), "PNG"),
    "EXIF of a turned camera": lambda: turned(),  # noqa: PLW0108  defined below
    "bytes after the end": lambda: jpeg(PHOTO) + b"\r\n<!-- served by a careless host -->",
}


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(PHOTO.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


@pytest.mark.parametrize("kind", READABLE)
def test_the_same_photo_in_any_form_has_the_same_hash(kind):
    found = fingerprint(READABLE[kind]())
    assert (found.width_px, found.height_px) == PHOTO.size
    assert distance(found, fingerprint(jpeg(PHOTO, 95))) <= 4


def test_what_is_transparent_is_white():
    image = PHOTO.convert("RGBA")
    image.putalpha(0)
    assert refused(saved(image, "PNG")).reason == "flat"


def test_a_large_jpeg_is_decoded_small():
    decoded = decode(jpeg(PHOTO.resize((1600, 1600))), short_side_px=288)
    assert (decoded.width_px, decoded.height_px) == (1600, 1600)
    assert 288 <= min(decoded.grey.size) < 800


def bomb(side_px: int = 60_000) -> bytes:
    """A PNG of a few bytes that claims more pixels than memory holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


REFUSED = {
    "empty": (b"", "empty"),
    "a page in the place of an image": (b"<!DOCTYPE html><html><body>Not found</body></html>", "not_an_image"),
    "text": (b"x" * 999, "not_an_image"),
    "cut off in the middle": (jpeg(PHOTO)[:-4000], "truncated"),
    "cut off after the head": (jpeg(PHOTO)[:600], "truncated"),
    "cut off in the middle, and ended by a proxy": (jpeg(PHOTO)[:-4000] + b"\xff\xd9", "truncated"),
    "cut off in the last row, and ended by a proxy": (jpeg(PHOTO)[:-40] + b"\xff\xd9", "truncated"),
    "a PNG cut off": (saved(PHOTO, "PNG")[:-9000], "truncated"),
    "a TIFF": (saved(PHOTO, "TIFF"), "format"),
    "a BMP": (saved(PHOTO, "BMP"), "format"),
    "one pixel": (saved(Image.new("RGB", (1, 1)), "PNG"), "too_small"),
    "a rule": (saved(PHOTO.resize((2000, 40)), "PNG"), "too_narrow"),
    "white": (saved(Image.new("RGB", (500, 500), "white"), "PNG"), "flat"),
    "nearly one colour": (jpeg(Image.new("RGB", (500, 500), (128, 130, 128)), 40), "flat"),
    "a bomb": (bomb(), "too_large"),
    "a hundred thousand pixels a side": (bomb(100_000), "too_large"),
    "a drawing with a script": (
        b'<?xml version="1.0"?><svg onload="alert(1)"><script>alert(1)</script></svg>',
        "not_an_image",
    ),
    "entities by the billion": (b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><svg>&d;</svg>', "not_an_image"),
    "PostScript, which Pillow would hand to a program": (saved(PHOTO, "EPS"), "format"),
    "a document": (saved(PHOTO, "PDF"), "not_an_image"),
    "an archive": (b"PK\x03\x04" + bytes(999), "not_an_image"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_compared_is_refused_by_name(kind):
    data, reason = REFUSED[kind]
    error = refused(data)
    assert error.reason == reason
    assert len(str(error).splitlines()) == 1


def test_what_is_an_image_and_something_else_is_an_image_alone():
    page = b"<script>alert(1)</script>"
    for data in (saved(PHOTO, "GIF") + page, saved(PHOTO, "JPEG", comment=page), saved(PHOTO, "PNG") + b"PK\x03\x04"):
        assert fingerprint(data).format in {"GIF", "JPEG", "PNG"}


def test_a_grey_corner_is_no_lack_of_bytes():
    grey = PHOTO.copy()
    grey.paste((128, 128, 128), (0, 300, *grey.size))
    assert fingerprint(jpeg(grey)).format == "JPEG"


def test_a_refused_image_keeps_what_is_known_of_it():
    error = refused(bomb())
    assert (error.image_format, error.width_px, error.height_px) == ("PNG", 60_000, 60_000)
    assert MAX_IMAGE_PIXELS < 60_000**2


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_is_refused_or_read_and_never_worse(seed):
    data = bytearray(READABLE[sorted(READABLE)[seed % len(READABLE)]]())
    random = np.random.default_rng(seed)
    for at in random.integers(0, len(data), 30):
        data[at] = random.integers(0, 256)
    record = image_record(bytes(data))
    assert record.unusable_reason != "failed"
    assert record.unusable_reason is not None or len(record.hashes) >= 2
