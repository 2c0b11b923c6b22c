"""A bundle: all that a complaint needs in one ZIP file, which anybody can verify without this program."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import BinaryIO

import theftwatch
from theftwatch.errors import TimestampError
from theftwatch.evidence.archive import MANIFEST, MANIFEST_TOKEN, SUMS, member, write_archive
from theftwatch.evidence.contents import Contents, add_captures, add_originals, utc
from theftwatch.evidence.document import complaint_text, defence_text, evidence_page, statement_page
from theftwatch.evidence.facts import Facts
from theftwatch.evidence.manifest import canonical
from theftwatch.evidence.pdf import print_pages
from theftwatch.evidence.readme import COMMANDS, readme, verifying_commands
from theftwatch.evidence.timestamp import Authority, ask
from theftwatch.files import Files
from theftwatch.reports.words import count, marketplace_name, one_line, shortened

FORMAT = "theftwatch bundle 1"

#: Where no portal is known that says how much it takes
_LINKS_MAX, _FILE_BYTES_MAX = 300, 20_000_000
#: Long sides of the pictures in the documents: the next is tried where a document is too large with one
_SIDES_PX = (720, 480, 320, 200)
#: Letters of a name in a title: who writes hundreds of them does not get a page of them
_NAME_MAX = 80


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
    contents = Contents(file_bytes_max=facts.portal.file_bytes_max if facts.portal else _FILE_BYTES_MAX)
    names = await asyncio.to_thread(add_originals, contents, facts, files)
    folders = await asyncio.to_thread(add_captures, contents, facts, files)
    pages = {} if defended else {"statement": statement_page(facts, now=now)}
    if defended:
        contents.add("defence.txt", member(defence_text(facts, defended.url).encode()))
    else:
        _add_texts(contents, facts)
    checks = [f"sha256sum -c {SUMS}"]
    if authority:
        certificates = contents.certify(authority.url, authority.certificates)
        checks.append(f"openssl ts -verify -data {MANIFEST} -in {MANIFEST_TOKEN} -CAfile {certificates}")
    if contents.timestamps:
        contents.members[COMMANDS] = member(verifying_commands(contents.timestamps).encode())
        checks.append(f"sh -e {COMMANDS}")

    def evidence(side_px: int) -> str:
        return evidence_page(
            facts, files, now=now, names=names, folders=folders, side_px=side_px, title=title, lead=lead, checks=checks
        )

    await _add_documents(contents, evidence, pages, chromium)
    contents.add("README.txt", member(readme(facts, contents, title=title, now=now, checks=checks).encode()))
    manifest = _manifest(contents, facts, now=now, title=title)
    token, why = await _date(manifest, authority)
    if authority and token is None:
        # its texts would tell a reader to verify what is not there
        undated = await write_bundle(file, facts, files, now=now, chromium=chromium, authority=None, defended=defended)
        return replace(undated, not_stamped_because=why)
    outside = {MANIFEST: member(manifest)} | ({MANIFEST_TOKEN: member(token)} if token else {})
    await asyncio.to_thread(write_archive, file, contents.members | outside, now)
    return Built(
        files=len(contents.members) + len(outside) + 1,
        byte_count=file.tell(),
        title=title,
        printed=chromium is not None,
        undrawn=contents.undrawn,
        stamped=token is not None,
        not_stamped_because=why,
        left_out=len(contents.left_out),
    )


def _add_texts(contents: Contents, facts: Facts) -> None:
    """Add the addresses, and the complaint about them, in batches of what the portal takes at once."""
    most = facts.portal.links_max if facts.portal else _LINKS_MAX
    parts = list(batched(facts.addresses, most))
    for number, addresses in enumerate(parts, 1):
        suffix = f"-{number}" if len(parts) > 1 else ""
        contents.add(f"addresses{suffix}.txt", member(("\n".join(addresses) + "\n").encode()))
        text = complaint_text(facts, addresses, part=number, parts=len(parts))
        contents.add(f"complaint{suffix}.txt", member(text.encode()))


async def _add_documents(
    contents: Contents, evidence: Callable[[int], str], pages: dict[str, str], chromium: Path | None
) -> None:
    """Add evidence and other pages as HTML, and with a Chromium as PDF; with smaller pictures if they are too large."""
    for side_px in _SIDES_PX:
        html = {"evidence": await asyncio.to_thread(evidence, side_px)} | pages
        documents = {f"{name}.html": page.encode() for name, page in html.items()}
        if chromium is not None:
            printed = await print_pages(chromium, list(html.values()))
            documents |= {f"{name}.pdf": data for name, data in zip(html, printed.files, strict=True)}
            contents.undrawn = printed.undrawn
        if max(map(len, documents.values())) <= contents.file_bytes_max:
            break
    for name, data in documents.items():
        contents.add(name, member(data))


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


def _manifest(contents: Contents, facts: Facts, *, now: datetime, title: str) -> bytes:
    return canonical(
        {
            "format": FORMAT,
            "title": title,
            "made_at": utc(now),
            "software": f"TheftWatch {theftwatch.__version__}",
            "artisan": facts.artisan.name,
            "vendors": [
                {"marketplace": each.marketplace, "seller_ref": each.seller_ref, "name": each.name}
                for each in facts.vendors
            ],
            "addresses": list(facts.addresses),
            "files": [
                {"name": name, "sha256": each.sha256.hex(), "byte_count": each.byte_count}
                for name, each in sorted(contents.members.items())
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
