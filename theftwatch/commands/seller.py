"""`theftwatch seller`: whose shops are whose."""

from typing import Annotated

import typer

from theftwatch.commands.options import Artisan

app = typer.Typer(help="Say which shops belong to one artisan.", no_args_is_help=True)

_Shops = Annotated[
    list[str], typer.Argument(metavar="SHOP…", help="Shops: name, key, marketplace/key or address each.")
]


@app.command()
def link(artisan: Artisan, shops: _Shops) -> None:
    """Enter that shops belong to an artisan.

    They count as one from then on, on whatever marketplace; what an artisan's own shop shows is no copy. A shop that
    belongs to somebody else is refused.
    """
    import asyncio

    from theftwatch.commands.work import seller as work

    asyncio.run(work.link(artisan, shops))


@app.command()
def unlink(shops: _Shops) -> None:
    """Enter that shops belong to no artisan that is known."""
    import asyncio

    from theftwatch.commands.work import seller as work

    asyncio.run(work.unlink(shops))
