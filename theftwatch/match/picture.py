"""What verification needs of an image, in the role of the original and in that of the suspect."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from PIL import Image

from theftwatch.images.decode import decode
from theftwatch.images.descriptor import PART_SIDE_PX, Descriptor, describe
from theftwatch.images.features import (
    Grey,
    LocalFeatures,
    Scale,
    is_pattern,
    is_thin,
    local_features,
    no_features,
    to_grey,
    to_long_side,
)
from theftwatch.images.fingerprint import Fingerprint, fingerprint
from theftwatch.images.looks import CLOSE_LOOK, Looks, first_looks, look_closely
from theftwatch.images.parts import Box, find_parts

#: Sides that are asked of the decoder, and the most that a suspect is looked at with
_ORIGINAL_SHORT_PX, _SUSPECT_SHORT_PX, _SUSPECT_LONG_PX = 640, 512, 1024
#: A first look at a suspect, or at a part of one
_FIRST_LOOK = Scale(long_side_px=256, most=200, few=30, closer_px=448)
#: A close look at the whole of a suspect, of which an original may be a small part
_WHOLE_LOOK = Scale(long_side_px=512, most=1000, few=100, closer_px=640)


class OriginalPicture:
    """An image in the role of the original; a close look is taken when it is first asked for, and kept.

    `load` gives the bytes of the image for that.
    """

    def __init__(self, prints: Fingerprint, looks: Looks, load: Callable[[], bytes]) -> None:
        self.fingerprint = prints
        self.looks = looks
        self._load = load

    @property
    def first_look(self) -> LocalFeatures:
        """Return few features of a small picture: enough to tell that there is no trace of it in another."""
        return self.looks.first

    @property
    def close_look(self) -> LocalFeatures:
        """Return the features that a decision rests on.

        Raises UnusableImageError, and what `load` raises.
        """
        close = self.looks.close
        if close is None:
            close = look_closely(self.looks, decode(self._load(), short_side_px=_ORIGINAL_SHORT_PX).grey)
            self.looks = replace(self.looks, close=close)
        return close


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of a suspect that may be a photo of its own."""

    #: Left, top, right and bottom, as shares of the suspect's width and height
    place: Box
    #: None where no network is in use
    descriptor: Descriptor | None


class SuspectPicture:
    """An image in the role of the suspect; the costly part of it is computed when it is first asked for, and kept."""

    def __init__(self, prints: Fingerprint, data: bytes) -> None:
        self.fingerprint = prints
        grey = to_grey(decode(data, short_side_px=_SUSPECT_SHORT_PX).grey)
        self._grey = to_long_side(grey, _SUSPECT_LONG_PX) if max(grey.shape) > _SUSPECT_LONG_PX else grey
        self._part_features: dict[tuple[int, bool], LocalFeatures] = {}

    @cached_property
    def small(self) -> LocalFeatures:
        """Return a small picture without any features: enough to compare it as it is."""
        return no_features(self._grey, most_px=_FIRST_LOOK.long_side_px)

    @cached_property
    def first_look(self) -> LocalFeatures:
        """Return few features of a small picture: enough for most copies, for a fifth of the time."""
        return local_features(self._grey, _FIRST_LOOK)

    @cached_property
    def is_pattern(self) -> bool:
        """Return whether a pattern took the room that a first look has, so that features of a photo in it may lack."""
        return len(self.first_look.points) >= _FIRST_LOOK.most and is_pattern(self.first_look)

    @cached_property
    def close_look(self) -> LocalFeatures:
        """Return many features of a large picture."""
        return local_features(self._grey, _WHOLE_LOOK)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Return the parts that may be photos of their own."""
        return tuple(
            Part(place=place, descriptor=describe(Image.fromarray(self._cut(place)), side_px=PART_SIDE_PX))
            for place in find_parts(self.small.grey)
        )

    def part_look(self, index: int, *, close: bool) -> tuple[LocalFeatures, tuple[float, float], tuple[int, int]]:
        """Return a part's features, where it begins, and the size of the whole, in pixels as the part is looked at."""
        place = self.parts[index].place
        if (index, close) not in self._part_features:
            look = self._look_closely if close else self._look
            self._part_features[index, close] = look(index)
        features = self._part_features[index, close]
        width_px = features.width_px / (place[2] - place[0])
        height_px = features.height_px / (place[3] - place[1])
        return features, (place[0] * width_px, place[1] * height_px), (round(width_px), round(height_px))

    def _look(self, index: int) -> LocalFeatures:
        return local_features(self._cut(self.parts[index].place), _FIRST_LOOK)

    def _look_closely(self, index: int) -> LocalFeatures:
        quick, *_ = self.part_look(index, close=False)
        return local_features(self._cut(self.parts[index].place), CLOSE_LOOK, thin=is_thin(quick, CLOSE_LOOK))

    def _cut(self, place: Box) -> Grey:
        height, width = self._grey.shape
        left, top, right, bottom = place
        return self._grey[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def read_original(data: bytes) -> OriginalPicture:
    """Read an image in the role of the original.

    Raises UnusableImageError.
    """
    return OriginalPicture(fingerprint(data), find_first_looks(data), lambda: data)


def find_first_looks(data: bytes) -> Looks:
    """Look at an image in the role of the original for the first time.

    Raises UnusableImageError.
    """
    return first_looks(decode(data, short_side_px=_ORIGINAL_SHORT_PX).grey)


def read_suspect(data: bytes) -> SuspectPicture:
    """Read an image in the role of the suspect.

    Raises UnusableImageError.
    """
    return SuspectPicture(fingerprint(data), data)
