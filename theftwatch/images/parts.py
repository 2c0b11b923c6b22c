"""Parts of a picture that may be photos of their own: tiles of a collage, a photo pasted into another or a template.

Whoever puts pictures together leaves straight seams, sharp to the pixel and level with the edges, or plain ground
between them. Nature has few of either. A part too many costs a search; what it shows is still verified.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from theftwatch.images.features import Grey, to_long_side

#: Left, top, right and bottom, as shares of width and height
type Box = tuple[float, float, float, float]
type _Box = tuple[int, int, int, int]  # the same in pixels
type _Counts = NDArray[np.int64]
type _Sums = NDArray[np.int32] | NDArray[np.float32]

#: The most that are asked about: the tiles of a sheet of three by three
PARTS_MOST = 9

_SIDE_PX = 256
#: Grey levels between neighbouring pixels that make a step
_STEP = 10
#: Share of a column or row that has steps, from which it may hold a seam; and how many of them are looked at
_SEAM_MIN = 0.12
_SEAMS_MOST = 14
_SEAM_DISTANCE_PX = 3
#: Share of a side that has to be steps, of each of four and on their mean; and of a seam from side to side
_SIDE_MIN, _SIDES_MEAN_MIN = 0.65, 0.82
_THROUGH_MIN = 0.76
#: The same where other tiles end at that line, as they do in a sheet of equal ones
_THROUGH_AGAIN_MIN = 0.4
#: How much larger that share is than in the lines so many pixels to either side
_ALONE_MIN, _BESIDE_PX = 0.25, 4
#: Weights that take from each place in a row the mean of those so far to its left and right
_LESS_BESIDE = np.zeros((1, 2 * _BESIDE_PX + 1), np.float32)
_LESS_BESIDE[0, [0, _BESIDE_PX, -1]] = -0.5, 1, -0.5
#: A pixel and those to its left and right
_NEIGHBOURS = np.ones((1, 3), np.uint8)
#: Corners may be round, or covered
_CORNER_SHARE = 0.04
_SHORT_SIDE_MIN = 0.18
_AREA_MIN, _AREA_MAX, _TILE_AREA_MIN = 0.04, 0.93, 0.05
_ASPECT_MAX = 4.0
#: Grey levels that a part has to vary by
_STD_MIN = 8.0
_OVERLAP_SAME = 0.75

#: Grey levels within which ground is plain, and the least width of a gutter of it
_PLAIN = 8
_GUTTER_MIN = 0.02
_CUTS_MOST = 4


def find_parts(grey: Grey) -> list[Box]:
    """Return the parts of a picture that may be photos of their own, as seams part them, frames or plain ground."""
    picture = to_long_side(grey, _SIDE_PX)
    height, width = picture.shape
    whole = 0, 0, width, height
    steps = _Steps.of(picture)
    found: list[_Box] = []
    tiles = _cut_again(steps, _tiles(steps, whole, _CUTS_MOST))
    for boxes in (tiles, _framed(steps), _islands(_is_plain(picture), whole, _CUTS_MOST)):
        for box in boxes:
            if _may_be_photo(picture, box) and all(_overlap(box, other) < _OVERLAP_SAME for other in found):
                found.append(box)
    return [_inside(box, width, height) for box in found[:PARTS_MOST]]


def _inside(box: _Box, width: int, height: int) -> Box:
    """Return a box as shares, less a pixel at each seam: what is beside it there would count as a part of the photo."""
    left, top, right, bottom = box
    return (
        (left + (left > 0)) / width,
        (top + (top > 0)) / height,
        (right - (right < width)) / width,
        (bottom - (bottom < height)) / height,
    )


def _may_be_photo(picture: Grey, box: _Box) -> bool:
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    return bool(
        _AREA_MIN * picture.size <= wide * tall <= _AREA_MAX * picture.size
        and max(wide, tall) <= _ASPECT_MAX * min(wide, tall)
        and picture[top:bottom, left:right].std() >= _STD_MIN
    )


@dataclass(frozen=True, slots=True)
class _Steps:
    """Where a picture steps from one pixel to the next, a pixel to either side counted: sums down each line of steps.

    Row i of `across` sums the steps between columns in the rows above i, at [i, x] those between x and x + 1; `down` is
    the same for the picture turned.
    """

    across: _Sums
    down: _Sums
    #: The same less the mean of the lines a little to either side: texture steps everywhere, a seam in one line
    across_alone: _Sums
    down_alone: _Sums
    #: Places of the lines with the most steps
    columns: list[int]
    rows: list[int]

    @classmethod
    def of(cls, picture: Grey) -> Self:
        levels = picture.astype(np.int16)
        across, down = (np.abs(np.diff(levels, axis=axis)) > _STEP for axis in (1, 0))
        in_columns, in_rows = _sums(across), _sums(down.T)
        return cls(in_columns, in_rows, _alone(in_columns), _alone(in_rows), _strongest(across), _strongest(down.T))


def _framed(steps: _Steps) -> list[_Box]:
    """Return the rectangles inside a picture whose four sides are seams, those with the best seams first."""
    height, width = len(steps.across) - 1, len(steps.down) - 1
    lefts, rights = _spans(steps.columns)
    tops, bottoms = _spans(steps.rows)
    # One line a rectangle: every pair of columns with every pair of rows
    left, top = (each.ravel() for each in np.meshgrid(lefts, tops, indexing="ij"))
    right, bottom = (each.ravel() for each in np.meshgrid(rights, bottoms, indexing="ij"))
    wide, tall = right - left, bottom - top
    likely = (
        (np.minimum(wide, tall) >= _SHORT_SIDE_MIN * min(width, height))
        & (np.maximum(wide, tall) <= _ASPECT_MAX * np.minimum(wide, tall))
        & (wide * tall <= _AREA_MAX * width * height)
    )
    left, top, right, bottom = left[likely], top[likely], right[likely], bottom[likely]
    sides = np.stack(
        [
            _side(steps.across, left, top, bottom),
            _side(steps.across, right, top, bottom),
            _side(steps.down, top, left, right),
            _side(steps.down, bottom, left, right),
        ]
    )
    alone = np.stack(
        [
            _side(steps.across_alone, left, top, bottom),
            _side(steps.across_alone, right, top, bottom),
            _side(steps.down_alone, top, left, right),
            _side(steps.down_alone, bottom, left, right),
        ]
    )
    mean = sides.mean(axis=0)
    good = (sides.min(axis=0) >= _SIDE_MIN) & (mean >= _SIDES_MEAN_MIN) & (alone.min(axis=0) >= _ALONE_MIN)
    boxes = np.stack([left, top, right, bottom], axis=1)[good]
    order = np.lexsort((*boxes.T[::-1], -np.round(mean[good], 3)))
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in boxes[order]]


def _sums(steps: NDArray[np.bool_]) -> NDArray[np.int32]:
    wide = cv2.dilate(steps.view(np.uint8), _NEIGHBOURS)
    return np.vstack([np.zeros((1, wide.shape[1]), np.int32), wide.cumsum(axis=0, dtype=np.int32)])


def _alone(sums: NDArray[np.int32]) -> NDArray[np.float32]:
    alone = cv2.filter2D(sums.astype(np.float32), cv2.CV_32F, _LESS_BESIDE, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(alone, np.float32)


def _strongest(steps: NDArray[np.bool_]) -> list[int]:
    """Return the places with the most steps above each other, from left to right."""
    shares = steps.mean(axis=0)
    chosen: list[int] = []
    for column in np.argsort(-shares, kind="stable")[: int((shares >= _SEAM_MIN).sum())].tolist():
        if len(chosen) == _SEAMS_MOST:
            break
        if all(abs(column - other) > _SEAM_DISTANCE_PX for other in chosen):
            chosen.append(column)
    return sorted(chosen)


def _spans(seams: list[int]) -> tuple[_Counts, _Counts]:
    """Return all pairs of places behind a seam, the first before the second."""
    places = np.array(seams, np.int64) + 1
    first, second = np.triu_indices(len(places), 1)
    return places[first], places[second]


def _side(sums: _Sums, place: _Counts, start: _Counts, end: _Counts) -> NDArray[np.float64]:
    """Return which share of sides before a place, from start to end, are steps."""
    corner = np.maximum(1, (_CORNER_SHARE * (end - start)).astype(np.int64))
    steps = sums[end - corner, place - 1] - sums[start + corner, place - 1]
    return np.asarray(steps / np.maximum(1, end - start - 2 * corner))


def _tiles(steps: _Steps, box: _Box, cuts: int) -> list[_Box]:
    """Return what a box falls into when it is cut along seams from side to side, again and again."""
    parts = _at_best_seam(steps, box) if cuts else [box]
    whole_px = (len(steps.across) - 1) * (len(steps.down) - 1)
    if len(parts) == 1 or min(map(_area, parts)) < _TILE_AREA_MIN * whole_px:
        return [box]
    return [tile for part in parts for tile in _tiles(steps, part, cuts - 1)]


def _cut_again(steps: _Steps, tiles: list[_Box]) -> list[_Box]:
    """Cut tiles where others end, also along a seam with gaps: two photos may be of one shade where they meet."""
    columns, rows = ({edge for box in tiles for edge in box[side::2]} for side in (0, 1))
    for sums, places, side in ((steps.across, columns, 0), (steps.down, rows, 1)):
        for place in sorted(places):
            tiles = [part for box in tiles for part in _cut_at(sums, box, place, side)]
    return tiles


def _cut_at(sums: _Sums, box: _Box, place: int, side: int) -> list[_Box]:
    """Cut a box in two near a place, across or down, where that leaves tiles and a seam is there."""
    low, high, start, end = box[side], box[side + 2], box[1 - side], box[3 - side]
    margin = max(3, int(_SHORT_SIDE_MIN * (high - low)))
    if not low + margin < place < high - margin:
        return [box]
    near = np.arange(place - _SEAM_DISTANCE_PX, place + _SEAM_DISTANCE_PX + 1)
    shares = (sums[end, near - 1] - sums[start, near - 1]) / max(1, end - start)
    if shares.max() < _THROUGH_AGAIN_MIN:
        return [box]
    at = int(near[shares.argmax()])
    if side == 0:
        return [(low, start, at, end), (at, start, high, end)]
    return [(start, low, end, at), (start, at, end, high)]


def _is_plain(picture: Grey) -> NDArray[np.bool_]:
    kernel = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(picture, kernel).astype(np.int16) - cv2.erode(picture, kernel)
    return np.asarray(spread <= _PLAIN)


def _islands(plain: NDArray[np.bool_], box: _Box, cuts: int) -> list[_Box]:
    """Return what plain ground sets apart in a box: cut along gutters, left to right and top to bottom by turns."""
    left, top, right, bottom = box
    inside = plain[top:bottom, left:right]
    rows, columns = (np.flatnonzero(~inside.all(axis=axis)) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return []
    left, right = left + int(columns[0]), left + int(columns[-1]) + 1
    top, bottom = top + int(rows[0]), top + int(rows[-1]) + 1
    spans = _between_gutters(columns - columns[0], max(plain.shape))
    parts = [(left + start, top, left + end, bottom) for start, end in spans]
    if len(parts) == 1:
        spans = _between_gutters(rows - rows[0], max(plain.shape))
        parts = [(left, top + start, right, top + end) for start, end in spans]
    if len(parts) == 1 or not cuts:
        return [(left, top, right, bottom)]
    return [island for part in parts for island in _islands(plain, part, cuts - 1)]


def _between_gutters(places: _Counts, length: int) -> list[tuple[int, int]]:
    """Return the spans of places that are not plain, from start to end, that gutters lie between."""
    gaps = np.flatnonzero(np.diff(places) > max(3, _GUTTER_MIN * length))
    edges = [0, *(int(gap) + 1 for gap in gaps), len(places)]
    return [(int(places[start]), int(places[end - 1]) + 1) for start, end in pairwise(edges)]


def _at_best_seam(steps: _Steps, box: _Box) -> list[_Box]:
    """Cut a box in two at the seam that goes through it with the fewest gaps; leave it where none does."""
    left, top, right, bottom = box
    best, places = 0.0, (0, 0)
    for axis, (sums, alone, start, end, low, high) in enumerate(
        (
            (steps.across, steps.across_alone, top, bottom, left, right),
            (steps.down, steps.down_alone, left, right, top, bottom),
        )
    ):
        margin = max(3, int(_SHORT_SIDE_MIN * (high - low)))
        length = max(1, end - start)
        shares = (sums[end] - sums[start])[low + margin : high - margin] / length
        alones = (alone[end] - alone[start])[low + margin : high - margin] / length
        shares = np.where(alones >= _ALONE_MIN, shares, 0.0)
        if len(shares) and shares.max() > best:
            best, places = float(shares.max()), (axis, low + margin + int(shares.argmax()) + 1)
    if best < _THROUGH_MIN:
        return [box]
    axis, at = places
    if axis == 0:
        return [(left, top, at, bottom), (at, top, right, bottom)]
    return [(left, top, right, at), (left, at, right, bottom)]


def _area(box: _Box) -> int:
    left, top, right, bottom = box
    return max(0, right - left) * max(0, bottom - top)


def _overlap(one: _Box, other: _Box) -> float:
    """Return the area that two boxes share, as a share of what they cover together."""
    (left, top, right, bottom), (a, b, c, d) = one, other
    shared = _area((max(left, a), max(top, b), min(right, c), min(bottom, d)))
    return shared / (_area(one) + _area(other) - shared)
