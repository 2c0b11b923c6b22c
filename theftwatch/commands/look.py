"""`theftwatch look`: where a person may look on by hand."""

from typing import Annotated

import typer


def look(
    listing: Annotated[
        str, typer.Argument(metavar="LISTING", help="Its address, or marketplace/key, or its key alone.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Print where to look for a listing's photos by hand.

    Addresses of searches by each photo and by the words of its title, to open in a browser: they bar machines, so the
    program asks none of them. What is found is taken in with `theftwatch import`.
    """
    import asyncio

    from theftwatch.commands import looking

    asyncio.run(looking.print_searches(listing.strip(), as_json=as_json))
