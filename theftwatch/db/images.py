"""Images: their bytes by SHA-256, and what was computed of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.db.records import DAMAGED, DescriptorRecord, ImageRecord, whole_descriptor
from theftwatch.images import FINGERPRINT_VERSION
from theftwatch.listing import Listing

#: How long an image that came damaged is asked for again, at each visit
MENDED_WITHIN = timedelta(weeks=3)


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An image that is stored, and why its address is asked again, if it is."""

    sha256: bytes
    #: Not whole, and it may yet be had whole
    is_damaged: bool
    #: A copy in an open case, in whose place another photo may be put
    is_watched: bool


async def save_images(connection: Connection, images: Iterable[ImageRecord], *, now: datetime) -> None:
    """Write images with their hashes; those known already stay as they are."""
    unique = list({image.sha256: image for image in images}.values())
    if not unique:
        return
    await execute(
        connection,
        "insert_images",
        now=now,
        fingerprint_version=FINGERPRINT_VERSION,
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
    await _insert_hashes(connection, _hash_columns(unique))


async def replace_fingerprints(connection: Connection, images: Sequence[ImageRecord]) -> None:
    """Write what this version found of images that are stored, in one transaction of the caller's.

    One that cannot be compared after all is looked up no more.
    """
    if not images:
        return
    await execute(connection, "lock_writes")
    sha256s = [image.sha256 for image in images]
    await execute(
        connection,
        "update_images",
        fingerprint_version=FINGERPRINT_VERSION,
        **columns(
            {
                "sha256s": image.sha256,
                "formats": image.format,
                "widths_px": image.width_px,
                "heights_px": image.height_px,
                "unusable_reasons": image.unusable_reason,
            }
            for image in images
        ),
    )
    hashes = _hash_columns(images)
    others = await fetch(connection, "delete_other_image_phashes", images=sha256s, **hashes)
    await _insert_hashes(connection, hashes)
    await execute(connection, "delete_unused_phashes", hashes=[value for (value,) in others])
    await execute(connection, "delete_unusable_lookups", sha256s=sha256s)
    await save_descriptors(
        connection, [whole_descriptor(image.sha256, image.descriptor) for image in images if image.descriptor]
    )


def _hash_columns(images: Iterable[ImageRecord]) -> dict[str, list[Any]]:
    return columns(
        (
            {
                "sha256s": image.sha256,
                "variants": variant.variant,
                "hashes": variant.hash,
                "hashes_256": variant.hash_256,
            }
            for image in images
            for variant in image.hashes
        ),
        "sha256s",
        "variants",
        "hashes",
        "hashes_256",
    )


async def _insert_hashes(connection: Connection, hashes: dict[str, list[Any]]) -> None:
    if hashes["hashes"]:
        await execute(connection, "insert_phashes", hashes=hashes["hashes"])
        await execute(connection, "insert_image_phashes", **hashes)


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


async def find_stored_images(connection: Connection, sha256s: Iterable[bytes]) -> set[bytes]:
    """Return which bytes are stored already."""
    return {sha256 for (sha256,) in await fetch(connection, "find_stored_images", sha256s=list(sha256s))}
