"""`theftwatch suppression`: which photos prove nothing, by which rule, and what they would have matched."""

from typing import Annotated, Literal

import typer

from theftwatch.commands.options import By, JsonLines, JsonObject

app = typer.Typer(
    help="Show, make and undo suppressions of photos that prove nothing.",
    no_args_is_help=True,
)

Rule = Literal["placeholder", "common", "banner", "text_panel"]


@app.command("list")
def list_(
    *,
    rule: Annotated[Rule | None, typer.Option(help="Only of this rule.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those lifted and undone.")] = False,
    as_json: JsonLines = False,
) -> None:
    """List suppressions, the newest first.

    Each with its figure, and the pairs that it keeps apart.
    """
    import asyncio

    from theftwatch.commands.work import suppression as work

    asyncio.run(work.list_suppressions(rule=rule, every=every, as_json=as_json))


@app.command()
def show(
    suppression: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    as_json: JsonObject = False,
) -> None:
    """Show one suppression, and the pairs that it keeps apart."""
    import asyncio

    from theftwatch.commands.work import suppression as work

    asyncio.run(work.show_suppression(suppression, as_json=as_json))


@app.command()
def add(
    image: Annotated[
        str,
        typer.Argument(metavar="IMAGE", help="A photo in the record: its SHA-256 or the start of it, or its address."),
    ],
    rule: Annotated[Rule, typer.Option(help="What it is.")],
    *,
    by: By = None,
) -> None:
    """Suppress a photo by a person's word.

    It holds until a person undoes it. A placeholder takes along the photos that look like it.
    """
    import asyncio

    from theftwatch.commands.work import suppression as work

    asyncio.run(work.add_suppression(image, rule=rule, by=by))


@app.command()
def undo(
    suppression: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept.")],
    *,
    by: By = None,
) -> None:
    """Undo a suppression for good."""
    import asyncio

    from theftwatch.commands.work import suppression as work

    asyncio.run(work.undo_suppression(suppression, reason=reason, by=by))
