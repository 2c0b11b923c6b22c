"""Local features of a picture, and how one picture lies in another.

ORB (Rublee et al. 2011) finds points and describes them; Lowe's ratio test pairs them; RANSAC (Fischler and Bolles
1981) finds the affine map that most pairs agree on. What the map lays over each other is then compared gradient by
gradient, since two pieces photographed on the same ground agree in points of the ground and not in the picture.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

type Grey = NDArray[np.uint8]

#: Pictures are brought to this long side, up or down, so that points are found at like scales
LONG_SIDE_PX = 480
FEATURES_MAX = 500

#: Below OpenCV's 20, since jewellery on white ground has faint corners
_FAST_THRESHOLD = 7
_RATIO = 0.8
_REPROJECTION_PX = 4.0
_PAIRS_MIN = 4
#: Vendors stretch a photo, but none beyond this; a map that does is a chance agreement
_ANISOTROPY_MAX = 1.9
_GRADIENT_LONG_SIDE_PX = 240
_OVERLAP_MIN = 0.02

# Callers use threads of their own, and the result must not depend on how many.
cv2.setNumThreads(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFeatures:
    """Points of a picture with their descriptions, and the grey picture that they lie in."""

    #: (n, 2), in pixels of `grey`
    points: NDArray[np.float32]
    #: (n, 32)
    descriptors: NDArray[np.uint8]
    grey: Grey


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """How a picture lies in another."""

    #: Pairs of points that agree on the map
    inliers: int
    #: Correlation of the gradients where both pictures lie over each other, 0 to 1
    agreement: float
    #: (2, 3), from pixels of one working picture to those of the other
    matrix: NDArray[np.float64]
    #: Share of the first picture that the second shows, 0 to 1
    shown: float

    @property
    def strength(self) -> float:
        """Return one figure of how surely the first picture lies in the second; copies reach hundreds."""
        return self.inliers * self.agreement**4


def local_features(grey: Image.Image) -> LocalFeatures:
    """Find the local features of a grey picture."""
    picture = _to_long_side(np.asarray(grey, dtype=np.uint8), LONG_SIDE_PX)
    # A detector of its own for each call, since threads may not share one; making it costs microseconds.
    orb = cv2.ORB.create(nfeatures=FEATURES_MAX, fastThreshold=_FAST_THRESHOLD)
    keypoints, described = orb.detectAndCompute(picture, None)
    if described is None:
        return LocalFeatures(points=np.empty((0, 2), np.float32), descriptors=np.empty((0, 32), np.uint8), grey=picture)
    points = np.array([keypoint.pt for keypoint in keypoints], np.float32)
    return LocalFeatures(points=points, descriptors=np.asarray(described, np.uint8), grey=picture)


def mirror_features(features: LocalFeatures) -> LocalFeatures:
    """Find the local features of the mirror of a picture; descriptions do not survive mirroring, so they are new."""
    return local_features(Image.fromarray(np.ascontiguousarray(features.grey[:, ::-1])))


def align(first: LocalFeatures, second: LocalFeatures) -> Alignment | None:
    """Find how the first picture lies in the second; None where it does not.

    The same pair always gives the same result.
    """
    pairs = _pairs(first, second)
    if len(pairs) < _PAIRS_MIN:
        return None
    source, target = first.points[pairs[:, 0]], second.points[pairs[:, 1]]
    estimate, inliers = cv2.estimateAffine2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=_REPROJECTION_PX, maxIters=2000, confidence=0.999
    )
    if estimate is None:
        return None
    matrix = np.asarray(estimate, np.float64)
    if _anisotropy(matrix) > _ANISOTROPY_MAX:
        return None
    agreement, shown = _compare_gradients(first.grey, second.grey, matrix)
    return Alignment(inliers=int(inliers.sum()), agreement=agreement, matrix=matrix, shown=shown)


def _to_long_side(picture: Grey, long_side_px: int) -> Grey:
    height, width = picture.shape
    scale = long_side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


def _pairs(first: LocalFeatures, second: LocalFeatures) -> NDArray[np.int64]:
    """Return the indices (n, 2) of points that describe each other clearly better than any other does."""
    if len(first.points) < _PAIRS_MIN or len(second.points) < _PAIRS_MIN:
        return np.empty((0, 2), np.int64)
    nearest = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(first.descriptors, second.descriptors, k=2)
    pairs = [
        (a.queryIdx, a.trainIdx) for a, b in (n for n in nearest if len(n) == 2) if a.distance < _RATIO * b.distance
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _anisotropy(matrix: NDArray[np.float64]) -> float:
    large, small = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return float(large / small) if small > 0 and np.linalg.det(matrix[:, :2]) > 0 else math.inf


def _compare_gradients(first: Grey, second: Grey, matrix: NDArray[np.float64]) -> tuple[float, float]:
    """Return how well the gradients of two aligned pictures correlate, and the share of the first that is seen."""
    scale = _GRADIENT_LONG_SIDE_PX / LONG_SIDE_PX
    small, frame = _to_long_side(first, _GRADIENT_LONG_SIDE_PX), _to_long_side(second, _GRADIENT_LONG_SIDE_PX)
    moved = matrix.copy()
    moved[:, 2] *= scale
    size = frame.shape[1], frame.shape[0]
    warped = cv2.warpAffine(small, moved, size, flags=cv2.INTER_AREA)
    mask = cv2.warpAffine(np.full_like(small, 255), moved, size) > 250  # borders left out
    full_area_px = abs(np.linalg.det(moved[:, :2])) * small.size
    shown = float(min(1.0, mask.sum() / full_area_px)) if full_area_px else 0.0
    mask = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if mask.sum() < _OVERLAP_MIN * mask.size:
        return 0.0, shown
    one, other = _gradients(warped)[:, mask].ravel(), _gradients(frame)[:, mask].ravel()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return (max(0.0, float(one @ other) / length) if length else 0.0), shown


def _gradients(picture: NDArray[Any]) -> NDArray[np.float32]:
    """Return the slopes of a picture, (2, height, width), smoothed so that recompression does not count."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.2).astype(np.float32)
    return np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])
