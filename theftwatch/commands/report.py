"""`theftwatch report`: what matched, as a page or as a table."""

from pathlib import Path
from typing import Annotated

import typer

from theftwatch.errors import UsageError


def report(
    *,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="DIR", help="Write a page with all photos, DIR/index.html, instead."),
    ] = None,
    vendor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this vendor, by its name or one of its keys.")
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(metavar="ARTISAN", help="With --html: a page that this artisan can publish, DIR/index.html."),
    ] = None,
) -> None:
    """Show which photos matched, and what was compared.

    Vendor by vendor: a table on a terminal, and elsewhere one line a pair, with tabs. Exit code 0 with matches and
    without. A gallery holds only what a person confirmed, and of each marketplace what its terms allow.
    """
    # Postgres and Pillow take a second to load.
    import asyncio

    from theftwatch.commands import reporting

    if gallery is None:
        asyncio.run(reporting.report(html=html, vendor=vendor))
    elif html is None or vendor is not None:
        raise UsageError("--gallery writes a page of one artisan: give --html DIR with it, and no --vendor")
    else:
        asyncio.run(reporting.write_gallery_page(gallery, html))
