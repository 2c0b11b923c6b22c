"""`theftwatch relation`: vendors who may show an artisan's photos."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from theftwatch.commands.suppression import By

app = typer.Typer(
    help="Say which vendors may show an artisan's photos.",
    no_args_is_help=True,
)

Kind = Literal["own_shop", "licensee", "reseller", "common_supplier"]
DAY = ["%Y-%m-%d"]


@app.command()
def add(
    artisan: Annotated[
        str, typer.Argument(metavar="ARTISAN", help="The artisan's name, or a shop: name, key or address.")
    ],
    vendor: Annotated[str, typer.Argument(metavar="VENDOR", help="The vendor: name, key or address.")],
    kind: Annotated[Kind, typer.Option(help="What the vendor is to the artisan.")],
    *,
    original: Annotated[
        str | None,
        typer.Option(metavar="LISTING", help="Only for this listing of the artisan's (address), or file (name)."),
    ] = None,
    starts: Annotated[
        datetime | None, typer.Option(formats=DAY, help="The first day, in UTC; always if not given.")
    ] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=DAY, help="The first day on which it no longer holds, in UTC.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What it rests on.")] = None,
    by: By = None,
) -> None:
    """Say that a vendor may show an artisan's photos.

    A shop that nobody named an artisan for gets one of the shop's name.
    """
    import asyncio

    from theftwatch.commands import relating

    asyncio.run(
        relating.add_relation(
            artisan, vendor, kind=kind, original=original, starts=starts, expires=expires, note=note, by=by
        )
    )


@app.command("list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended or not begun.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List relations, and the findings that each covers."""
    import asyncio

    from theftwatch.commands import relating

    asyncio.run(relating.list_relations(every=every, as_json=as_json))


@app.command()
def end(
    relation: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    by: By = None,
) -> None:
    """End a relation."""
    import asyncio

    from theftwatch.commands import relating

    asyncio.run(relating.end_relation(relation, by=by))
