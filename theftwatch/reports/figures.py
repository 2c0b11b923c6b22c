"""What was found and what came of it, in numbers: by month, artisan or vendor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from theftwatch.db.queries import Connection, fetch_as
from theftwatch.reports.chosen import Chosen
from theftwatch.reports.plot import highest, label, layout, ticks

if TYPE_CHECKING:
    from pygal.graph.graph import Graph
    from pygal.style import Style

By = Literal["month", "artisan", "vendor"]
Looked = Literal["in full", "in part", "not looked"]

#: What is counted, in the order in which it happens
COUNTED = ("found", "confirmed", "rejected", "told", "asked", "filed", "removed", "relisted")
_PLOTTED = ("found", "confirmed", "filed", "removed")
_VENDORS_PLOTTED = 12
_MONTHS_PLOTTED = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What was entered in a time about one month, artisan or vendor; fields as in the query `report_figures`."""

    #: A month as 2026-11; None for a vendor who is not known
    name: str | None
    marketplace: str | None = None
    #: Of a month how its crawls went; else how far the shops and files, or the vendor, were looked at by now
    looked: Looked
    #: Findings found first; verdicts; findings told of; letters and complaints; findings removed, and seen again
    found: int = 0
    confirmed: int = 0
    rejected: int = 0
    told: int = 0
    asked: int = 0
    filed: int = 0
    removed: int = 0
    relisted: int = 0
    #: From when a finding was found to when it counted as removed, half of them sooner; None without a removal
    median_days_to_removal: float | None = None


async def find_figures(connection: Connection, chosen: Chosen, by: By) -> list[Figures]:
    """Return what was entered, by month in order, or by artisan or vendor, those with the most findings first.

    Between the first month and the last one none is left out: one without a crawl was not looked at.
    """
    rows = await fetch_as(connection, Figures, "report_figures", by=by, **chosen.parameters)
    return _without_gaps(rows) if by == "month" else rows


def _without_gaps(rows: Sequence[Figures]) -> list[Figures]:
    known = {row.name: row for row in rows}
    if not known:
        return []
    month, last = (date.fromisoformat(f"{row.name}-01") for row in (rows[0], rows[-1]))
    filled = []
    while month <= last:
        name = f"{month:%Y-%m}"
        filled.append(known.get(name) or Figures(name=name, looked="not looked"))
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    return filled


def draw_months(months: Sequence[Figures], style: "Style") -> "Graph":
    """Draw what was entered in each of the last months."""
    import pygal

    shown = months[-_MONTHS_PLOTTED:]
    chart = pygal.Bar(**layout(style, legend_at_bottom_columns=4, show_minor_x_labels=True, x_label_rotation=30))
    chart.x_labels = [month.name for month in shown]
    series = {name: [getattr(month, name) for month in shown] for name in _PLOTTED}
    for name, values in series.items():
        chart.add(name, values)
    chart.y_labels = ticks(highest(series.values()))
    return chart


def draw_vendors(vendors: Sequence[Figures], style: "Style") -> "Graph":
    """Draw what was entered about each of the vendors with the most findings."""
    import pygal

    shown = vendors[:_VENDORS_PLOTTED][::-1]  # the first stands at the top
    height = 90 + 40 * len(shown)
    chart = pygal.HorizontalBar(**layout(style, height=height, legend_at_bottom_columns=4, show_minor_x_labels=True))
    chart.x_labels = [label(vendor.name or "not known") for vendor in shown]
    series = {name: [getattr(vendor, name) for vendor in shown] for name in _PLOTTED}
    for name, values in series.items():
        chart.add(name, values)
    chart.y_labels = ticks(highest(series.values()))
    return chart
