"""The report: one self-contained page with every match, both photos side by side, and what was compared."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from pathlib import Path

from theftwatch.db.queries import Connection
from theftwatch.errors import UsageError
from theftwatch.files import Files, replacing
from theftwatch.reports.coverage import find_coverage
from theftwatch.reports.html import environment, style
from theftwatch.reports.pairs import Pair, Vendor, find_not_counted, find_pairs, find_vendors
from theftwatch.reports.preview import Preview, Previews

#: Pairs of a vendor that are seen without a click
_UNFOLDED = 24
#: Pairs on one page; each takes some 45 kB, and a browser has to hold them all
_PAIRS_MAX = 3_000
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
    connection: Connection, files: Files, folder: Path, *, now: datetime, vendor: str | None = None, workers: int = 2
) -> ReportSummary:
    """Write `index.html` into a folder, which is made where it is missing, and return what it came to.

    The page replaces an older one when it is whole. With `vendor`, only what concerns vendors of that name or key.
    Raises UsageError where no vendor has it, and where the folder cannot be written.
    """
    vendors = await find_vendors(connection, vendor)
    if vendor is not None and not vendors:
        raise UsageError(f"{vendor}: no vendor goes by this name or key; a report without --vendor names all")
    matched = [each for each in vendors if each.pairs]
    looked = any(each.images_compared or each.pairs for each in vendors)
    summary = {"matches": sum(each.matches for each in matched), "possible": sum(each.possible for each in matched)}
    path = folder / "index.html"
    make_folder(folder)
    with Previews(files, workers=workers) as previews, replacing(path) as file:
        page = environment("theftwatch.reports", enable_async=True).get_template("report.html.j2")
        async for part in page.generate_async(
            now=now,
            only=vendor,
            looked=looked,
            vendors=matched,
            others=[each for each in vendors if not each.pairs],
            coverage=await find_coverage(connection),
            not_counted=await find_not_counted(connection, None if vendor is None else vendors, most=_NOT_COUNTED_MAX),
            sections=_sections(connection, matched),
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


async def _sections(connection: Connection, vendors: Sequence[Vendor]) -> AsyncIterator[Section]:
    """Yield the vendors' sections one by one, so that the pairs of one vendor are held at a time."""
    room = _PAIRS_MAX
    for number, vendor in enumerate(vendors, 1):
        pairs = await find_pairs(connection, vendor)
        shown = pairs[:room]
        room -= len(shown)
        yield Section(
            number=number,
            vendor=vendor,
            unfolded=shown[:_UNFOLDED],
            folded=shown[_UNFOLDED:],
            left_out=len(pairs) - len(shown),
        )


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
