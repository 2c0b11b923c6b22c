"""Findings as they are shown: what matched, who was first, what a person said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.reports.chosen import find_artisans_and_shops, find_vendors_named
from theftwatch.reports.words import done_to_the_photo, grounds

#: Why a finding that was judged has to be looked at again
LOOKS = {
    "new match": "a new match joined it",
    "dropped": "this version no longer matches it",
    "suppressed": "what was confirmed is suppressed",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A finding with what a person said of it; fields as in `analysis.finding`."""

    finding_id: int
    original_kind: str
    artisan: str | None
    original_seller: str | None
    original_marketplace: str | None
    original: str | None
    original_title: str | None
    suspect_marketplace: str
    suspect_seller: str | None
    suspect_url: str
    suspect_title: str | None
    suspect_state: str
    matches: int
    possible: int
    best_score: float | None
    suppressed: int
    relation: str | None
    direction: str | None
    margin_days: int | None
    weakest_link: str | None
    missing_proof: str | None
    likelier_source: str | None
    pixel_reasons: list[str] | None
    dates_and_pixels_agree: bool | None
    proposable: bool
    not_proposable_because: str | None
    verdict: str | None
    verdict_id: int | None
    verdict_reason: str | None
    verdict_note: str | None
    judged_by: str | None
    judged_at: datetime | None
    new_pairs: int
    needs_look: bool
    needs_look_because: str | None
    first_matched_at: datetime | None
    last_matched_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingPair:
    """Two photos of a finding that match; fields as in the query `find_finding_pairs`."""

    match_id: int
    #: Of the program, as it is cited by verdicts
    decision_id: int
    decision: str
    score: float
    method: str
    transform: dict[str, Any] | None
    explanation: str
    suppressed_by: list[str] | None
    verdict: str | None
    original_image_url: str | None
    suspect_image_url: str
    suspect_shown: bool
    first_matched_at: datetime
    algorithm_version: int
    original_sha256: str
    original_width_px: int | None
    original_height_px: int | None
    original_bytes_held: bool
    suspect_sha256: str
    suspect_width_px: int | None
    suspect_height_px: int | None
    suspect_bytes_held: bool

    @property
    def done(self) -> str:
        """What was done to the original, in words."""
        return done_to_the_photo(self.method, self.transform)

    @property
    def grounds(self) -> str:
        """What the decision rests on, without what was done where the explanation starts with it."""
        return grounds(self.explanation, self.done)


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a person said of a finding, or took back."""

    verdict_id: int
    verdict: str
    reason: str | None
    note: str | None
    judged_by: str
    judged_at: datetime
    undoes_verdict_id: int | None
    stands: bool
    matches: int


async def find_findings(connection: Connection, findings: Sequence[int]) -> list[Finding]:
    """Return findings in the order of their numbers given; one that is none any more is left out."""
    return await fetch_as(connection, Finding, "find_findings", findings=list(findings))


async def find_queued(
    connection: Connection,
    *,
    artisan: str | None = None,
    vendor: str | None = None,
    marketplace: str | None = None,
    score: float | None = None,
    edit: str | None = None,
    direction: str | None = None,
    verdict: str | None = None,
    after: int | None = None,
    most: int,
) -> list[int]:
    """Return the numbers of findings in the order of the queue: of those that need a look, or of those with a verdict.

    `artisan` and `vendor` are names, keys or addresses. A verdict `any` stands for all findings, `none` for those that
    nobody judged.
    """
    artisans = shops = vendors = None
    if artisan:
        artisans, shops = map(list, await find_artisans_and_shops(connection, artisan))
    if vendor:
        vendors = list(await find_vendors_named(connection, vendor))
    rows = await fetch(
        connection,
        "find_queue_page",
        verdict=verdict,
        vendors=vendors,
        artisans=artisans,
        shops=shops,
        marketplace=marketplace,
        score=score,
        edit=edit,
        direction=direction,
        after=after,
        most=most,
    )
    return [finding for (finding,) in rows]
