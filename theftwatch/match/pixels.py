"""Who is the likelier source, by the pixels: the fuller, larger, cleaner and less recompressed photo.

A crop copies the whole and never the other way round, and a logo is put over a photo and not taken off it. Size and
compression say less, since marketplaces resize and recompress what they are given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

type Source = Literal["original", "suspect", "undecided"]

#: What each sign weighs; by these alone no two lesser ones outweigh a crop
_FULLER, _CLEANER, _LARGER, _LESS_COMPRESSED = 3, 2, 1, 1
#: Smaller differences are noise of the measurement
_SHOWN_WHOLE = 0.95
_LARGER_BY = 1.1
_QUALITY_BY = 10
#: Marketplaces store at 70 and more: below this somebody else recompressed. Above, a copy stored anew may well have the
#: higher figure of the two, so that is said and decides nothing.
_QUALITY_POOR = 60
_QUALITY_FAR = 20
_COVERED_MIN = 0.005
#: Share of the suspect that a photo takes where the rest may be of the same photo; tiles of a collage are smaller, and
#: shrunk
_INSIDE_MIN = 0.3
_INSIDE_MAX = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is known of a matched pair's pixels."""

    #: exact where the bytes are the same
    method: str
    #: How the original lies in the suspect, as `match.transform` stores it; what is missing there says nothing
    transform: Mapping[str, Any] | None
    original_jpeg_quality: int | None = None
    suspect_jpeg_quality: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """One thing that speaks for a side: positive weights for the original, negative ones for the suspect."""

    weight: int
    reason: str


def likelier_source(looks: Sequence[Look]) -> tuple[Source, tuple[str, ...]]:
    """Return which side's photos are the likelier source, and why, each reason once."""
    signs = [sign for look in looks for sign in read_signs(look)]
    total = sum(sign.weight for sign in signs)
    reasons = tuple(dict.fromkeys(sign.reason for sign in sorted(signs, key=lambda sign: -abs(sign.weight))))
    return "original" if total > 0 else "suspect" if total < 0 else "undecided", reasons


def read_signs(look: Look) -> list[Sign]:
    """Return what the pixels of one pair say."""
    if look.method == "exact":
        return [Sign(weight=0, reason="the two files are the same, byte for byte")]
    transform = look.transform or {}
    return [
        *_fuller(transform),
        *_cleaner(transform),
        *_larger(transform),
        *_less_compressed(look.original_jpeg_quality, look.suspect_jpeg_quality),
    ]


def _fuller(transform: Mapping[str, Any]) -> list[Sign]:
    shown = _number(transform.get("shown"))
    if shown is not None and shown < _SHOWN_WHOLE:
        return [Sign(weight=_FULLER, reason=f"the suspect shows {shown:.0%} of the original".replace("%", " %"))]
    scale, place = _number(transform.get("scale")), _box(transform.get("place"))
    if shown is None or scale is None or place is None or transform.get("around") != "picture":
        return []
    inside = (place[2] - place[0]) * (place[3] - place[1])
    if scale < 1 / _LARGER_BY or not _INSIDE_MIN <= inside <= _INSIDE_MAX:
        return [Sign(weight=0, reason="the suspect has more around the photo: a collage, or the fuller photo")]
    return [Sign(weight=-_FULLER, reason="the suspect has more around the photo, at no smaller scale")]


def _cleaner(transform: Mapping[str, Any]) -> list[Sign]:
    covered = transform.get("covered")
    if not isinstance(covered, Sequence) or isinstance(covered, str):
        return []
    signs = []
    for each in covered:
        if not isinstance(each, Mapping):
            continue
        share = _number(each.get("share"))
        if share is not None and share < _COVERED_MIN:
            continue
        where = f" at the {each['where']}" if isinstance(each.get("where"), str) else ""
        signs.append(
            Sign(weight=_CLEANER, reason=f"{each.get('what') or 'something'}{where} covers the suspect’s photo")
        )
    return signs[:1]


def _larger(transform: Mapping[str, Any]) -> list[Sign]:
    scale = _number(transform.get("scale"))
    if scale is None or scale <= 0:
        return []
    if scale * _LARGER_BY <= 1:
        return [Sign(weight=_LARGER, reason=f"the original is {1 / scale:.1f} times as large")]
    if scale >= _LARGER_BY:
        return [Sign(weight=-_LARGER, reason=f"the suspect is {scale:.1f} times as large")]
    return []


def _less_compressed(original: int | None, suspect: int | None) -> list[Sign]:
    if original is None or suspect is None or abs(original - suspect) < _QUALITY_BY:
        return []
    qualities = f"JPEG quality {original} of the original, {suspect} of the suspect"
    telling = min(original, suspect) < _QUALITY_POOR and abs(original - suspect) >= _QUALITY_FAR
    weight = _LESS_COMPRESSED if telling else 0
    return [Sign(weight=weight if original > suspect else -weight, reason=qualities)]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _box(value: object) -> tuple[float, float, float, float] | None:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 4:
        return None
    left, top, right, bottom = (_number(each) for each in value)
    if left is None or top is None or right is None or bottom is None:
        return None
    return left, top, right, bottom
