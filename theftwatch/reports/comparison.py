"""A page that shows two compared photos: what of the original is shown, where it lies in the suspect, and why."""

from importlib import resources

from theftwatch.errors import UnusableImageError
from theftwatch.match.compare import Comparison
from theftwatch.match.decide import MATCH_SCORE, POSSIBLE_SCORE
from theftwatch.reports.drawing import draw
from theftwatch.reports.html import environment
from theftwatch.reports.preview import Preview, make_preview

_LONG_SIDE_PX = 720


def comparison_page(names: tuple[str, str], files: tuple[bytes, bytes], comparison: Comparison) -> str:
    """Return one self-contained page about two files, the original first; names and files are not trusted."""
    original, suspect = (_preview(data) for data in files)
    transform = comparison.decision.transform
    drawing = draw(transform, original.size, suspect.size) if transform and original and suspect else None
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
    except UnusableImageError:  # the page says that nothing can be shown
        return None
