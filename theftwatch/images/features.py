"""Local features of a picture: points that are found again after it was scaled, turned, mirrored, cut or covered.

SIFT (Lowe 2004) with descriptors taken as square roots of their shares (RootSIFT, Arandjelović and Zisserman 2012), in
whole numbers: sums of their products stay below 2^24 and so are exact in any order, on every machine.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from theftwatch.images.process import prepare

type Grey = NDArray[np.uint8]

#: Below OpenCV's 0.04, since jewellery on white ground has faint corners. OpenCV leaves points out by whole grey levels
#: before it places them: below 6 / 255 by none, so that twice the time goes into points that it then drops.
_CONTRAST_MIN = 0.0236
#: OpenCV finds the smallest points in a picture of twice the size, and so places all so far right of where they are
_SHIFT_PX = 0.25
#: Length of a descriptor
_LENGTH = 512
#: Cosine of two descriptors from which they are alike, and the share of features of a picture that are in a pattern;
#: of dots, stripes and squares nearly all are, of one photo in twenty as many as this
_TWIN, _TWINS_MIN = 0.93, 0.5
_DESCRIPTOR = (4, 4, 8)  # rows and columns across the orientation and along it, and directions
#: Numbers of a descriptor
COLUMNS = int(np.prod(_DESCRIPTOR))

# Mirrored, the rows of a descriptor change places and its directions turn the other way.
_MIRROR = np.arange(COLUMNS).reshape(_DESCRIPTOR)[::-1][:, :, -np.arange(8) % 8].ravel()

prepare()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """At which scale a picture is looked at, and how many features of it are wanted."""

    long_side_px: int
    most: int
    #: Where fewer are found than this, the long side that the picture is looked at with instead
    few: int
    closer_px: int


class PackedPicture:
    """A grey picture as it is stored, which is read when it is first looked at: most comparisons end before that."""

    def __init__(self, png: bytes) -> None:
        self.png = png

    @classmethod
    def of(cls, grey: Grey) -> Self:
        """Pack a picture."""
        return cls(cv2.imencode(".png", grey)[1].tobytes())

    @cached_property
    def grey(self) -> Grey:
        """Return the picture."""
        return np.asarray(cv2.imdecode(np.frombuffer(self.png, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


@dataclass(frozen=True, kw_only=True)
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
    picture: Grey | PackedPicture
    #: Whether the points are those of its mirror
    mirrored: bool = False

    @cached_property
    def grey(self) -> Grey:
        """Return the picture that the points are of, perhaps smaller."""
        picture = self.picture.grey if isinstance(self.picture, PackedPicture) else self.picture
        return np.ascontiguousarray(picture[:, ::-1]) if self.mirrored else picture


def local_features(grey: Grey, scale: Scale, *, thin: bool = False) -> LocalFeatures:
    """Find the local features of a picture brought to a scale, so that points are found at like ones.

    Where it gives few, as thin rings on white do, those of the picture at the larger scale; of one that is known to be
    `thin` at once.
    """
    if not thin:
        found = _detect(to_long_side(grey, scale.long_side_px), scale.most)
        if len(found.points) >= scale.few:
            return found
    return _detect(to_long_side(grey, scale.closer_px), scale.most)


def features_at_both(grey: Grey, scale: Scale) -> LocalFeatures:
    """Find the same, but where the first scale gives few those of both, at their places in the larger picture.

    A picture that is compared with it may be looked at at either.
    """
    found = _detect(to_long_side(grey, scale.long_side_px), scale.most)
    if len(found.points) >= scale.few:
        return found
    closer = _detect(to_long_side(grey, scale.closer_px), scale.most)
    grown = np.array([closer.width_px / found.width_px, closer.height_px / found.height_px], np.float32)
    # Pixels have their middles at whole numbers, and begin half a pixel before.
    begin_px = np.float32(0.5 - _SHIFT_PX)
    return replace(
        closer,
        points=np.concatenate([closer.points, (found.points + begin_px) * grown - begin_px]),
        sizes=np.concatenate([closer.sizes, found.sizes * grown.max()]),
        angles=np.concatenate([closer.angles, found.angles]),
        descriptors=np.concatenate([closer.descriptors, found.descriptors]),
    )


def is_thin(look: LocalFeatures, scale: Scale) -> bool:
    """Tell by a look at no smaller a scale, or at such a one as well, that one at this scale will find few features."""
    return max(look.width_px, look.height_px) >= scale.long_side_px and len(look.points) < scale.few


def is_pattern(look: LocalFeatures) -> bool:
    """Tell whether most features of a picture are like another one of it, as those of a pattern that repeats are."""
    described = look.descriptors.astype(np.float32)
    likeness = described @ described.T
    np.fill_diagonal(likeness, 0)
    return bool(len(described)) and bool((likeness.max(axis=1) > _TWIN * _LENGTH**2).mean() > _TWINS_MIN)


def _detect(picture: Grey, most: int) -> LocalFeatures:
    # A detector of its own for each call, since threads may not share one; making it costs microseconds.
    sift = cv2.SIFT.create(nfeatures=most, contrastThreshold=_CONTRAST_MIN)
    keypoints, described = sift.detectAndCompute(picture, None)
    if described is None:
        keypoints, described = (), np.empty((0, COLUMNS), np.float32)
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
        picture=picture,
    )


def no_features(grey: Grey, *, most_px: int) -> LocalFeatures:
    """Return a picture with a long side of so much at most, to be compared with another without any features of it."""
    picture = to_long_side(grey, min(most_px, max(grey.shape)))
    height_px, width_px = picture.shape
    nothing = np.empty(0, np.float32)
    return LocalFeatures(
        width_px=width_px,
        height_px=height_px,
        points=nothing.reshape(0, 2),
        sizes=nothing,
        angles=nothing,
        descriptors=np.empty((0, COLUMNS), np.uint8),
        picture=picture,
    )


def mirror_features(features: LocalFeatures) -> LocalFeatures:
    """Return the local features of the mirror of a picture, by turning those of the picture round."""
    points = features.points.copy()
    points[:, 0] = features.width_px - 1 - points[:, 0] + 2 * _SHIFT_PX
    return replace(
        features,
        points=points,
        angles=np.float32(np.pi) - features.angles,
        descriptors=np.ascontiguousarray(features.descriptors[:, _MIRROR]),
        mirrored=not features.mirrored,
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
