"""`theftwatch suppression`: which photos prove nothing, by which rule, and what they would have matched."""

from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="Show, make and undo suppressions of photos that prove nothing.",
    no_args_is_help=True,
)

Rule = Literal["placeholder", "common", "banner", "text_panel"]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; the account's name if not given.")]


@app.command("list")
def list_(
    *,
    rule: Annotated[Rule | None, typer.Option(help="Only of this rule.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those lifted and undone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List suppressions, the newest first.

    Each with its figure, and the pairs that it keeps apart.
    """
    import asyncio

    from theftwatch.commands import suppressing

    asyncio.run(suppressing.list_suppressions(rule=rule, every=every, as_json=as_json))


@app.command()
def show(
    suppression: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show one suppression, and the pairs that it keeps apart."""
    import asyncio

    from theftwatch.commands import suppressing

    asyncio.run(suppressing.show_suppression(suppression, as_json=as_json))


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

    from theftwatch.commands import suppressing

    asyncio.run(suppressing.add_suppression(image, rule=rule, by=by))


@app.command()
def undo(
    suppression: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    reason: Annotated[str, typer.Option(help="Why; kept.")],
    *,
    by: By = None,
) -> None:
    """Undo a suppression for good."""
    import asyncio

    from theftwatch.commands import suppressing

    asyncio.run(suppressing.undo_suppression(suppression, reason=reason, by=by))
