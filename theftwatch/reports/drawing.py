"""How one photo lies in another, as SVG draws it."""

from collections.abc import Iterable
from dataclasses import dataclass

from theftwatch.match.transform import Size, Transform


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """The alignment of two photos as a page draws it, in pixels of the sizes at which it shows them."""

    #: Corners of the shown part of the original, and of the original in the suspect, as SVG takes them
    shown: str
    placed: str
    #: SVG's matrix that lays a square of side 1 that holds the original into the suspect
    matrix: str


def draw(transform: Transform, original: Size, suspect: Size) -> Drawing:
    """Draw a transform that has a matrix, for photos shown at given sizes."""
    left, top, right, bottom = transform.crop
    across, down = suspect
    (a, b, c), (d, e, f) = transform.matrix
    if transform.mirrored:  # the map is that of the mirror; the photo is drawn as it is
        a, c, d, f = -a, c + a, -d, f + d
    corners = [(a * x + b * y + c, d * x + e * y + f) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
    return Drawing(
        shown=_points(((x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))), original),
        placed=_points(corners, suspect),
        matrix=" ".join(f"{value:.4f}" for value in (a * across, d * down, b * across, e * down, c * across, f * down)),
    )


def _points(corners: Iterable[tuple[float, float]], size: Size) -> str:
    return " ".join(f"{x * size[0]:.1f},{y * size[1]:.1f}" for x, y in corners)
