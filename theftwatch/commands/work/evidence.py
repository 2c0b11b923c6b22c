"""The work of `theftwatch evidence`: bundles, packs and dossiers, and their verification."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from theftwatch.cases.captured import ToCapture, find_to_capture
from theftwatch.chromium import find_chromium
from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_listing, find_or_make_artisan, find_vendor, person
from theftwatch.commands.work.record import hold_still, opened
from theftwatch.config import settings
from theftwatch.db.queries import Connection
from theftwatch.errors import EvidenceError, UsageError
from theftwatch.evidence.bundle import Built, Defended, write_bundle
from theftwatch.evidence.dossier import enter_consent, find_dossier, withdraw_consent, write_dossier
from theftwatch.evidence.facts import Facts
from theftwatch.evidence.gather import find_case_complaint, find_complaint, find_defence
from theftwatch.evidence.timestamp import authority_of, read_certificates
from theftwatch.evidence.verify import verify_bundle
from theftwatch.files import Files, replacing
from theftwatch.fonts import REMEDY
from theftwatch.image_store import open_files
from theftwatch.reports.words import count, one_line


async def build(case: int | None, findings: Sequence[int], path: Path) -> None:
    """Write the bundle of a case, or of findings, and print what it came to."""
    if (case is None) == (not findings):
        raise UsageError("give the number of a case, or --finding once or more")
    async with _snapshot() as connection:
        to_capture: list[ToCapture] = []
        if case is None:
            facts = await find_complaint(connection, findings, overridden=frozenset())
        else:
            facts, doubtful = await find_case_complaint(connection, case)
            _warn_of_doubt(doubtful)
            to_capture = await find_to_capture(connection, case, now=system_clock())
        files = await open_files(connection, settings())
    await _write(path, facts, files)
    if to_capture:
        listings = count(len(to_capture), "listing")
        print(f"{listings} to be captured first: `theftwatch crawl capture`, then build it anew", file=sys.stderr)


async def defend(name: str, path: Path) -> None:
    """Write the pack of an artisan whose listing was taken down, and print what it came to."""
    async with _snapshot() as connection:
        listing = await find_listing(connection, name)
        facts = await find_defence(connection, listing.id, marketplace=listing.marketplace)
        files = await open_files(connection, settings())
    await _write(path, facts, files, Defended(url=listing.url, marketplace=listing.marketplace))


async def dossier(vendor: str, path: Path) -> None:
    """Write the dossier on a vendor, and print what it came to."""
    async with _snapshot() as connection:
        key, _ = await find_vendor(connection, vendor)
        found = await find_dossier(connection, key)
        files = await open_files(connection, settings())
    chromium, authority = find_chromium(settings()), authority_of(settings())
    with replacing(path) as file:
        written = await write_dossier(file, found, files, now=system_clock(), chromium=chromium, authority=authority)
    artisans = count(len(found.complaints), "artisan")
    print(f"{one_line(found.vendor.called)}: {artisans}, {count(written.complaints, 'complaint')} to file.")
    if found.not_named:
        print(f"{count(found.not_named, 'more artisan')} did not agree to be named", file=sys.stderr)
    _warn_of_print(printed=chromium is not None, undrawn=written.undrawn)
    print(path)


async def agree(artisan: str, vendor: str | None, *, note: str | None, withdraw: bool, by: str | None) -> None:
    """Enter that an artisan agreed to be named in dossiers, or does no more."""
    who = person(by)
    if not withdraw and not (note or "").strip():
        raise UsageError("--note is empty; say how the artisan agreed, such as the mail of which day")
    async with opened() as connection, connection.transaction():
        key, name = await find_or_make_artisan(connection, artisan)
        seller = (await find_vendor(connection, vendor))[0] if vendor else None
        where = f"the dossier on {one_line(vendor)}" if vendor else "dossiers"
        if withdraw:
            if not await withdraw_consent(connection, key, seller, by=who, now=system_clock()):
                raise UsageError(f"{one_line(name)}: had not agreed to be named in {where}")
            print(f"{one_line(name)} is no longer named in {where}.")
            return
        await enter_consent(connection, key, seller, note=(note or "").strip(), by=who, now=system_clock())
    print(f"{one_line(name)} agreed to be named in {where}.")


@asynccontextmanager
async def _snapshot() -> AsyncIterator[Connection]:
    """Connect for several queries that see one state of the record, while a crawl may go on."""
    async with opened() as connection:
        await hold_still(connection)
        yield connection


async def _write(path: Path, facts: Facts, files: Files, defended: Defended | None = None) -> None:
    with replacing(path) as file:
        built = await write_bundle(
            file,
            facts,
            files,
            now=system_clock(),
            chromium=find_chromium(settings()),
            authority=authority_of(settings()),
            defended=defended,
        )
    listings = count(len(facts.addresses), "listing")
    print(f"{built.title}: {listings}, {count(len(facts.pairs), 'pair')} of photos, {count(built.files, 'file')}.")
    _warn(built, facts)
    print(path)


def _warn_of_doubt(doubtful: Sequence[int]) -> None:
    """Say which findings of a case are left out."""
    if doubtful:
        named = ", ".join(map(str, doubtful))
        print(f"left out, as no person confirms them any more: finding {named}", file=sys.stderr)


def _warn(built: Built, facts: Facts) -> None:
    """Say what the bundle lacks."""
    _warn_of_print(printed=built.printed, undrawn=built.undrawn)
    if not built.stamped:
        print(f"its manifest is not timestamped: {built.not_stamped_because}", file=sys.stderr)
    if facts.not_given:
        print(f"the artisan gave {facts.not_given}; `theftwatch originals add`, then build it anew", file=sys.stderr)
    if not facts.captures:
        print("no capture of its listings was taken; `theftwatch crawl capture -a listing=…`", file=sys.stderr)
    if built.left_out:
        print(f"{count(built.left_out, 'file')} left out; README.txt in it says which and why", file=sys.stderr)


def _warn_of_print(*, printed: bool, undrawn: str) -> None:
    """Say what the PDF files lack."""
    if not printed:
        print("No Chromium is found, so its documents are HTML alone; `make chromium` installs one", file=sys.stderr)
    if undrawn:
        print(f"boxes stand in its PDF files for letters without a font ({undrawn[:10]}); `{REMEDY}`", file=sys.stderr)


def verify(bundle: Path, certificates: Sequence[Path]) -> None:
    """Print what was found of each part of a bundle.

    Raises EvidenceError where something does not hold.
    """
    trusted = None
    if certificates:
        try:
            trusted = [each for path in certificates for each in read_certificates(path.read_text("ascii"))]
        except (OSError, ValueError) as exc:
            raise UsageError(f"--certificate: {exc}; give a PEM file with the authority's certificate") from exc
    failed = 0
    for result in verify_bundle(bundle, trusted):
        failed += not result.ok
        print(f"{'ok    ' if result.ok else 'failed'}  {one_line(result.text)}")
    if trusted is None:
        print(
            "timestamps were verified against the certificates in the bundle itself; give the authority's own with "
            "--certificate",
            file=sys.stderr,
        )
    if failed:
        raise EvidenceError(f"{bundle}: {count(failed, 'thing')} did not hold; ask whoever made it for a whole one")
