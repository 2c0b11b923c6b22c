"""The gallery: a page that an artisan can publish, with the photos that others show and where they do.

It is published, so it says less than other reports: confirmed findings alone, on which a complaint may rest; of a
vendor what its public listing says; nothing that a marketplace's terms keep off other pages.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from theftwatch.db.queries import Connection, fetch_as
from theftwatch.errors import UsageError
from theftwatch.files import Files, replacing
from theftwatch.reports.html import environment, style
from theftwatch.reports.preview import Preview, Previews
from theftwatch.reports.report import make_folder
from theftwatch.reports.terms import may_be_published
from theftwatch.reports.words import done_to_the_photo


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A confirmed pair of photos; fields as in the query `report_gallery`."""

    match_id: int
    finding: int
    original_kind: str
    original_marketplace: str | None
    original_url: str | None
    original_sha256: bytes
    given_sha256: bytes | None
    suspect_marketplace: str
    vendor: str
    suspect_url: str
    suspect_title: str | None
    suspect_sha256: bytes
    method: str
    transform: dict[str, Any] | None
    score: float
    margin_days: int | None
    suspect_first_seen_at: datetime
    removed_at: datetime | None

    @property
    def own_photo(self) -> bytes | None:
        """The artisan's photo that may be shown: a given file, else the listing's where terms allow it."""
        if self.given_sha256 or self.original_marketplace is None:
            return self.given_sha256
        return self.original_sha256 if may_be_published(self.original_marketplace) else None

    @property
    def copied_photo(self) -> bytes | None:
        """The suspect's photo, where the terms of its marketplace allow it."""
        return self.suspect_sha256 if may_be_published(self.suspect_marketplace) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A copied photo as the gallery shows it."""

    vendor: str
    marketplace: str
    url: str
    #: None where the terms of the marketplace keep it off other pages
    title: str | None
    own: Preview | None
    copied: Preview | None
    #: The artisan's own listings that it was copied from
    listings: tuple[tuple[str, str], ...]
    done: str
    margin_days: int | None
    first_seen_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gallery:
    """What a gallery came to."""

    path: Path
    photos: int
    listings: int
    #: Photos of the artisan's that it may not show, as they are known from Etsy's listings alone
    own_not_shown: int


async def write_gallery(
    connection: Connection, files: Files, folder: Path, artisan: int, name: str, *, now: datetime, workers: int = 2
) -> Gallery:
    """Write `index.html` into a folder, which is made where it is missing, and return what it came to.

    Raises UsageError where there is nothing to show, and where the folder cannot be written.
    """
    rows = _once_each(await fetch_as(connection, _Row, "report_gallery", artisan=artisan))
    if not rows:
        raise UsageError(
            f"{name}: nothing to show; a gallery is of findings that a person confirmed, whose original was first by "
            "the dates known, and that no relation covers. `theftwatch finding list --all` says what there is"
        )
    with Previews(files, workers=workers) as previews:
        shown = [await _shown(each, previews) for each in rows]
    listings = len({each.url for each in shown})
    sheet = (resources.files("theftwatch.reports") / "templates/gallery.css").read_text("utf-8")
    page = environment("theftwatch.reports").get_template("gallery.html.j2")
    text = page.render(
        artisan=name,
        photos=shown,
        listings=listings,
        marketplaces=sorted(
            {each.marketplace for each in shown} | {code for each in shown for code, _ in each.listings}
        ),
        now=now,
        **style(sheet),
    )
    await asyncio.to_thread(_write, folder, text)
    return Gallery(
        path=folder / "index.html",
        photos=len(shown),
        listings=listings,
        own_not_shown=sum(each.own is None for each in shown),
    )


def _write(folder: Path, text: str) -> None:
    make_folder(folder)
    with replacing(folder / "index.html") as file:
        file.write(text.encode())


def _once_each(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Return the rows of each copied photo in each listing together, the most telling first.

    The artisan's photo may stand in several listings and lie among the files, each a finding of its own.
    """
    copy = attrgetter("vendor", "suspect_url", "suspect_sha256")
    return [
        sorted(group, key=lambda row: (row.own_photo is None, -row.score, -(row.margin_days or 0), row.match_id))
        for _, group in groupby(sorted(rows, key=copy), key=copy)
    ]


async def _shown(rows: Sequence[_Row], previews: Previews) -> Shown:
    first = rows[0]
    own, copied = [
        (await previews.of([sha256]))[0] if sha256 else None for sha256 in (first.own_photo, first.copied_photo)
    ]
    listings = {(row.original_marketplace, row.original_url) for row in rows if row.original_url}
    return Shown(
        vendor=first.vendor,
        marketplace=first.suspect_marketplace,
        url=first.suspect_url,
        title=first.suspect_title if may_be_published(first.suspect_marketplace) else None,
        own=own,
        copied=copied,
        listings=tuple(sorted((code, url) for code, url in listings if code and url)),
        done=done_to_the_photo(first.method, first.transform),
        margin_days=max((row.margin_days for row in rows if row.margin_days is not None), default=None),
        first_seen_at=min(row.suspect_first_seen_at for row in rows),
        removed_at=first.removed_at,
    )
