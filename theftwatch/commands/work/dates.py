"""The work of `theftwatch dates`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from theftwatch.commands.work.names import Listing, find_listing
from theftwatch.commands.work.record import opened
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.match.direction import Claim, Place, claims_of, in_words
from theftwatch.match.ledger import claim_as_json, find_claims
from theftwatch.reports.findings import Finding, find_findings
from theftwatch.reports.words import count, day, marketplace_name, moment, one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A photo of a listing, and when it stood there."""

    image: int | None
    position: int
    sha256: str | None
    source_url: str
    image_key: str
    first_seen_at: datetime
    published_at: datetime | None
    shown: bool
    missing_reason: str | None
    joined_later: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Direction:
    """What the dates of a listing say in one of its findings."""

    finding: int
    side: str
    removed_at: datetime | None
    removed_how: str | None
    relistings: int
    original_claim: dict[str, Any] | None
    suspect_claim: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inquiry:
    """What an archive or a photo host was asked about a listing or a photo in it."""

    source: str
    url: str
    image: int | None
    answer: str
    asked_at: datetime


async def print_dates(name: str, *, as_json: bool) -> None:
    """Print the ledger of the listing that goes by a name."""
    async with opened() as connection:
        listing = await find_listing(connection, name)
        photos = await find_photos(connection, listing.id)
        images = [photo.image for photo in photos if photo.image]
        claims = await find_claims(connection, [listing.id], images)
        of_listing = claims.of_listing.get(listing.id, ())
        place = Place(
            marketplace=listing.marketplace,
            first_seen_at=listing.first_seen_at,
            listed_at=listing.listed_at,
            listing_claims=of_listing,
        )
        ledger = [
            (
                photo,
                claims_of(
                    Place(
                        marketplace=listing.marketplace,
                        first_seen_at=photo.first_seen_at,
                        published_at=photo.published_at,
                        joined_later=photo.joined_later,
                        image_claims=claims.of_image.get(photo.image or 0, ()),
                    )
                ),
            )
            for photo in photos
        ]
        directions = await fetch_as(connection, _Direction, "find_listing_directions", listing=listing.id)
        found = await find_findings(connection, [each.finding for each in directions])
        [(compared,)] = await fetch(connection, "count_looked_up", listing=listing.id)
        inquiries = await fetch_as(connection, Inquiry, "find_inquiries", listing=listing.id, images=images)
    by_number = {each.finding_id: each for each in found}
    findings = [(each, by_number[each.finding]) for each in directions if each.finding in by_number]
    if as_json:
        told = _as_json(listing, claims_of(place), ledger, findings, looked=compared > 0)
        print(json.dumps(told | {"asked": [_inquiry_as_json(each) for each in inquiries]}, default=str))
        return
    print(
        f"{one_line(listing.title or 'Untitled')}, "
        f"{marketplace_name(listing.marketplace)} {one_line(listing.listing_ref)}"
    )
    print(one_line(listing.url))
    _print_claims("", claims_of(place))
    _print_unknown("", [each for each in inquiries if each.image is None])
    for photo, known in ledger:
        state = "" if photo.shown else ", no longer shown"
        print(f"photo {photo.position + 1}{state}: {(photo.sha256 or photo.missing_reason or 'not held')[:16]}")
        if photo.joined_later:
            print("  not in the listing when it was first read: the listing’s own dates say nothing of it")
        _print_claims("  ", known)
        _print_unknown("  ", [each for each in inquiries if photo.image and each.image == photo.image])
    if not inquiries:
        print(f"No archive has been asked; `theftwatch crawl dates -a listing={one_line(listing.url)}` asks.")
    for direction, finding in findings:
        _print_finding(direction, finding)
    if not findings:
        print("In no finding." if compared else "Not looked: no photo of this listing has been compared yet.")


async def find_photos(connection: Connection, listing: int) -> list[Photo]:
    """Return the photos of a listing, those first that it shows."""
    return await fetch_as(connection, Photo, "find_listing_places", listing=listing)


def _print_claims(indent: str, claims: Sequence[Claim]) -> None:
    for claim in claims:
        print(f"{indent}- {one_line(in_words(claim))}")


def _print_unknown(indent: str, inquiries: Sequence[Inquiry]) -> None:
    """Print who was asked and gave no date; what gave one stands among the claims."""
    for each in inquiries:
        if each.answer != "claim":
            what = "knows nothing of it" if each.answer == "nothing" else "shows another picture at its address"
            print(f"{indent}- {one_line(each.source)} {what}, asked on {day(each.asked_at)}: {one_line(each.url)}")


def _inquiry_as_json(inquiry: Inquiry) -> dict[str, object]:
    return {
        "source": inquiry.source,
        "url": inquiry.url,
        "about": "listing" if inquiry.image is None else "photo",
        "answer": inquiry.answer,
        "asked_at": inquiry.asked_at.isoformat(),
    }


def _print_finding(direction: _Direction, finding: Finding) -> None:
    other = finding.suspect_url if direction.side == "original" else finding.original
    whose = finding.suspect_seller if direction.side == "original" else finding.original_seller or finding.artisan
    print(
        f"finding {finding.finding_id}, as {direction.side}, with {one_line(other or '')} "
        f"({one_line(whose or 'not known')})"
    )
    if finding.direction is None:
        print("  who was first: not looked")
    else:
        margin = "" if finding.margin_days is None else f", by {finding.margin_days} days"
        print(f"  on known evidence: {finding.direction.replace('_', ' ')}{margin}")
        if finding.weakest_link:
            print(f"  weakest link: {one_line(finding.weakest_link)}")
        if finding.missing_proof:
            print(f"  would settle it: {one_line(finding.missing_proof)}")
        reasons = "; ".join(finding.pixel_reasons or ()) or "nothing speaks for either"
        print(f"  likelier source by the pixels: {finding.likelier_source} ({one_line(reasons)})")
        if finding.dates_and_pixels_agree is False:
            print("  dates and pixels disagree: a person has to look")
    if direction.removed_at:
        left = "the listing is gone" if direction.removed_how == "gone" else "the listing is there without it"
        print(f"  removed: {left}, as of {moment(direction.removed_at)}")
    if direction.relistings:
        print(f"  seen again after a removal: {count(direction.relistings, 'time')}")
    if not finding.proposable:
        print(f"  not proposed for a case: {finding.not_proposable_because}")


def _as_json(
    listing: Listing,
    claims: Sequence[Claim],
    ledger: Sequence[tuple[Photo, Sequence[Claim]]],
    findings: Sequence[tuple[_Direction, Finding]],
    *,
    looked: bool,
) -> dict[str, object]:
    return {
        "listing": {
            "marketplace": listing.marketplace,
            "listing_ref": listing.listing_ref,
            "url": listing.url,
            "title": listing.title,
            "seller": listing.seller,
            "claims": [claim_as_json(claim) for claim in claims],
        },
        "photos": [
            {
                "position": photo.position,
                "sha256": photo.sha256,
                "url": photo.source_url,
                "shown": photo.shown,
                "joined_later": photo.joined_later,
                "claims": [claim_as_json(claim) for claim in known],
            }
            for photo, known in ledger
        ],
        "looked": looked,
        "findings": [
            {
                "finding_id": finding.finding_id,
                "side": direction.side,
                "original": finding.original,
                "suspect": finding.suspect_url,
                "direction": finding.direction,
                "margin_days": finding.margin_days,
                "original_claim": direction.original_claim,
                "suspect_claim": direction.suspect_claim,
                "weakest_link": finding.weakest_link,
                "missing_proof": finding.missing_proof,
                "likelier_source": finding.likelier_source,
                "pixel_reasons": finding.pixel_reasons,
                "dates_and_pixels_agree": finding.dates_and_pixels_agree,
                "proposable": finding.proposable,
                "not_proposable_because": finding.not_proposable_because,
                "removed_at": direction.removed_at,
                "removed_how": direction.removed_how,
                "relistings": direction.relistings,
            }
            for direction, finding in findings
        ],
    }
