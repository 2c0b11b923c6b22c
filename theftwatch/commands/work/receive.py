"""The work of `theftwatch receive`."""

import asyncio

from theftwatch.config import check_live, settings
from theftwatch.db.pool import connection_pool
from theftwatch.db.server import connect_dsn
from theftwatch.listing import Side
from theftwatch.pages.read import SITES
from theftwatch.reports.words import one_line
from theftwatch.web.bookmarklet import SETUP, Tokens, bookmarklet, load_tokens
from theftwatch.web.command import run_command
from theftwatch.web.inbox import Inbox, Received
from theftwatch.web.receive import ADDRESS, receiver
from theftwatch.web.serve import listen, serve


async def receive(*, port: int, side: Side | None, new_tokens: bool) -> None:
    """Listen until interrupted.

    Raises UsageError where the port is taken, and where images of live hosts could not be asked for politely.
    """
    own = settings()
    if not own.host_map:
        check_live(own)
    tokens = load_tokens(own.data_dir, new=new_tokens)
    listening = listen(ADDRESS, port)
    pool = connection_pool(await asyncio.to_thread(connect_dsn, own), max_size=1)
    async with pool:
        inbox = Inbox(own.files_dir / "inbox", pool, run_command, side=side, tell=_tell)
        app = receiver(inbox, tokens, port=port)
        print(_greeting(f"http://{ADDRESS}:{port}/", tokens), flush=True)
        await serve(app, listening)


def _greeting(address: str, tokens: Tokens) -> str:
    lines = [
        f"Open {address}#{tokens.of(SETUP)} and drag the bookmarks from there, or make them of these texts:",
        "",
    ]
    for site in SITES:
        lines += [f"{site}:", bookmarklet(address, tokens.of(site)), ""]
    lines.append("Listening on this machine alone; Ctrl-C ends it. Who knows a bookmark can send pages: keep them.")
    return "\n".join(lines)


def _tell(received: Received) -> None:
    print(one_line(f"{received.state}: {received.what}: {received.says}"), flush=True)
