"""A page that shows two compared photos: what of the original is shown, where it lies in the suspect, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from theftwatch.match.compare import Comparison
from theftwatch.match.decide import MATCH_SCORE, POSSIBLE_SCORE
from theftwatch.match.transform import Transform
from theftwatch.reports.html import environment
from theftwatch.reports.preview import Preview, make_preview

_LONG_SIDE_PX = 720


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """The alignment of two photos as a page draws it, in pixels of their previews."""

    #: Corners of the shown part of the original, and of the original in the suspect, as SVG takes them
    shown: str
    placed: str
    #: SVG's matrix that lays a square of side 1 that holds the original into the suspect
    matrix: str


def comparison_page(names: tuple[str, str], files: tuple[bytes, bytes], comparison: Comparison) -> str:
    """Return one self-contained page about two files, the original first; names and files are not trusted."""
    original, suspect = (_preview(data) for data in files)
    transform = comparison.decision.transform
    drawing = draw(transform, original, suspect) if transform and original and suspect else None
    return (
        environment("theftwatch.reports")
        .get_template("comparison.html.j2")
        .render(
            names=names,
            original=original,
            suspect=suspect,
            comparison=comparison,
            decision=comparison.decision,
            transform=transform,
            drawing=drawing,
            match_score=MATCH_SCORE,
            possible_score=POSSIBLE_SCORE,
            css=resources.files("theftwatch.reports").joinpath("templates/report.css").read_text("utf-8"),
        )
    )


def _preview(data: bytes) -> Preview | None:
    try:
        return make_preview(data, long_side_px=_LONG_SIDE_PX)
    except Exception:  # a decoder given hostile bytes may raise anything, and the page says that nothing can be shown
        return None


def draw(transform: Transform, original: Preview, suspect: Preview) -> Drawing:
    """Return how an alignment is drawn over two previews."""
    left, top, right, bottom = transform.crop
    across, down = suspect.width_px, suspect.height_px
    (a, b, c), (d, e, f) = transform.matrix
    if transform.mirrored:  # the map is that of the mirror; the photo is drawn as it is
        a, c, d, f = -a, c + a, -d, f + d
    corners = [(a * x + b * y + c, d * x + e * y + f) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
    return Drawing(
        shown=_points(((x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))), original),
        placed=_points(corners, suspect),
        matrix=" ".join(f"{value:.4f}" for value in (a * across, d * down, b * across, e * down, c * across, f * down)),
    )


def _points(corners: Iterable[tuple[float, float]], preview: Preview) -> str:
    return " ".join(f"{x * preview.width_px:.1f},{y * preview.height_px:.1f}" for x, y in corners)
