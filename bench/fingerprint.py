"""Fingerprinting a JPEG of 1200 pixels.

By hashes alone, against its decode and against imagehash on the full picture; with the neural descriptor, against what
the network itself takes.
"""

import time
from collections.abc import Callable, Sequence
from importlib import resources
from io import BytesIO

import imagehash
from PIL import Image, ImageOps

from bench.result import Goal, Measure, Result
from bench.setting import set_to
from theftwatch.images.decode import decode
from theftwatch.images.descriptor import SIDE_PX, describe, model
from theftwatch.images.fingerprint import SHORT_SIDE_PX, fingerprint

SIZE = 40
QUICK_SIZE = 8
UNIT = "photos"

_LONG_SIDE_PX = 1200
_QUALITY = 88
_ROUNDS = 5


def measure(size: int) -> Result:
    """Measure the processor time of one photo in each way, round by round in turn."""
    photos = large_photos(size)
    with set_to(descriptor="off"):
        decoding, ours, full = hashing = _measures(
            {
                "decode at the shipped scale": lambda data: decode(data, short_side_px=SHORT_SIDE_PX),
                "fingerprint by hashes: 64 and 256 bits, image and mirror": fingerprint,
                "the same imagehash calls on a full decode": hash_full,
            },
            photos,
        )
    with set_to(descriptor="distilled"):
        if model() is None:
            described, note = [], "The descriptor is left out, as its packages are not installed"
        else:
            described, note = _measure_described(photos), "The network: the distilled one, on one thread"
    return Result(
        title=f"Fingerprint of a JPEG of {_LONG_SIDE_PX} px ({sum(map(len, photos)) / len(photos) / 1000:.0f} kB)",
        measures=[*hashing, *described],
        goals=[
            Goal(text="fingerprint by hashes against decode", ratio=ours.median / decoding.median, most=2),
            Goal(
                text="imagehash on a full decode against fingerprint by hashes",
                ratio=full.median / ours.median,
                least=4,
            ),
            *(
                Goal(text="fingerprint with the descriptor against the network alone", ratio=ratio, most=1.6)
                for ratio in ([described[1].median / described[0].median] if described else [])
            ),
        ],
        notes=["The demo's photos, enlarged; processor time of one thread.", note],
    )


def _measure_described(photos: Sequence[bytes]) -> list[Measure]:
    greys = (decode(data, short_side_px=SHORT_SIDE_PX).grey for data in photos)
    squeezed = dict(zip(photos, (grey.resize((SIDE_PX, SIDE_PX)) for grey in greys), strict=True))
    return _measures(
        {
            "the network alone, given the squeezed picture": lambda data: describe(squeezed[data], side_px=SIDE_PX),
            "fingerprint by hashes and descriptor": fingerprint,
        },
        photos,
    )


def _measures(ways: dict[str, Callable[[bytes], object]], photos: Sequence[bytes]) -> list[Measure]:
    times_ms: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            times_ms[name].append(_milliseconds(way, photos))
    return [Measure(name=name, values=values, unit="ms a photo") for name, values in times_ms.items()]


def large_photos(count: int) -> list[bytes]:
    """Return the demo's first photos at the size that marketplaces serve."""
    folder = resources.files("theftwatch.demo").joinpath("photos")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".jpg")), key=lambda file: file.name)
    return [_enlarged(file.read_bytes()) for file in files[:count]]


def hash_full(data: bytes) -> list[imagehash.ImageHash]:
    """Hash an image the plain way: decode it whole, and ask imagehash for each hash of it and of its mirror."""
    image = Image.open(BytesIO(data))
    image.load()
    return [imagehash.phash(each, size) for each in (image, ImageOps.mirror(image)) for size in (8, 16)]


def _enlarged(data: bytes) -> bytes:
    image = Image.open(BytesIO(data)).convert("RGB")
    scale = _LONG_SIDE_PX / max(image.size)
    size = round(image.width * scale), round(image.height * scale)
    buffer = BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _milliseconds(way: Callable[[bytes], object], photos: Sequence[bytes]) -> float:
    started_s = time.process_time()
    for data in photos:
        way(data)
    return (time.process_time() - started_s) / len(photos) * 1000
