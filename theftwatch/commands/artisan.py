"""`theftwatch artisan`: how artisans are reached, and who wants to be left alone."""

from typing import Annotated

import typer

from theftwatch.commands.options import Artisan, By, JsonLines

app = typer.Typer(help="Keep how artisans are reached, and who wants to be left alone.", no_args_is_help=True)


@app.command("list")
def list_(*, as_json: JsonLines = False) -> None:
    """List artisans, their shops, and how much they were told."""
    import asyncio

    from theftwatch.commands.work import artisan as work

    asyncio.run(work.list_artisans(as_json=as_json))


@app.command()
def contact(
    artisan: Artisan,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="A mail address, or how else to reach the artisan; '' for none.")
    ],
    *,
    by: By = None,
) -> None:
    """Enter how an artisan is reached.

    Notices go by mail to a mail address that was entered here, and to no other. Letters and bundles of cases show it.
    """
    import asyncio

    from theftwatch.commands.work import artisan as work

    asyncio.run(work.enter_contact(artisan, address, by=by))


@app.command("opt-out")
def opt_out(
    artisan: Artisan,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="The artisan takes it back.")] = False,
    by: By = None,
) -> None:
    """Enter that an artisan wants to be left alone.

    No notice is written any more, and views, reports and bundles leave the artisan out. What was recorded stays;
    `theftwatch erase artisan` takes it out.
    """
    import asyncio

    from theftwatch.commands.work import artisan as work

    asyncio.run(work.opt_out(artisan, undo=undo, by=by))
