"""Suppression: which images prove nothing, whoever shows them, and which matches are therefore kept apart.

A match costs an accusation, so photos that say nothing of who copied whom are set aside by rule: a marketplace's
placeholder, a supplier's photo that everybody shows, a vendor's banner, a panel of text. Matches of them stay in the
record. What the rules come to is a function of the record alone: it does not depend on the order in which things came
in, except that an undone suppression stays undone.
"""

import asyncio
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.errors import UnusableImageError
from theftwatch.images import READER_VERSION

if TYPE_CHECKING:
    from theftwatch.images.reading import Reading

#: Two images this near by their 256-bit hashes are one photo: no wrong pair was measured up to here
NEAR_BITS = 24
#: A placeholder is a drawing, which many others resemble: only recompression is allowed for
PLACEHOLDER_BITS = 6
#: A photo is a supplier's or a stock photo from here on. Two shops that share a photo may be one artisan's, or one may
#: have copied the other; one artisan's photo at a hundred vendors is what we are here for.
COMMON_VENDORS = 5
COMMON_ARTISANS = 3
#: Different goods that a vendor shows an image with, and the share of its listings, from which on it is its banner
BANNER_GOODS = 12
BANNER_SHARE = 0.5

#: Images a portion; bounds memory where a rule goes over all of them
_BATCH = 500
#: Sellers a portion; one may have thousands of listings
_SELLERS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Placeholder:
    """A picture that a marketplace shows where there is no photo, or an icon."""

    sha256: bytes
    hash_256: bytes | None
    what: str


@cache
def known_placeholders() -> tuple[Placeholder, ...]:
    """Return the placeholders that come with the program, from `placeholders.tsv` beside this module."""
    text = resources.files("theftwatch.match").joinpath("placeholders.tsv").read_text("utf-8")
    return tuple(
        Placeholder(
            sha256=bytes.fromhex(row["sha256"]),
            hash_256=bytes.fromhex(row["hash_256"]) if row["hash_256"] else None,
            what=row["what"],
        )
        for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    )


async def update_suppressions(
    connection: Connection, images: Sequence[int] | None, *, load: Callable[[bytes], bytes], now: datetime
) -> None:
    """Bring all suppressions up to date with the record.

    Looks at what the store noted as changed since the last time, at `images` besides (their ids), or with None at
    everything; it costs in proportion to that. `load` gives the bytes of an image by its SHA-256. Opens transactions of
    its own; broken off, the next call takes up what is left.
    """
    async with connection.transaction():
        await execute(connection, "lock_writes")
        if images is None:
            await execute(connection, "insert_due_everything")
        else:
            await execute(connection, "insert_due_images", images=list(images))
    await _read_images(connection, load, now=now)
    while due := await _due(connection, "image", _BATCH):
        async with connection.transaction():
            await execute(connection, "lock_writes")
            await _apply_to_images(connection, due, now=now)
            await execute(connection, "delete_due", kind="image", ids=due)
    while sellers := await _due(connection, "seller", _SELLERS):
        async with connection.transaction():
            await execute(connection, "lock_writes")
            await execute(
                connection, "apply_banner", sellers=sellers, goods_min=BANNER_GOODS, share_min=BANNER_SHARE, now=now
            )
            await execute(connection, "delete_due", kind="seller", ids=sellers)


async def suppress(
    connection: Connection, image: int, rule: str, *, by: str, now: datetime, seller: int | None = None
) -> int:
    """Suppress an image by a person's word, of a banner with its vendor alone; return the suppression.

    It holds until a person undoes it. What follows is worked out by `update_suppressions`.
    """
    await execute(connection, "lock_writes")
    [(suppression,)] = await fetch(
        connection, "upsert_suppression", image=image, rule=rule, seller=seller, by=by, now=now
    )
    await execute(connection, "insert_due_images", images=[image])
    return int(suppression)


async def _due(connection: Connection, kind: str, most: int) -> list[int]:
    return [key for (key,) in await fetch(connection, "find_due", kind=kind, most=most)]


async def _apply_to_images(connection: Connection, due: Sequence[int], *, now: datetime) -> None:
    """Apply the rules of an image to those due, and to all near them, whose figures these move."""
    near = await fetch(connection, "find_near_matched", images=due, near_bits=NEAR_BITS)
    moved = sorted({other for _, other in near})
    if others := sorted(set(moved).difference(due)):
        near += await fetch(connection, "find_near_matched", images=others, near_bits=NEAR_BITS)
    await execute(
        connection,
        "apply_common",
        images=moved,
        owners=[image for image, _ in near],
        nears=[other for _, other in near],
        vendors_min=COMMON_VENDORS,
        artisans_min=COMMON_ARTISANS,
        now=now,
    )
    listed = known_placeholders()
    await execute(
        connection,
        "apply_placeholder",
        images=moved,
        sha256s=[each.sha256 for each in listed],
        hashes_256=[each.hash_256 for each in listed],
        near_bits=PLACEHOLDER_BITS,
        now=now,
    )
    await execute(connection, "apply_text_panel", images=moved, now=now)
    await execute(connection, "insert_due_findings_of_images", images=moved)


async def _read_images(connection: Connection, load: Callable[[bytes], bytes], *, now: datetime) -> None:
    """Read the images that matched and were not read yet; their decoding holds no lock."""
    after = 0
    while unread := await fetch(
        connection, "find_unread_images", after=after, reader_version=READER_VERSION, most=_BATCH
    ):
        after = unread[-1][0]
        readings = []
        for image, sha256, is_original in unread:
            reading = await asyncio.to_thread(_read, load, sha256, is_original=is_original)
            if reading is not None:
                readings.append((image, reading))
        async with connection.transaction():
            await execute(
                connection,
                "upsert_image_readings",
                now=now,
                **columns(
                    (
                        {
                            "images": image,
                            "reader_versions": READER_VERSION,
                            "jpeg_qualities": reading.jpeg_quality,
                            "text_panels": None if reading.panel is None else reading.panel.is_panel,
                            "panels": None if reading.panel is None else Jsonb(reading.panel.as_json()),
                        }
                        for image, reading in readings
                    ),
                    "images",
                    "reader_versions",
                    "jpeg_qualities",
                    "text_panels",
                    "panels",
                ),
            )


def _read(load: Callable[[bytes], bytes], sha256: bytes, *, is_original: bool) -> "Reading | None":
    # Loaded with the first image: most commands meet none that is new, and do without NumPy and OpenCV.
    from theftwatch.images.reading import read_image

    try:
        return read_image(load(sha256), panel=is_original)
    except (FileNotFoundError, UnusableImageError):
        # Bytes that were dropped meanwhile, or an image that an older version could decode: nothing is known of it.
        return None
