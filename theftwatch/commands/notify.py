"""`theftwatch notify` and `theftwatch notice`: telling artisans what was confirmed, and what they were told."""

from pathlib import Path
from typing import Annotated

import typer

from theftwatch.commands.options import By, JsonLines
from theftwatch.errors import UsageError


def notify(
    *,
    artisan: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this artisan, by name or by a shop.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the drafts go.")] = Path("notices"),
    send: Annotated[
        bool, typer.Option("--send", help="Send them by mail to artisans whose address a person entered.")
    ] = False,
    operator: Annotated[
        bool, typer.Option("--operator", help="Tell the operator what is new, due and wrong, in place of artisans.")
    ] = False,
) -> None:
    """Write one message to each artisan who was not told yet.

    With all confirmed findings, their photos side by side, what to do, and how to stop such messages: as drafts, to be
    read and sent by a person. For an artisan without a mail address it is a text to paste into the message form of the
    marketplace; enter that it was sent with `theftwatch notice sent`. No finding is told twice.

    With --operator, send the daily digest to THEFTWATCH_OPERATOR_URL, or print it where that is not set.
    """
    import asyncio

    from theftwatch.commands.work import notify as work

    if operator and (artisan or send):
        raise UsageError("--operator writes to the operator and to no artisan; give it alone")
    if operator:
        asyncio.run(work.tell_operator())
    else:
        asyncio.run(work.notify(artisan, folder=out, by_mail=send))


app = typer.Typer(help="See what artisans were told, and enter what you sent yourself.", no_args_is_help=True)

_Notice = Annotated[int, typer.Argument(metavar="NOTICE", help="Its number in the list.")]


@app.command("list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that were sent, replaced or failed.")] = False,
    artisan: Annotated[str | None, typer.Option(metavar="NAME", help="To one artisan.")] = None,
    as_json: JsonLines = False,
) -> None:
    """List drafts, and notices that may not have gone out.

    Unsure is one of which nobody knows that: the program was killed, or the mail server gave no answer.
    """
    import asyncio

    from theftwatch.commands.work import notify as work

    asyncio.run(work.list_notices(artisan, every=every, as_json=as_json))


@app.command()
def show(notice: _Notice) -> None:
    """Show one notice with its text."""
    import asyncio

    from theftwatch.commands.work import notify as work

    asyncio.run(work.show_notice(notice))


@app.command()
def sent(notice: _Notice, *, by: By = None) -> None:
    """Enter that you sent a draft, or that an unsure one arrived."""
    import asyncio

    from theftwatch.commands.work import notify as work

    asyncio.run(work.enter_sent(notice, by=by))


@app.command()
def unsent(notice: _Notice, *, by: By = None) -> None:
    """Enter that an unsure notice did not arrive: the next one tells it."""
    import asyncio

    from theftwatch.commands.work import notify as work

    asyncio.run(work.enter_unsent(notice, by=by))
