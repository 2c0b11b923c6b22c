"""The work of `theftwatch evidence build` and `theftwatch evidence verify`."""

import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from theftwatch.chromium import find_chromium
from theftwatch.clock import system_clock
from theftwatch.commands.suppressing import opened
from theftwatch.config import settings
from theftwatch.errors import EvidenceError, UsageError
from theftwatch.evidence.bundle import Built, write_bundle
from theftwatch.evidence.facts import Ground, find_case_grounds, find_facts
from theftwatch.evidence.timestamp import authority_of, read_certificates
from theftwatch.evidence.verify import verify_bundle
from theftwatch.files import Files, replacing
from theftwatch.reports.words import count, marketplace_name, one_line


async def build(case: int | None, findings: Sequence[int], path: Path) -> None:
    """Write the bundle of a case, or of findings, and print what it came to."""
    if (case is None) == (not findings):
        raise UsageError("give the number of a case, or --finding once or more")
    authority, chromium = authority_of(settings()), find_chromium(settings())
    async with opened() as connection:
        # One snapshot, while a crawl may go on.
        await connection.set_autocommit(False)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        grounds = await find_case_grounds(connection, case) if case is not None else []
        _warn_of_doubt(grounds)
        wanted = [each.finding for each in grounds if each.confirmed] or findings
        overridden = frozenset(each.finding for each in grounds if each.override_reason)
        facts = await find_facts(connection, wanted, overridden=overridden)
    artisan, vendor = one_line(facts.artisan.name), one_line(facts.vendor.called)
    title = f"Photos of {artisan} at {vendor}, {marketplace_name(facts.vendor.marketplace)}"
    with replacing(path) as file:
        built = await write_bundle(
            file,
            facts,
            Files(settings().files_dir),
            title=title,
            now=system_clock(),
            chromium=chromium,
            authority=authority,
        )
    listings = count(len(facts.addresses), "listing")
    print(f"{title}: {listings}, {count(len(facts.pairs), 'pair')} of photos, {count(built.files, 'file')}.")
    _warn(built, captures=len(facts.captures))
    print(path)


def _warn_of_doubt(grounds: Sequence[Ground]) -> None:
    """Say which findings of a case are left out.

    Raises UsageError where all are.
    """
    doubtful = [str(each.finding) for each in grounds if not each.confirmed]
    if doubtful and len(doubtful) == len(grounds):
        raise UsageError(f"no finding of this case is confirmed any more; `theftwatch finding show {doubtful[0]}`")
    if doubtful:
        print(f"left out, as no person confirms them any more: finding {', '.join(doubtful)}", file=sys.stderr)


def _warn(built: Built, *, captures: int) -> None:
    """Say what the bundle lacks."""
    if not built.printed:
        print("No Chromium is found, so its documents are HTML alone; `make chromium` installs one", file=sys.stderr)
    if not built.stamped:
        print(f"its manifest is not timestamped: {built.not_stamped_because}", file=sys.stderr)
    if not captures:
        print("no capture of its listings was taken; `theftwatch crawl capture -a listing=…`", file=sys.stderr)
    if built.left_out:
        print(f"{count(built.left_out, 'file')} left out; README.txt in it says which and why", file=sys.stderr)


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
