"""What was done to a photo between the original and the suspect: as a value, as it is stored, and in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

type Box = tuple[float, float, float, float]
#: What is told of what was done to a photo
type Edit = Literal[
    "mirrored", "cut_out", "cropped", "turned", "tilted", "stretched", "resized", "bordered", "surrounded", "covered"
]
#: Width and height in pixels
type Size = tuple[int, int]

#: Smaller differences than these are noise of the measurement
_SHOWN_WHOLE = 0.97
_STRAIGHT_DEGREES = 1.5
_UPRIGHT = 0.005
_SAME_SCALE = 0.03
_SAME_SHAPE = 0.04
_TOLD_MOST = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """Something that lies over the photo and is not in the original."""

    #: In words, such as "lower right"
    where: str
    #: Share of what is shown of the original
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Transform:
    """How the original lies in the suspect image."""

    mirrored: bool
    #: Size in the suspect image relative to the original, in pixels of the files
    scale: float
    #: Width relative to height, compared with the original; 1 where it was not stretched
    stretch: float
    rotation_degrees: float
    #: Share of the original that the suspect shows, 0 to 1
    shown: float
    #: Left, top, right and bottom of the part of the original that is shown, as shares of its width and height
    crop: Box
    #: Left, top, right and bottom of where it lies in the suspect, as shares of its width and height
    place: Box
    #: What is around it there: nothing, a border of one colour, or something else
    around: Literal["nothing", "border", "picture"]
    #: The map from shares of the original's width and height, mirrored where it is, to those of the suspect: rows of
    #: a 2 by 3 matrix
    matrix: tuple[tuple[float, ...], ...] = ()
    covered: tuple[Covered, ...] = ()
    #: Whether what was around the goods in the original is plain in the suspect
    cut_out: bool = False
    #: How far its corners lie from where the map leads, as a share of its size: pulled there, or taken off a screen
    tilt: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return the values as they are stored and printed."""
        values = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def transform_from_json(values: Mapping[str, Any]) -> Transform:
    """Return the transform that was stored; what a version before did not store stands at what changes nothing."""
    whole = (0.0, 0.0, 1.0, 1.0)
    return Transform(
        mirrored=bool(values.get("mirrored", False)),
        scale=values.get("scale", 1.0),
        stretch=values.get("stretch", 1.0),
        rotation_degrees=values.get("rotation_degrees", 0.0),
        shown=values.get("shown", 1.0),
        crop=tuple(values.get("crop", whole)),
        place=tuple(values.get("place", whole)),
        around=values.get("around", "nothing"),
        matrix=tuple(tuple(row) for row in values.get("matrix", ())),
        covered=tuple(Covered(where=each["where"], share=each["share"]) for each in values.get("covered", ())),
        cut_out=bool(values.get("cut_out", False)),
        tilt=values.get("tilt", 0.0),
    )


def edits_of(transform: Transform) -> list[Edit]:
    """Return what was done to a photo, by its names."""
    done: dict[Edit, bool] = {
        "mirrored": transform.mirrored,
        "cut_out": transform.cut_out,
        "cropped": transform.shown < _SHOWN_WHOLE,
        "turned": abs(transform.rotation_degrees) >= _STRAIGHT_DEGREES,
        "tilted": transform.tilt >= _UPRIGHT,
        "stretched": abs(transform.stretch - 1) >= _SAME_SHAPE,
        "resized": abs(transform.scale - 1) >= _SAME_SCALE,
        "bordered": transform.around == "border",
        "surrounded": transform.around == "picture",
        "covered": bool(transform.covered),
    }
    return [edit for edit, was_done in done.items() if was_done]


def describe(transform: Transform) -> str:
    """Return a transform in words, such as "mirrored, resized to 60 %, with a plain border"."""
    words: dict[Edit, str] = {
        "mirrored": "mirrored",
        "cut_out": "cut out, on plain ground",
        "cropped": f"cropped to {transform.shown:.0%}".replace("%", " %"),
        "turned": f"turned by {transform.rotation_degrees:g} degrees",
        "tilted": "tilted",
        "stretched": "stretched",
        "resized": f"resized to {round(transform.scale * 100)} %",
        "bordered": "with a plain border",
        "surrounded": "with something around it",
        "covered": ", ".join(f"with something over it at the {each.where}" for each in transform.covered[:_TOLD_MOST]),
    }
    return ", ".join(words[edit] for edit in edits_of(transform)) or "the same photo, stored anew"
