"""A ZIP file with a list of the digests of what is in it, which common tools can check; and names for its files."""

import hashlib
import io
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

MANIFEST, MANIFEST_TOKEN, SUMS = "manifest.json", "manifest.json.tsr", "SHA256SUMS"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_STORED = (".zip", ".jpg", ".png", ".webp", ".gif", ".avif", ".gz", ".pdf", ".tsr")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive, whose bytes are fetched when they are written: all of them together fill a machine."""

    sha256: bytes
    byte_count: int
    open: Callable[[], BinaryIO]


def member(data: bytes) -> Member:
    """Return a file of bytes that are there."""
    return Member(hashlib.sha256(data).digest(), len(data), lambda: io.BytesIO(data))


def write_archive(file: BinaryIO, members: Mapping[str, Member], now: datetime) -> None:
    """Write files into a ZIP file, with a list of their digests as `sha256sum` reads it."""
    sums = "".join(f"{each.sha256.hex()}  {name}\n" for name, each in sorted(members.items()))
    with zipfile.ZipFile(file, "w") as archive:
        for name, each in _front_first({**members, SUMS: member(sums.encode())}.items()):
            entry = zipfile.ZipInfo(name, now.astimezone(UTC).timetuple()[:6])
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
            entry.file_size = each.byte_count
            with each.open() as source, archive.open(entry, "w") as packed:
                shutil.copyfileobj(source, packed)


def safe_name(text: str) -> str:
    """Return a text as part of a file's name, on any system."""
    return _UNSAFE.sub("-", text).strip(".-")[:60] or "unnamed"


def _front_first(items: Iterable[tuple[str, Member]]) -> list[tuple[str, Member]]:
    """Return what a person reads before what stands in folders."""
    return sorted(items, key=lambda item: ("/" in item[0], item[0]))
