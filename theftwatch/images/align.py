"""How one picture lies in another: a geometric model of their local features.

Each pair of features says by its places, sizes and angles how one picture would lie in the other, so every pair is
a hypothesis (fast spatial matching, Philbin et al. 2007): nothing is drawn by chance, and few good pairs among many bad
ones are enough. The best hypotheses are refined into an affine map. Copies of one photo agree on it within a
fraction of a pixel, two shots of one thing do not. Where pairs agree clearly better on a map by projection, the copy
was tilted: pulled at its corners, or taken off a screen or a print.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from theftwatch.images.agreement import Agreement, compare
from theftwatch.images.features import LocalFeatures, mirror_features
from theftwatch.images.maps import (
    Matrix,
    Points,
    corners_of,
    distances,
    fit_affine,
    fit_similarity,
    flattened,
    moved_points,
)

type _Pairs = NDArray[np.int64]
#: A map (3, 3), how many pairs of features agree on it, and their mean error in pixels
type _Fit = tuple[Matrix, int, float]

#: How much nearer than the next best a description has to be (Lowe's ratio test)
_RATIO = 0.85
#: The clearest pairs that take part
_PAIRS_MOST = 200
_PAIRS_MIN = 4
_HYPOTHESES = 3
#: Around a hypothesis: pixels, and share of the distance from its pair, by which others may be off; then the bounds of
#: what others may say of scale (as a logarithm) and of angle (radians)
_LOOSE_PX, _LOOSE_SHARE, _LOOSE_SCALE, _LOOSE_ANGLE = 5.0, 0.12, 0.5, 0.5
#: Pixels by which pairs may be off, from one refinement to the next; the first is of a similarity, the others affine
_REFINEMENTS_PX = (8.0, 6.0, 4.0, 3.0, 2.0, 2.0)
#: The mean error from which pairs agree by chance, made up for what fitting takes from it, three pairs' worth: of four
#: that leaves little. In copies of the tuning set it went up to 1.17, in half of the other pictures it is above 1
_ERROR_MOST_PX, _PAIRS_TAKEN = 1.25, 3
#: Pixels by which pairs may be off an affine map and still be those of a tilted one; the fewest pairs that tell such a
#: map, and how many times as well they have to agree on it, as their number over their error
_TILTED_PX, _TILTED_MIN, _TILTED_GAIN = 16.0, 16, 1.5
#: Agreement of the better blocks that copies have under such a map. Other shots of one scene come near to such a map as
#: well where the ground is flat, and go up to 0.97
_TILTED_BETTER_MIN = 0.98
#: How many times as far as another one corner of a tilted picture may be
_TILTED_MOST = 1.8
#: Vendors stretch a photo, but none beyond this; a map that does is a chance agreement
_ANISOTROPY_MAX = 2.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """How a picture lies in another."""

    #: Whether it is the mirror of the first picture that lies in the second
    mirrored: bool
    #: (2, 3), from pixels of the first picture, or of its mirror, to those of the second; of a tilted one nearly so
    matrix: Matrix
    #: How far the corners of a tilted picture lie from where that map leads, as a share of its size; 0 where it is not
    tilt: float
    #: Pairs of points that agree on the map, and their mean distance under it in pixels of the second picture; 0 where
    #: the pictures were laid over each other as they are
    inliers: int
    error_px: float
    agreement: Agreement

    @property
    def strength(self) -> float:
        """Return one figure to compare alignments of the same two pictures by."""
        return self.inliers * self.agreement.whole**4


def align(first: LocalFeatures, second: LocalFeatures) -> Alignment | None:
    """Find how the first picture, or its mirror, lies in the second; None where neither does.

    The same pair always gives the same result; the plain form wins a draw.
    """
    if min(len(first.points), len(second.points)) < _PAIRS_MIN:
        return None
    best: Alignment | None = None
    pictures = first, mirror_features(first)
    forms = zip(pictures, _pairs(pictures, second), strict=True)
    # The form with more pairs first: no alignment is stronger than it has pairs, so often the other need not be tried.
    for picture, pairs in sorted(forms, key=lambda form: -len(form[1])):
        if best and len(pairs) < best.strength:
            continue
        one = _lie(picture, second, pairs, least=best.strength if best else 0.0)
        if one is None:
            continue
        if best is None or (one.strength, best.mirrored) > (best.strength, one.mirrored):
            best = one
    return best


def lay(first: LocalFeatures, second: LocalFeatures) -> Alignment | None:
    """Lay the whole of the first picture over the whole of the second, as they are; None for pictures too small."""
    matrix = np.diag([second.width_px / first.width_px, second.height_px / first.height_px, 1.0])
    agreement = compare(first, second, matrix)
    if agreement is None:
        return None
    return Alignment(mirrored=first.mirrored, matrix=matrix[:2], tilt=0.0, inliers=0, error_px=0.0, agreement=agreement)


def moved(alignment: Alignment, offset_px: tuple[float, float]) -> Alignment:
    """Return an alignment with a part of a picture as one with the whole, in which the part begins at an offset."""
    matrix = alignment.matrix.copy()
    matrix[:, 2] += offset_px
    return replace(alignment, matrix=matrix)


def _lie(first: LocalFeatures, second: LocalFeatures, pairs: _Pairs, *, least: float) -> Alignment | None:
    """Return how the first picture lies in the second by pairs of features; None where fewer than `least` agree."""
    fit = _fit(first, second, pairs)
    if fit is None or fit[1] < least or fit[2] > _ERROR_MOST_PX * math.sqrt(1 - _PAIRS_TAKEN / fit[1]):
        return None
    for matrix, inliers, error_px in filter(None, (_tilted(first, second, pairs, fit), fit)):
        agreement = compare(first, second, matrix)
        flat, tilt = flattened(matrix, first)
        # Another shot of the same scene is near such a map as well, and differs all over.
        if agreement and (not tilt or agreement.better >= _TILTED_BETTER_MIN):
            return Alignment(
                mirrored=first.mirrored,
                matrix=flat,
                tilt=tilt,
                inliers=inliers,
                error_px=error_px,
                agreement=agreement,
            )
    return None


def _fit(first: LocalFeatures, second: LocalFeatures, pairs: _Pairs) -> _Fit | None:
    """Return the map (3, 3) that most pairs of features agree on, how many do, and their mean error in pixels."""
    if len(pairs) < _PAIRS_MIN:
        return None
    hypotheses = _hypotheses(first, second, pairs)
    if not hypotheses:
        return None
    source, target = _places(first, second, pairs)
    shared = _shared_places(source, target)
    best: _Fit | None = None
    tried: list[_Pairs] = []
    for supporters in hypotheses:
        if any(np.array_equal(supporters, other) for other in tried):
            continue
        tried.append(supporters)
        matrix = fit_similarity(source[supporters], target[supporters])
        kept = supporters
        for bound_px in _REFINEMENTS_PX:
            errors = distances(matrix, source, target)
            kept = _one_pair_each(errors, bound_px, shared)
            if len(kept) < _PAIRS_MIN:
                break
            fit = fit_similarity if bound_px == _REFINEMENTS_PX[0] else fit_affine
            matrix = fit(source[kept], target[kept])
        if len(kept) < _PAIRS_MIN or not _is_plausible(matrix):
            continue
        errors = distances(matrix, source, target)
        kept = _one_pair_each(errors, _REFINEMENTS_PX[-1], shared)
        if len(kept) >= _PAIRS_MIN and (best is None or len(kept) > best[1]):
            best = np.vstack([matrix, [0.0, 0.0, 1.0]]), len(kept), float(errors[kept].mean())
    return best


def _places(first: LocalFeatures, second: LocalFeatures, pairs: _Pairs) -> tuple[Points, Points]:
    return first.points[pairs[:, 0]].astype(np.float64), second.points[pairs[:, 1]].astype(np.float64)


def _tilted(first: LocalFeatures, second: LocalFeatures, pairs: _Pairs, flat: _Fit) -> _Fit | None:
    """Return the map by projection that pairs agree on clearly better than on an affine one; None where they do not."""
    if len(pairs) < _TILTED_MIN:
        return None
    matrix, count, flat_error_px = flat
    source, target = _places(first, second, pairs)
    shared = _shared_places(source, target)
    kept = _one_pair_each(distances(matrix[:2], source, target), _TILTED_PX, shared)
    least, errors = max(_TILTED_MIN, count), np.empty(0)
    for bound_px in _REFINEMENTS_PX:
        if len(kept) < least:
            return None
        found, _ = cv2.findHomography(source[kept], target[kept], 0)
        if found is None:
            return None
        matrix = np.asarray(found, np.float64)
        errors = np.hypot(*(moved_points(matrix, source) - target).T)
        kept = _one_pair_each(errors, bound_px, shared)
    if len(kept) < least or not _is_seen(matrix, first, second):
        return None
    error_px = float(errors[kept].mean())
    clearly = len(kept) * flat_error_px >= _TILTED_GAIN * count * error_px
    return (matrix, len(kept), error_px) if clearly else None


def _pairs(pictures: Sequence[LocalFeatures], second: LocalFeatures) -> list[_Pairs]:
    """Return for each picture the indices (n, 2) of features that describe each other clearly better than others do."""
    ones = np.concatenate([picture.descriptors for picture in pictures]).astype(np.float32)
    other = second.descriptors.astype(np.float32)
    # Whole numbers below 2^24, so exact. All at once, as that takes hardly longer than one picture.
    distances = ones @ (-2 * other).T
    # Of one feature of the picture all are as far off as its own length says, so that can wait.
    distances += np.einsum("ij,ij->i", other, other)
    rows = np.arange(len(ones))
    nearest = distances.argmin(axis=1)
    lengths = np.einsum("ij,ij->i", ones, ones)
    shortest = (distances[rows, nearest] + lengths).astype(np.float64)
    distances[rows, nearest] = np.inf
    ratios = shortest / np.maximum(distances.min(axis=1) + lengths, 1)
    found = []
    for part in np.split(rows, len(pictures)):
        clear = part[ratios[part] < _RATIO**2]
        clear = clear[np.argsort(ratios[clear], kind="stable")][:_PAIRS_MOST]
        found.append(np.stack([clear - part[0], nearest[clear]], axis=1))
    return found


def _hypotheses(first: LocalFeatures, second: LocalFeatures, pairs: _Pairs) -> list[_Pairs]:
    """Return the pairs that support each of the most supported hypotheses."""
    source, target = first.points[pairs[:, 0]], second.points[pairs[:, 1]]
    scales = second.sizes[pairs[:, 1]] / first.sizes[pairs[:, 0]]
    turns = second.angles[pairs[:, 1]] - first.angles[pairs[:, 0]]
    cos, sin = np.cos(turns), np.sin(turns)
    # Row h, column k: where pair k would be, were the hypothesis of pair h true, and where it is
    across, down = (_between(source[:, axis]) for axis in (0, 1))
    right, below = (_between(target[:, axis]) for axis in (0, 1))
    scaled_cos, scaled_sin = (scales * cos)[:, None], (scales * sin)[:, None]
    off_right = scaled_cos * across - scaled_sin * down - right
    off_below = scaled_sin * across + scaled_cos * down - below
    distance_px = scales[:, None] * np.sqrt(across**2 + down**2)
    logs = np.log(scales)
    supports = off_right**2 + off_below**2 < (_LOOSE_PX + _LOOSE_SHARE * distance_px) ** 2
    supports &= np.abs(_between(logs)) < _LOOSE_SCALE
    supports &= np.outer(cos, cos) + np.outer(sin, sin) > math.cos(_LOOSE_ANGLE)
    counts = supports.sum(axis=1)
    most = np.argsort(-counts, kind="stable")[:_HYPOTHESES]
    return [np.flatnonzero(supports[index]) for index in most if counts[index] >= _PAIRS_MIN]


def _between(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return at row h, column k by how much value k exceeds value h."""
    return values[None, :] - values[:, None]


def _shared_places(source: Points, target: Points) -> list[_Pairs]:
    """Return for each picture which pairs share a place in it: those of equal number (n,), to the pixel."""
    pixels = (np.round(points).astype(np.int64) for points in (source, target))
    return [np.unique(each[:, 0] << 16 | each[:, 1], return_inverse=True)[1] for each in pixels]


def _one_pair_each(errors: NDArray[np.float64], bound_px: float, shared: Sequence[_Pairs]) -> _Pairs:
    """Return the pairs within a bound, the best of those that share a place in either picture."""
    near = np.flatnonzero(errors < bound_px)
    near = near[np.argsort(errors[near], kind="stable")]
    for places in shared:
        best = np.empty(len(errors), np.int64)
        best[places[near[::-1]]] = near[::-1]  # of those that share a place the first is written last
        near = near[best[places[near]] == near]
    return near


def _is_seen(matrix: Matrix, first: LocalFeatures, second: LocalFeatures) -> bool:
    """Tell whether a map by projection shows a picture as one may see it, and all of the second lies before the eye."""
    there, back = matrix[2], np.linalg.inv(matrix)[2]
    near, behind = (corners_of(each) @ row[:2] + row[2] for each, row in ((first, there), (second, back)))
    if min(near.min(), behind.min()) <= 0 or near.max() > _TILTED_MOST * near.min():
        return False
    return _is_plausible(flattened(matrix, first)[0])


def _is_plausible(matrix: Matrix) -> bool:
    # A map that stretches by s along one direction and by 1 along the other has s for its determinant and s^2 + 1 for
    # the sum of its squares; what counts is their quotient, whatever the scale.
    determinant = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    squares = float((matrix[:, :2] ** 2).sum())
    return determinant > 0 and squares <= (_ANISOTROPY_MAX + 1 / _ANISOTROPY_MAX) * determinant
