"""Maps of the plane that lead from the points of one picture to those of another: affine ones, and by projection."""

import math

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.features import LocalFeatures

#: (3, 3) where a function says so; else (2, 3), the first two rows of an affine one
type Matrix = NDArray[np.float64]
#: (n, 2), in pixels
type Points = NDArray[np.float64]

#: Share of their spread that points have across a line, squared, up to which they lie in one
_LINE = 1e-9


def fit_similarity(source: Points, target: Points) -> Matrix:
    """Return the map by scaling, turning and moving that fits best (Umeyama 1991, in the plane)."""
    middle, other = source.mean(axis=0), target.mean(axis=0)
    one, two = source - middle, target - other
    spread = max(float((one**2).sum()), 1e-9)
    cos = float((one * two).sum()) / spread
    sin = float((one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]).sum()) / spread
    turned = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turned, other - turned @ middle])


def fit_affine(source: Points, target: Points) -> Matrix:
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


def moved_points(matrix: Matrix, points: Points) -> Points:
    """Return where a map (3, 3) leads points."""
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:])


def flattened(matrix: Matrix, picture: LocalFeatures) -> tuple[Matrix, float]:
    """Return the affine map (2, 3) nearest to one by projection over a picture, and how far its corners are from it."""
    if not is_projection(matrix):
        return matrix[:2], 0.0
    corners = corners_of(picture)
    places = moved_points(matrix, corners)
    flat = fit_affine(corners, places)
    size_px = math.sqrt(abs(float(np.linalg.det(flat[:, :2]))) * picture.width_px * picture.height_px)
    return flat, float(distances(flat, corners, places).max()) / max(size_px, 1.0)


def scale_at(matrix: Matrix, at: tuple[float, float]) -> float:
    """Return by how much a map (3, 3) enlarges what is at a point: the root of its Jacobian determinant there."""
    nearness = float(matrix[2] @ (*at, 1.0))
    return math.sqrt(abs(float(np.linalg.det(matrix)) / nearness**3))


def is_projection(matrix: Matrix) -> bool:
    """Tell whether a map (3, 3) leads parallel lines to lines that meet."""
    return bool(matrix[2, 0] or matrix[2, 1])


def corners_of(features: LocalFeatures) -> Points:
    """Return the corners of a picture, clockwise from the upper left."""
    right, bottom = features.width_px - 1, features.height_px - 1
    return np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)


def distances(matrix: Matrix, source: Points, target: Points) -> NDArray[np.float64]:
    """Return how far from their targets (n,) a map (2, 3) leads points."""
    right, down = (source @ matrix[:, :2].T + matrix[:, 2] - target).T
    return np.asarray(np.hypot(right, down))
