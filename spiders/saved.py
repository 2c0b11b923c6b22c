"""Pages that a person saved from a browser: read from disk, with their images fetched from the marketplace."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, ClassVar

from scrapy import Request

from spiders.arguments import Kind, Start
from spiders.base import MarketplaceSpider
from spiders.idle import wait_for_items
from spiders.problem import note_problem
from spiders.reading import problem_kind
from spiders.run import Run
from theftwatch.config import Settings, check_live
from theftwatch.errors import PageError, UsageError
from theftwatch.listing import Page
from theftwatch.pages.read import read_page
from theftwatch.pages.saved import read_saved_page

_SUFFIXES = {".html", ".htm", ".mhtml", ".mht", ".json"}


class SavedSpider(MarketplaceSpider):
    """Passes on every listing of saved pages, cards in lists included, as no page is opened from here."""

    name = "saved"
    kinds: ClassVar[tuple[Kind, ...]] = ("path", "url")
    needs_start: ClassVar[bool] = True

    @classmethod
    def is_shared(cls, _given: dict[str, str]) -> bool:
        """Return that they may, as no page is asked for."""
        return True

    @classmethod
    def check(cls, given: dict[str, str], own: Settings) -> None:
        """Check the paths, and that there is someone to write to where images are fetched from a live host.

        Raises UsageError.
        """
        for path in _paths(given.get("path", "")):
            if not path.exists():
                raise UsageError(f"{path}: no such file or folder; give pages saved from a browser")
        cls.read(given)
        if not own.host_map:
            check_live(own)

    @classmethod
    def requests(cls, _start: Start) -> list[Request]:
        """Return nothing, as these pages are on disk."""
        return []

    async def start(self) -> AsyncIterator[Any]:
        """Yield the listings of all pages."""
        run = Run.of(self.crawler)
        await run.open()
        for path in _files(_paths(self.arguments.get("path", ""))):
            try:
                page = self._read(path)
            except PageError as exc:
                await note_problem(run, path.as_uri(), problem_kind(exc), f"{path}: {exc}")
                continue
            run.counts.inc(f"page/{page.kind}")
            for listing in page.listings:
                yield listing
        await wait_for_items(self.crawler)

    def _read(self, path: Path) -> Page:
        saved = read_saved_page(path.read_bytes(), self.arguments.get("url"))
        return read_page(saved.body, saved.url)


def _paths(argument: str) -> list[Path]:
    """Return the paths of an argument, one a line: their names may hold anything else."""
    return [Path(line) for line in argument.splitlines() if line]


def _files(paths: list[Path]) -> Iterator[Path]:
    """Yield the pages among files and folders; a browser's folder of a page's parts (`…_files`) holds none."""
    for path in paths:
        if path.is_file():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            in_parts = any(parent.name.endswith("_files") for parent in file.relative_to(path).parents)
            if file.suffix.lower() in _SUFFIXES and not in_parts:
                yield file
