"""Plots: what people would rather look at than read, drawn here as SVG, each beside a table that says the same.

A plot is an image of its own, so that the pages need neither script nor style in them; it is drawn for light or dark.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from theftwatch.clock import monday_of
from theftwatch.db.pool import reading
from theftwatch.db.queries import Connection, fetch_as
from theftwatch.db.runs import SILENT_AT_MOST
from theftwatch.reports.plot import Scheme, highest, label, layout, render, ticks
from theftwatch.web.pages import context_of

if TYPE_CHECKING:
    from pygal.graph.graph import Graph
    from pygal.style import Style

_DAYS = 28
_WEEKS = 26
_VENDORS_MAX = _ARTISANS_MAX = 12
_HEADERS = {
    # pygal puts styles into the drawing, and settings for a script that is not loaded
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
#: What is told of a vendor by the week, in the order in which it happens
EVENTS = ("found", "confirmed", "rejected", "asked", "filed", "removed", "seen again")


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawledDay:
    """What runs did that began on a day; fields as in the query `count_crawled`."""

    day: date
    ok: int = 0
    partial: int = 0
    blocked: int = 0
    failed: int = 0
    listings: int = 0
    photos: int = 0
    pages_refused: int = 0
    hours: float | None = None

    @property
    def listings_an_hour(self) -> float | None:
        """How many listings were stored in an hour of crawling; None where no time was spent."""
        return self.listings / self.hours if self.hours else None


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorWeek:
    """How often something happened with a vendor in a week, which begins on a Monday."""

    kind: str
    week: date
    times: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """How many findings a vendor has on the photos of an artisan, or of a shop."""

    vendor_id: int
    vendor: str
    artisan: str
    findings: int


async def find_crawled(connection: Connection, *, now: datetime) -> list[CrawledDay]:
    """Return the last four weeks, every day of them; none where nothing was crawled in that time."""
    first = now.date() - timedelta(days=_DAYS - 1)
    since = datetime.combine(first, datetime.min.time(), now.tzinfo)
    found = await fetch_as(connection, CrawledDay, "count_crawled", since=since, now=now, silent=SILENT_AT_MOST)
    known = {each.day: each for each in found}
    days = [first + timedelta(days=number) for number in range(_DAYS)]
    return [known.get(day) or CrawledDay(day=day) for day in days] if known else []


async def find_vendor_weeks(connection: Connection, vendor: int, *, now: datetime) -> list[VendorWeek]:
    """Return what happened with a vendor in the last half year."""
    return await fetch_as(connection, VendorWeek, "count_vendor_events", vendor=vendor, since=_since(now))


async def find_shared(connection: Connection, vendor: int) -> list[Shared]:
    """Return whose photos a vendor shows, and who else shows photos of the same artisans."""
    return await fetch_as(
        connection, Shared, "count_shared", vendor=vendor, vendors=_VENDORS_MAX, artisans=_ARTISANS_MAX
    )


def _since(now: datetime) -> datetime:
    first = monday_of(now) - timedelta(weeks=_WEEKS - 1)
    return datetime.combine(first, datetime.min.time(), now.tzinfo)


async def _crawls(request: Request) -> Response:
    context = context_of(request)
    async with reading(context.pool) as connection:
        days = await find_crawled(connection, now=context.clock())
    return await _drawn(request, lambda style: _draw_crawls(request.path_params["what"], days, style))


def _draw_crawls(what: str, days: Sequence[CrawledDay], style: "Style") -> "Graph":
    import pygal

    series: dict[str, list[float | None]]
    if what == "outcomes":
        chart = pygal.StackedBar(**layout(style, legend_at_bottom_columns=4))
        series = {name: [getattr(day, name) for day in days] for name in ("ok", "partial", "blocked", "failed")}
    elif what == "listings":
        chart = pygal.Bar(**layout(style))
        series = {"listings": [day.listings for day in days], "photos fetched": [day.photos for day in days]}
    elif what == "refused":
        chart = pygal.Bar(**layout(style, show_legend=False))
        series = {"pages refused": [day.pages_refused for day in days]}
    else:
        chart = pygal.Line(**layout(style, show_legend=False, include_x_axis=True))
        series = {"listings an hour": [day.listings_an_hour for day in days]}
    chart.x_labels = [f"{day.day:%d %b}" for day in days]
    chart.x_labels_major = chart.x_labels[::7]
    for name, values in series.items():
        chart.add(name, values)
    chart.y_labels = ticks(highest(series.values(), stacked=what == "outcomes"))
    return chart


async def _timeline(request: Request) -> Response:
    context = context_of(request)
    now = context.clock()
    async with reading(context.pool) as connection:
        weeks = await find_vendor_weeks(connection, request.path_params["vendor"], now=now)
    return await _drawn(request, lambda style: _draw_timeline(weeks, _since(now).date(), style))


def _draw_timeline(weeks: Sequence[VendorWeek], first: date, style: "Style") -> "Graph":
    import pygal

    mondays = [first + timedelta(weeks=number) for number in range(_WEEKS)]
    times = {(each.kind, each.week): each.times for each in weeks}
    chart = pygal.Dot(**layout(style, height=320, show_legend=False, dots_size=8))
    chart.x_labels = [f"{monday:%d %b}" for monday in mondays]
    chart.x_labels_major = chart.x_labels[::4]
    for kind in EVENTS:
        chart.add(kind, [times.get((kind, monday), 0) for monday in mondays])
    return chart


async def _shared(request: Request) -> Response:
    async with reading(context_of(request).pool) as connection:
        shared = await find_shared(connection, request.path_params["vendor"])
    return await _drawn(request, lambda style: _draw_shared(shared, style))


def _draw_shared(shared: Sequence[Shared], style: "Style") -> "Graph":
    import pygal

    artisans = list(dict.fromkeys(each.artisan for each in shared))
    vendors = {each.vendor_id: each.vendor for each in shared}
    findings = {(each.vendor_id, each.artisan): each.findings for each in shared}
    height = 140 + 36 * len(vendors)
    chart = pygal.Dot(**layout(style, height=height, show_legend=False, show_minor_x_labels=True, x_label_rotation=25))
    chart.x_labels = [label(artisan) for artisan in artisans]
    for key, name in vendors.items():
        chart.add(label(name), [findings.get((key, artisan), 0) for artisan in artisans])
    return chart


async def _drawn(request: Request, draw: Callable[["Style"], "Graph"]) -> Response:
    """Draw a plot off the event loop, in the colours that the page asks for."""
    scheme: Scheme = "dark" if request.query_params.get("scheme") == "dark" else "light"
    return Response(await asyncio.to_thread(render, draw, scheme), media_type="image/svg+xml", headers=_HEADERS)


ROUTES = [
    Route("/plots/crawls/{what}.svg", _crawls, methods=["GET"]),
    Route("/plots/vendors/{vendor:int}/timeline.svg", _timeline, methods=["GET"]),
    Route("/plots/vendors/{vendor:int}/shared.svg", _shared, methods=["GET"]),
]
