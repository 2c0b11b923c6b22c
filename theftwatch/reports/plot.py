"""Plots as SVG drawings: how they look, for light or dark."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from theftwatch.reports.words import one_line, shortened

if TYPE_CHECKING:
    from pygal.graph.graph import Graph
    from pygal.style import Style

Scheme = Literal["light", "dark"]

_LABEL_MAX = 28
#: Ground, line, text and the colours of series, as in report.css; told apart by those who see fewer colours too
_SCHEMES: dict[Scheme, tuple[str, str, str, tuple[str, ...]]] = {
    "light": ("#dedbd4", "#59616a", "#1f2328", ("#17535c", "#c98a1b", "#8c2f1f", "#7a7f87")),
    "dark": ("#333a41", "#a3abb3", "#e4e5e3", ("#7fd0d8", "#f1d48a", "#f0a393", "#9aa3ab")),
}


def render(draw: Callable[["Style"], "Graph"], scheme: Scheme) -> str:
    """Return a plot as SVG; `draw` makes it in a style."""
    return str(draw(_style(scheme)).render(is_unicode=True))


def layout(style: "Style", **more: object) -> dict[str, object]:
    """Return what all plots have in common, and what this one has more."""
    own: dict[str, object] = {
        "style": style,
        "js": (),
        "width": 760,
        "height": 260,
        "margin": 4,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 2,
        "legend_box_size": 12,
        "show_minor_x_labels": False,
        "truncate_label": -1,
        "truncate_legend": -1,
        "disable_xml_declaration": True,
        "no_data_text": "nothing",
    }
    return own | more


def highest(series: Iterable[Sequence[float | None]], *, stacked: bool = False) -> float:
    """Return how high the highest bar is, by itself or with those that it stands on."""
    columns = [[value or 0 for value in column] for column in zip(*series, strict=True)]
    return max((sum(column) if stacked else max(column) for column in columns), default=0)


def ticks(most: float) -> list[int]:
    """Return what an axis of counts is marked with: whole numbers from 0, six at most."""
    step = 1
    while most > 5 * step:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return list(range(0, math.ceil(most / step) * step + 1, step)) if most else [0, 1]


def label(name: str) -> str:
    """Return a name as it stands beside a plot."""
    return shortened(one_line(name), _LABEL_MAX)


def _style(scheme: Scheme) -> "Style":
    from pygal.style import Style

    line, text, strong, colours = _SCHEMES[scheme]
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground=text,
        foreground_strong=strong,
        foreground_subtle=line,
        guide_stroke_color=line,
        major_guide_stroke_color=line,
        colors=colours,
        font_family="system-ui, sans-serif",
        label_font_size=14,
        major_label_font_size=14,
        legend_font_size=14,
        no_data_font_size=20,
        opacity="1",
        opacity_hover="1",
        transition="0s",
    )
