"""`theftwatch relation`: vendors who may show an artisan's photos."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from theftwatch.commands.options import Artisan, By, JsonLines, Vendor, day_option

app = typer.Typer(
    help="Say which vendors may show an artisan's photos.",
    no_args_is_help=True,
)

Kind = Literal["own_shop", "licensee", "reseller", "common_supplier"]


@app.command()
def add(
    artisan: Artisan,
    vendor: Vendor,
    kind: Annotated[Kind, typer.Option(help="What the vendor is to the artisan.")],
    *,
    original: Annotated[
        str | None,
        typer.Option(metavar="LISTING", help="Only for this listing of the artisan's (address), or file (name)."),
    ] = None,
    starts: Annotated[datetime | None, day_option("The first day, in UTC; always if not given.")] = None,
    expires: Annotated[datetime | None, day_option("The first day on which it no longer holds, in UTC.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="What it rests on.")] = None,
    by: By = None,
) -> None:
    """Say that a vendor may show an artisan's photos.

    A shop that nobody named an artisan for gets one of the shop's name.
    """
    import asyncio

    from theftwatch.commands.work import relation as work

    asyncio.run(
        work.add_relation(
            artisan, vendor, kind=kind, original=original, starts=starts, expires=expires, note=note, by=by
        )
    )


@app.command("list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended or not begun.")] = False,
    as_json: JsonLines = False,
) -> None:
    """List relations, and the findings that each covers."""
    import asyncio

    from theftwatch.commands.work import relation as work

    asyncio.run(work.list_relations(every=every, as_json=as_json))


@app.command()
def end(
    relation: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    by: By = None,
) -> None:
    """End a relation."""
    import asyncio

    from theftwatch.commands.work import relation as work

    asyncio.run(work.end_relation(relation, by=by))
