"""`theftwatch alarm`: what went wrong with the watch, and who knows of it."""

from typing import Annotated

import typer

app = typer.Typer(
    help="Show, acknowledge and silence alarms.",
    no_args_is_help=True,
)

Alarms = Annotated[list[int], typer.Argument(metavar="ALARM…", help="Their numbers in the list.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; the account's name if not given.")]


@app.command("list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the alarms that stand, each with what to do.

    The newest come first. Runs that have ended since are compared first.
    """
    import asyncio

    from theftwatch.commands import alarming

    asyncio.run(alarming.list_alarms(every=every, as_json=as_json))


@app.command()
def acknowledge(alarms: Alarms, *, by: By = None) -> None:
    """Enter that somebody knows of alarms.

    Nobody is told of them any more, and what is measured from now on counts as usual after some days.
    """
    import asyncio

    from theftwatch.commands import alarming

    asyncio.run(alarming.acknowledge_alarms(alarms, by=by))


@app.command()
def silence(
    alarms: Alarms,
    until: Annotated[str, typer.Option(metavar="DAY", help="Until the beginning of a day in UTC, as 2026-12-31.")],
    reason: Annotated[str, typer.Option(help="Why; kept.")],
    *,
    by: By = None,
) -> None:
    """Have nobody told of alarms until a day.

    Nor of later ones of the same things.
    """
    import asyncio

    from theftwatch.commands import alarming

    asyncio.run(alarming.silence_alarms(alarms, until=until, reason=reason, by=by))
