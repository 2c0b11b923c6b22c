"""`theftwatch alarm`: what went wrong with the watch, and who knows of it."""

from typing import Annotated

import typer

from theftwatch.commands.options import By, JsonLines

app = typer.Typer(
    help="Show, acknowledge and silence alarms.",
    no_args_is_help=True,
)

Alarms = Annotated[list[int], typer.Argument(metavar="ALARM…", help="Their numbers in the list.")]


@app.command("list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: JsonLines = False,
) -> None:
    """List the alarms that stand, each with what to do.

    The newest come first. Runs that have ended since are compared first.
    """
    import asyncio

    from theftwatch.commands.work import alarm as work

    asyncio.run(work.list_alarms(every=every, as_json=as_json))


@app.command()
def acknowledge(alarms: Alarms, *, by: By = None) -> None:
    """Enter that somebody knows of alarms.

    Nobody is told of them any more, and what is measured from now on counts as usual after some days.
    """
    import asyncio

    from theftwatch.commands.work import alarm as work

    asyncio.run(work.acknowledge_alarms(alarms, by=by))


@app.command()
def silence(
    alarms: Alarms,
    until: Annotated[str, typer.Option(metavar="DAY", help="Until the beginning of a day in UTC, as 2026-12-31.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept.")],
    *,
    by: By = None,
) -> None:
    """Have nobody told of alarms until a day.

    Nor of later ones of the same things.
    """
    import asyncio

    from theftwatch.commands.work import alarm as work

    asyncio.run(work.silence_alarms(alarms, until=until, reason=reason, by=by))
