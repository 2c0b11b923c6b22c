"""`theftwatch dates`: what is known of when a listing and its photos existed."""

from typing import Annotated

import typer


def dates(
    listing: Annotated[
        str, typer.Argument(metavar="LISTING", help="Its address, or marketplace/key, or its key alone.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Print what is known of when a listing existed.

    Its ledger: bounds on its dates and those of its photos, each with source and strength. Where it is in findings,
    also who was first, by how much, the weakest link, and the proof that is missing.
    """
    import asyncio

    from theftwatch.commands import dating

    asyncio.run(dating.print_dates(listing.strip(), as_json=as_json))
