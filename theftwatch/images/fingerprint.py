"""What is computed from an image for recognition when it is stored: hashes of its variants, and its descriptor."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from theftwatch.errors import UnusableImageError
from theftwatch.images.decode import Decoded, decode
from theftwatch.images.descriptor import SIDE_PX, Descriptor, describe
from theftwatch.images.phash import VariantHash, hash_variants, shrink
from theftwatch.images.trim import trim

#: Short side asked of the decoder; a border is found to the pixel at this scale
SHORT_SIDE_PX = 288
_FLAT_STD = 4.0
_FLAT_EDGES = 0.02
_EDGE_STEP = 6
_GATE_PX = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """What is computed from an image for recognition."""

    format: str
    width_px: int
    height_px: int
    #: plain and mirror; trimmed and trimmed_mirror where the image has a plain border
    hashes: tuple[VariantHash, ...]
    #: None where no network is in use
    descriptor: Descriptor | None


def fingerprint(data: bytes) -> Fingerprint:
    """Fingerprint an image.

    Raises UnusableImageError.
    """
    decoded = decode(data, short_side_px=SHORT_SIDE_PX)
    small = shrink(decoded.grey)
    _refuse_flat(decoded, small)
    hashes = hash_variants("plain", "mirror", small)
    inside = trim(decoded.grey)
    if inside is not None:
        hashes += hash_variants("trimmed", "trimmed_mirror", shrink(inside))
    return Fingerprint(
        format=decoded.format,
        width_px=decoded.width_px,
        height_px=decoded.height_px,
        hashes=tuple(hashes),
        descriptor=describe(decoded.grey, side_px=SIDE_PX),
    )


def _refuse_flat(decoded: Decoded, small: Image.Image) -> None:
    square = np.asarray(small.resize((_GATE_PX, _GATE_PX), Image.Resampling.BOX), np.uint8)
    here, above, left = square[1:, 1:], square[:-1, 1:], square[1:, :-1]
    steps = cv2.add(cv2.absdiff(here, above), cv2.absdiff(here, left))  # beyond 255 it stays there
    if square.std() < _FLAT_STD or (steps > _EDGE_STEP).mean() < _FLAT_EDGES:
        raise UnusableImageError(
            "flat",
            "the image is all but one colour, so everything flat would match it",
            image_format=decoded.format,
            width_px=decoded.width_px,
            height_px=decoded.height_px,
        )
