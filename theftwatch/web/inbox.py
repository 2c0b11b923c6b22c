"""Pages that a browser sent: kept on disk until they are in the record, taken in one after the other.

Each goes through `theftwatch import`, in a process of its own, so it meets the same checks as a page saved by hand.
What a killed receiver left is taken in by the next one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from theftwatch.db import store
from theftwatch.db.queries import fetch
from theftwatch.files import Files
from theftwatch.pages.saved import SavedPage, read_saved_page, write_saved_page
from theftwatch.reports.words import count

logger = logging.getLogger(__name__)

#: Takes one file in, by `theftwatch import`; returns its exit code and the last line of what it said
type Import = Callable[[Path], Awaitable[tuple[int, str]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A page that was sent, and what became of it."""

    id: str
    url: str
    state: Literal["waiting", "importing", "done", "failed"] = "waiting"
    #: What it holds, then what became of it, in words
    says: str


class Inbox:
    """The pages that were sent and are not in the record yet."""

    def __init__(
        self, folder: Path, pool: store.Pool, import_file: Import, *, tell: Callable[[Received], None]
    ) -> None:
        self._files = Files(folder)
        self._pool = pool
        self._import = import_file
        self._tell = tell
        self._pages: dict[str, Received] = {}
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    async def put(self, page: SavedPage, says: str) -> Received:
        """Keep a page, to be taken in when those before it are."""
        digest = await asyncio.to_thread(self._files.put, write_saved_page(page))
        return self._enqueue(Received(id=digest.hex(), url=page.url, says=says))

    def find(self, page_id: str) -> Received | None:
        """Return a page that was sent since the receiver was started."""
        return self._pages.get(page_id)

    async def work(self) -> None:
        """Take pages in, those first that an earlier receiver left, until cancelled."""
        for path in sorted(self._files.root.glob("??/*")):
            if not path.name.startswith("."):
                url = read_saved_page(path.read_bytes()).url
                self._enqueue(Received(id=path.name, url=url, says="left from before"))
        while True:
            page = self._pages[await self._waiting.get()]
            self._note(replace(page, state="importing"))
            try:
                self._note(await self._take_in(page))
            except Exception as exc:
                # Whatever it was, the next page may do well, and this one stays on disk.
                logger.exception("a page could not be taken in")
                self._note(replace(page, state="failed", says=f"{exc}; it is kept, and tried again at the next start"))

    def _enqueue(self, page: Received) -> Received:
        waiting = self._pages.get(page.id)
        if waiting is not None and waiting.state in {"waiting", "importing"}:
            return waiting
        self._note(page)
        self._waiting.put_nowait(page.id)
        return page

    def _note(self, page: Received) -> None:
        self._pages[page.id] = page
        self._tell(page)

    async def _take_in(self, page: Received) -> Received:
        path = self._files.path(bytes.fromhex(page.id))
        code, last_line = await self._import(path)
        if code:
            says = f"theftwatch import failed: {last_line}; the page is kept, and tried again at the next start"
            return replace(page, state="failed", says=says)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        async with self._pool.connection() as connection:
            rows = await fetch(connection, "find_import", path=str(path))
        outcome, listings, fetched, known, missing, matches, possible = rows[0]
        became = [
            f"{count(listings, 'listing')} in the record",
            f"{count(fetched, 'photo')} fetched",
            f"{known:,} held before",
        ]
        if missing:
            became.append(f"{missing:,} could not be had")
        became.append(f"{count(matches, 'match', 'matches')} and {possible:,} worth a look among the new photos")
        return replace(page, state="done" if outcome in {"ok", "partial"} else "failed", says=", ".join(became))
