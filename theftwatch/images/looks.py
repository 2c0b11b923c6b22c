"""What is kept of an original: its local features by two looks, and a small picture of it, packed into bytes.

A first look finds few features of a small picture. That is enough to tell nearly all pictures that have nothing in
common. Only where it finds a trace, as of all copies of the tuning set, is a close look taken, on which decisions rest.
"""

import struct
from dataclasses import dataclass, replace
from itertools import batched, chain
from typing import Self

import numpy as np
from PIL import Image

from theftwatch.images.features import (
    COLUMNS,
    LocalFeatures,
    PackedPicture,
    Scale,
    features_at_both,
    is_thin,
    local_features,
    to_grey,
    to_long_side,
)

#: Few features of a small picture; of thin pieces those of a larger one as well, as a cut of them has hardly any
FIRST_LOOK = Scale(long_side_px=256, most=200, few=60, closer_px=448)
#: Those that decide
CLOSE_LOOK = Scale(long_side_px=384, most=500, few=167, closer_px=512)
#: Long side of the grey picture kept beside the features
KEPT_SIDE_PX = 256

_VERSION = 5
_PNG_START, _PNG_END = b"\x89PNG", b"IEND\xaeB`\x82"
#: Version; of each look how many features it found, and width and height that they are in: 0 where it was not taken
_HEADER = struct.Struct("<H3H3H2x")
#: Place, size and angle of a feature, and its description
_FLOATS, _FEATURE_BYTES = 4, 4 * 4 + COLUMNS


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """What is kept of an original."""

    first: LocalFeatures
    #: None where no comparison needed it yet
    close: LocalFeatures | None = None
    #: The original made small, in which the features of both looks are compared with other pictures
    picture: PackedPicture

    def to_bytes(self) -> bytes:
        """Return the looks as they are stored."""
        looks = (self.first, self.close)
        sizes = [(len(each.points), each.width_px, each.height_px) if each else (0, 0, 0) for each in looks]
        return b"".join([_HEADER.pack(_VERSION, *chain(*sizes)), *map(_pack, filter(None, looks)), self.picture.png])

    @staticmethod
    def are_close(data: bytes) -> bool:
        """Tell whether a close look is among those that were stored."""
        *_, height_px = _HEADER.unpack_from(data)
        return bool(height_px)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the looks that were stored; raises ValueError for those of another version, or cut short."""
        version = data[0] if data else None
        if version != _VERSION:
            raise ValueError(f"features of version {version} where {_VERSION} is read; compute them anew")
        if len(data) < _HEADER.size:
            raise _cut_short()
        _, *sizes = _HEADER.unpack_from(data)
        png = data[_HEADER.size + _FEATURE_BYTES * (sizes[0] + sizes[3]) :]
        if not (png.startswith(_PNG_START) and png.endswith(_PNG_END)):
            raise _cut_short()
        picture, at = PackedPicture(png), _HEADER.size
        looks = []
        for count, width_px, height_px in batched(sizes, 3, strict=True):
            looks.append(_unpack(data, at, count, (width_px, height_px), picture) if width_px else None)
            at += _FEATURE_BYTES * count
        first, close = looks
        if first is None:
            raise _cut_short()
        return cls(first=first, close=close, picture=picture)


def first_looks(grey: Image.Image) -> Looks:
    """Look at an original for the first time."""
    picture = to_grey(grey)
    kept = PackedPicture.of(to_long_side(picture, KEPT_SIDE_PX))
    return Looks(first=replace(features_at_both(picture, FIRST_LOOK), picture=kept), picture=kept)


def look_closely(looks: Looks, grey: Image.Image) -> LocalFeatures:
    """Return what a close look finds at an original that was looked at before."""
    found = local_features(to_grey(grey), CLOSE_LOOK, thin=is_thin(looks.first, CLOSE_LOOK))
    return replace(found, picture=looks.picture)


def _pack(features: LocalFeatures) -> bytes:
    arrays = (features.points, features.sizes, features.angles, features.descriptors)
    return b"".join(array.tobytes() for array in arrays)


def _unpack(data: bytes, at: int, count: int, size_px: tuple[int, int], picture: PackedPicture) -> LocalFeatures:
    floats = np.frombuffer(data, np.float32, _FLOATS * count, at)
    return LocalFeatures(
        width_px=size_px[0],
        height_px=size_px[1],
        points=floats[: 2 * count].reshape(count, 2),
        sizes=floats[2 * count : 3 * count],
        angles=floats[3 * count :],
        descriptors=np.frombuffer(data, np.uint8, COLUMNS * count, at + floats.nbytes).reshape(count, COLUMNS),
        picture=picture,
    )


def _cut_short() -> ValueError:
    return ValueError("features that were cut short; compute them anew")
