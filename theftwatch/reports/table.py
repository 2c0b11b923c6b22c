"""The matches, and the figures, as a table on a terminal, and as plain lines elsewhere."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.style import Style
from rich.table import Table
from rich.text import Text

from theftwatch.reports.figures import COUNTED, By, Figures
from theftwatch.reports.pair import Pair, Place
from theftwatch.reports.pairs import Vendor
from theftwatch.reports.words import marketplace_name, one_line, web_address

COLUMNS = ("vendor", "decision", "score", "what was done", "shop", "original", "suspect", "verdict")


def match_table(rows: Sequence[tuple[Vendor, Sequence[Pair]]]) -> Table:
    """Return a table of vendors and their matches; titles lead to the listings where the terminal can.

    All texts stand in it as `Text`: Rich would read markup in a plain string, and vendors choose their words.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in (
        "score",
        "",
        "what was done to the photo",
        "shop or artisan",
        "original",
        "suspect listing",
        "verdict",
    ):
        table.add_column(name, justify="right" if name == "score" else "left", overflow="ellipsis", no_wrap=True)
    for vendor, pairs in rows:
        table.add_row(end_section=False)
        table.add_row("", "", Text(one_line(vendor.name), style="bold"), Text(marketplace_name(vendor.marketplace)))
        for pair in pairs:
            table.add_row(
                f"{pair.score:.2f}",
                Text(pair.decision, style="green" if pair.decision == "match" else "yellow"),
                Text(pair.done),
                Text(one_line(pair.originals[0].seller or "not known")),
                _linked(pair.originals),
                _linked(pair.suspects),
                Text(pair.said),
            )
    return table


def match_lines(rows: Sequence[tuple[Vendor, Sequence[Pair]]]) -> Iterator[str]:
    """Yield one line a pair, with tabs between the columns and `COLUMNS` in the first."""
    yield "\t".join(COLUMNS)
    for vendor, pairs in rows:
        for pair in pairs:
            original, suspect = pair.originals[0], pair.suspects[0]
            cells = (
                vendor.name,
                pair.decision,
                f"{pair.score:.4f}",
                pair.done,
                original.seller or "",
                original.url or original.title or "",
                suspect.url or "",
                pair.said,
            )
            yield "\t".join(one_line(cell) for cell in cells)


def match_object(vendor: Vendor, pair: Pair) -> dict[str, Any]:
    """Return a pair with what names it, for JSON."""
    original, suspect = pair.originals[0], pair.suspects[0]
    return {
        "match_id": pair.match_id,
        "vendor": vendor.name,
        "marketplace": vendor.marketplace,
        "decision": pair.decision,
        "score": pair.score,
        "done": pair.done,
        "shop": original.seller,
        "original_title": original.title,
        "original_url": original.url,
        "original_sha256": pair.original_sha256.hex(),
        "suspect_title": suspect.title,
        "suspect_url": suspect.url,
        "suspect_sha256": pair.suspect_sha256.hex(),
        "first_matched_at": pair.first_matched_at,
        "verdict": pair.said or None,
    }


def figures_table(rows: Sequence[Figures], by: By) -> Table:
    """Return a table of months, artisans or vendors, with what was entered about each."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(by, no_wrap=True, overflow="ellipsis")
    for name in (*(_HEADINGS.get(name, name) for name in COUNTED), "days to removal"):
        table.add_column(name, justify="right")
    table.add_column("looked")
    for row in rows:
        days = row.median_days_to_removal
        table.add_row(
            Text(one_line(row.name or "not known")),
            *(f"{getattr(row, name):,}" for name in COUNTED),
            "" if days is None else f"{days:.0f}",
            Text(row.looked, style="" if row.looked == "in full" else "yellow"),
        )
    return table


def figure_lines(rows: Sequence[Figures], by: By) -> Iterator[str]:
    """Yield one line a month, artisan or vendor, with tabs between the columns and their names in the first."""
    yield "\t".join((by, *COUNTED, "median_days_to_removal", "looked"))
    for row in rows:
        days = row.median_days_to_removal
        cells = (row.name or "", *(str(getattr(row, name)) for name in COUNTED), "" if days is None else f"{days:.1f}")
        yield "\t".join(one_line(cell) for cell in (*cells, row.looked))


_HEADINGS = {"relisted": "seen again"}


def _linked(places: Sequence[Place]) -> Text:
    """Return the title of the first place, with its address behind it, and how many more there are."""
    place = places[0]
    address = web_address(place.url)
    text = Text(one_line(place.title or place.listing_ref or "untitled"), style=Style(link=address) if address else "")
    return text.append(f" and {len(places) - 1} more", style="dim") if len(places) > 1 else text
