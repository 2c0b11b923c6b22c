"""Gathers what a bundle says: everything that the record holds of an artisan's matter with a vendor."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from theftwatch.cases.clock import Portal
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.db.sellers import company_of
from theftwatch.errors import UsageError
from theftwatch.evidence.certificate import ArtisanFile
from theftwatch.evidence.facts import Artisan, Facts, Finding, KeptCapture, KeptFile, Pair, Vendor
from theftwatch.evidence.tokens import find_tokens
from theftwatch.match.ledger import find_ledger

#: Why no complaint may rest on a finding that speaks for an artisan's own listing all the same
_NOT_KNOWN = {"direction: not looked", "direction: undecided"}
#: Files of an artisan's that one bundle holds
_FILES_MAX = 200


@dataclass(frozen=True, slots=True)
class _Ground:
    """A finding that a case rests on."""

    finding: int
    #: Whether a person still confirms it
    confirmed: bool
    #: Why it is in the case although it is not proposable
    override_reason: str | None


async def find_case_complaint(connection: Connection, case: int) -> tuple[Facts, list[int]]:
    """Return what the complaint of a case says, and the findings that are left out as no person confirms them any more.

    Raises UsageError where there is no such case, or all are.
    """
    grounds = await _find_case_grounds(connection, case)
    doubtful = [each.finding for each in grounds if not each.confirmed]
    if len(doubtful) == len(grounds):
        raise UsageError(
            f"no finding of this case is confirmed any more; `theftwatch finding show {doubtful[0]}` says why"
        )
    confirmed = [each.finding for each in grounds if each.confirmed]
    overridden = frozenset(each.finding for each in grounds if each.override_reason)
    return await find_complaint(connection, confirmed, overridden=overridden), doubtful


async def find_complaint(connection: Connection, findings: Sequence[int], *, overridden: frozenset[int]) -> Facts:
    """Return what a complaint says that rests on findings, which have to be one artisan's with one vendor.

    Raises UsageError where no complaint may rest on one of them: a person has not confirmed it, or it is not proposable
    and not `overridden`.
    """
    found = await fetch_as(connection, Finding, "find_evidence_findings", findings=list(findings))
    if missing := sorted(set(findings) - {each.finding for each in found}):
        raise UsageError(f"finding {missing[0]}: no such finding; `theftwatch finding list --all` shows their numbers")
    for each in found:
        _check(each)
        if not each.proposable and each.finding not in overridden:
            raise UsageError(
                f"finding {each.finding}: no complaint may rest on it ({each.not_proposable_because}); leave it out, "
                "or open a case with a reason for the exception"
            )
    artisans = {each.artisan_id for each in found}
    vendors = {each.vendor_id for each in found if each.vendor_id is not None}  # as each has, once checked
    if len(artisans) > 1 or not vendors <= {*await company_of(connection, min(vendors))}:
        raise UsageError(
            "these findings are of several artisans or vendors; a bundle is about one of each; build several"
        )
    return await _gather(connection, found, about=found[0].marketplace)


async def find_defence(connection: Connection, listing: int, *, marketplace: str) -> Facts:
    """Return what speaks for a listing of an artisan's: the confirmed findings of its photos, at whatever vendors.

    That is not those that a relation covers, or whose suspect was first.

    Raises UsageError where there is none.
    """
    rows = await fetch(connection, "find_defence_findings", listing=listing)
    confirmed = await fetch_as(connection, Finding, "find_evidence_findings", findings=[key for (key,) in rows])
    found = [each for each in confirmed if each.proposable or each.not_proposable_because in _NOT_KNOWN]
    if not found:
        why = confirmed[0].not_proposable_because if confirmed else None
        raise UsageError(
            f"no finding of this listing {f'speaks for it ({why})' if why else 'was confirmed by a person'}; "
            "`theftwatch finding list` shows what was found, and `theftwatch originals certificate` writes what is "
            "known of the artisan's own files"
        )
    for each in found:
        _check(each)
    return await _gather(connection, found, about=marketplace)


async def _gather(connection: Connection, found: Sequence[Finding], *, about: str) -> Facts:
    """Return what the record holds of findings of one artisan; `about` is where it is to be shown."""
    findings = [each.finding for each in found]
    [artisan_id] = {each.artisan_id for each in found}
    artisans = await fetch_as(connection, Artisan, "find_artisan_by_id", artisan=artisan_id)
    if not artisans:
        raise UsageError(
            "the artisan has opted out, so no bundle is built; `theftwatch artisan opt-out --undo` where that is over"
        )
    vendors = await fetch_as(connection, Vendor, "find_vendors_by_id", vendors=list({each.vendor_id for each in found}))
    portals = await fetch_as(connection, Portal, "find_portal", marketplace=about)
    pairs = await fetch_as(connection, Pair, "find_evidence_pairs", findings=findings)
    files = await fetch_as(
        connection,
        ArtisanFile,
        "find_evidence_files",
        artisan=artisan_id,
        sha256s=list({pair.original_sha256 for pair in pairs}),
        most=_FILES_MAX,
    )
    captures = await fetch_as(
        connection, KeptCapture, "find_evidence_captures", listings=list({each.listing for each in found})
    )
    captured: dict[int, list[KeptFile]] = defaultdict(list)
    for kept in await fetch_as(connection, KeptFile, "find_capture_files", captures=[each.id for each in captures]):
        captured[kept.capture].append(kept)
    dated = [each.sha256 for each in files] + [each.manifest_sha256 for each in captures]
    return Facts(
        artisan=artisans[0],
        vendors=tuple(vendors),
        portal=portals[0] if portals else None,
        findings=tuple(found),
        pairs=_once_each(pairs),
        dates=await find_ledger(connection, findings),
        files=tuple(files),
        captures=tuple(captures),
        captured={key: tuple(kept) for key, kept in captured.items()},
        tokens=await find_tokens(connection, dated),
    )


def _once_each(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Return each pair once: a photo may stand in a listing and lie among the files, which are two findings."""
    pairs = sorted(pairs, key=lambda pair: pair.original_kind != "listing")
    once = {(pair.original_sha256, pair.suspect_sha256, pair.suspect_url): pair for pair in reversed(pairs)}
    return tuple(sorted(once.values(), key=lambda pair: (pair.suspect_url, -pair.score, pair.original_sha256)))


async def _find_case_grounds(connection: Connection, case: int) -> list[_Ground]:
    """Return the findings that a case rests on.

    Raises UsageError where there is no such case, or it holds nothing.
    """
    rows = await fetch(connection, "find_case_grounds", case=case)
    if not rows:
        raise UsageError(f"case {case}: no such case, or no listing is in it; `theftwatch case list --all` shows them")
    return [_Ground(*row) for row in rows]


def _check(finding: Finding) -> None:
    """Refuse a finding that no evidence is made of."""
    if finding.verdict != "confirmed":
        raise UsageError(
            f"finding {finding.finding} was not confirmed by a person, so no complaint may rest on it; look at it, and "
            f"`theftwatch finding confirm {finding.finding}`"
        )
    if finding.artisan_id is None:
        raise UsageError(
            f"finding {finding.finding}: nobody entered whose original it is; `theftwatch seller link` does"
        )
    if finding.vendor_id is None:
        raise UsageError(f"finding {finding.finding}: the vendor is not known; crawl the listing's own page first")
