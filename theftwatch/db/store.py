"""What is written together: listings with all that pages say of them, an artisan's files, and decisions on pairs.

Functions take a connection and leave the transaction to the caller: `async with pool.connection()` is one. Writes are
idempotent, so that a crawl that was killed can be run again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from psycopg.types.json import Jsonb

from theftwatch.db import validators
from theftwatch.db.claims import ClaimOf, save_claims
from theftwatch.db.images import save_images
from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.db.records import (
    DAMAGED,
    DecisionRecord,
    ListingImageRecord,
    ListingRecord,
    OriginalFileRecord,
)
from theftwatch.db.seen import content_of
from theftwatch.db.sellers import save_sellers, seller_key
from theftwatch.listing import DateClaim, Listing, Side


async def save_listings(
    connection: Connection, records: Sequence[ListingRecord], *, run: int | None, now: datetime
) -> int:
    """Write listings with their sellers, images, date claims, lookups to be done and findings; return how many are new.

    Of several records of one listing the last counts, except that a card never replaces a full page.
    """
    records = _one_record_each(records)
    await execute(connection, "lock_writes")
    sellers = await save_sellers(
        connection, [(record.listing.seller, record.side) for record in records if record.listing.seller], now=now
    )
    rows = await fetch(
        connection,
        "upsert_listings",
        run=run,
        now=now,
        **columns(
            (
                {
                    "marketplaces": record.listing.marketplace,
                    "listing_refs": record.listing.listing_ref,
                    "sellers": sellers.get(seller_key(record.listing.seller)) if record.listing.seller else None,
                    "urls": record.listing.url,
                    "titles": record.listing.title,
                    "prices_min": record.listing.price_min,
                    "prices_max": record.listing.price_max,
                    "currencies": record.listing.currency,
                    "listed_at": record.listing.listed_at,
                    "complete": record.listing.complete,
                    # one whose images could not all be had is read again whatever it says
                    "contents": content_of(record.listing) if _shows_images(record) and record.is_whole else None,
                }
                for record in records
            ),
        ),
    )
    ids = {(marketplace, listing_ref): listing for listing, marketplace, listing_ref, *_ in rows}
    once_complete = [listing for listing, *_, was_complete, _ in rows if was_complete]
    await save_images(connection, [image for record in records for image in record.new_images], now=now)
    listings = list(ids.values())
    await _save_listing_images(connection, records, ids, once_complete, run=run, now=now)
    kept = [image.validator for record in records for image in record.images if image.validator]
    await validators.save_images(connection, kept, damaged=DAMAGED)
    await _save_date_claims(connection, records, ids, now=now)
    await execute(connection, "insert_lookups", listings=listings)
    shown = {image.sha256 for record in records for image in record.images if image.sha256}
    await execute(connection, "insert_descriptor_codes", sha256s=list(shown))
    images = [image for (image,) in await fetch(connection, "find_listing_images", listings=listings)]
    await _pair(connection, images, now=now)
    if run is not None:
        await execute(connection, "insert_absences", listings=_complete(records, ids), run=run, now=now)
    await execute(connection, "insert_due_listings", listings=listings)
    return sum(is_new for *_, is_new in rows)


async def save_original_files(
    connection: Connection, artisan: str, files: Sequence[OriginalFileRecord], *, now: datetime
) -> None:
    """Write files that an artisan gave, and pair them with what matched them already.

    They are put down for comparison, and for a timestamp.
    """
    await execute(connection, "lock_writes")
    await save_images(connection, [file.image for file in files], now=now)
    [(artisan_id,)] = await fetch(connection, "insert_artisan", name=artisan)
    sha256s = [file.image.sha256 for file in files]
    unique = {(file.image.sha256, file.kind): file for file in files}
    await execute(
        connection,
        "insert_original_files",
        artisan=artisan_id,
        now=now,
        **columns(
            {
                "sha256s": sha256,
                "kinds": kind,
                "names": file.name,
                "dated_at": file.dated_at,
                "published_urls": file.published_url,
            }
            for (sha256, kind), file in unique.items()
        ),
    )
    claims = [(None, file.image.sha256, claim) for file in files for claim in file.claims]
    await save_claims(connection, claims, now=now)
    await execute(connection, "insert_original_lookups", sha256s=sha256s)
    await execute(connection, "want_timestamps", sha256s=sha256s, now=now)
    await execute(connection, "insert_descriptor_codes", sha256s=sha256s)
    await insert_findings(connection, sha256s, now=now)


async def save_decisions(
    connection: Connection,
    decisions: Sequence[DecisionRecord],
    looked_up: Sequence[tuple[bytes, Side]],
    *,
    algorithm_version: int,
    now: datetime,
) -> None:
    """Write what was decided on pairs, the findings that follow, and which lookups are thereby done."""
    await execute(connection, "lock_writes")
    if decisions:
        await execute(
            connection,
            "upsert_matches",
            algorithm_version=algorithm_version,
            now=now,
            **columns(
                {
                    "originals": each.original,
                    "suspects": each.suspect,
                    "decisions": each.decision,
                    "scores": each.score,
                    "methods": each.method,
                    "transforms": None if each.transform is None else Jsonb(each.transform),
                    "explanations": each.explanation,
                    "distances_bits": each.distance_bits,
                    "similarities": each.similarity,
                    "inliers": each.inliers,
                }
                for each in decisions
            ),
        )
        await insert_findings(connection, [each.suspect for each in decisions], now=now)
    await execute(
        connection,
        "finish_lookups",
        sha256s=[sha256 for sha256, _ in looked_up],
        sides=[side for _, side in looked_up],
        algorithm_version=algorithm_version,
        now=now,
    )


async def insert_findings(connection: Connection, sha256s: Sequence[bytes], *, now: datetime) -> None:
    """Pair originals with suspect listings through the matches of given images."""
    images = [image for (image,) in await fetch(connection, "find_image_ids", sha256s=list(sha256s))]
    await _pair(connection, images, now=now)
    await execute(connection, "insert_due_images", images=images)


async def _pair(connection: Connection, images: Sequence[int], *, now: datetime) -> None:
    """Write the findings that images lead to, and what follows from them."""
    await execute(connection, "insert_findings", images=images, now=now)
    await execute(connection, "end_removals", images=images)
    await execute(connection, "insert_trail_due", images=images)


async def find_unlisted(
    connection: Connection, marketplace: str, seller_ref: str, listed: Iterable[str], *, most: int
) -> list[str]:
    """Return the listings of a seller that are not known to be gone and are none of those listed."""
    rows = await fetch(
        connection, "find_unlisted", marketplace=marketplace, seller_ref=seller_ref, listed=list(listed), most=most
    )
    return [listing_ref for (listing_ref,) in rows]


async def _save_listing_images(
    connection: Connection,
    records: Sequence[ListingRecord],
    ids: dict[tuple[str, str], int],
    once_complete: Sequence[int],
    *,
    run: int | None,
    now: datetime,
) -> None:
    """Write which images the listings show."""
    shown = [(ids[_key(record)], image) for record in records for image in _one_image_each(record.images)]
    await execute(
        connection,
        "upsert_listing_images",
        run=run,
        now=now,
        damaged=list(DAMAGED),
        once_complete=once_complete,
        complete_listings=_complete(records, ids),
        **columns(
            (
                {
                    "listings": listing,
                    "positions": image.image.position,
                    "sha256s": image.sha256,
                    "source_urls": image.image.url,
                    "image_keys": image.image.key,
                    "published_at": image.image.published_at,
                    "missing_reasons": image.missing_reason,
                }
                for listing, image in shown
            ),
            "listings",
            "positions",
            "sha256s",
            "source_urls",
            "image_keys",
            "published_at",
            "missing_reasons",
        ),
    )


async def _save_date_claims(
    connection: Connection, records: Sequence[ListingRecord], ids: dict[tuple[str, str], int], *, now: datetime
) -> None:
    """Write the bounds that pages give: on listings, and on images by when the marketplace says they were put up."""
    claims: list[ClaimOf] = []
    for record in records:
        listing = record.listing
        claims += [(ids[_key(record)], None, claim) for claim in listing.claims]
        if listing.listed_at and not any(claim.kind == "listed" for claim in listing.claims):
            claims.append((ids[_key(record)], None, _marketplace_claim("listed", listing, listing.listed_at)))
        claims += [
            (None, image.sha256, _marketplace_claim("published", listing, image.image.published_at))
            for image in record.images
            if image.sha256 and image.image.published_at
        ]
    await save_claims(connection, claims, now=now)


def _marketplace_claim(kind: str, listing: Listing, at: datetime) -> DateClaim:
    return DateClaim(kind=kind, source=listing.marketplace, strength="medium", latest_at=at)


def _complete(records: Sequence[ListingRecord], ids: dict[tuple[str, str], int]) -> list[int]:
    """Return the listings that were read in full."""
    return [ids[_key(record)] for record in records if _shows_images(record)]


def _shows_images(record: ListingRecord) -> bool:
    """Return whether a page has a say in which images its listing shows.

    One without any has not: that a reader has lost them is likelier than that a listing goes on without.
    """
    return record.listing.complete and bool(record.images)


def _key(record: ListingRecord) -> tuple[str, str]:
    return record.listing.marketplace, record.listing.listing_ref


def _one_record_each(records: Sequence[ListingRecord]) -> list[ListingRecord]:
    """Keep one record a listing, as a statement may write a row once: the last full page, else a card.

    Of cards the last of those with most photos: a showroom's has several, and a vendor's own list the first alone.
    """
    best: dict[tuple[str, str], ListingRecord] = {}
    for record in records:
        known = best.get(_key(record))
        if known is None or _says_of(record) >= _says_of(known):
            best[_key(record)] = record
    new_images = {image.sha256: image for record in records for image in record.new_images}
    return [
        replace(
            record,
            new_images=tuple(
                new_images[sha256]
                for sha256 in dict.fromkeys(i.sha256 for i in record.images)
                if sha256 and sha256 in new_images
            ),
        )
        for record in best.values()
    ]


def _says_of(record: ListingRecord) -> tuple[bool, int]:
    """Return how much a record says of its listing, to compare records by."""
    return record.listing.complete, 0 if record.listing.complete else len(record.images)


def _one_image_each(images: Sequence[ListingImageRecord]) -> list[ListingImageRecord]:
    """Keep one entry an image key, the first, since a page may show a photo twice."""
    return list({image.image.key: image for image in reversed(images)}.values())[::-1]
