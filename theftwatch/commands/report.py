"""`theftwatch report`: what matched, as a page or as a table."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    *,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="DIR", help="Write a page with all photos, DIR/index.html, instead."),
    ] = None,
    vendor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this vendor, by its name or one of its keys.")
    ] = None,
) -> None:
    """Show which photos matched, and what was compared.

    Vendor by vendor: a table on a terminal, and elsewhere one line a pair, with tabs. Exit code 0 with matches and
    without.
    """
    # Postgres and Pillow take a second to load.
    import asyncio

    from theftwatch.commands import reporting

    asyncio.run(reporting.report(html=html, vendor=vendor))
