"""Local features of a picture: points that are found again after it was scaled, turned, mirrored, cut or covered.

SIFT (Lowe 2004) with descriptors taken as square roots of their shares (RootSIFT, Arandjelović and Zisserman 2012), in
whole numbers: sums of their products stay below 2^24 and so are exact in any order, on every machine.
"""

import struct
from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from theftwatch.images.allocation import keep_freed_memory

type Grey = NDArray[np.uint8]

#: Long side of the picture that an original's features are taken from, where it gives few of them that of a larger
#: one, and the most of them that are kept
ORIGINAL_SIDE_PX, ORIGINAL_CLOSER_PX = 384, 640
ORIGINAL_FEATURES_MAX = 500
#: Long side of the grey picture kept beside the features of an original
KEPT_SIDE_PX = 256

#: Below OpenCV's 0.04, since jewellery on white ground has faint corners; and for pictures that give few features
_CONTRAST_MIN, _CLOSER_CONTRAST_MIN = 0.02, 0.01
#: Share of the most features below which a picture gives few
_FEW = 1 / 3
#: OpenCV finds the smallest points in a picture of twice the size, and so places all so far right of where they are
_SHIFT_PX = 0.25
#: Length of a descriptor
_LENGTH = 512
_DESCRIPTOR = (4, 4, 8)  # rows and columns across the orientation and along it, and directions
_COLUMNS = int(np.prod(_DESCRIPTOR))
_VERSION = 1
_HEADER = struct.Struct("<BHHH")  # version, features, width and height that the points are in

# Mirrored, the rows of a descriptor change places and its directions turn the other way.
_MIRROR = np.arange(_COLUMNS).reshape(_DESCRIPTOR)[::-1][:, :, -np.arange(8) % 8].ravel()

# Callers use threads of their own, and the result must not depend on how many.
cv2.setNumThreads(1)
keep_freed_memory()


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFeatures:
    """Points of a picture with their descriptions, and the grey picture itself."""

    #: Of the picture that the points are in
    width_px: int
    height_px: int
    #: (n, 2), in pixels
    points: NDArray[np.float32]
    #: (n,), diameters in pixels
    sizes: NDArray[np.float32]
    #: (n,), in radians
    angles: NDArray[np.float32]
    #: (n, 128)
    descriptors: NDArray[np.uint8]
    #: The same picture, perhaps smaller
    grey: Grey

    def to_bytes(self) -> bytes:
        """Return the features as they are stored."""
        header = _HEADER.pack(_VERSION, len(self.points), self.width_px, self.height_px)
        _, picture = cv2.imencode(".png", self.grey)
        arrays = (self.points, self.sizes, self.angles, self.descriptors)
        return b"".join([header, *(array.tobytes() for array in arrays), picture.tobytes()])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the features that were stored; raises ValueError for those of another version, or cut short."""
        version = data[0] if data else None
        if version != _VERSION:
            raise ValueError(f"features of version {version} where {_VERSION} is read; compute them anew")
        if len(data) < _HEADER.size:
            raise ValueError("features that were cut short; compute them anew")
        _, count, width_px, height_px = _HEADER.unpack_from(data)
        at = _HEADER.size
        floats = np.frombuffer(data, np.float32, 4 * count, at)
        at += floats.nbytes
        descriptors = np.frombuffer(data, np.uint8, _COLUMNS * count, at).reshape(count, _COLUMNS)
        grey = cv2.imdecode(np.frombuffer(data, np.uint8, offset=at + descriptors.nbytes), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise ValueError("features that were cut short; compute them anew")
        return cls(
            width_px=width_px,
            height_px=height_px,
            points=floats[: 2 * count].reshape(count, 2),
            sizes=floats[2 * count : 3 * count],
            angles=floats[3 * count :],
            descriptors=descriptors,
            grey=np.asarray(grey, np.uint8),
        )


def original_features(grey: Image.Image) -> LocalFeatures:
    """Find the local features of an original, with a grey picture small enough to be stored."""
    features = local_features(
        to_grey(grey), long_side_px=ORIGINAL_SIDE_PX, most=ORIGINAL_FEATURES_MAX, closer_px=ORIGINAL_CLOSER_PX
    )
    return replace(features, grey=to_long_side(features.grey, KEPT_SIDE_PX))


def local_features(grey: Grey, *, long_side_px: int, most: int, closer_px: int | None = None) -> LocalFeatures:
    """Find the local features of a picture brought to a long side, so that points are found at like scales.

    Where it gives few, as thin rings on white do, those of the picture at the long side `closer_px`, faint ones too.
    """
    found = _detect(to_long_side(grey, long_side_px), most, _CONTRAST_MIN)
    if closer_px is not None and len(found.points) < _FEW * most:
        return _detect(to_long_side(grey, closer_px), most, _CLOSER_CONTRAST_MIN)
    return found


def _detect(picture: Grey, most: int, contrast_min: float) -> LocalFeatures:
    # A detector of its own for each call, since threads may not share one; making it costs microseconds.
    sift = cv2.SIFT.create(nfeatures=most, contrastThreshold=contrast_min)
    keypoints, described = sift.detectAndCompute(picture, None)
    if described is None:
        keypoints, described = (), np.empty((0, _COLUMNS), np.float32)
    if len(keypoints) > most:
        # OpenCV keeps all that are as strong as the last: of a pattern that repeats, thousands.
        strongest = np.argsort([-keypoint.response for keypoint in keypoints], kind="stable")[:most]
        keypoints, described = [keypoints[index] for index in strongest], described[strongest]
    return LocalFeatures(
        width_px=picture.shape[1],
        height_px=picture.shape[0],
        points=np.array([keypoint.pt for keypoint in keypoints], np.float32).reshape(-1, 2),
        sizes=np.array([keypoint.size for keypoint in keypoints], np.float32),
        angles=np.radians(np.array([keypoint.angle for keypoint in keypoints], np.float32)),
        descriptors=_root(np.asarray(described, np.float32)),
        grey=picture,
    )


def mirror_features(features: LocalFeatures) -> LocalFeatures:
    """Return the local features of the mirror of a picture, by turning those of the picture round."""
    points = features.points.copy()
    points[:, 0] = features.width_px - 1 - points[:, 0] + 2 * _SHIFT_PX
    return LocalFeatures(
        width_px=features.width_px,
        height_px=features.height_px,
        points=points,
        sizes=features.sizes,
        angles=np.float32(np.pi) - features.angles,
        descriptors=np.ascontiguousarray(features.descriptors[:, _MIRROR]),
        grey=np.ascontiguousarray(features.grey[:, ::-1]),
    )


def to_grey(image: Image.Image) -> Grey:
    """Return a grey picture as an array."""
    return np.asarray(image, np.uint8)


def to_long_side(picture: Grey, long_side_px: int) -> Grey:
    """Return a picture brought to a long side, up or down."""
    height, width = picture.shape
    scale = long_side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


def _root(described: NDArray[np.float32]) -> NDArray[np.uint8]:
    shares = described / np.maximum(described.sum(axis=1, keepdims=True), 1)
    return np.minimum(np.round(_LENGTH * np.sqrt(shares)), 255).astype(np.uint8)
