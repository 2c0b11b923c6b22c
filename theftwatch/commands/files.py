"""`theftwatch files`: the image store, compared with the record, moved and adopted."""

from typing import Annotated

import typer

app = typer.Typer(help="Check, move or adopt the image store.", no_args_is_help=True)


@app.command()
def check(
    *,
    read: Annotated[bool, typer.Option("--read", help="Read every file too, and compare its digest.")] = False,
    delete_strays: Annotated[
        bool, typer.Option("--delete-strays", help="Delete files that nothing in the record stands for.")
    ] = False,
) -> None:
    """Compare the image store with the record.

    Names files that are missed or damaged, and counts those that nothing stands for and that are older than a day.
    Exit code 1 where one is missed or damaged.
    """
    import asyncio

    from theftwatch.commands.work import files as work

    asyncio.run(work.check(read=read, delete_strays=delete_strays))


@app.command()
def copy(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A folder, or s3://bucket/prefix.")],
) -> None:
    """Copy the image store to another place.

    What is there already is left out, so it can be run again and again while crawls go on; the last time without them.
    Then set THEFTWATCH_FILES to the address.
    """
    import asyncio

    from theftwatch.commands.work import files as work

    asyncio.run(work.copy_to(address))


@app.command()
def adopt() -> None:
    """Make what THEFTWATCH_FILES names the image store of this database.

    For a store that was lost, or put together anew by hand; what it lacks `theftwatch files check` names.
    """
    import asyncio

    from theftwatch.commands.work import files as work

    asyncio.run(work.adopt_store())
