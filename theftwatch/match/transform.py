"""What was done to a photo between the original and the suspect, read off their alignment."""

import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.features import Alignment, Grey

type Box = tuple[float, float, float, float]

#: Smaller differences than these are noise of the measurement
_SHOWN_WHOLE = 0.97
_STRAIGHT_DEGREES = 1.5
_SAME_SCALE = 0.03
_SAME_SHAPE = 0.04
#: Share of the suspect that the photo fills when nothing is around it
_FILLED = 0.95
#: Grey levels that a border of one colour varies by, recompressed
_PLAIN_STD = 8.0
_EDGE_PX = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Transform:
    """How the original lies in the suspect image."""

    mirrored: bool
    #: Size in the suspect image relative to the original, in pixels of the files
    scale: float
    #: Width relative to height, compared with the original; 1 where it was not stretched
    stretch: float
    rotation_degrees: float
    #: Share of the original that the suspect shows, 0 to 1
    shown: float
    #: Left, top, right and bottom of the part of the original that is shown, as shares of its width and height
    crop: Box
    #: Left, top, right and bottom of where it lies in the suspect, as shares of its width and height
    place: Box
    #: What is around it there: nothing, a border of one colour, or something else
    around: Literal["nothing", "border", "picture"]

    def as_json(self) -> dict[str, object]:
        """Return the values as they are stored and printed."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def read_transform(
    alignment: Alignment,
    original: Grey,
    suspect: Grey,
    widths_px: tuple[int, int],
    *,
    mirrored: bool,
) -> Transform:
    """Read a transform off an alignment of two working pictures, whose files have other widths."""
    matrix = alignment.matrix
    original_shape, suspect_shape = original.shape, suspect.shape
    # Lengths of the images of the two unit vectors, from working pixels to those of the files
    to_file = (widths_px[1] / suspect_shape[1]) / (widths_px[0] / original_shape[1])
    across, down = np.linalg.norm(matrix[:, 0]), np.linalg.norm(matrix[:, 1])
    place = _box(matrix, original_shape, suspect_shape)
    crop = _box(_inverse(matrix), suspect_shape, original_shape)
    if mirrored:
        crop = (1 - crop[2], crop[1], 1 - crop[0], crop[3])
    return Transform(
        mirrored=mirrored,
        scale=round(float(math.sqrt(across * down)) * to_file, 3),
        stretch=round(float(across / down), 3),
        rotation_degrees=round(math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])), 1),
        shown=round(alignment.shown, 3),
        crop=_rounded(crop),
        place=_rounded(place),
        around=_around(suspect, place),
    )


def describe(transform: Transform) -> str:
    """Return a transform in words, such as "mirrored, resized to 60 %, with a plain border"."""
    words = ["mirrored"] if transform.mirrored else []
    if transform.shown < _SHOWN_WHOLE:
        words.append(f"cropped to {transform.shown:.0%}".replace("%", " %"))
    if abs(transform.rotation_degrees) >= _STRAIGHT_DEGREES:
        words.append(f"turned by {transform.rotation_degrees:g} degrees")
    if abs(transform.stretch - 1) >= _SAME_SHAPE:
        words.append("stretched")
    if abs(transform.scale - 1) >= _SAME_SCALE:
        words.append(f"resized to {round(transform.scale * 100)} %")
    if transform.around != "nothing":
        words.append("with a plain border" if transform.around == "border" else "with something around it")
    return ", ".join(words) if words else "the same photo, stored anew"


def _around(suspect: Grey, place: Box) -> Literal["nothing", "border", "picture"]:
    left, top, right, bottom = place
    if (right - left) * (bottom - top) >= _FILLED:
        return "nothing"
    height, width = suspect.shape
    inside = np.zeros(suspect.shape, bool)
    # A little wider than measured, so that the edge of the photo does not count as what is around it.
    rows = slice(max(0, math.floor(top * height) - _EDGE_PX), math.ceil(bottom * height) + _EDGE_PX)
    columns = slice(max(0, math.floor(left * width) - _EDGE_PX), math.ceil(right * width) + _EDGE_PX)
    inside[rows, columns] = True
    outside = suspect[~inside]
    return "border" if not len(outside) or outside.std() < _PLAIN_STD else "picture"


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = np.linalg.inv(matrix[:, :2])
    return np.column_stack([turned, -turned @ matrix[:, 2]])


def _box(matrix: NDArray[np.float64], shape: tuple[int, ...], other: tuple[int, ...]) -> Box:
    """Return the box around a picture moved into another, cut at the other's edges, as shares of it."""
    height, width = shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    xs, ys = corners[:, 0] / other[1], corners[:, 1] / other[0]
    left, top = max(0.0, float(xs.min())), max(0.0, float(ys.min()))
    return left, top, min(1.0, float(xs.max())), min(1.0, float(ys.max()))


def _rounded(box: Box) -> Box:
    left, top, right, bottom = (round(min(1.0, max(0.0, value)), 3) for value in box)
    return left, top, right, bottom
