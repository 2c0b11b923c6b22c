"""A capture: a suspect listing kept as proof at a moment, with a manifest of its files."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from theftwatch.db.queries import Connection, columns, execute, fetch, fetch_as
from theftwatch.evidence.manifest import canonical
from theftwatch.files import Files

type Why = Literal["found", "filing", "removal"]
type State = Literal["taken", "page_only", "gone", "blocked", "refused", "failed"]
type Role = Literal["page", "warc", "screenshot", "place", "photo", "recorded"]

FORMAT = "theftwatch capture 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A photo of a suspect listing that matched, as it was last crawled."""

    position: int
    image_key: str
    source_url: str
    sha256: bytes
    format: str | None
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A suspect listing to be captured, with the findings that the capture is proof for."""

    listing: int
    why: Why
    findings: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is known of a suspect listing that is to be captured."""

    id: int
    marketplace: str
    listing_ref: str
    url: str
    title: str | None
    seller: str | None
    findings: tuple[int, ...]
    photos: tuple[Photo, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedFile:
    """A file of a capture."""

    name: str
    role: Role
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedPhoto:
    """What a capture found of a photo that had matched."""

    photo: Photo
    #: Name of the file fetched now; None where it could not be had, and then why
    file: str | None = None
    missing_reason: str | None = None
    #: Whether it is byte for byte what was crawled; None where it could not be had
    same: bool | None = None
    #: Picture of its place in the page; None where the page does not show it, or there is no picture of the page
    place: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """What came of capturing a listing."""

    subject: Subject
    why: Why
    state: State
    taken_at: datetime
    #: Where the address led to
    url: str
    software: str
    user_agent: str
    http_status: int | None = None
    detail: str | None = None
    #: Name and version; None where none was used
    browser: str | None = None
    photos: tuple[CapturedPhoto, ...] = ()
    files: tuple[CapturedFile, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listing:
    id: int
    marketplace: str
    listing_ref: str
    url: str
    title: str | None
    seller: str | None


async def find_due(connection: Connection, *, now: datetime, most: int | None) -> list[Due]:
    """Return what is to be captured: what was found, what is to be filed, and what was removed."""
    rows = await fetch(connection, "find_captures_due", now=now, most=most)
    return [Due(listing=listing, why=why, findings=tuple(findings)) for listing, why, findings in rows]


async def find_named(
    connection: Connection, why: Why, *, listing: str | None = None, finding: int | None = None
) -> list[Due]:
    """Return the listings, two at most, that go by a name or belong to a finding, each with its findings that count."""
    rows = await fetch(connection, "find_captures_named", name=listing, finding=finding)
    return [Due(listing=each, why=why, findings=tuple(findings)) for each, findings in rows]


async def find_subject(connection: Connection, due: Due) -> Subject:
    """Return what is known of a listing that is to be captured."""
    [found] = await fetch_as(connection, _Listing, "find_capture_listing", listing=due.listing)
    photos = await fetch_as(connection, Photo, "find_capture_photos", findings=list(due.findings))
    return Subject(
        id=found.id,
        marketplace=found.marketplace,
        listing_ref=found.listing_ref,
        url=found.url,
        title=found.title,
        seller=found.seller,
        findings=due.findings,
        photos=tuple(photos),
    )


def manifest(capture: Capture) -> bytes:
    """Return the manifest of a capture: what was looked at, when, what came of it, and the digest of each file."""
    return canonical(
        {
            "format": FORMAT,
            "why": capture.why,
            "state": capture.state,
            "detail": capture.detail,
            "listing": {
                "marketplace": capture.subject.marketplace,
                "listing_ref": capture.subject.listing_ref,
                "url": capture.subject.url,
                "title": capture.subject.title,
                "seller": capture.subject.seller,
            },
            "taken_at": _moment(capture.taken_at),
            "url": capture.url,
            "http_status": capture.http_status,
            "software": capture.software,
            "user_agent": capture.user_agent,
            "browser": capture.browser,
            "photos": [_photo(each) for each in capture.photos],
            "files": [
                {
                    "name": each.name,
                    "role": each.role,
                    "media_type": each.media_type,
                    "sha256": hashlib.sha256(each.data).hexdigest(),
                    "byte_count": len(each.data),
                }
                for each in capture.files
            ],
        }
    )


def put_files(capture: Capture, files: Files) -> bytes:
    """Keep the files of a capture and its manifest, and return the manifest's SHA-256."""
    for each in capture.files:
        files.put(each.data)
    return files.put(manifest(capture))


async def save_capture(connection: Connection, capture: Capture, manifest_sha256: bytes, *, run: int | None) -> None:
    """Write a capture whose files are kept, and put its manifest down for a timestamp; the caller's transaction."""
    rows = await fetch(
        connection,
        "insert_capture",
        listing=capture.subject.id,
        why=capture.why,
        state=capture.state,
        detail=capture.detail,
        url=capture.url,
        http_status=capture.http_status,
        taken_at=capture.taken_at,
        run=run,
        manifest_sha256=manifest_sha256,
    )
    if not rows:  # written before, in a transaction whose end was not heard of
        return
    [(key,)] = rows
    await execute(
        connection,
        "insert_capture_files",
        capture=key,
        **columns(
            (
                {
                    "names": each.name,
                    "roles": each.role,
                    "sha256s": hashlib.sha256(each.data).digest(),
                    "byte_counts": len(each.data),
                    "media_types": each.media_type,
                }
                for each in capture.files
            ),
            *("names", "roles", "sha256s", "byte_counts", "media_types"),
        ),
    )
    await execute(connection, "insert_capture_findings", capture=key, findings=list(capture.subject.findings))
    await execute(connection, "want_timestamps", sha256s=[manifest_sha256], now=capture.taken_at)


def _photo(each: CapturedPhoto) -> dict[str, Any]:
    return {
        "image_key": each.photo.image_key,
        "url": each.photo.source_url,
        "crawled": {
            "sha256": each.photo.sha256.hex(),
            "first_seen_at": _moment(each.photo.first_seen_at),
            "last_seen_at": _moment(each.photo.last_seen_at),
        },
        "file": each.file,
        "missing_reason": each.missing_reason,
        "same": each.same,
        "place": each.place,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
