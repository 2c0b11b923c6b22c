"""The contents of a bundle: an artisan's photos, captures and timestamps, under names that are safe everywhere."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from theftwatch.errors import EvidenceError, UnusableImageError
from theftwatch.evidence.archive import MANIFEST, Member, member, safe_name
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
    members: dict[str, Member] = field(default_factory=dict)
    #: File, token, certificate and moment of each timestamp; captures by their manifests; what is not in, and why
    timestamps: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    captures: list[str] = field(default_factory=list)
    #: Letters that stand as boxes in its PDF files
    undrawn: str = ""

    def add(self, name: str, added: Member) -> bool:
        """Add a file, unless it is too large for the portal; return whether it is in."""
        if added.byte_count > self.file_bytes_max:
            self.leave_out(name, added.sha256.hex(), added.byte_count, "larger than the portal takes")
            return False
        self.members[name] = added
        return True

    def add_kept(self, name: str, files: Files, sha256: bytes, byte_count: int) -> bool:
        """Add a file of the image store, unless it is too large or not held any more; return whether it is in."""
        try:
            return self.add(name, _kept(files, sha256))
        except FileNotFoundError:
            self.leave_out(name, sha256.hex(), byte_count, "not held any more")
            return False

    def leave_out(self, name: str, sha256: str, byte_count: int, why: str) -> None:
        """Note a file that is not in, with its SHA-256 in hex, and why."""
        self.left_out.append({"name": name, "sha256": sha256, "byte_count": byte_count, "why": why})

    def stamp(self, name: str, tokens: Sequence[Token]) -> None:
        """Add the timestamps of a file that is in, each with its authority's certificate."""
        names: dict[int, str] = {}
        for number, token in enumerate(tokens):
            names[token.id] = f"{name}.tsr" if not number else f"{name}.{number + 1}.tsr"
            authority = self.certify(token.authority, token.certificates)
            self.members[names[token.id]] = member(token.token)
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
        certificate = member(certificates.encode())
        stem = f"authorities/{safe_name(host(authority))}"
        name = f"{stem}.pem"
        # one that had another certificate before
        if self.members.setdefault(name, certificate).sha256 != certificate.sha256:
            name = f"{stem}-{certificate.sha256.hex()[:8]}.pem"
            self.members[name] = certificate
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
        if contents.add_kept(path, files, sha256, byte_count):
            names[sha256] = path
            contents.stamp(path, facts.tokens.get(sha256, ()))
        elif reduced := _reduced(files, sha256, contents.file_bytes_max):
            names[sha256] = f"{path}.reduced.jpg"
            contents.add(names[sha256], member(reduced))
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
        if not contents.add_kept(f"{folder}/{MANIFEST}", files, capture.manifest_sha256, 0):
            continue
        contents.captures.append(f"{folder}/{MANIFEST}")
        contents.stamp(f"{folder}/{MANIFEST}", facts.tokens.get(capture.manifest_sha256, ()))
        for captured in facts.captured.get(capture.id, ()):
            contents.add_kept(f"{folder}/{captured.name}", files, captured.sha256, captured.byte_count)
    return folders


def utc(at: datetime) -> str:
    """Return a moment as a manifest has it, such as 2026-11-23T10:00:00Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _kept(files: Files, sha256: bytes) -> Member:
    """Return a file of the image store, which is whole there now and is read anew when it is written.

    Raises FileNotFoundError where it is not kept, or is damaged.
    """
    byte_count = len(files.get(sha256))

    def read() -> BinaryIO:
        try:
            return io.BytesIO(files.get(sha256))
        except FileNotFoundError as exc:
            raise EvidenceError(f"{exc.filename or exc} went while the bundle was written; build it again") from exc

    return Member(sha256, byte_count, read)


def _reduced(files: Files, sha256: bytes, file_bytes_max: int) -> bytes | None:
    """Return a smaller copy of a photo, for a portal that takes no larger one; None where none can be made."""
    try:
        image = decode_colour(files.get(sha256), long_side_px=_REDUCED_SIDE_PX)
    except (FileNotFoundError, UnusableImageError):
        return None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue() if file.tell() <= file_bytes_max else None
