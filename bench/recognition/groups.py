"""Finding photos that show the same: repeat shots, other crops, recoloured or smaller versions.

Shops and public sets are full of them, and a method that finds such a pair is not wrong. Two photos go into one group
where local features agree on one similarity transform and the picture is the same under it. What goes together
is found generously: a pair too many in a group costs one comparison, a pair too few makes a right answer look wrong.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from bench.recognition.descriptor import Descriptor
from bench.recognition.photos import Photo, opened, read_groups, with_group, write_groups

type Array = npt.NDArray[np.float32]

_SIDE_PX = 480
_FEATURES = 800
_NEAREST = 12
#: Cosine of two descriptors from which a pair is looked at
_LOOKED_AT = 0.4
#: From these on two photos show the same: the picture agrees under the transform, or the model finds them as like as
#: an edited copy, which it needs to the more the fewer features agree
_SAME_INLIERS, _SAME_GRADIENT = 12, 0.6
_SAME_COSINE = ((24, 0.72), (6, 0.76))  # inliers, cosine
#: From these on they are look-alikes: other goods on the same table, another one of a series
_LIKE_INLIERS, _LIKE_COSINE = 8, 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """Two photos that may show the same."""

    one: str
    other: str
    cosine: float
    inliers: int
    #: Correlation of the gradients where both photos are, once aligned
    gradient: float

    @property
    def same(self) -> bool:
        """Return whether they go into one group."""
        registered = self.inliers >= _SAME_INLIERS and self.gradient >= _SAME_GRADIENT
        return registered or any(self.inliers >= inliers and self.cosine >= cosine for inliers, cosine in _SAME_COSINE)

    @property
    def look_alike(self) -> bool:
        """Return whether they go into one cluster, as all photos of a group do."""
        return self.same or self.inliers >= _LIKE_INLIERS or self.cosine >= _LIKE_COSINE


def grouped(photos: Sequence[Photo], cache: Path) -> list[Photo]:
    """Return the photos with their groups and clusters; found once for the same photos, then read from a cache.

    Drawn photos keep what is known of them, and others are taken out of no group they are in.
    """
    known = sorted(f"{photo.name} {photo.group} {photo.cluster}" for photo in photos if photo.source != "drawn")
    file = cache / f"groups-{hashlib.sha256(chr(10).join(known).encode()).hexdigest()[:16]}.tsv"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        taken = [photo for photo in photos if photo.source != "drawn"]
        write_groups(file, join(taken, find_alike(taken)))
    return [with_group(photo, read_groups(file)) for photo in photos]


def find_alike(photos: Sequence[Photo]) -> list[Alike]:
    """Return the pairs of photos that are near by descriptor, with what their local features say."""
    descriptor = Descriptor("sscd_distilled")
    images = [opened(photo.read()) for photo in photos]
    vectors = np.stack([descriptor.describe(image) for image in images])
    cosines = vectors @ vectors.T
    features = [_features(image) for image in images]
    pairs = set()
    for index, row in enumerate(cosines):
        for other in np.argsort(-row)[: _NEAREST + 1]:
            if other != index and row[other] >= _LOOKED_AT:
                pairs.add((min(index, int(other)), max(index, int(other))))
    found = []
    for one, other in sorted(pairs):
        inliers, gradient = _compare(features[one], features[other])
        found.append(
            Alike(
                one=photos[one].name,
                other=photos[other].name,
                cosine=float(cosines[one, other]),
                inliers=inliers,
                gradient=gradient,
            )
        )
    return found


def join(photos: Sequence[Photo], alike: Sequence[Alike]) -> list[Photo]:
    """Return the photos with the groups and clusters that pairs make of them, named for the first of their photos."""
    groups = _joined({photo.name: photo.group for photo in photos}, [pair for pair in alike if pair.same])
    clusters = _joined({photo.name: photo.cluster for photo in photos}, [pair for pair in alike if pair.look_alike])
    return [replace(photo, group=groups[photo.name], cluster=clusters[photo.name]) for photo in photos]


def _joined(labels: dict[str, str], pairs: Sequence[Alike]) -> dict[str, str]:
    for pair in pairs:
        kept, gone = sorted((labels[pair.one], labels[pair.other]))
        labels = {name: kept if label == gone else label for name, label in labels.items()}
    return labels


@dataclass(frozen=True, kw_only=True, slots=True)
class _Features:
    grey: npt.NDArray[np.uint8]
    points: Array
    descriptors: Array


def _features(image: Image.Image) -> _Features:
    scale = _SIDE_PX / max(image.size)
    size = round(image.width * scale), round(image.height * scale)
    grey = np.asarray(ImageOps.grayscale(image.resize(size, Image.Resampling.LANCZOS)))
    points, descriptors = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=0.02).detectAndCompute(grey, None)
    if descriptors is None:
        descriptors = np.zeros((0, 128), np.float32)
    rooted = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7)).astype(np.float32)
    return _Features(
        grey=grey, points=np.array([point.pt for point in points], np.float32).reshape(-1, 2), descriptors=rooted
    )


def _compare(one: _Features, other: _Features) -> tuple[int, float]:
    if min(len(one.points), len(other.points)) < 4:
        return 0, 0.0
    similar = one.descriptors @ other.descriptors.T
    nearest = np.argsort(-similar, axis=1)[:, :2]
    rows = np.arange(len(similar))
    first, second = (2 - 2 * similar[rows, nearest[:, n]] for n in (0, 1))
    good = np.flatnonzero(first < 0.8**2 * second)
    # A feature that many others point to is a repeated ornament.
    _, kept = np.unique(nearest[good, 0], return_index=True)
    good = good[kept]
    if len(good) < 4:
        return 0, 0.0
    cv2.setRNGSeed(0)
    ours, theirs = one.points[good], other.points[nearest[good, 0]]
    matrix, inside = cv2.estimateAffinePartial2D(theirs, ours, ransacReprojThreshold=4, maxIters=2000)
    if matrix is None or not 0.2 < np.hypot(matrix[0, 0], matrix[0, 1]) < 5:
        return 0, 0.0
    return int(inside.sum()), _gradient_correlation(one.grey, other.grey, matrix)


def _gradient_correlation(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], matrix: npt.NDArray[np.integer | np.floating]
) -> float:
    size = one.shape[1], one.shape[0]
    warped = cv2.warpAffine(other, matrix, size)
    both = cv2.erode(cv2.warpAffine(np.full_like(other, 255), matrix, size), np.ones((9, 9), np.uint8)) > 0
    if both.sum() < 400:
        return 0.0
    gradients = []
    for image in (one, warped):
        smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.5)
        gradients.append(np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))[both])
    ours, theirs = (each - each.mean() for each in gradients)
    return float((ours * theirs).sum() / (np.sqrt((ours**2).sum() * (theirs**2).sum()) + 1e-6))
