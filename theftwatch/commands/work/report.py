"""The work of `theftwatch report`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_artisan
from theftwatch.commands.work.record import bring_up_to_date, hold_still, opened
from theftwatch.config import settings
from theftwatch.db.queries import Connection, fetch
from theftwatch.errors import UsageError
from theftwatch.image_store import open_files
from theftwatch.reports.chosen import Chosen, choose
from theftwatch.reports.coverage import Coverage, find_coverage
from theftwatch.reports.figures import By, Figures, find_figures
from theftwatch.reports.gallery import write_gallery
from theftwatch.reports.pairs import NotCounted, find_not_counted, match_rows
from theftwatch.reports.report import write_report
from theftwatch.reports.table import figure_lines, figures_table, match_lines, match_object, match_table
from theftwatch.reports.words import count, moment, one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a report shall be about, as the command is told."""

    vendor: str | None = None
    artisan: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def report(wanted: Wanted, *, html: Path | None, by: By | None, as_json: bool) -> None:
    """Write the page, or print the matches, or with `by` the figures."""
    async with opened() as connection:
        await bring_up_to_date(connection)  # figures are kept, and a new release may have to work them out anew
        await hold_still(connection)
        await connection.set_read_only(True)
        chosen = await choose(
            connection,
            vendor=wanted.vendor,
            artisan=wanted.artisan,
            since=wanted.since and wanted.since.date(),
            until=wanted.until and wanted.until.date(),
        )
        if html is not None:
            await _write_page(connection, html, chosen)
        elif by is not None:
            _print_figures(await find_figures(connection, chosen, by), by, as_json=as_json)
            print(_summary(await find_coverage(connection)), file=sys.stderr)
        else:
            await _print_matches(connection, chosen, as_json=as_json)


async def write_gallery_page(artisan: str, folder: Path) -> None:
    """Write the page that an artisan can publish, and print what it came to."""
    own = settings()
    async with opened() as connection:
        await bring_up_to_date(connection)  # a relation may have begun or run out since
        key, name = await find_artisan(connection, artisan)
        if await fetch(connection, "has_opted_out", artisan=key):
            raise UsageError(
                f"{one_line(name)} has opted out, so no page is written; `theftwatch artisan opt-out --undo` where "
                "that is over"
            )
        files = await open_files(connection, own)
        written = await write_gallery(connection, files, folder, key, name, now=system_clock(), workers=own.workers)
    print(f"{one_line(name)}: {count(written.photos, 'photo')} in {count(written.listings, 'listing')} of others.")
    if written.own_not_shown:
        print(
            f"{written.own_not_shown} of the artisan's own photos are not shown, as Etsy's terms keep its listings off "
            "other pages; `theftwatch originals add` takes in the artisan's files, which may be shown",
            file=sys.stderr,
        )
    print(written.path.resolve())


async def _write_page(connection: Connection, folder: Path, chosen: Chosen) -> None:
    with Console(stderr=True).status("Writing the report"):
        written = await write_report(
            connection,
            await open_files(connection, settings()),
            folder,
            chosen,
            now=system_clock(),
            workers=settings().workers,
        )
    if not written.looked:
        print("Not looked: no photo of a vendor was compared; the page says what is there.")
    else:
        matches, vendors = count(written.matches, "match", "matches"), count(written.vendors, "vendor")
        print(f"{matches}, {written.possible} possible, at {vendors}.")
    if written.left_out:
        print(f"{written.left_out} of these pairs have no room on the page; they are in analysis.match.")
    print(written.path.resolve())


async def _print_matches(connection: Connection, chosen: Chosen, *, as_json: bool) -> None:
    rows = await match_rows(connection, chosen)
    apart = await find_not_counted(connection, chosen, most=1)
    console = Console(highlight=False)
    if console.is_terminal and not as_json:
        console.print(match_table(rows))
        console.print()
        console.print(_summary(await find_coverage(connection)))
        if apart:
            console.print(_not_counted(apart[0]))
        if rows:
            console.print(
                "A match says that two photos are one and the same; only a person can confirm what that means."
            )
        return
    if as_json:
        for vendor, pairs in rows:
            for pair in pairs:
                print(json.dumps(match_object(vendor, pair), default=str))
    else:
        for line in match_lines(rows):
            print(line)
    print(_summary(await find_coverage(connection)), file=sys.stderr)
    if apart:
        print(_not_counted(apart[0]), file=sys.stderr)


def _print_figures(rows: Sequence[Figures], by: By, *, as_json: bool) -> None:
    console = Console(highlight=False)
    if as_json:
        for row in rows:
            print(json.dumps({by: row.name} | {name: value for name, value in asdict(row).items() if name != "name"}))
    elif console.is_terminal:
        console.print(figures_table(rows, by))
    else:
        for line in figure_lines(rows, by):
            print(line)


def _not_counted(first: NotCounted) -> str:
    return (
        f"{count(first.of_all, 'more pair')} not counted: they prove nothing, the vendor may show them, or a person "
        "rejected them. See `theftwatch suppression list`, `theftwatch relation list` and `theftwatch finding list`."
    )


def _summary(coverage: Coverage) -> str:
    """Return in a sentence what the matches, or their absence, rest on."""
    if not coverage.looked:
        return "Not looked: no photo was compared with any of the other side."
    last = max((look.last_good_look_at for look in coverage.looks if look.last_good_look_at), default=None)
    return (
        f"Compared: {count(coverage.total('images_compared', 'suspect'), 'photo')} of "
        f"{count(coverage.total('sellers_compared', 'suspect'), 'vendor')} with "
        f"{count(coverage.total('images_compared', 'original'), 'photo')} of "
        f"{count(coverage.total('sellers_compared', 'original'), 'shop or artisan', 'shops and artisans')}"
        + (f"; last good look {moment(last)}." if last else ".")
    )
