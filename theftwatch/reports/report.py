"""The report: one self-contained page with every match, both photos side by side, and what was compared."""

import base64
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from theftwatch.db.queries import Connection
from theftwatch.errors import UsageError
from theftwatch.files import Files, replacing
from theftwatch.reports.chosen import Chosen
from theftwatch.reports.coverage import find_coverage
from theftwatch.reports.figures import By, Figures, draw_months, draw_vendors, find_figures
from theftwatch.reports.html import environment, style
from theftwatch.reports.pair import Pair
from theftwatch.reports.pairs import Vendor, find_not_counted, find_pairs, find_vendors
from theftwatch.reports.plot import Scheme, render
from theftwatch.reports.preview import Preview, Previews

if TYPE_CHECKING:
    from pygal.graph.graph import Graph
    from pygal.style import Style

#: Pairs of a vendor that are seen without a click
_UNFOLDED = 24
#: Pairs on one page; each takes some 45 kB, and a browser has to hold them all
_PAIRS_MAX = 3_000
#: Artisans and vendors whose figures stand on the page
_FIGURES_MAX = 100
#: Pairs that do not count, named one by one
_NOT_COUNTED_MAX = 200
#: Places of a photo that are seen without a click
_PLACES_UNFOLDED = 3
#: Pairs whose previews are made, and held, at once
_BATCH = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportSummary:
    """What a report came to."""

    path: Path
    byte_count: int
    #: Vendors that have pairs
    vendors: int
    matches: int
    possible: int
    #: Pairs that the page has no room for; they are in the database
    left_out: int
    #: Whether any photo of these vendors was compared
    looked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PairShown:
    """A pair with its previews; None for a photo whose file is not kept."""

    pair: Pair
    original: Preview | None
    suspect: Preview | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The part of the page that belongs to one vendor."""

    number: int
    vendor: Vendor
    unfolded: Sequence[Pair]
    folded: Sequence[Pair]
    left_out: int


async def write_report(
    connection: Connection, files: Files, folder: Path, chosen: Chosen, *, now: datetime, workers: int = 2
) -> ReportSummary:
    """Write `index.html` into a folder, which is made where it is missing, and return what it came to.

    The page replaces an older one when it is whole. Raises UsageError where the folder cannot be written.
    """
    vendors = await find_vendors(connection, chosen)
    matched = [each for each in vendors if each.pairs]
    looked = any(each.images_compared or each.pairs for each in vendors)
    summary = {"matches": sum(each.matches for each in matched), "possible": sum(each.possible for each in matched)}
    months, artisans, figured = [await find_figures(connection, chosen, by) for by in get_args(By)]
    path = folder / "index.html"
    make_folder(folder)
    with Previews(files, workers=workers) as previews, replacing(path) as file:
        page = environment("theftwatch.reports", enable_async=True).get_template("report.html.j2")
        async for part in page.generate_async(
            now=now,
            only=chosen.in_words,
            looked=looked,
            vendors=matched,
            others=[each for each in vendors if not each.pairs],
            coverage=await find_coverage(connection),
            not_counted=await find_not_counted(connection, chosen, most=_NOT_COUNTED_MAX),
            months=months,
            figures=[("Month by month", months), ("Artisan by artisan", artisans), ("Vendor by vendor", figured)],
            figures_max=_FIGURES_MAX,
            plots=[
                ("What was entered, by month", _drawing(draw_months, months)),
                ("The same, by vendor", _drawing(draw_vendors, figured)),
            ],
            sections=_sections(connection, matched, chosen),
            with_previews=lambda pairs: _with_previews(pairs, previews),
            places_unfolded=_PLACES_UNFOLDED,
            **summary,
            **style(),
        ):
            file.write(part.encode())
    return ReportSummary(
        path=path,
        byte_count=path.stat().st_size,
        vendors=len(matched),
        left_out=max(0, sum(each.pairs for each in matched) - _PAIRS_MAX),
        looked=looked,
        **summary,
    )


async def _sections(connection: Connection, vendors: Sequence[Vendor], chosen: Chosen) -> AsyncIterator[Section]:
    """Yield the vendors' sections one by one, so that the pairs of one vendor are held at a time."""
    room = _PAIRS_MAX
    for number, vendor in enumerate(vendors, 1):
        pairs = await find_pairs(connection, vendor, chosen)
        shown = pairs[:room]
        room -= len(shown)
        yield Section(
            number=number,
            vendor=vendor,
            unfolded=shown[:_UNFOLDED],
            folded=shown[_UNFOLDED:],
            left_out=len(pairs) - len(shown),
        )


def _drawing(draw: Callable[[Sequence[Figures], "Style"], "Graph"], rows: Sequence[Figures]) -> dict[Scheme, str]:
    """Return a plot as `data:` addresses, for light and dark."""
    return {
        scheme: "data:image/svg+xml;base64," + base64.b64encode(render(partial(draw, rows), scheme).encode()).decode()
        for scheme in get_args(Scheme)
    }


async def _with_previews(pairs: Sequence[Pair], previews: Previews) -> AsyncIterator[PairShown]:
    for batch in batched(pairs, _BATCH):
        made = await previews.of([sha256 for pair in batch for sha256 in (pair.original_sha256, pair.suspect_sha256)])
        for pair, (original, suspect) in zip(batch, batched(made, 2), strict=True):
            yield PairShown(pair=pair, original=original, suspect=suspect)


def make_folder(folder: Path) -> None:
    """Make the folder of a page where it is missing.

    Raises UsageError where it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"{folder}: {exc.strerror}; name a folder that can be written") from exc
