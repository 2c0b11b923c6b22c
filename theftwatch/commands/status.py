"""`theftwatch status`: how the watch stands."""

from typing import Annotated

import typer

WRONG = 1


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 where something is wrong, for a schedule to notice.")
    ] = False,
) -> None:
    """Show how the watch stands, and what is wrong with it.

    What runs where, how each spider ended last, what is due, which hosts are left alone. Wrong is a run that was killed
    or failed and has not been made good for, and a target overdue by more than twice its interval. Runs that were
    killed are closed.
    """
    import asyncio

    from theftwatch.commands import standing

    if not asyncio.run(standing.print_status(as_json=as_json)) and check:
        raise typer.Exit(WRONG)
