"""How one picture lies in another: a geometric model of their local features.

Each pair of features says by its places, sizes and angles how one picture would lie in the other, so every pair is
a hypothesis (fast spatial matching, Philbin et al. 2007): nothing is drawn by chance, and few good pairs among many bad
ones are enough. The best hypotheses are refined into an affine map. Copies of one photo agree on it within a
fraction of a pixel, two shots of one thing do not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.agreement import Agreement, Matrix, compare
from theftwatch.images.features import LocalFeatures, mirror_features

type _Points = NDArray[np.float64]
type _Pairs = NDArray[np.int64]

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
#: Share of their spread that points have across a line, squared, up to which they lie in one
_LINE = 1e-9
#: Vendors stretch a photo, but none beyond this; a map that does is a chance agreement
_ANISOTROPY_MAX = 2.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """How a picture lies in another."""

    #: Whether it is the mirror of the first picture that lies in the second
    mirrored: bool
    #: (2, 3), from pixels of the first picture, or of its mirror, to those of the second
    matrix: Matrix
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
    forms = enumerate(zip(pictures, _pairs(pictures, second), strict=True))
    # The form with more pairs first: no alignment is stronger than it has pairs, so often the other need not be tried.
    for mirrored, (picture, pairs) in sorted(forms, key=lambda form: -len(form[1][1])):
        if best and len(pairs) < best.strength:
            continue
        found = _fit(picture, second, pairs)
        if found is None:
            continue
        matrix, inliers, error_px = found
        if best and inliers < best.strength:
            continue
        agreement = compare(picture, second, matrix)
        if agreement is None:
            continue
        one = Alignment(mirrored=bool(mirrored), matrix=matrix, inliers=inliers, error_px=error_px, agreement=agreement)
        if best is None or (one.strength, best.mirrored) > (best.strength, one.mirrored):
            best = one
    return best


def lay(first: LocalFeatures, second: LocalFeatures) -> Alignment | None:
    """Lay the whole of the first picture over the whole of the second, as they are; None for pictures too small."""
    matrix = np.array([[second.width_px / first.width_px, 0.0, 0.0], [0.0, second.height_px / first.height_px, 0.0]])
    agreement = compare(first, second, matrix)
    if agreement is None:
        return None
    return Alignment(mirrored=first.mirrored, matrix=matrix, inliers=0, error_px=0.0, agreement=agreement)


def moved(alignment: Alignment, offset_px: tuple[float, float]) -> Alignment:
    """Return an alignment with a part of a picture as one with the whole, in which the part begins at an offset."""
    matrix = alignment.matrix.copy()
    matrix[:, 2] += offset_px
    return replace(alignment, matrix=matrix)


def _fit(first: LocalFeatures, second: LocalFeatures, pairs: _Pairs) -> tuple[Matrix, int, float] | None:
    """Return the affine map that most pairs of features agree on, how many do, and their mean error in pixels."""
    if len(pairs) < _PAIRS_MIN:
        return None
    source, target = first.points[pairs[:, 0]].astype(np.float64), second.points[pairs[:, 1]].astype(np.float64)
    best: tuple[Matrix, int, float] | None = None
    tried: list[_Pairs] = []
    for supporters in _hypotheses(first, second, pairs):
        if any(np.array_equal(supporters, other) for other in tried):
            continue
        tried.append(supporters)
        matrix = _similarity(source[supporters], target[supporters])
        kept = supporters
        for bound_px in _REFINEMENTS_PX:
            errors = _errors(matrix, source, target)
            kept = _one_pair_each(errors, bound_px, source, target)
            if len(kept) < _PAIRS_MIN:
                break
            fit = _similarity if bound_px == _REFINEMENTS_PX[0] else _affine
            matrix = fit(source[kept], target[kept])
        if len(kept) < _PAIRS_MIN or not _is_plausible(matrix):
            continue
        errors = _errors(matrix, source, target)
        kept = _one_pair_each(errors, _REFINEMENTS_PX[-1], source, target)
        if len(kept) >= _PAIRS_MIN and (best is None or len(kept) > best[1]):
            best = matrix, len(kept), float(errors[kept].mean())
    return best


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


def _similarity(source: _Points, target: _Points) -> Matrix:
    """Return the map by scaling, turning and moving that fits best (Umeyama 1991, in the plane)."""
    middle, other = source.mean(axis=0), target.mean(axis=0)
    one, two = source - middle, target - other
    spread = max(float((one**2).sum()), 1e-9)
    cos = float((one * two).sum()) / spread
    sin = float((one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]).sum()) / spread
    turned = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turned, other - turned @ middle])


def _affine(source: _Points, target: _Points) -> Matrix:
    """Return the affine map that fits best; points in one line give none, and so a map that is not plausible."""
    middle, other = source.mean(axis=0), target.mean(axis=0)
    one, two = source - middle, target - other
    (a, b), (_, d) = one.T @ one
    determinant = float(a * d - b * b)
    if determinant <= _LINE * float(a + d) ** 2:
        return np.zeros((2, 3))
    inverse = np.array([[d, -b], [-b, a]]) / determinant
    turned = (inverse @ (one.T @ two)).T
    return np.column_stack([turned, other - turned @ middle])


def _errors(matrix: Matrix, source: _Points, target: _Points) -> NDArray[np.float64]:
    right, down = (source @ matrix[:, :2].T + matrix[:, 2] - target).T
    return np.asarray(np.hypot(right, down))


def _one_pair_each(errors: NDArray[np.float64], bound_px: float, source: _Points, target: _Points) -> _Pairs:
    """Return the pairs within a bound, the best of those that share a place in either picture."""
    near = np.flatnonzero(errors < bound_px)
    near = near[np.argsort(errors[near], kind="stable")]
    for points in (source, target):
        places = np.round(points[near]).astype(np.int64)
        _, firsts = np.unique(places[:, 0] << 16 | places[:, 1], return_index=True)
        near = near[np.sort(firsts)]
    return near


def _is_plausible(matrix: Matrix) -> bool:
    # A map that stretches by s along one direction and by 1 along the other has s for its determinant and s^2 + 1 for
    # the sum of its squares; what counts is their quotient, whatever the scale.
    determinant = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    squares = float((matrix[:, :2] ** 2).sum())
    return determinant > 0 and squares <= (_ANISOTROPY_MAX + 1 / _ANISOTROPY_MAX) * determinant
