"""A plot of recall by edit: a line for each edit, a dot for each method."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from bench.recognition.edits import EDITS
from bench.recognition.tables import Measured

_TEMPLATE = Path(__file__).with_name("plot.svg.j2")
#: Tell apart, also for the colour-blind (Okabe and Ito's); the first is this program's
_COLOURS = ("#d55e00", "#56b4e9", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#000000", "#999999")
_WIDTH_PX, _LEFT_PX, _RIGHT_PX, _TOP_PX, _ROW_PX = 820, 210, 30, 58, 18


def write_plot(path: Path, measured: Sequence[Measured], title: str) -> None:
    """Write an SVG of the recall at which a method makes no error."""
    rows: list[dict[str, object]] = []
    family = ""
    for edit in EDITS:
        if edit.name not in measured[0].score.edits:
            continue
        if edit.family != family:
            family = edit.family
            rows.append({"family": family, "y": _TOP_PX + len(rows) * _ROW_PX})
        dots = [
            {
                "x": _x(each.score.edits[edit.name].recall_at_no_error),
                "colour": _COLOURS[index % len(_COLOURS)],
                "text": f"{each.name}: {each.score.edits[edit.name].recall_at_no_error:.3f}",
            }
            for index, each in enumerate(measured)
        ]
        # The first method is drawn last, over the others.
        rows.append({"family": "", "edit": edit.name, "y": _TOP_PX + len(rows) * _ROW_PX, "dots": dots[::-1]})
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    drawn = environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        title=title,
        width=max(_WIDTH_PX, _LEFT_PX + 150 * len(measured)),
        height=_TOP_PX + len(rows) * _ROW_PX + 24,
        left=_LEFT_PX,
        top=_TOP_PX,
        legend=[{"name": each.name, "colour": _COLOURS[index % len(_COLOURS)]} for index, each in enumerate(measured)],
        ticks=[{"x": _x(share / 10), "label": f"{share / 10:g}"} for share in range(0, 11, 2)],
        rows=rows,
    )
    path.write_text(drawn + "\n", encoding="utf-8")


def _x(share: float) -> float:
    return round(_LEFT_PX + share * (_WIDTH_PX - _LEFT_PX - _RIGHT_PX), 1)
