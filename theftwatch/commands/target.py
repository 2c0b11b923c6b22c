"""`theftwatch target`: what is crawled again and again."""

from pathlib import Path
from typing import Annotated

import typer

from theftwatch.commands.options import JsonLines, JsonObject

app = typer.Typer(
    help="Say what is crawled again and again.",
    no_args_is_help=True,
)

Every = Annotated[str, typer.Option(metavar="TIME", help="How often: a number and m, h, d or w, such as 12h.")]
Priority = Annotated[int, typer.Option(metavar="NUMBER", min=0, max=9, help="The higher are crawled first.")]
Targets = Annotated[
    list[str], typer.Argument(metavar="TARGET", help="Its number in the list, or MARKETPLACE KIND=REF in one word.")
]


@app.command()
def add(
    marketplace: Annotated[str, typer.Argument(metavar="MARKETPLACE", help="etsy, artfire or alibaba.")],
    targets: Annotated[
        list[str], typer.Argument(metavar="KIND=REF…", help="As the spider's arguments, such as vendor=NAME.")
    ],
    *,
    every: Every = "1d",
    priority: Priority = 5,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it is watched.")] = "asked for",
) -> None:
    """Add targets; the next crawl of the marketplace takes them up.

    For example: theftwatch target add alibaba vendor=NAME --every 1d --reason "copied my hares"

    One that is there already gets the new interval, priority and reason, and goes on if it was paused.
    """
    import asyncio

    from theftwatch.commands.work import target as work

    asyncio.run(work.add(marketplace, targets, every=every, priority=priority, reason=reason))


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header, in UTF-8.")],
) -> None:
    """Add the targets of a CSV file.

    Its columns are marketplace, kind, ref, and if wanted every, priority, reason. All are added or, where a line is
    wrong, none.
    """
    import asyncio

    from theftwatch.commands.work import target as work

    asyncio.run(work.import_file(path))


@app.command("list")
def list_(
    *,
    marketplace: Annotated[str | None, typer.Option(metavar="NAME", help="Only those of one marketplace.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Only those that are due.")] = False,
    limit: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="So many at most.")] = 100,
    as_json: JsonLines = False,
) -> None:
    """List targets, and how they went last.

    Those come first that are due the longest.
    """
    import asyncio

    from theftwatch.commands.work import target as work

    asyncio.run(work.list_targets(marketplace=marketplace, due=due, limit=limit, as_json=as_json))


@app.command()
def plan(
    *,
    night: Annotated[str, typer.Option(metavar="TIME", help="How long the night is, such as 8h.")] = "8h",
    marketplace: Annotated[str | None, typer.Option(metavar="NAME", help="Only targets of one marketplace.")] = None,
    as_json: JsonObject = False,
) -> None:
    """Show what fits into a night that begins now.

    By site: requests, hours, and what is left over, by what each target asked for last time and the pace of its site.
    """
    import asyncio

    from theftwatch.commands.work import plan as work

    asyncio.run(work.plan(night=night, marketplace=marketplace, as_json=as_json))


@app.command()
def pause(targets: Targets) -> None:
    """Crawl targets no more until they are resumed."""
    import asyncio

    from theftwatch.commands.work import target as work

    asyncio.run(work.change("pause", targets))


@app.command()
def resume(targets: Targets) -> None:
    """Crawl paused targets again."""
    import asyncio

    from theftwatch.commands.work import target as work

    asyncio.run(work.change("resume", targets))


@app.command()
def remove(targets: Targets) -> None:
    """Forget targets, and listings found through them.

    What was seen of them stays in the record.
    """
    import asyncio

    from theftwatch.commands.work import target as work

    asyncio.run(work.change("remove", targets))
