"""A ZIP file with a list of the digests of what is in it, which common tools can check; and names for its files."""

import hashlib
import re
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import BinaryIO

MANIFEST, MANIFEST_TOKEN, SUMS = "manifest.json", "manifest.json.tsr", "SHA256SUMS"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_STORED = (".zip", ".jpg", ".png", ".webp", ".gif", ".avif", ".gz", ".pdf", ".tsr")


def write_archive(file: BinaryIO, data: dict[str, bytes], now: datetime) -> None:
    """Write files into a ZIP file, with a list of their digests as `sha256sum` reads it."""
    sums = "".join(f"{hashlib.sha256(each).hexdigest()}  {name}\n" for name, each in sorted(data.items()))
    with zipfile.ZipFile(file, "w") as archive:
        for name, each in _front_first((data | {SUMS: sums.encode()}).items()):
            entry = zipfile.ZipInfo(name, now.astimezone(UTC).timetuple()[:6])
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, each)


def safe_name(text: str) -> str:
    """Return a text as part of a file's name, on any system."""
    return _UNSAFE.sub("-", text).strip(".-")[:60] or "unnamed"


def _front_first(items: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return what a person reads before what stands in folders."""
    return sorted(items, key=lambda item: ("/" in item[0], item[0]))
