"""`theftwatch review`: findings looked at and judged in a browser; `theftwatch account`: who may."""

from typing import Annotated, Literal

import typer

from theftwatch.commands.options import By

accounts = typer.Typer(help="Say who may sign in to the review page.", no_args_is_help=True)


def review(
    *,
    address: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; beyond this machine only with accounts.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=1024, max=65_535, help="The port to listen at.")] = 8478,
    by: By = None,
) -> None:
    """Look at findings in a browser, and judge them.

    Listens on this machine alone, until Ctrl-C. `theftwatch account add` makes accounts, so that others can sign in.
    """
    import asyncio

    from theftwatch.commands.work import review as work

    asyncio.run(work.review(address=address, port=port, by=by))


@accounts.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Under which verdicts are kept.")],
    role: Annotated[
        Literal["reviewer", "viewer"], typer.Option(help="A reviewer judges, a viewer looks.")
    ] = "reviewer",
) -> None:
    """Make an account, or give one another password or role.

    Asks for the password; where it is not on a terminal, the first line of standard input is it.
    """
    import asyncio

    from theftwatch.commands.work import review as work

    asyncio.run(work.add_account(name, role))


@accounts.command("list")
def list_() -> None:
    """List the accounts."""
    import asyncio

    from theftwatch.commands.work import review as work

    asyncio.run(work.list_accounts())


@accounts.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in the list.")]) -> None:
    """Remove an account, and sign it out everywhere.

    Its verdicts keep its name.
    """
    import asyncio

    from theftwatch.commands.work import review as work

    asyncio.run(work.remove_account(name))
