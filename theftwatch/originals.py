"""An artisan's own photos, as a folder or a CSV file names them."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from theftwatch.errors import UsageError

Kind = Literal["original", "outtake"]

#: What a folder is searched for; a CSV file may name any file
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"})
COLUMNS = ("file", "kind", "date", "published")


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenFile:
    """One photo that an artisan gave."""

    path: Path
    #: How the record names it: the path below the folder, or as the CSV file writes it
    name: str
    kind: Kind
    #: When the artisan says it was made
    dated_at: datetime | None = None
    #: Where the artisan has published it, such as a photo page of Flickr
    published_url: str | None = None


def read_originals(source: Path, kind: Kind) -> list[GivenFile]:
    """List the photos of a folder, or of a CSV file with the columns file, kind, date and published.

    All but the first may be empty or missing. Raises UsageError naming the line that is wrong, before anything is
    stored.
    """
    if source.is_dir():
        return [
            GivenFile(path=path, name=path.relative_to(source).as_posix(), kind=kind)
            for path in sorted(source.rglob("*"))
            if path.suffix.lower() in SUFFIXES and path.is_file()
        ]
    if source.suffix.lower() != ".csv":
        raise UsageError(f"{source}: give a folder of photos, or a CSV file with the columns {', '.join(COLUMNS)}")
    return list(_read_csv(source, kind))


def _read_csv(source: Path, kind: Kind) -> Iterator[GivenFile]:
    try:
        # Spreadsheets write a byte order mark.
        with source.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise UsageError(f"{source}: {exc}; give a CSV file in UTF-8 with the columns {', '.join(COLUMNS)}") from exc
    for number, row in enumerate(rows, 2):
        where = f"{source}:{number}"
        name = (row.get("file") or "").strip()
        path = source.parent / name
        if not name or not path.is_file():
            raise UsageError(
                f"{where}: no photo {name!r} beside the CSV file; the column 'file' gives a path from there"
            )
        row_kind = (row.get("kind") or kind).strip()
        if row_kind not in {"original", "outtake"}:
            raise UsageError(f"{where}: kind {row_kind!r} is neither original nor outtake")
        yield GivenFile(
            path=path,
            name=name,
            kind=cast("Kind", row_kind),
            dated_at=_date((row.get("date") or "").strip(), where),
            published_url=_address((row.get("published") or "").strip(), where),
        )


def _address(text: str, where: str) -> str | None:
    if text and not re.fullmatch(r"https?://\S+", text):
        raise UsageError(f"{where}: published {text!r} is no address; give one with https://, or nothing")
    return text or None


def _date(text: str, where: str) -> datetime | None:
    if not text:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(f"{where}: date {text!r} is not of the form 2026-11-23 or 2026-11-23T10:00+01:00") from exc
    return date if date.tzinfo else date.replace(tzinfo=UTC)
