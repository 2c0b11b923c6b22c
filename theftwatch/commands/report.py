"""`theftwatch report`: what matched and what came of it, as a page or as a table."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from theftwatch.commands.options import JsonLines, day_option
from theftwatch.errors import UsageError


def report(
    *,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="DIR", help="Write a page with all photos, DIR/index.html, instead."),
    ] = None,
    vendor: Annotated[str | None, typer.Option(metavar="NAME", help="Only this vendor: name, key or address.")] = None,
    artisan: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only photos of this artisan or shop: name, key or address.")
    ] = None,
    since: Annotated[datetime | None, day_option("Only what was found, or entered, from this day on, in UTC.")] = None,
    until: Annotated[
        datetime | None, day_option("Only what was found, or entered, until this day's end, in UTC.")
    ] = None,
    by: Annotated[
        Literal["month", "artisan", "vendor"] | None,
        typer.Option(help="Figures instead of matches: what was found and what came of it."),
    ] = None,
    as_json: JsonLines = False,
    gallery: Annotated[
        str | None,
        typer.Option(metavar="ARTISAN", help="With --html: a page that this artisan can publish, DIR/index.html."),
    ] = None,
) -> None:
    """Show what matched, what came of it, and what was compared.

    Vendor by vendor: a table on a terminal, and elsewhere one line a pair, with tabs. Exit code 0 with matches and
    without. A gallery holds only what a person confirmed, and of each marketplace what its terms allow.
    """
    # Postgres and Pillow take a second to load.
    import asyncio

    from theftwatch.commands.work import report as work

    if html is not None and (by is not None or as_json):
        raise UsageError("--html writes a page with all figures on it: give it without --by and --json")
    wanted = work.Wanted(vendor=vendor, artisan=artisan, since=since, until=until)
    if gallery is None:
        asyncio.run(work.report(wanted, html=html, by=by, as_json=as_json))
    elif html is None or wanted != work.Wanted():
        raise UsageError("--gallery writes a page of one artisan: give --html DIR with it, and nothing else")
    else:
        asyncio.run(work.write_gallery_page(gallery, html))
