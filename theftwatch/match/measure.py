"""What was done to a photo between the original and the suspect, measured on their alignment."""

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from theftwatch.images.agreement import CUT_OUT_SHARE
from theftwatch.images.align import Alignment
from theftwatch.images.features import Grey
from theftwatch.match.transform import Box, Covered, Size, Transform

#: Share of the suspect that the photo fills when nothing is around it
_FILLED = 0.95
#: Grey levels that a border of one colour varies by, recompressed
_PLAIN_STD = 8.0
_EDGE = 0.015
#: Share of what is shown from which something that covers it is told
_COVERED_MIN = 0.02


def measure_transform(
    alignment: Alignment, original_size: Size, suspect_size: Size, files: tuple[Size, Size], suspect: Grey
) -> Transform:
    """Measure a transform on an alignment of two working pictures of given sizes.

    `files` are the sizes of the images, original first; `suspect` is the suspect picture at any scale.
    """
    matrix = alignment.matrix
    # Lengths of the images of the two unit vectors, from working pixels to those of the files
    to_file = (files[1][0] / suspect_size[0]) / (files[0][0] / original_size[0])
    across, down = np.linalg.norm(matrix[:, 0]), np.linalg.norm(matrix[:, 1])
    place = _box(matrix, original_size, suspect_size)
    cut_out = alignment.agreement.plain_share >= CUT_OUT_SHARE
    crop = _box(_inverse(matrix), suspect_size, original_size)
    if alignment.mirrored:
        crop = (1 - crop[2], crop[1], 1 - crop[0], crop[3])
    return Transform(
        mirrored=alignment.mirrored,
        scale=round(float(math.sqrt(across * down)) * to_file, 3),
        stretch=round(float(across / down), 3),
        rotation_degrees=_rounded_to(math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])), 1),
        shown=round(alignment.agreement.shown, 3),
        crop=_rounded(crop),
        place=_rounded(place),
        around=_around(suspect, place),
        matrix=_relative(matrix, original_size, suspect_size),
        covered=() if cut_out else _covered(alignment),
        cut_out=cut_out,
        tilt=round(alignment.tilt, 3),
    )


def _around(suspect: Grey, place: Box) -> Literal["nothing", "border", "picture"]:
    left, top, right, bottom = place
    if (right - left) * (bottom - top) >= _FILLED:
        return "nothing"
    height, width = suspect.shape
    inside = np.zeros(suspect.shape, bool)
    # A little wider than measured, so that the edge of the photo does not count as what is around it.
    rows = slice(max(0, math.floor((top - _EDGE) * height)), math.ceil((bottom + _EDGE) * height))
    columns = slice(max(0, math.floor((left - _EDGE) * width)), math.ceil((right + _EDGE) * width))
    inside[rows, columns] = True
    outside = suspect[~inside]
    return "border" if not len(outside) or outside.std() < _PLAIN_STD else "picture"


def _covered(alignment: Alignment) -> tuple[Covered, ...]:
    """Return what lies over the photo, the largest first: blocks side by side that show something else."""
    other = (alignment.agreement.block_map < 0).astype(np.uint8)
    count, labels, figures, centres = cv2.connectedComponentsWithStats(other, connectivity=8)
    height, width = other.shape
    # What lies only in the outermost blocks is the neighbourhood of the photo and not over it.
    within = set(np.unique(labels[1:-1, 1:-1]).tolist())
    found = [
        Covered(
            where=_where(float(x + 0.5) / width, float(y + 0.5) / height),
            share=round(float(figures[index, cv2.CC_STAT_AREA]) / other.size, 3),
        )
        for index, (x, y) in zip(range(1, count), centres[1:], strict=True)
        if index in within
    ]
    large = [each for each in found if each.share >= _COVERED_MIN]
    return tuple(sorted(large, key=lambda each: (-each.share, each.where)))


def _where(x: float, y: float) -> str:
    """Name a place by thirds, such as "lower right"."""
    row, column = (min(2, int(3 * share)) for share in (y, x))
    return (
        ("upper left", "top", "upper right"),
        ("left", "middle", "right"),
        ("lower left", "bottom", "lower right"),
    )[row][column]


def _relative(matrix: NDArray[np.float64], size: Size, other: Size) -> tuple[tuple[float, ...], ...]:
    """Return a map of pixels as one of shares."""
    rows = matrix * [size[0], size[1], 1] / np.array([[other[0]], [other[1]]])
    return tuple(tuple(_rounded_to(float(value), 5) for value in row) for row in rows)


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = np.linalg.inv(matrix[:, :2])
    return np.column_stack([turned, -turned @ matrix[:, 2]])


def _box(matrix: NDArray[np.float64], size: Size, other: Size) -> Box:
    """Return the box around a picture moved into another, cut at the other's edges, as shares of it."""
    width, height = size
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    xs, ys = corners[:, 0] / other[0], corners[:, 1] / other[1]
    left, top = max(0.0, float(xs.min())), max(0.0, float(ys.min()))
    return left, top, min(1.0, float(xs.max())), min(1.0, float(ys.max()))


def _rounded_to(value: float, places: int) -> float:
    return round(value, places) + 0.0  # never -0.0, which the record does not tell from 0.0


def _rounded(box: Box) -> Box:
    left, top, right, bottom = (round(min(1.0, max(0.0, value)), 3) for value in box)
    return left, top, right, bottom
