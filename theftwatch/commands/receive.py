"""`theftwatch receive`: pages sent from a browser by a bookmark."""

from typing import Annotated

import typer

from theftwatch.listing import Side


def receive(
    *,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=1024, max=65_535, help="Where to listen on this machine.")
    ] = 8477,
    side: Annotated[
        Side | None, typer.Option(help="Whether their sellers are originals or suspects, where not as usual there.")
    ] = None,
    new_tokens: Annotated[bool, typer.Option("--new-tokens", help="Have bookmarks made so far work no more.")] = False,
) -> None:
    """Take in pages that you send from a browser.

    For pages that bar machines: it prints bookmarks, one a marketplace. Open a page, press its bookmark, and the page
    is taken in as by `theftwatch import`. Listens on this machine alone, until Ctrl-C.
    """
    import asyncio

    from theftwatch.commands.work import receive as work

    asyncio.run(work.receive(port=port, side=side, new_tokens=new_tokens))
