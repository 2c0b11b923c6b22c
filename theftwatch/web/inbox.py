"""What a person sent through a browser: kept on disk until it is in the record, taken in one after the other.

Saved pages go through `theftwatch import`, photos through `theftwatch originals add`. What a killed page left is taken
in by the next one.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from theftwatch.db.pool import Pool, reading
from theftwatch.db.queries import fetch
from theftwatch.errors import PageChangedError
from theftwatch.listing import Side
from theftwatch.originals import Kind
from theftwatch.pages.read import read_page
from theftwatch.pages.saved import SavedPage, write_saved_page
from theftwatch.reports.words import count
from theftwatch.web.command import Command

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1024**2
_ABOUT, _PAGE, _PHOTOS = "about.json", "page.html", "photos"


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What was sent, and what became of it."""

    id: str
    kind: Literal["page", "photos"]
    #: The address of a page; whose photos they are
    what: str
    state: Literal["waiting", "importing", "done", "failed"] = "waiting"
    #: What it holds, then what became of it, in words
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _About:
    """What is kept beside the files of one thing that was sent."""

    kind: Literal["page", "photos"]
    what: str
    says: str
    #: Of photos: as what they were given, and their SHA-256
    given_as: Kind = "original"
    sha256s: tuple[str, ...] = ()
    #: What was sent beside them and not taken, in words
    left_out: str | None = None


class Inbox:
    """What was sent and is not in the record yet."""

    def __init__(
        self,
        folder: Path,
        pool: Pool,
        command: Command,
        *,
        side: Side | None = None,
        tell: Callable[[Received], None] | None = None,
    ) -> None:
        self._folder = folder
        self._pool = pool
        self._command = command
        self._side = side
        self._tell = tell
        self._received: dict[str, Received] = {}
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    async def put_page(self, page: SavedPage, says: str) -> Received:
        """Keep a page, to be taken in when what came before it is."""
        data = write_saved_page(page)
        about = _About(kind="page", what=page.url, says=says)
        key = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._keep, key, about, lambda folder: (folder / _PAGE).write_bytes(data))
        return self._enqueue(key, about)

    async def put_photos(
        self, artisan: str, given_as: Kind, photos: Mapping[str, BinaryIO], *, left_out: str | None = None
    ) -> Received:
        """Keep photos of an artisan's, by the names that the record shall give them."""
        sums = await asyncio.to_thread(lambda: {name: _sha256(photo) for name, photo in photos.items()})
        about = _About(
            kind="photos",
            what=artisan,
            says=count(len(photos), "photo"),
            given_as=given_as,
            sha256s=tuple(sums.values()),
            left_out=left_out,
        )
        key = hashlib.sha256(json.dumps([artisan, given_as, sums]).encode()).hexdigest()
        await asyncio.to_thread(self._keep, key, about, lambda folder: _write_photos(folder / _PHOTOS, photos))
        return self._enqueue(key, about)

    def find(self, key: str) -> Received | None:
        """Return what was sent since the page was started."""
        return self._received.get(key)

    def latest(self, most: int) -> list[Received]:
        """Return what was sent since the page was started, the newest first."""
        return list(reversed(self._received.values()))[:most]

    async def work(self) -> None:
        """Take in what was sent, first what was left from before, until cancelled."""
        for path in sorted(self._folder.glob(f"*/{_ABOUT}")):
            if not path.parent.name.startswith("."):
                try:
                    self._enqueue(path.parent.name, _read_about(path))
                except (ValueError, TypeError):
                    logger.warning("%s says nothing that can be read; send it again, and remove the folder", path)
        while True:
            received = self._received[await self._waiting.get()]
            self._note(replace(received, state="importing"))
            try:
                self._note(await self._take_in(received))
            except Exception as exc:
                # Whatever it was, what comes next may do well, and this stays on disk.
                logger.exception("what was sent could not be taken in")
                says = f"{exc}; it is kept, and tried again at the next start"
                self._note(replace(received, state="failed", says=says))

    def _keep(self, key: str, about: _About, write: Callable[[Path], object]) -> None:
        """Write what was sent into a folder that appears when it is whole."""
        if (self._folder / key).exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=self._folder, prefix="."))
        try:
            write(part)
            (part / _ABOUT).write_text(json.dumps(asdict(about)), "utf-8")
            part.rename(self._folder / key)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _enqueue(self, key: str, about: _About) -> Received:
        known = self._received.get(key)
        if known is not None and known.state in {"waiting", "importing"}:
            return known
        received = Received(id=key, kind=about.kind, what=about.what, says=about.says)
        self._note(received)
        self._waiting.put_nowait(key)
        return received

    def _note(self, received: Received) -> None:
        self._received[received.id] = received
        if self._tell:
            self._tell(received)

    async def _take_in(self, received: Received) -> Received:
        folder = self._folder / received.id
        about = _read_about(folder / _ABOUT)
        arguments = self._arguments(folder, about)
        code, last_line = await self._command(*arguments)
        if code:
            command = " ".join(arguments[: 1 if about.kind == "page" else 2])
            says = f"theftwatch {command} failed: {last_line}; it is kept, and tried again at the next start"
            return replace(received, state="failed", says=says)
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(shutil.rmtree, folder)
        if about.kind == "page":
            return await self._sum_up_page(received, str(folder / _PAGE))
        return await self._sum_up_photos(received, about)

    def _arguments(self, folder: Path, about: _About) -> Sequence[str]:
        if about.kind == "page":
            return ("import", str(folder / _PAGE), *(("--side", self._side) if self._side else ()))
        return ("originals", "add", str(folder / _PHOTOS), "--artisan", about.what, "--kind", about.given_as)

    async def _sum_up_page(self, received: Received, path: str) -> Received:
        async with reading(self._pool) as connection:
            rows = await fetch(connection, "find_import", path=path)
        outcome, listings, fetched, known, missing, matches, possible = rows[0]
        became = [
            f"{count(listings, 'listing')} in the record",
            f"{count(fetched, 'photo')} fetched",
            f"{known:,} held before",
        ]
        if missing:
            became.append(f"{missing:,} could not be had")
        became.append(f"{count(matches, 'match', 'matches')} and {possible:,} worth a look among the new photos")
        return replace(received, state="done" if outcome in {"ok", "partial"} else "failed", says=", ".join(became))

    async def _sum_up_photos(self, received: Received, about: _About) -> Received:
        async with reading(self._pool) as connection:
            [row] = await fetch(connection, "sum_up_given", sha256s=[bytes.fromhex(each) for each in about.sha256s])
        photos, unusable, compared, matches, possible = row
        became = [f"{count(photos, 'photo')} in the record", f"{compared:,} compared"]
        if unusable:
            became.append(f"{unusable:,} cannot be compared")
        became.append(f"{count(matches, 'match', 'matches')} and {possible:,} worth a look")
        became += [about.left_out] if about.left_out else []
        return replace(received, state="done", says=", ".join(became))


def describe_page(saved: SavedPage) -> str:
    """Return what a page holds, in words; of one that is not understood, that it is kept for who mends the reader.

    Raises another PageError for what no import would gain from.
    """
    try:
        page = read_page(saved.body, saved.url)
    except PageChangedError as exc:
        return f"not understood, and kept: {exc}"
    photos = sum(len(listing.images) for listing in page.listings)
    kind = page.kind.replace("_", " ")
    return f"a {kind} page with {count(len(page.listings), 'listing')} and {count(photos, 'photo')}"


def _read_about(path: Path) -> _About:
    return _About(**json.loads(path.read_text("utf-8")))


def _write_photos(folder: Path, photos: Mapping[str, BinaryIO]) -> None:
    folder.mkdir()
    for name, photo in photos.items():
        photo.seek(0)
        with (folder / name).open("wb") as file:
            shutil.copyfileobj(photo, file)


def _sha256(photo: BinaryIO) -> str:
    digest = hashlib.sha256()
    photo.seek(0)
    while chunk := photo.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
