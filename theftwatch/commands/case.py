"""`theftwatch case`: what is asked of a vendor or a portal, and what comes of it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from theftwatch.commands.options import Artisan, By, JsonLines, JsonObject, Note, Vendor

app = typer.Typer(
    help="Keep what was asked of vendors, and what came of it.",
    no_args_is_help=True,
)

_Case = Annotated[int, typer.Argument(metavar="CASE", help="Its number in the list.")]
_Listings = Annotated[
    list[str] | None,
    typer.Option("--listing", metavar="LISTING", help="Only this one, by address or key; may be repeated."),
]
_At = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
        metavar="YYYY-MM-DD[THH:MM]",
        help="When it happened, in UTC; now if not given.",
    ),
]


@app.command("open")
def open_(
    artisan: Artisan,
    vendor: Vendor,
    *,
    finding: Annotated[
        list[int] | None,
        typer.Option(metavar="ID", help="Only on this finding; may be repeated. All that will do if not given."),
    ] = None,
    override: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Also where a relation covers it or the original was not first; kept."),
    ] = None,
    by: By = None,
) -> None:
    """Open the case of an artisan with a vendor, or add to it.

    On findings that a person confirmed, that no relation covers, and whose original was first by the dates known. There
    is one case for the two, with any number of listings; one that was closed is opened again.
    """
    import asyncio

    from theftwatch.commands.work import case as work

    asyncio.run(work.open_(artisan, vendor, findings=finding or (), override=override, by=by))


@app.command("write-vendor")
def write_vendor(
    case: _Case,
    *,
    listing: _Listings = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the draft there, not to the terminal.")
    ] = None,
    sent: Annotated[bool, typer.Option("--sent", help="You have sent it: enter that, and start the clock.")] = False,
    at: _At = None,
    note: Note = None,
    by: By = None,
) -> None:
    """Draft the letter to the vendor, or enter that it was sent.

    The draft is about the listings of which nothing was asked yet. A person reads, changes and sends it.
    """
    import asyncio

    from theftwatch.commands.work import case as work

    if sent:
        asyncio.run(work.enter_sent(work.entry(case, by=by, note=note, at=at, listings=listing)))
    else:
        asyncio.run(work.draft(case, listings=listing or (), out=out))


@app.command()
def file(
    case: _Case,
    reference: Annotated[str, typer.Option(metavar="NUMBER", help="The number that you were given for it.")],
    *,
    route: Annotated[
        Literal["report", "portal"], typer.Option(help="The listing's own report button, or the portal.")
    ] = "portal",
    listing: _Listings = None,
    without_account: Annotated[
        bool, typer.Option("--without-account", help="By the portal's form for guests, which takes fewer addresses.")
    ] = False,
    at: _At = None,
    note: Note = None,
    by: By = None,
) -> None:
    """Enter that you filed a complaint, and start its clock.

    The program files nothing. What is entered is about all listings that are to be filed, or those given.
    """
    import asyncio

    from theftwatch.commands.work import case as work

    made = work.entry(case, by=by, note=note, at=at, listings=listing)
    asyncio.run(work.file(made, reference, route=route, without_account=without_account))


@app.command()
def answer(
    case: _Case,
    answer: Annotated[
        Literal["accepted", "countered", "refused"],
        typer.Argument(
            metavar="ANSWER", help="accepted: it will come down; countered by the vendor; refused by the portal."
        ),
    ],
    *,
    listing: _Listings = None,
    at: _At = None,
    note: Note = None,
    by: By = None,
) -> None:
    """Enter what the vendor or the portal answered.

    About all listings that wait for an answer, or those given.
    """
    import asyncio

    from theftwatch.commands.work import case as work

    asyncio.run(work.answer(work.entry(case, by=by, note=note, at=at, listings=listing), answer))


@app.command()
def note(
    case: _Case,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the record shall keep.")],
    *,
    by: By = None,
) -> None:
    """Enter a note."""
    import asyncio

    from theftwatch.commands.work import case as work

    asyncio.run(work.note(work.entry(case, by=by, note=text)))


@app.command()
def close(
    case: _Case,
    outcome: Annotated[
        Literal["removed", "withdrawn", "given_up"],
        typer.Option("--as", help="removed: as the watch says; withdrawn: taken back; or given_up."),
    ],
    *,
    note: Note = None,
    by: By = None,
) -> None:
    """Close a case.

    Unless it was withdrawn, it comes back where its photos are seen again.
    """
    import asyncio

    from theftwatch.commands.work import case as work

    asyncio.run(work.close(work.entry(case, by=by, note=note), outcome))


@app.command("list")
def list_(
    *,
    due: Annotated[bool, typer.Option("--due", help="Only what is due today, or overdue.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    artisan: Annotated[str | None, typer.Option(metavar="NAME", help="Of one artisan.")] = None,
    vendor: Annotated[str | None, typer.Option(metavar="NAME", help="With one vendor.")] = None,
    as_json: JsonLines = False,
) -> None:
    """List the open cases, or what is due in them."""
    import asyncio

    from theftwatch.commands.work import docket as work

    asyncio.run(work.list_cases(due=due, every=every, artisan=artisan, vendor=vendor, as_json=as_json))


@app.command()
def show(case: _Case, *, as_json: JsonObject = False) -> None:
    """Show one case: its listings, its clocks, and what happened."""
    import asyncio

    from theftwatch.commands.work import docket as work

    asyncio.run(work.show(case, as_json=as_json))
