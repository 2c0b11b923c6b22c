"""How far two pictures are the same where a map lays them over each other.

They are compared gradient by gradient, since two pieces photographed on the same ground agree in points of the ground
and not in the picture.
"""

import math
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from theftwatch.images.features import LocalFeatures
from theftwatch.images.maps import Matrix, corners_of, is_projection, moved_points, scale_at

type Box = tuple[int, int, int, int]
type _Field = NDArray[np.float32]

#: Long side of the pictures that are compared under the map, and of the blocks that they are cut into
_COMPARED_SIDE_PX = 192
_BLOCK_PX = 12
#: Gradient of a block, root mean square in grey levels, from which it shows something
_TEXTURE = 4.0
#: Correlation of a block's gradients from which it shows the same, below which it differs, and shows something else
_SAME, _DIFFERS, _OTHER = 0.85, 0.5, 0.35
_BETTER_SHARE = 0.7
_OVERLAP_MIN_PX = 64.0
#: Corners farther outside than this are drawn there, since OpenCV draws in whole numbers
_FAR_PX = 30_000
#: How many times a picture is shrunk from where it is blurred first
_FLICKERS = 1.3
#: Slope below which a picture is plain, where no steeper one is in a square of so many pixels
_PLAIN_SLOPE, _PLAIN_PX = 4.0, 5
#: Share of a picture's gradients that has to be gone for its goods to count as cut out, and how wide their edge is
CUT_OUT_SHARE = 0.15
_CUT_EDGE_PX = 23
_GOODS_BLOCKS_MIN = 12
#: Share of the blocks that show the same that may lie apart from all others, at each side
_STRAY_BLOCKS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How far two pictures are the same where an alignment lays them over each other; all but the map are 0 to 1."""

    #: Share of the first picture that the second shows
    shown: float
    #: Correlation of all gradients
    whole: float
    #: The same over the better 70 % of the blocks in which both show something: a logo costs little, new ground nothing
    better: float
    #: Number of blocks in which both show something, and the share of them that is clearly the same
    blocks: int
    same_share: float
    #: Of the first picture's gradients there, the share by energy in blocks that differ: another stone in a ring
    other_share: float
    #: Share of the compared area that the blocks which show the same are spread over, and of the first picture's
    #: gradients, by energy, outside of that: of one strip of text on two pictures little and much
    spread: float
    aside_share: float
    #: Share of the first picture's gradients, by energy, where the second is plain
    plain_share: float
    #: Of blocks, by rows: 1 where both show the same, -1 where the second shows something else, 0 elsewhere
    block_map: NDArray[np.int8]
    #: Left, top, right and bottom of what that map is over, in pixels of the first picture
    box_px: Box


def compare(first: LocalFeatures, second: LocalFeatures, matrix: Matrix) -> Agreement | None:
    """Compare two pictures where a map (3, 3) of points lays the first over the second; None where it does not."""
    overlap = _overlap(first, second, matrix)
    if overlap is None:
        return None
    shown, box_px = overlap
    left, top, right, bottom = box_px
    # The frame is the shown part of the first picture, no finer than either picture has it.
    scale = scale_at(matrix, ((left + right) / 2, (top + bottom) / 2))
    factor = min(1.0, scale, _COMPARED_SIDE_PX / max(right - left, bottom - top))
    size = max(8, round((right - left) * factor)), max(8, round((bottom - top) * factor))
    frame = np.array([[1 / factor, 0, left], [0, 1 / factor, top], [0, 0, 1]])
    pictures = ((first, frame), (second, matrix @ frame))
    one, two = (_covered(picture, seen, size) for picture, seen in pictures)
    mask = cv2.erode(one & two, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1) > 0
    ours, theirs = (_gradients(_warped(picture, seen, size)) * mask for picture, seen in pictures)
    plain, energy = _plain(theirs), _energy(ours)
    lost = float((energy * plain).sum()) / max(1.0, float(energy.sum()))
    measured = partial(_agreement, shown=shown, plain_share=lost, box_px=box_px)
    if lost < CUT_OUT_SHARE:
        return measured(ours, theirs)
    # The ground was taken away: what counts is the goods, without the edge that they got by that.
    inside = cv2.dilate(plain.astype(np.uint8), np.ones((_CUT_EDGE_PX, _CUT_EDGE_PX), np.uint8)) == 0
    if _reach(energy * inside) >= _reach(energy * plain):
        # What is gone lies in the middle of what is left: other goods in the same frame, and no ground.
        whole = measured(ours, theirs)
        return replace(whole, other_share=min(1.0, whole.other_share + lost))
    goods = measured(ours * inside, theirs * inside)
    # Thin goods are all edge: of them nothing would be left to compare.
    return goods if goods.blocks >= _GOODS_BLOCKS_MIN else measured(ours, theirs)


def _agreement(ours: _Field, theirs: _Field, *, shown: float, plain_share: float, box_px: Box) -> Agreement:
    """Compare the gradients of two pictures that lie over each other, block by block."""
    products, ours_squared, theirs_squared = map(_blocks, ((ours * theirs).sum(axis=0), _energy(ours), _energy(theirs)))
    correlations = products / np.sqrt(ours_squared * theirs_squared + 1e-6)
    ours_textured, theirs_textured = (each > _TEXTURE**2 * _BLOCK_PX**2 for each in (ours_squared, theirs_squared))
    both = ours_textured & theirs_textured
    chosen = np.sort(correlations[both])[::-1]
    best = both & (correlations >= (chosen[int(_BETTER_SHARE * (len(chosen) - 1))] if len(chosen) else 2))
    differing = float(ours_squared[both & (correlations < _DIFFERS)].sum())
    same = both & (correlations > _SAME)
    spread = _spread(same)
    return Agreement(
        shown=shown,
        whole=_ratio(products, ours_squared, theirs_squared),
        better=_ratio(products[best], ours_squared[best], theirs_squared[best]),
        blocks=len(chosen),
        same_share=float((chosen > _SAME).mean()) if len(chosen) else 0.0,
        other_share=differing / max(1.0, float(ours_squared[both].sum())),
        spread=float(spread.mean()),
        aside_share=float(ours_squared[~spread].sum()) / max(1.0, float(ours_squared.sum())),
        plain_share=plain_share,
        block_map=same.astype(np.int8) - (theirs_textured & (correlations < _OTHER)),
        box_px=box_px,
    )


def _spread(same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the box of blocks that those which show the same are in, but for a few."""
    box = np.zeros_like(same)
    if same.any():
        stray = int(_STRAY_BLOCKS * np.count_nonzero(same))
        (top, bottom), (left, right) = ((each[stray], each[-1 - stray]) for each in map(np.sort, np.nonzero(same)))
        box[top : bottom + 1, left : right + 1] = True
    return box


def _plain(gradients: _Field) -> NDArray[np.bool_]:
    """Return where a picture is plain, given its slopes: no edge within a few pixels."""
    steep = (np.abs(gradients).max(axis=0) > _PLAIN_SLOPE).astype(np.uint8)
    return np.asarray(cv2.dilate(steep, np.ones((_PLAIN_PX, _PLAIN_PX), np.uint8)) == 0)


def _reach(energy: _Field) -> float:
    """Return how far from the middle of a picture its energy lies; 1 is the distance of the sides."""
    height, width = energy.shape
    down = np.abs(np.linspace(-1, 1, height, dtype=np.float32))[:, None]
    across = np.abs(np.linspace(-1, 1, width, dtype=np.float32))[None, :]
    return float((energy * np.maximum(down, across)).sum()) / max(1.0, float(energy.sum()))


def _energy(gradients: _Field) -> _Field:
    """Return the squares of slopes, (height, width)."""
    return np.asarray((gradients**2).sum(axis=0), np.float32)


def _overlap(first: LocalFeatures, second: LocalFeatures, matrix: Matrix) -> tuple[float, Box] | None:
    """Return the share of the first picture that the second shows, and the box around it in pixels of the first."""
    corners = moved_points(np.linalg.inv(matrix), corners_of(second))
    area_px, outline = cv2.intersectConvexConvex(corners.astype(np.float32), corners_of(first).astype(np.float32))
    if area_px <= _OVERLAP_MIN_PX:
        return None
    left, top = np.floor(outline[:, 0].min(axis=0)).astype(int)
    right, bottom = np.ceil(outline[:, 0].max(axis=0)).astype(int) + 1
    shown = area_px / max(1, (first.width_px - 1) * (first.height_px - 1))
    return min(1.0, float(shown)), (int(left), int(top), int(right), int(bottom))


def _covered(features: LocalFeatures, matrix: Matrix, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return where a picture is in a frame, as 1; `matrix` leads from the frame to the points."""
    covered = np.zeros(size[::-1], np.uint8)
    corners = moved_points(np.linalg.inv(matrix), corners_of(features))
    cv2.fillConvexPoly(covered, np.round(np.clip(corners, -_FAR_PX, _FAR_PX)).astype(np.int32), 1)
    return covered


def _warped(features: LocalFeatures, matrix: Matrix, size: tuple[int, int]) -> _Field:
    """Return a picture as seen in a frame; `matrix` leads from the frame to the points."""
    height, width = features.grey.shape
    matrix = np.diag([width / features.width_px, height / features.height_px, 1.0]) @ matrix
    shrunk = scale_at(matrix, (size[0] / 2, size[1] / 2))
    picture: _Field = features.grey.astype(np.float32)
    if shrunk > _FLICKERS:
        # Averaged before it is sampled, so that a larger picture does not flicker against a smaller one
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.45 * shrunk), np.float32)
    flags, edge = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    if is_projection(matrix):
        seen = cv2.warpPerspective(picture, matrix, size, flags=flags, borderMode=edge)
    else:
        seen = cv2.warpAffine(picture, matrix[:2], size, flags=flags, borderMode=edge)
    return np.asarray(seen, np.float32)


def _gradients(picture: _Field) -> _Field:
    """Return the slopes of a picture, (2, height, width), smoothed so that recompression does not count."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    return np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])


def _blocks(field: _Field) -> _Field:
    """Return the sums over square blocks."""
    height, width = field.shape
    down, across = (-(-length // _BLOCK_PX) for length in field.shape)
    below, right = down * _BLOCK_PX - height, across * _BLOCK_PX - width
    padded = cv2.copyMakeBorder(field, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
    means = cv2.resize(padded, (across, down), interpolation=cv2.INTER_AREA)
    return np.asarray(means * _BLOCK_PX**2, np.float32)


def _ratio(products: _Field, ours_squared: _Field, theirs_squared: _Field) -> float:
    length = math.sqrt(float(ours_squared.sum()) * float(theirs_squared.sum()))
    return max(0.0, float(products.sum()) / length) if length else 0.0
