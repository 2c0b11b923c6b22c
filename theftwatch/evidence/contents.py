"""The contents of a bundle: an artisan's photos, captures and timestamps, under names that are safe everywhere."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from theftwatch.errors import UnusableImageError
from theftwatch.evidence.archive import MANIFEST, safe_name
from theftwatch.evidence.certificate import host
from theftwatch.evidence.facts import Facts
from theftwatch.evidence.tokens import Token
from theftwatch.files import Files
from theftwatch.images.decode import decode_colour

_REDUCED_SIDE_PX = 3_000


@dataclass(slots=True)
class Contents:
    """The files of a bundle, by name, with what the manifest says of them."""

    #: The most that the portal takes in one file
    file_bytes_max: int
    data: dict[str, bytes] = field(default_factory=dict)
    #: File, token, certificate and moment of each timestamp; captures by their manifests; what is not in, and why
    timestamps: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    captures: list[str] = field(default_factory=list)
    #: Letters that stand as boxes in its PDF files
    undrawn: str = ""

    def add(self, name: str, data: bytes) -> bool:
        """Add a file, unless it is too large for the portal; return whether it is in."""
        if len(data) > self.file_bytes_max:
            self.leave_out(name, hashlib.sha256(data).hexdigest(), len(data), "larger than the portal takes")
            return False
        self.data[name] = data
        return True

    def leave_out(self, name: str, sha256: str, byte_count: int, why: str) -> None:
        """Note a file that is not in, with its SHA-256 in hex, and why."""
        self.left_out.append({"name": name, "sha256": sha256, "byte_count": byte_count, "why": why})

    def stamp(self, name: str, tokens: Sequence[Token]) -> None:
        """Add the timestamps of a file that is in, each with its authority's certificate."""
        names: dict[int, str] = {}
        for number, token in enumerate(tokens):
            names[token.id] = f"{name}.tsr" if not number else f"{name}.{number + 1}.tsr"
            authority = self.certify(token.authority, token.certificates)
            self.data[names[token.id]] = token.token
            self.timestamps.append(
                {
                    "file": name if token.renews is None else names.get(token.renews, name),
                    "token": names[token.id],
                    "authority": authority,
                    "at": utc(token.stamped_at),
                }
            )

    def certify(self, authority: str, certificates: str) -> str:
        """Add the certificates of an authority, and return the name that they have."""
        text = certificates.encode()
        stem = f"authorities/{safe_name(host(authority))}"
        name = f"{stem}.pem"
        if self.data.setdefault(name, text) != text:  # one that had another certificate before
            name = f"{stem}-{hashlib.sha256(text).hexdigest()[:8]}.pem"
            self.data[name] = text
        return name


def add_originals(contents: Contents, facts: Facts, files: Files) -> dict[bytes, str]:
    """Add the artisan's files and the photos of her listings; return their names by SHA-256."""
    names: dict[bytes, str] = {}
    wanted = [(each.sha256, each.name.rpartition("/")[2], each.byte_count, each.format) for each in facts.files]
    given = {each.sha256 for each in facts.files}
    wanted += [
        (pair.original_sha256, "listing-photo", 0, None) for pair in facts.pairs if pair.original_sha256 not in given
    ]
    for number, (sha256, name, byte_count, image_format) in enumerate(dict.fromkeys(wanted), 1):
        stem, _, suffix = safe_name(name).rpartition(".")
        suffix = suffix if stem else (image_format or "jpg").lower()
        path = f"originals/{number:03}-{stem or safe_name(name)}.{suffix}"
        try:
            data = files.get(sha256)
        except FileNotFoundError:
            contents.leave_out(path, sha256.hex(), byte_count, "not held any more")
            continue
        if contents.add(path, data):
            names[sha256] = path
            contents.stamp(path, facts.tokens.get(sha256, ()))
        elif reduced := _reduced(data, contents.file_bytes_max):
            names[sha256] = f"{path}.reduced.jpg"
            contents.add(names[sha256], reduced)
    return names


def add_captures(contents: Contents, facts: Facts, files: Files) -> dict[int, str]:
    """Add captures, each in a folder of its own; return the folders."""
    folders: dict[int, str] = {}
    for capture in facts.captures:
        day = capture.taken_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        folder = f"captures/{safe_name(f'{capture.marketplace}-{capture.listing_ref}')}-{capture.why}-{day}"
        while folder in folders.values():
            folder += "x"
        folders[capture.id] = folder
        try:
            manifest = files.get(capture.manifest_sha256)
        except FileNotFoundError:
            contents.leave_out(f"{folder}/{MANIFEST}", capture.manifest_sha256.hex(), 0, "not held any more")
            continue
        contents.data[f"{folder}/{MANIFEST}"] = manifest
        contents.captures.append(f"{folder}/{MANIFEST}")
        contents.stamp(f"{folder}/{MANIFEST}", facts.tokens.get(capture.manifest_sha256, ()))
        for kept in facts.captured.get(capture.id, ()):
            path = f"{folder}/{kept.name}"
            try:
                contents.add(path, files.get(kept.sha256))
            except FileNotFoundError:
                contents.leave_out(path, kept.sha256.hex(), kept.byte_count, "not held any more")
    return folders


def utc(at: datetime) -> str:
    """Return a moment as a manifest has it, such as 2026-11-23T10:00:00Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _reduced(data: bytes, file_bytes_max: int) -> bytes | None:
    """Return a smaller copy of a photo, for a portal that takes no larger one; None where none can be made."""
    try:
        image = decode_colour(data, long_side_px=_REDUCED_SIDE_PX)
    except UnusableImageError:
        return None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue() if file.tell() <= file_bytes_max else None
