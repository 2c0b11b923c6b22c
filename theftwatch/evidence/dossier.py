"""A dossier on a vendor: all artisans who agreed to it, one timeline, and the complaints to file on the same day."""

import hashlib
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO

from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.evidence.archive import Member, member, safe_name, write_archive
from theftwatch.evidence.bundle import write_bundle
from theftwatch.evidence.document import dossier_page
from theftwatch.evidence.facts import Facts, Vendor
from theftwatch.evidence.gather import find_complaint
from theftwatch.evidence.pdf import print_pages
from theftwatch.evidence.timestamp import Authority
from theftwatch.files import Files


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a dossier came to."""

    complaints: int
    #: Letters that stand as boxes in its PDF file, as the machine has no font for them
    undrawn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened between the vendor and an artisan."""

    at: datetime
    artisan: str
    #: found, confirmed, a step of a case, removed or relisted
    what: str
    url: str | None
    note: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """What a dossier says."""

    vendor: Vendor
    #: Artisans who agreed, with what they may complain about today; None where all that was copied from them is down
    complaints: tuple[tuple[str, Facts | None], ...]
    #: How many more artisans are concerned, who did not agree and are not named
    not_named: int
    events: tuple[Event, ...]

    def times(self, what: str) -> int:
        """Return how often something happened."""
        return sum(each.what == what for each in self.events)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ground:
    artisan: int
    name: str
    finding: int
    is_down: bool
    override_reason: str | None
    agreed: bool


async def enter_consent(
    connection: Connection, artisan: int, seller: int | None, *, note: str, by: str, now: datetime
) -> None:
    """Enter that an artisan agreed to be named in dossiers, on a vendor or on all."""
    await execute(connection, "insert_dossier_consent", artisan=artisan, seller=seller, note=note, by=by, now=now)


async def withdraw_consent(connection: Connection, artisan: int, seller: int | None, *, by: str, now: datetime) -> int:
    """Enter that an artisan agrees no more, and return how many entries that withdraws."""
    return len(await fetch(connection, "withdraw_dossier_consent", artisan=artisan, seller=seller, by=by, now=now))


async def find_dossier(connection: Connection, vendor: int) -> Dossier:
    """Return what the record holds of a vendor and the artisans who agreed.

    Raises UsageError where no artisan with a confirmed finding did.
    """
    [found] = await fetch_as(connection, Vendor, "find_vendors_by_id", vendors=[vendor])
    grounds = await fetch_as(connection, _Ground, "find_dossier_grounds", vendor=vendor)
    agreed = {each.artisan: each.name for each in grounds if each.agreed}
    others = {each.artisan for each in grounds} - agreed.keys()
    if not agreed:
        raise UsageError(
            f"{found.called}: no artisan with a confirmed finding there agreed to be named; "
            "`theftwatch evidence agree` enters that one did"
        )
    complaints = [
        (name, await _complaint(connection, [each for each in grounds if each.artisan == artisan]))
        for artisan, name in agreed.items()
    ]
    events = await fetch_as(connection, Event, "find_dossier_events", vendor=vendor, artisans=list(agreed))
    return Dossier(vendor=found, complaints=tuple(complaints), not_named=len(others), events=tuple(events))


async def write_dossier(
    file: BinaryIO, dossier: Dossier, files: Files, *, now: datetime, chromium: Path | None, authority: Authority | None
) -> Written:
    """Write a dossier, with the bundle of each artisan's complaint inside it."""
    page = dossier_page(dossier, now=now)
    members = {"dossier.html": member(page.encode())}
    undrawn = ""
    if chromium is not None:
        printed = await print_pages(chromium, [page])
        [pdf], undrawn = printed.files, printed.undrawn
        members["dossier.pdf"] = member(pdf)
    complaints = [(name, facts) for name, facts in dossier.complaints if facts is not None]
    with ExitStack() as stack:
        for number, (name, facts) in enumerate(complaints, 1):
            bundle = stack.enter_context(tempfile.TemporaryFile())
            built = await write_bundle(bundle, facts, files, now=now, chromium=chromium, authority=authority)
            members[f"complaints/{number:02}-{safe_name(name)}.zip"] = _written(bundle, built.byte_count)
        write_archive(file, members, now)
    return Written(complaints=len(complaints), undrawn=undrawn)


def _written(file: BufferedRandom, byte_count: int) -> Member:
    """Return a file that was written, and is closed once it is in an archive."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").digest()
    file.seek(0)
    return Member(sha256, byte_count, lambda: file)


async def _complaint(connection: Connection, grounds: Sequence[_Ground]) -> Facts | None:
    there = [each for each in grounds if not each.is_down]
    if not there:
        return None
    overridden = frozenset(each.finding for each in there if each.override_reason)
    return await find_complaint(connection, [each.finding for each in there], overridden=overridden)
