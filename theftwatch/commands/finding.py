"""`theftwatch finding`: what a person says of what was found."""

from typing import Annotated, Literal

import typer

from theftwatch.commands.options import By, JsonLines, JsonObject, Note
from theftwatch.commands.relation import Kind
from theftwatch.commands.suppression import Rule

app = typer.Typer(
    help="Show findings, and say which are copies.",
    no_args_is_help=True,
)

_Numbers = Annotated[list[int], typer.Argument(metavar="ID…", help="Their numbers in the list.")]
_After = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", help="The verdict that you have seen and that this one comes after."),
]


@app.command("list")
def list_(
    *,
    verdict: Annotated[
        Literal["confirmed", "rejected", "unsure", "none"] | None, typer.Option(help="Only with this verdict.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that need no look.")] = False,
    artisan: Annotated[str | None, typer.Option(metavar="NAME", help="Of one artisan or shop.")] = None,
    vendor: Annotated[str | None, typer.Option(metavar="NAME", help="Of one vendor: name, key or address.")] = None,
    limit: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="At most so many.")] = 50,
    as_json: JsonLines = False,
) -> None:
    """List the findings that need a look, the surest first.

    Those come first that were confirmed and no longer match.
    """
    import asyncio

    from theftwatch.commands.work import finding as work

    asyncio.run(
        work.list_findings(verdict=verdict, every=every, artisan=artisan, vendor=vendor, limit=limit, as_json=as_json)
    )


@app.command()
def show(
    finding: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    as_json: JsonObject = False,
) -> None:
    """Show one finding, its photos, and what was said of it."""
    import asyncio

    from theftwatch.commands.work import finding as work

    asyncio.run(work.show_finding(finding, as_json=as_json))


@app.command()
def confirm(findings: _Numbers, *, note: Note = None, after: _After = None, by: By = None) -> None:
    """Say that the vendor shows copies of these photos.

    The verdict stands until it is undone or another comes after it, whatever is compared anew.
    """
    import asyncio

    from theftwatch.commands.work import finding as work

    asyncio.run(work.judge(findings, "confirmed", note=note, after=after, by=by))


@app.command()
def reject(
    findings: _Numbers,
    reason: Annotated[
        Literal["look_alike", "stock_photo", "own_shop", "licensed", "other"],
        typer.Option(help="Why; other takes a --note."),
    ],
    *,
    suppress: Annotated[
        Rule | None,
        typer.Option(help="Also suppress the original's photos, or the vendor's as its banner."),
    ] = None,
    relation: Annotated[
        Kind | None, typer.Option(help="Also enter that the vendor may show the artisan's photos.")
    ] = None,
    note: Note = None,
    after: _After = None,
    by: By = None,
) -> None:
    """Say that these are no copies, or copies by right.

    They come back only where a new match joins them. A pair of look-alikes counts in no finding any more.
    """
    import asyncio

    from theftwatch.commands.work import finding as work

    asyncio.run(
        work.judge(
            findings, "rejected", reason=reason, suppress=suppress, relation=relation, note=note, after=after, by=by
        )
    )


@app.command()
def unsure(findings: _Numbers, *, note: Note = None, after: _After = None, by: By = None) -> None:
    """Say that these cannot be decided."""
    import asyncio

    from theftwatch.commands.work import finding as work

    asyncio.run(work.judge(findings, "unsure", note=note, after=after, by=by))


@app.command()
def undo(
    finding: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    note: Note = None,
    by: By = None,
) -> None:
    """Take back the verdict that stands, for the one before it."""
    import asyncio

    from theftwatch.commands.work import finding as work

    asyncio.run(work.undo(finding, note=note, by=by))
