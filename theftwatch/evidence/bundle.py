"""A bundle: all that a complaint needs in one ZIP file, which anybody can verify without this program."""

import asyncio
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any, BinaryIO

import theftwatch
from theftwatch.errors import TimestampError, UnusableImageError
from theftwatch.evidence.certificate import host
from theftwatch.evidence.document import complaint_text, defence_text, evidence_page, statement_page
from theftwatch.evidence.facts import Facts
from theftwatch.evidence.manifest import canonical
from theftwatch.evidence.pdf import print_pages
from theftwatch.evidence.timestamp import Authority, ask
from theftwatch.evidence.tokens import Token
from theftwatch.files import Files
from theftwatch.images.decode import decode_colour
from theftwatch.reports.words import count, marketplace_name, moment, one_line, shortened

FORMAT = "theftwatch bundle 1"
MANIFEST, MANIFEST_TOKEN, SUMS = "manifest.json", "manifest.json.tsr", "SHA256SUMS"
_COMMANDS = "timestamps.txt"

#: Where no portal is known that says how much it takes
_LINKS_MAX, _FILE_BYTES_MAX = 300, 20_000_000
#: Long sides of the pictures in the documents: the next is tried where a document is too large with one
_SIDES_PX = (720, 480, 320, 200)
_REDUCED_SIDE_PX = 3_000
#: Letters of a name in a title: who writes hundreds of them does not get a page of them
_NAME_MAX = 80
_STORED = (".zip", ".jpg", ".png", ".webp", ".gif", ".avif", ".gz", ".pdf", ".tsr")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What a bundle came to."""

    title: str
    files: int
    byte_count: int
    #: Whether the documents are there as PDF too
    printed: bool
    #: Letters that stand as boxes in the PDF files, as the machine has no font for them
    undrawn: str
    #: Whether the manifest of the bundle itself was timestamped, and if not, why
    stamped: bool
    not_stamped_because: str | None
    #: Files too large for the portal, or not held any more
    left_out: int


@dataclass(slots=True)
class _Contents:
    """The files of a bundle, by name, with what the manifest says of them."""

    limit: int
    data: dict[str, bytes] = field(default_factory=dict)
    timestamps: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    captures: list[str] = field(default_factory=list)
    #: Letters that stand as boxes in its PDF files
    undrawn: str = ""

    def add(self, name: str, data: bytes) -> bool:
        """Add a file, unless it is too large for the portal; return whether it is in."""
        if len(data) > self.limit:
            self.leave_out(name, hashlib.sha256(data).hexdigest(), len(data), "larger than the portal takes")
            return False
        self.data[name] = data
        return True

    def leave_out(self, name: str, sha256: str, byte_count: int, why: str) -> None:
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
                    "at": _moment(token.stamped_at),
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Defended:
    """The listing of an artisan's that a defence is for."""

    url: str
    marketplace: str


async def write_bundle(
    file: BinaryIO,
    facts: Facts,
    files: Files,
    *,
    now: datetime,
    chromium: Path | None,
    authority: Authority | None,
    defended: Defended | None = None,
) -> Built:
    """Write the bundle of a complaint, or with `defended` that of a defence.

    Without `chromium` its documents are HTML alone, without `authority` its manifest is not dated. Raises EvidenceError
    where Chromium cannot print.
    """
    title, lead = _heads(facts, defended)
    limit = facts.portal.file_bytes_max if facts.portal else _FILE_BYTES_MAX
    contents = _Contents(limit=limit)
    names = await asyncio.to_thread(_add_originals, contents, facts, files)
    folders = await asyncio.to_thread(_add_captures, contents, facts, files)
    pages = {} if defended else {"statement": statement_page(facts, now=now)}
    if defended:
        contents.add("defence.txt", defence_text(facts, defended.url).encode())
    else:
        _add_texts(contents, facts)
    checks = [f"sha256sum -c {SUMS}"]
    if authority:
        certificates = contents.certify(authority.url, authority.certificates)
        checks.append(f"openssl ts -verify -data {MANIFEST} -in {MANIFEST_TOKEN} -CAfile {certificates}")
    if contents.timestamps:
        contents.data[_COMMANDS] = _commands(contents.timestamps).encode()
        checks.append(f"sh -e {_COMMANDS}")

    def evidence(side_px: int) -> str:
        return evidence_page(
            facts, files, now=now, names=names, folders=folders, side_px=side_px, title=title, lead=lead, checks=checks
        )

    await _add_documents(contents, evidence, pages, chromium)
    contents.add("README.txt", _readme(facts, contents, title=title, now=now, checks=checks).encode())
    manifest = _manifest(contents, facts, now=now, title=title)
    token, why = await _date(manifest, authority)
    outside = {MANIFEST: manifest} | ({MANIFEST_TOKEN: token} if token else {})
    await asyncio.to_thread(write_archive, file, contents.data | outside, now)
    return Built(
        files=len(contents.data) + len(outside) + 1,
        byte_count=file.tell(),
        title=title,
        printed=chromium is not None,
        undrawn=contents.undrawn,
        stamped=token is not None,
        not_stamped_because=why,
        left_out=len(contents.left_out),
    )


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


def _add_originals(contents: _Contents, facts: Facts, files: Files) -> dict[bytes, str]:
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
        elif reduced := _reduced(data, contents.limit):
            names[sha256] = f"{path}.reduced.jpg"
            contents.add(names[sha256], reduced)
    return names


def _add_captures(contents: _Contents, facts: Facts, files: Files) -> dict[int, str]:
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


def _add_texts(contents: _Contents, facts: Facts) -> None:
    """Add the addresses, and the complaint about them, in batches of what the portal takes at once."""
    most = facts.portal.links_max if facts.portal else _LINKS_MAX
    parts = list(batched(facts.addresses, most))
    for number, addresses in enumerate(parts, 1):
        suffix = f"-{number}" if len(parts) > 1 else ""
        contents.add(f"addresses{suffix}.txt", ("\n".join(addresses) + "\n").encode())
        text = complaint_text(facts, addresses, part=number, parts=len(parts))
        contents.add(f"complaint{suffix}.txt", text.encode())


async def _add_documents(
    contents: _Contents, evidence: Callable[[int], str], pages: dict[str, str], chromium: Path | None
) -> None:
    """Add evidence and other pages as HTML, and with a Chromium as PDF; with smaller pictures if they are too large."""
    for side_px in _SIDES_PX:
        html = {"evidence": await asyncio.to_thread(evidence, side_px)} | pages
        documents = {f"{name}.html": page.encode() for name, page in html.items()}
        if chromium is not None:
            printed = await print_pages(chromium, list(html.values()))
            documents |= {f"{name}.pdf": data for name, data in zip(html, printed.files, strict=True)}
            contents.undrawn = printed.undrawn
        if max(map(len, documents.values())) <= contents.limit:
            break
    for name, data in documents.items():
        contents.add(name, data)


def _heads(facts: Facts, defended: Defended | None) -> tuple[str, str]:
    """Return the title of a bundle, and the sentence under it."""
    artisan, listings = one_line(facts.artisan.name), count(len(facts.addresses), "listing")
    if defended:
        where = marketplace_name(defended.marketplace)
        return (
            f"Photos of {shortened(artisan, _NAME_MAX)}, and where they were copied",
            f"{artisan} shows these photos in {defended.url}, on {where}. {listings} of others have copies of them.",
        )
    vendor, where = one_line(facts.vendor), marketplace_name(facts.marketplace)
    title = f"Photos of {shortened(artisan, _NAME_MAX)} at {shortened(vendor, _NAME_MAX)}, {where}"
    return title, f"{listings} of {vendor} on {where} with photos of {artisan}."


#: What may be in a bundle, in the order of a reader
_PARTS = (
    ("complaint", "complaint*.txt    the text of the complaint, and addresses*.txt its listings"),
    ("defence", "defence.txt       the text by which to ask for the listing back"),
    ("statement", "statement.*       the copyright claim statement: check, complete and sign it"),
    ("evidence", "evidence.*        the photos side by side, who was first, files, captures"),
    (
        "originals/",
        "originals/        the artisan's files with their timestamps (.tsr); photos of which no file was given",
    ),
    ("captures/", "captures/         the listings as they were: page, pictures, photos, manifest"),
    ("authorities/", "authorities/      certificates of the authorities that gave timestamps"),
    (_COMMANDS, "timestamps.txt    for each timestamp the command that verifies it; `sh -e timestamps.txt` runs all"),
)


def _readme(facts: Facts, contents: _Contents, *, title: str, now: datetime, checks: Sequence[str]) -> str:
    lines = [
        title,
        f"Prepared {moment(now)} by TheftWatch {theftwatch.__version__}. "
        "Nothing was filed or sent: a person does that.",
        "",
        *(line for begin, line in _PARTS if any(name.startswith(begin) for name in contents.data)),
        "manifest.json     every file of the bundle with its digest",
        "",
    ]
    if facts.portal:
        lines += [f"{facts.portal.name}, {facts.portal.url}, wants:", *(f"- {each}" for each in facts.portal.needs)]
        without = count(facts.portal.links_without_account_max, "address", "addresses")
        lines += [f"It takes {facts.portal.links_max} addresses a request; without an account there, {without}.", ""]
    if facts.not_given:
        lines += [f"The artisan gave {facts.not_given}; `theftwatch originals add` takes files in.", ""]
    if "evidence.pdf" not in contents.data:
        lines += [
            "There is no PDF, as no Chromium was found, or it is too large: print evidence.html from a browser.",
            "",
        ]
    if contents.undrawn:
        lines += [
            "Boxes stand in the PDF files for letters of which the machine had no font: "
            f"{shortened(contents.undrawn, _NAME_MAX)}",
            "The HTML files have them right.",
            "",
        ]
    if contents.left_out:
        lines.append("Left out:")
        lines += [f"- {each['name']} (SHA-256 {each['sha256']}): {each['why']}" for each in contents.left_out]
        lines.append("")
    lines += [
        "To verify it: `theftwatch evidence verify BUNDLE --certificate AUTHORITY.pem`, or with common tools,",
        *(f"  {check}" for check in checks),
        "",
    ]
    return "\n".join(lines)


def _commands(timestamps: Sequence[dict[str, Any]]) -> str:
    """Return the commands that verify timestamps, each as of its own day; the names in them are safe in any shell."""
    return "".join(
        "openssl ts -verify"
        f" -attime {datetime.fromisoformat(each['at']).timestamp():.0f}"
        f" -data {each['file']} -in {each['token']} -CAfile {each['authority']}\n"
        for each in timestamps
    )


def _manifest(contents: _Contents, facts: Facts, *, now: datetime, title: str) -> bytes:
    return canonical(
        {
            "format": FORMAT,
            "title": title,
            "made_at": _moment(now),
            "software": f"TheftWatch {theftwatch.__version__}",
            "artisan": facts.artisan.name,
            "vendors": [
                {"marketplace": each.marketplace, "seller_ref": each.seller_ref, "name": each.name}
                for each in facts.vendors
            ],
            "addresses": list(facts.addresses),
            "files": [
                {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "byte_count": len(data)}
                for name, data in sorted(contents.data.items())
            ],
            "timestamps": contents.timestamps,
            "captures": contents.captures,
            "left_out": contents.left_out,
        }
    )


async def _date(manifest: bytes, authority: Authority | None) -> tuple[bytes | None, str | None]:
    if authority is None:
        return None, "THEFTWATCH_TIMESTAMP_URL is not set"
    try:
        return (await asyncio.to_thread(ask, authority, manifest)).token, None
    except TimestampError as exc:
        return None, str(exc)


def _front_first(items: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return what a person reads before what stands in folders."""
    return sorted(items, key=lambda item: ("/" in item[0], item[0]))


def _reduced(data: bytes, limit: int) -> bytes | None:
    """Return a smaller copy of a photo, for a portal that takes no larger one; None where none can be made."""
    try:
        image = decode_colour(data, long_side_px=_REDUCED_SIDE_PX)
    except UnusableImageError:
        return None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue() if file.tell() <= limit else None


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
