"""A record of copied photos whose listings the replica serves: for tests of captures and of what is built on them."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.crawling import World
from tests.matched import decided, image
from theftwatch.db import store
from theftwatch.db.records import ListingImageRecord, ListingRecord, OriginalFileRecord
from theftwatch.demo.catalogue import Catalogue, Edit, Offer, Served, load_catalogue
from theftwatch.demo.photos import photo_bytes, picture_bytes
from theftwatch.files import Files
from theftwatch.match.compare import compare_files
from theftwatch.match.context import update_context

SEEN_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
ARTISAN = "Ana <b>"
_COPIES = {Edit.RECOMPRESSED, Edit.RESIZED, Edit.MIRRORED, Edit.PADDED, Edit.CROPPED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A listing of Ana's and a vendor's that shows a copy of its photo."""

    original: Offer
    suspect: Offer
    photo: bytes
    copy: bytes


def copied_offers(most: int = 2) -> list[Copied]:
    """Return a few pairs of one artisan's listings and those of vendors that show a copy of their photos."""
    catalogue = load_catalogue()
    found: list[Copied] = []
    for suspect in catalogue.offers:
        if suspect.listing.marketplace != "alibaba" or suspect.served is not Served.PAGE:
            continue
        for shown in suspect.shown:
            if shown.image is None or shown.picture.edit not in _COPIES or len(found) == most:
                continue
            original = _original(catalogue, shown.picture.photos[0])
            if original is not None and not any(each.suspect is suspect for each in found):
                photo = photo_bytes(shown.picture.photos[0])
                found.append(Copied(original=original, suspect=suspect, photo=photo, copy=picture_bytes(shown.picture)))
    assert len(found) == most
    return found


def _original(catalogue: Catalogue, photo: str) -> Offer | None:
    offers = (each for each in catalogue.offers if each.listing.marketplace == "etsy")
    return next(
        (
            each
            for each in offers
            if any(shown.picture.edit is Edit.NONE and photo in shown.picture.photos for shown in each.shown)
        ),
        None,
    )


def record_of(offer: Offer) -> tuple[ListingRecord, list[bytes]]:
    """Return a listing as a crawl would store it, with the bytes of its images."""
    shown = [each for each in offer.shown if each.image is not None and each.picture.edit is not Edit.MISSING]
    data = [picture_bytes(each.picture) for each in shown]
    images = [image(each) for each in data]
    listing = replace(offer.listing, images=tuple(each.image for each in shown if each.image))
    return (
        ListingRecord(
            listing=listing,
            images=tuple(
                ListingImageRecord(image=each, sha256=held.sha256)
                for each, held in zip(listing.images, images, strict=True)
            ),
            new_images=tuple(images),
        ),
        data,
    )


def _compared(pair: Copied) -> dict[str, object]:
    found = compare_files(pair.photo, pair.copy).decision
    assert found.transform
    return {"transform": found.transform.as_json(), "explanation": found.explanation, "score": found.score}


def fill(world: World, pairs: Sequence[Copied], *, decision: str = "match", outtake: bytes | None = None) -> None:
    """Write pairs, decided, into the record of a world; with an out-take that Ana gave."""
    files = Files(world.folder / "data/theftwatch")

    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(world.dsn, options="-c timezone=UTC") as connection:
            for offer in [offer for pair in pairs for offer in (pair.original, pair.suspect)]:
                record, data = record_of(offer)
                for each in data:
                    files.put(each)
                await store.save_listings(connection, [record], run=None, now=SEEN_AT)
            given = [
                OriginalFileRecord(image=image(pair.photo), kind="original", name=f"shoot/{n}.jpg")
                for n, pair in enumerate(pairs)
            ]
            for pair in pairs:
                files.put(pair.photo)
            if outtake:
                files.put(outtake)
                given.append(OriginalFileRecord(image=image(outtake), kind="outtake", name="shoot/out <1>.jpg"))
            await store.save_original_files(connection, ARTISAN, given, now=SEEN_AT)
            await connection.execute(
                "update seller set artisan = (select id from artisan where name = %s) where marketplace = 'etsy'",
                [ARTISAN],
            )
            await store.save_decisions(
                connection,
                [decided(pair.photo, pair.copy, decision=decision, **_compared(pair)) for pair in pairs],
                [],
                algorithm_version=1,
                now=SEEN_AT,
            )
            await connection.commit()
            await update_context(connection, load=files.get, now=SEEN_AT)

    asyncio.run(main())


def theftwatch(world: World, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a world."""
    return subprocess.run(
        [sys.executable, "-m", "theftwatch", *map(str, arguments)],
        env=world.environment(**environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
