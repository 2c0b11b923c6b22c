"""The work of `theftwatch receive`."""

import asyncio
import sys
from pathlib import Path

from theftwatch.config import check_live, settings
from theftwatch.db import store
from theftwatch.db.server import connect_dsn
from theftwatch.listing import Side
from theftwatch.pages import SITES
from theftwatch.reports.words import one_line
from theftwatch.web.bookmarklet import SETUP, Tokens, bookmarklet, load_tokens
from theftwatch.web.inbox import Import, Inbox, Received
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
    pool = store.connection_pool(await asyncio.to_thread(connect_dsn, own), max_size=1)
    async with pool:
        inbox = Inbox(own.files_dir / "inbox", pool, _importer(side), tell=_tell)
        app = receiver(inbox, tokens, port=port)
        print(_greeting(f"http://{ADDRESS}:{port}/", tokens), flush=True)
        await serve(app, listening)


def _importer(side: Side | None) -> Import:
    async def import_file(path: Path) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "theftwatch", "import", str(path)),
            *(("--side", side) if side else ()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            # Ctrl-C ends the receiver; what is being taken in comes to its end by itself.
            start_new_session=True,
        )
        _, log = await process.communicate()
        assert process.returncode is not None
        return process.returncode, (log.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]

    return import_file


def _greeting(address: str, tokens: Tokens) -> str:
    lines = [
        f"Open {address}#{tokens.of(SETUP)} and drag the bookmarks from there, or make them of these texts:",
        "",
    ]
    for site in SITES:
        lines += [f"{site}:", bookmarklet(address, tokens.of(site)), ""]
    lines.append("Listening on this machine alone; Ctrl-C ends it. Who knows a bookmark can send pages: keep them.")
    return "\n".join(lines)


def _tell(page: Received) -> None:
    print(one_line(f"{page.state}: {page.url}: {page.says}"), flush=True)
