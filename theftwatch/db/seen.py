"""What is seen again: listings told by digests of what is said of them, and noted in one statement a batch.

A listing's own page is compared as a whole, with its images by their keys; the card that stands for it in a list by
what people see of it there.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.listing import Listing


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """A listing seen as it was before."""

    marketplace: str
    listing_ref: str
    #: Whether its own page was seen, which shows its images; a list shows the listing alone
    in_full: bool
    seen_at: datetime


def content_of(listing: Listing) -> bytes:
    """Return the SHA-256 of all that a listing's own page says of it, but for the hosts and sizes of its images."""
    seller = listing.seller
    return _digest(
        listing.url,
        *_offer(listing),
        listing.listed_at,
        [(image.key, image.position, image.published_at) for image in listing.images],
        seller
        and (
            seller.ref,
            seller.name,
            seller.url,
            seller.country,
            [(a.kind, a.value) for a in (*seller.aliases, *seller.company)],
        ),
        [(each.kind, each.source, each.strength, each.earliest_at, each.latest_at) for each in listing.claims],
    )


def card_of(listing: Listing) -> bytes:
    """Return the SHA-256 of what every card of a listing shows: title, lowest price, and the first photo.

    A showroom says more than its vendor's own list does; of one listing on both, neither is a change of the other.
    """
    return _digest(
        listing.title, listing.price_min, listing.currency, next((each.key for each in listing.images), None)
    )


async def find_unchanged(connection: Connection, listings: Sequence[Listing]) -> set[str]:
    """Return the keys of those listings, all of one marketplace, whose own pages said the same when last stored."""
    contents = {listing.listing_ref: content_of(listing) for listing in listings if listing.complete}
    if not contents:
        return set()
    rows = await fetch(connection, "find_contents", marketplace=listings[0].marketplace, listing_refs=list(contents))
    return {listing_ref for listing_ref, content in rows if contents[listing_ref] == content}


async def see(connection: Connection, sights: Sequence[Sight], *, run: int | None) -> None:
    """Note that listings were seen again, unchanged; those that the record does not hold stay out of it."""
    latest: dict[tuple[str, str], Sight] = {}
    for sight in sorted(sights, key=lambda sight: (sight.in_full, sight.seen_at)):
        latest[sight.marketplace, sight.listing_ref] = sight
    if not latest:
        return
    rows = await fetch(
        connection,
        "see_listings",
        run=run,
        **columns(
            {
                "marketplaces": sight.marketplace,
                "listing_refs": sight.listing_ref,
                "in_full": sight.in_full,
                "seen_at": sight.seen_at,
            }
            for sight in latest.values()
        ),
    )
    in_full = [listing for (listing,) in rows]
    if not in_full:
        return
    # A photo that is still not shown has been missed once more, and one that is shown is not removed.
    if run is not None:
        now = max(sight.seen_at for sight in latest.values())
        await execute(connection, "insert_absences", listings=in_full, run=run, now=now)
    images = [image for (image,) in await fetch(connection, "find_listing_images", listings=in_full)]
    await execute(connection, "end_removals", images=images)


def _offer(listing: Listing) -> tuple[object, ...]:
    return listing.title, listing.price_min, listing.price_max, listing.currency


def _digest(*values: object) -> bytes:
    return hashlib.sha256(json.dumps(values, default=str).encode()).digest()
