"""`theftwatch status`: how the watch stands."""

from typing import Annotated

import typer

from theftwatch.commands.options import JsonObject

WRONG = 1


def status(
    *,
    as_json: JsonObject = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 where something is wrong, for a schedule to notice.")
    ] = False,
) -> None:
    """Show how the watch stands, and what is wrong with it.

    What runs where, how each spider ended last, what is due, which hosts are left alone. Wrong is a run that was killed
    or failed and has not been made good for, one that THEFTWATCH_EXPECTED names and that did not come, a node that does
    not answer or whose jobs are refused, and a target overdue by more than twice its interval. Runs that were killed
    are closed.

    Where nothing is wrong, --check asks for the address of THEFTWATCH_HEARTBEAT_URL, if there is one.
    """
    import asyncio

    from theftwatch.commands.work import status as work

    well = asyncio.run(work.print_status(as_json=as_json))
    if check and not well:
        raise typer.Exit(WRONG)
    if check:
        work.heartbeat()
