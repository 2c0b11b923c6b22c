"""The certificate page: which photos an artisan gave, and by when each existed by the word of an authority."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from theftwatch.db.queries import Connection, fetch_as
from theftwatch.errors import UsageError
from theftwatch.evidence.tokens import Token, find_tokens
from theftwatch.files import Files, replacing
from theftwatch.reports.html import environment, style
from theftwatch.reports.preview import Preview, Previews


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtisanFile:
    """A file that an artisan gave."""

    name: str
    kind: str
    sha256: bytes
    byte_count: int
    format: str | None
    width_px: int | None
    height_px: int | None
    dated_at: datetime | None
    first_seen_at: datetime
    #: Why its timestamp could not be had; None where it has one, or was not asked for
    failure: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Certified:
    """What a certificate page came to."""

    files: int
    stamped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    file: ArtisanFile
    preview: Preview | None
    tokens: Sequence[Token]


async def write_certificate(
    connection: Connection, files: Files, artisan: int, name: str, path: Path, *, now: datetime, workers: int
) -> Certified:
    """Write the page about the files of an artisan, who goes by a name, with the tokens inside it.

    Raises UsageError where the artisan gave no file, and where the page cannot be written.
    """
    given = await fetch_as(connection, ArtisanFile, "find_artisan_files", artisan=artisan)
    if not given:
        raise UsageError(f"{name}: gave no photo; take them in with `theftwatch originals add`")
    tokens = await find_tokens(connection, [each.sha256 for each in given])
    authorities = {token.authority: token.certificates for each in tokens.values() for token in each}
    with Previews(files, workers=workers) as previews, replacing(path) as file:
        shown = await previews.of([each.sha256 for each in given])
        rows = [
            _Row(file=each, preview=preview, tokens=tokens.get(each.sha256, ()))
            for each, preview in zip(given, shown, strict=True)
        ]
        templates = environment("theftwatch.evidence")
        templates.filters["inlined"] = _inlined
        templates.filters["host"] = host
        page = templates.get_template("certificate.html.j2").render(
            artisan=name, rows=rows, authorities=authorities, now=now, **style(_sheet("certificate.css"))
        )
        file.write(page.encode())
    return Certified(files=len(given), stamped=sum(bool(row.tokens) for row in rows))


def host(url: str) -> str:
    """Return the host of an address, by which a page calls an authority."""
    return urlsplit(url).hostname or url


def _inlined(data: bytes | str) -> str:
    text = data.encode() if isinstance(data, str) else data
    return "data:application/octet-stream;base64," + base64.b64encode(text).decode("ascii")


def _sheet(name: str) -> str:
    return (resources.files("theftwatch.evidence") / "templates" / name).read_text("utf-8")
