"""The ledger of dates: what the record holds of when photos existed, and the step that writes who was first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from theftwatch.db.queries import Connection, columns, execute, fetch, fetch_as
from theftwatch.match.direction import Claim, Place, Resolution, by_moment, claims_of, combine, resolve
from theftwatch.match.pixels import Look, likelier_source

#: Findings a transaction
_BATCH = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What others say of listings and of images, by their ids."""

    of_listing: dict[int, tuple[Claim, ...]]
    of_image: dict[int, tuple[Claim, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A pair of photos within a finding; fields as in the query `find_direction_rows`."""

    finding: int
    suspect_listing: int
    suspect_image: int
    original_image: int
    artisan: int | None
    method: str
    transform: dict[str, Any] | None
    original_jpeg_quality: int | None
    suspect_jpeg_quality: int | None
    original_listing: int | None
    original_marketplace: str | None
    original_listed_at: datetime | None
    original_first_seen_at: datetime
    original_published_at: datetime | None
    original_joined_later: bool
    dated_at: datetime | None
    suspect_marketplace: str
    suspect_listed_at: datetime | None
    suspect_first_seen_at: datetime
    suspect_published_at: datetime | None
    suspect_joined_later: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Dates:
    """What is known of when the photos of a finding existed, the earliest first."""

    original: tuple[Claim, ...]
    suspect: tuple[Claim, ...]


type _Originals = dict[tuple[int, int, int], set[Claim]]


async def update_directions(connection: Connection, findings: Sequence[int] | None, *, now: datetime) -> None:
    """Write who was first for the findings noted as changed, and for `findings` besides; with None for all of them.

    Opens transactions of its own; broken off, the next call takes up what is left.
    """
    if findings is None:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            await execute(connection, "insert_due_everything")
    elif findings:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            await execute(connection, "insert_due_findings", findings=list(findings))
    while due := [key for (key,) in await fetch(connection, "find_due", kind="finding", most=_BATCH)]:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            await _write(connection, due, now=now)
            await execute(connection, "insert_due_queue", findings=due)
            await execute(connection, "delete_due", kind="finding", ids=due)


async def find_claims(connection: Connection, listings: Sequence[int], images: Sequence[int]) -> Claims:
    """Return what others say of listings and images."""
    of_listing: dict[int, list[Claim]] = defaultdict(list)
    of_image: dict[int, list[Claim]] = defaultdict(list)
    rows = await fetch(connection, "find_claims", listings=list(listings), images=list(images))
    for listing, image, kind, earliest_at, latest_at, source, strength in rows:
        about: Literal["photo", "listing"] = "photo" if listing is None else "listing"
        claim = Claim(
            kind=kind, source=source, strength=strength, about=about, earliest_at=earliest_at, latest_at=latest_at
        )
        (of_image[image] if listing is None else of_listing[listing]).append(claim)
    return Claims(
        of_listing={key: tuple(claims) for key, claims in of_listing.items()},
        of_image={key: tuple(claims) for key, claims in of_image.items()},
    )


async def find_ledger(connection: Connection, findings: Sequence[int]) -> dict[int, Dates]:
    """Return what is known of when the photos of findings existed, on either side, as their directions rest on it."""
    pairs_of, originals, claims = await _read(connection, findings)
    return {
        finding: Dates(
            original=_sorted(claim for row in pairs_of[finding] for claim in _known(row, originals, claims)),
            suspect=_sorted(claim for row in pairs_of[finding] for claim in _suspect_claims(row, claims)),
        )
        for finding in findings
        if finding in pairs_of
    }


async def _write(connection: Connection, due: Sequence[int], *, now: datetime) -> None:
    of_finding, originals, claims = await _read(connection, due)
    # A new proof of an artisan's concerns all findings of that suspect listing.
    answered = [(finding, *_answer(pairs, originals, claims)) for finding, pairs in of_finding.items()]
    await execute(
        connection,
        "upsert_directions",
        asked=list(due),
        now=now,
        **columns(
            (
                {
                    "findings": finding,
                    "directions": resolution.direction,
                    "margins_days": resolution.margin_days,
                    "original_claims": _json(resolution.original_claim),
                    "suspect_claims": _json(resolution.suspect_claim),
                    "weakest_links": resolution.weakest_link,
                    "missing_proofs": resolution.missing_proof,
                    "likelier_sources": source,
                    "pixel_reasons": Jsonb(list(reasons)),
                }
                for finding, resolution, source, reasons in answered
            ),
            "findings",
            "directions",
            "margins_days",
            "original_claims",
            "suspect_claims",
            "weakest_links",
            "missing_proofs",
            "likelier_sources",
            "pixel_reasons",
        ),
    )


async def _read(connection: Connection, findings: Sequence[int]) -> tuple[dict[int, list[_Row]], _Originals, Claims]:
    """Return the pairs of findings, what dates the originals of an artisan that match one suspect photo, and claims."""
    rows = await fetch_as(connection, _Row, "find_direction_rows", findings=list(findings))
    listings = {row.suspect_listing for row in rows} | {row.original_listing for row in rows if row.original_listing}
    images = {row.suspect_image for row in rows} | {row.original_image for row in rows}
    claims = await find_claims(connection, sorted(listings), sorted(images))
    originals: _Originals = defaultdict(set)
    for row in rows:
        if row.artisan is not None:
            originals[row.suspect_listing, row.suspect_image, row.artisan].update(_original_claims(row, claims))
    of_finding: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        of_finding[row.finding].append(row)
    return of_finding, originals, claims


def _answer(pairs: Sequence[_Row], originals: _Originals, claims: Claims) -> tuple[Resolution, str, tuple[str, ...]]:
    resolutions = [
        resolve(sorted(_known(row, originals, claims), key=repr), _suspect_claims(row, claims)) for row in pairs
    ]
    looks = [
        Look(
            method=row.method,
            transform=row.transform,
            original_jpeg_quality=row.original_jpeg_quality,
            suspect_jpeg_quality=row.suspect_jpeg_quality,
        )
        for row in pairs
    ]
    return combine(resolutions), *likelier_source(looks)


def _known(row: _Row, originals: _Originals, claims: Claims) -> set[Claim]:
    """Return what dates the original of a pair."""
    known = set(_original_claims(row, claims))
    if row.artisan is not None:
        # What shows the same photo of the same artisan dates it too, though a finding is about one of them.
        others = originals[row.suspect_listing, row.suspect_image, row.artisan]
        known |= {claim for claim in others if claim.latest_at is not None}
    return known


def _sorted(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    return tuple(sorted(set(claims), key=by_moment))


def _original_claims(row: _Row, claims: Claims) -> tuple[Claim, ...]:
    return claims_of(
        Place(
            marketplace=row.original_marketplace,
            first_seen_at=row.original_first_seen_at,
            listed_at=row.original_listed_at,
            published_at=row.original_published_at,
            dated_at=row.dated_at,
            joined_later=row.original_joined_later,
            listing_claims=claims.of_listing.get(row.original_listing or 0, ()),
            image_claims=_image_claims(row, row.original_image, claims),
        )
    )


def _suspect_claims(row: _Row, claims: Claims) -> tuple[Claim, ...]:
    return claims_of(
        Place(
            marketplace=row.suspect_marketplace,
            first_seen_at=row.suspect_first_seen_at,
            listed_at=row.suspect_listed_at,
            published_at=row.suspect_published_at,
            joined_later=row.suspect_joined_later,
            listing_claims=claims.of_listing.get(row.suspect_listing, ()),
            image_claims=_image_claims(row, row.suspect_image, claims),
        )
    )


def _image_claims(row: _Row, image: int, claims: Claims) -> tuple[Claim, ...]:
    # The same bytes on both sides are one image: what is said of it dates neither side before the other.
    return () if row.original_image == row.suspect_image else claims.of_image.get(image, ())


def _json(claim: Claim | None) -> Jsonb | None:
    return None if claim is None else Jsonb(claim_as_json(claim))


def claim_as_json(claim: Claim) -> dict[str, object]:
    """Return a claim as it is stored and printed."""
    return {
        "kind": claim.kind,
        "earliest_at": claim.earliest_at.isoformat() if claim.earliest_at else None,
        "latest_at": claim.latest_at.isoformat() if claim.latest_at else None,
        "source": claim.source,
        "strength": claim.strength,
        "about": claim.about,
    }
