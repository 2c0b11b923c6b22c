"""Every access to the record: one async function a query, or a batch of queries that belong together.

Functions take a connection and leave the transaction to the caller: `async with pool.connection()` is one, and
`reading(pool)` is none. Writes are idempotent, so that a crawl that was killed can be run again.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from theftwatch.db import validators
from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.db.records import (
    DAMAGED,
    DecisionRecord,
    DescriptorRecord,
    ImageRecord,
    ListingImageRecord,
    ListingRecord,
    OriginalFileRecord,
    whole_descriptor,
)
from theftwatch.db.seen import content_of
from theftwatch.db.sellers import save_sellers, seller_key
from theftwatch.listing import DateClaim, Listing, Side

type Pool = AsyncConnectionPool[Connection]

#: How long a run may be silent, whose heart beats twice a minute, before it counts as killed
SILENT_AT_MOST = timedelta(minutes=5)
#: How long a listing's own address has to say that there is nothing, from the first run that it says so in to the last
GONE_AT_LEAST = timedelta(hours=6)
#: How long an image that came damaged is asked for again, at each visit
MENDED_WITHIN = timedelta(weeks=3)


#: A server whose machine has vanished is noticed within a minute or so, and not after hours
_LIVELINESS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def connection_pool(dsn: str, *, max_size: int = 4) -> Pool:
    """Return a pool of connections, not yet open.

    Times are read in UTC, and plans are made for the values at hand, which the searches by hash need.
    """
    return AsyncConnectionPool(
        make_conninfo(dsn, **{name: value for name, value in _LIVELINESS.items() if name not in conninfo_to_dict(dsn)}),
        min_size=1,
        max_size=max_size,
        open=False,
        timeout=10,
        # Attempts come ever more seldom. Who asks after these begins anew, and so meets a server soon that is back.
        reconnect_timeout=5,
        kwargs={"options": "-c timezone=UTC -c jit=off"},
        name="theftwatch",
    )


#: A bound, with the id of the listing or the SHA-256 of the image that it is on
type ClaimOf = tuple[int | None, bytes | None, DateClaim]


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An image that is stored, and why its address is asked again, if it is."""

    sha256: bytes
    #: Not whole, and it may yet be had whole
    is_damaged: bool
    #: A copy in an open case, in whose place another photo may be put
    is_watched: bool


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection for queries that need no transaction around them: it would be two more ways to the server."""
    async with pool.connection() as connection:
        await connection.set_autocommit(True)
        try:
            yield connection
        finally:
            if not connection.closed:
                await connection.set_autocommit(False)


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection for several queries that see one state of the record, while others write."""
    async with pool.connection() as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        try:
            yield connection
        finally:
            await connection.rollback()
            if not connection.closed:
                await connection.set_isolation_level(None)


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


async def save_images(connection: Connection, images: Iterable[ImageRecord], *, now: datetime) -> None:
    """Write images with their hashes; those known already stay as they are."""
    unique = list({image.sha256: image for image in images}.values())
    if not unique:
        return
    await execute(
        connection,
        "insert_images",
        now=now,
        **columns(
            {
                "sha256s": image.sha256,
                "byte_counts": image.byte_count,
                "formats": image.format,
                "widths_px": image.width_px,
                "heights_px": image.height_px,
                "unusable_reasons": image.unusable_reason,
            }
            for image in unique
        ),
    )
    described = [whole_descriptor(image.sha256, image.descriptor) for image in unique if image.descriptor]
    if described:
        await _insert_descriptors(connection, described)
    hashes = [(image.sha256, variant) for image in unique for variant in image.hashes]
    if not hashes:
        return
    await execute(connection, "insert_phashes", hashes=[variant.hash for _, variant in hashes])
    await execute(
        connection,
        "insert_image_phashes",
        **columns(
            {
                "sha256s": sha256,
                "variants": variant.variant,
                "hashes": variant.hash,
                "hashes_256": variant.hash_256,
            }
            for sha256, variant in hashes
        ),
    )


async def save_descriptors(connection: Connection, records: Sequence[DescriptorRecord]) -> None:
    """Write descriptors, and make them found in the roles that their images play."""
    if records:
        await _insert_descriptors(connection, records)
        await execute(connection, "insert_descriptor_codes", sha256s=[record.sha256 for record in records])


async def _insert_descriptors(connection: Connection, records: Sequence[DescriptorRecord]) -> None:
    """Write descriptors; whoever gives their images a role makes them found."""
    records = list({(record.sha256, record.part): record for record in records}.values())
    await execute(
        connection,
        "insert_descriptors",
        **columns(
            {
                "sha256s": record.sha256,
                "parts": record.part,
                "places": "{" + ",".join(f"{edge:.5f}" for edge in record.place) + "}",
                "models": record.descriptor.model,
                "embeddings": record.descriptor.embedding,
                "codes": record.descriptor.code,
            }
            for record in records
        ),
    )


async def find_descriptors(connection: Connection, sha256s: Sequence[bytes], model: str) -> dict[bytes, bytes]:
    """Return the descriptors by a network, in bytes, of those images that have one."""
    return dict(await fetch(connection, "find_descriptors", sha256s=list(sha256s), model=model))


async def save_local_features(connection: Connection, features: Mapping[bytes, bytes]) -> None:
    """Write the packed local features of originals, by SHA-256."""
    if features:
        await execute(connection, "insert_local_features", sha256s=list(features), packed=list(features.values()))


async def find_local_features(connection: Connection, sha256s: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the packed local features of those originals that have them."""
    return dict(await fetch(connection, "find_local_features", sha256s=list(sha256s)))


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


async def find_known_images(connection: Connection, listing: Listing, *, now: datetime) -> dict[str, KnownImage]:
    """Return the images of a listing that are stored already, through whatever listing of its marketplace, by key."""
    rows = await fetch(
        connection,
        "find_known_images",
        marketplace=listing.marketplace,
        listing_ref=listing.listing_ref,
        image_keys=[image.key for image in listing.images],
        damaged=list(DAMAGED),
        since=now - MENDED_WITHIN,
    )
    return {image_key: KnownImage(*known) for image_key, *known in rows}


async def find_unlisted(
    connection: Connection, marketplace: str, seller_ref: str, listed: Iterable[str], *, most: int
) -> list[str]:
    """Return the listings of a seller that are not known to be gone and are none of those listed."""
    rows = await fetch(
        connection, "find_unlisted", marketplace=marketplace, seller_ref=seller_ref, listed=list(listed), most=most
    )
    return [listing_ref for (listing_ref,) in rows]


async def find_stored_images(connection: Connection, sha256s: Iterable[bytes]) -> set[bytes]:
    """Return which bytes are stored already."""
    return {sha256 for (sha256,) in await fetch(connection, "find_stored_images", sha256s=list(sha256s))}


async def insert_run(
    connection: Connection,
    *,
    spider: str,
    arguments: dict[str, str],
    jobid: str | None,
    host: str,
    version: str,
    now: datetime,
) -> int:
    """Open a run and return its id; runs that were killed are closed."""
    await close_lost_runs(connection, now=now)
    [(run,)] = await fetch(
        connection,
        "insert_run",
        spider=spider,
        arguments=json.dumps(arguments),
        jobid=jobid,
        host=host,
        version=version,
        now=now,
    )
    return int(run)


async def close_lost_runs(connection: Connection, *, now: datetime) -> None:
    """Close runs that were killed, and have asked again what they said for nothing."""
    lost = [run for (run,) in await fetch(connection, "close_lost_runs", now=now, silent=SILENT_AT_MOST)]
    await execute(connection, "ask_again", runs=lost, now=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """What a run, together with an earlier one, found to be there no more: listings, and findings whose photos are."""

    gone: int = 0
    removed: int = 0


async def finish_run(connection: Connection, run: int, *, reason: str, outcome: str, stats: str, now: datetime) -> Lost:
    """Close a run, and take listings for gone, and findings for removed, that it and an earlier one found to be so.

    Only a run with the outcome `ok` says that, as a blocked one, or one that broke off, says nothing. What is not yet
    confirmed becomes due when a second look can do that.
    """
    await execute(connection, "lock_writes")
    await execute(connection, "finish_run", id=run, finish_reason=reason, outcome=outcome, stats=stats, now=now)
    lost = Lost()
    if outcome == "failed":
        await execute(connection, "ask_again", runs=[run], now=now)
    if outcome == "ok":
        lost = Lost(
            gone=len(await fetch(connection, "note_gone", run=run, at_least=GONE_AT_LEAST, now=now)),
            removed=len(await fetch(connection, "note_removed", run=run, at_least=GONE_AT_LEAST)),
        )
    await execute(connection, "look_again", run=run, at_least=GONE_AT_LEAST)
    return lost


async def digest_tables(connection: Connection) -> dict[str, str]:
    """Return the digest of each table's content, as `rows:sum`."""
    return {name: f"{rows}:{total}" for name, rows, total in await fetch(connection, "digest")}


async def digest(connection: Connection) -> str:
    """Return one digest of the content: two databases that say the same have the same digest."""
    text = json.dumps(await digest_tables(connection), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


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


async def save_claims(connection: Connection, claims: Sequence[ClaimOf], *, now: datetime) -> None:
    """Write bounds, each on a listing by its id, or on an image by its SHA-256."""
    if claims:
        await execute(
            connection,
            "upsert_date_claims",
            now=now,
            **columns(
                {
                    "listings": listing,
                    "sha256s": sha256,
                    "kinds": claim.kind,
                    "earliest_at": claim.earliest_at,
                    "latest_at": claim.latest_at,
                    "sources": claim.source,
                    "strengths": claim.strength,
                }
                for listing, sha256, claim in claims
            ),
        )


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
    """Keep one record a listing, as a statement may write a row once: the last full page, else the last card."""
    best: dict[tuple[str, str], ListingRecord] = {}
    for record in records:
        known = best.get(_key(record))
        if known is None or record.listing.complete or not known.listing.complete:
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


def _one_image_each(images: Sequence[ListingImageRecord]) -> list[ListingImageRecord]:
    """Keep one entry an image key, the first, since a page may show a photo twice."""
    return list({image.image.key: image for image in reversed(images)}.values())[::-1]
