"""A small record with matches in it, for tests of what is read from a record: views and reports."""

import hashlib
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from PIL import Image, ImageOps

from theftwatch.db import store
from theftwatch.db.queries import Connection, execute
from theftwatch.db.records import DecisionRecord, ImageRecord, ListingImageRecord, ListingRecord, OriginalFileRecord
from theftwatch.db.runs import insert_run
from theftwatch.db.targets import Target, save_targets
from theftwatch.demo.photos import photo_bytes
from theftwatch.files import Files
from theftwatch.listing import DateClaim, Listing, ListingImage, Seller

#: When the originals were seen, when the suspects were, and when they were compared
SEEN_AT = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
SUSPECTS_SEEN_AT = SEEN_AT + timedelta(days=9)
MATCHED_AT = SEEN_AT + timedelta(days=10)

ANA = Seller(marketplace="etsy", ref="1", name="AnaMakes", url="https://www.etsy.com/shop/AnaMakes")
BEN = Seller(marketplace="artfire", ref="BensPots", name="Ben's Pots")
CLEO = Seller(marketplace="etsy", ref="3", name="CleoQuiet")
HARBOUR = Seller(
    marketplace="alibaba", ref="101", name="Harbour Co., Ltd.", url="https://harbour.en.alibaba.com/", country="CN"
)
LOTUS = Seller(marketplace="alibaba", ref="102", name="Lotus Factory")
MEADOW = Seller(marketplace="alibaba", ref="104", name="Meadow Clothing")
QUIET = Seller(marketplace="alibaba", ref="103", name="Quiet Trading")

DRESS, SHIRT, SKIRT, TUNIC, HAT, OWN = (
    photo_bytes(f"{name}.jpg")
    for name in ("049fb77f0266", "05417cc30255", "09ee1b10b19d", "22557842d0eb", "04a8b203b538", "05e3b8df4189")
)
FLAT = b"a file of one colour"


def edited(photo: bytes, *, mirror: bool = False, scale: float = 1, border: bool = False) -> bytes:
    """Return a photo as a vendor shows it."""
    with Image.open(io.BytesIO(photo)) as opened:
        image = ImageOps.scale(opened.convert("RGB"), scale)
    if mirror:
        image = ImageOps.mirror(image)
    if border:
        image = ImageOps.expand(image, image.width // 10, (255, 255, 255))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70)
    return file.getvalue()


SMALL_DRESS = edited(DRESS, scale=0.6)
MIRRORED_SHIRT = edited(SHIRT, mirror=True)
FRAMED_SKIRT = edited(SKIRT, border=True)


def image(data: bytes, *, unusable_reason: str | None = None) -> ImageRecord:
    """Return what is stored of an image; no hashes, as the pairs are given here and not searched for."""
    sha256 = hashlib.sha256(data).digest()
    if unusable_reason:
        return ImageRecord(sha256=sha256, byte_count=len(data), unusable_reason=unusable_reason)
    with Image.open(io.BytesIO(data)) as opened:
        return ImageRecord(
            sha256=sha256,
            byte_count=len(data),
            format=opened.format,
            width_px=opened.width,
            height_px=opened.height,
        )


def record(seller: Seller | None, ref: str, *shown: ImageRecord | str, **changes: object) -> ListingRecord:
    """Return a listing that shows images; a word stands for one that could not be had, and says why."""
    marketplace = seller.marketplace if seller else "alibaba"
    values: dict[str, object] = {
        "marketplace": marketplace,
        "listing_ref": ref,
        "url": f"https://www.{marketplace}.com/listing/{ref}",
        "title": f"Goods {ref}",
        "seller": seller,
        "price_min": Decimal("4.50"),
        "price_max": Decimal("9.00"),
        "currency": "USD",
        "images": tuple(
            ListingImage(
                url=f"https://images.{marketplace}.com/{ref}/{n}.jpg",
                key=f"{ref}-{n}",
                position=n,
                published_at=SEEN_AT - timedelta(days=2000) if seller is ANA else None,
            )
            for n, _ in enumerate(shown)
        ),
    }
    listing = Listing(**(values | changes))  # type: ignore[arg-type]  # of the right types by name
    return ListingRecord(
        listing=listing,
        images=tuple(
            ListingImageRecord(image=each, missing_reason=what)
            if isinstance(what, str)
            else ListingImageRecord(image=each, sha256=what.sha256)
            for each, what in zip(listing.images, shown, strict=True)
        ),
        new_images=tuple(each for each in shown if not isinstance(each, str)),
    )


def decided(original: bytes, suspect: bytes, **changes: object) -> DecisionRecord:
    """Return the decision on a pair of images."""
    values: dict[str, object] = {
        "original": hashlib.sha256(original).digest(),
        "suspect": hashlib.sha256(suspect).digest(),
        "decision": "match",
        "score": 0.97,
        "method": "phash",
        "explanation": "two of 64 hash bits differ, and 180 features agree on one alignment",
        "transform": {},
        "distance_bits": 2,
        "inliers": 180,
    }
    return DecisionRecord(**(values | changes))  # type: ignore[arg-type]  # of the right types by name


async def save_decisions(
    connection: Connection,
    decisions: Sequence[DecisionRecord],
    originals: Sequence[bytes] = (),
    suspects: Sequence[bytes] = (),
) -> None:
    """Write decisions, and which images were looked up on which side."""
    looked_up = [(hashlib.sha256(data).digest(), "original") for data in originals]
    looked_up += [(hashlib.sha256(data).digest(), "suspect") for data in suspects]
    await store.save_decisions(
        connection,
        decisions,
        looked_up,  # type: ignore[arg-type]  # sides
        algorithm_version=1,
        now=MATCHED_AT,
    )


async def fill(connection: Connection, files: Files) -> None:
    """Fill a record.

    Harbour shows Ana's dress (smaller, in two listings), her shirt (mirrored) and one photo of Ben's with a border,
    which is only possible; and a tunic of Cleo's, who opted out. Meadow shows the dress too, Lotus nobody's photo,
    Quiet none that could be had, and a listing without a known seller the file that Ana gave.
    """
    for data in (DRESS, SHIRT, SKIRT, TUNIC, HAT, OWN, FLAT, SMALL_DRESS, MIRRORED_SHIRT, FRAMED_SKIRT):
        files.put(data)
    archived = DateClaim(
        kind="archived", source="web.archive.org", strength="strong", latest_at=SEEN_AT - timedelta(days=4000)
    )
    originals = [
        record(
            ANA, "11", image(DRESS), image(SHIRT), title="Red shirt dress", listed_at=SEEN_AT - timedelta(days=2000)
        ),
        record(ANA, "12", image(FLAT, unusable_reason="flat"), image(DRESS)),
        record(BEN, "21", image(SKIRT), claims=(archived,)),
        record(CLEO, "31", image(TUNIC)),
    ]
    suspects = [
        record(HARBOUR, "201", image(SMALL_DRESS), image(MIRRORED_SHIRT), title="2026 New Dress Wholesale"),
        record(HARBOUR, "202", image(SMALL_DRESS), image(TUNIC)),
        record(HARBOUR, "203", image(FRAMED_SKIRT), "http_404", image(FRAMED_SKIRT)),
        record(LOTUS, "204", image(HAT)),
        record(QUIET, "205", "refused_by_robots"),
        record(None, "206", image(OWN)),
        record(MEADOW, "207", image(SMALL_DRESS)),
    ]
    await store.save_listings(connection, originals, run=None, now=SEEN_AT)
    await store.save_listings(connection, suspects, run=None, now=SUSPECTS_SEEN_AT)
    own = OriginalFileRecord(image=image(OWN), kind="outtake", name="shoot/own.jpg")
    await store.save_original_files(connection, "Ana", [own], now=SEEN_AT)
    await connection.execute(
        "insert into artisan (name, opted_out_at) values ('Cleo', %s)", [SEEN_AT - timedelta(days=1)]
    )
    for artisan, seller in (("Ana", ANA), ("Cleo", CLEO)):
        await connection.execute(
            "update seller set artisan = (select id from artisan where name = %s) where name = %s",
            [artisan, seller.name],
        )
    await save_decisions(
        connection,
        [
            decided(DRESS, SMALL_DRESS, transform={"scale": 0.6}),
            decided(SHIRT, MIRRORED_SHIRT, transform={"mirrored": True}, score=0.91),
            decided(SKIRT, FRAMED_SKIRT, decision="possible", score=0.55),
            decided(TUNIC, TUNIC, method="exact", score=1.0, distance_bits=0, inliers=None),
            decided(OWN, OWN, method="exact", score=1.0, distance_bits=0, inliers=None),
        ],
        originals=[DRESS, SHIRT, SKIRT, TUNIC, OWN],
        suspects=[SMALL_DRESS, MIRRORED_SHIRT, FRAMED_SKIRT, TUNIC, HAT, OWN],
    )
    await save_run(connection, "etsy", "ok", {"theftwatch/listing/stored": 3, "theftwatch/image/fetched": 4})
    run = await save_run(
        connection,
        "alibaba",
        "blocked",
        {"theftwatch/page/blocked": 1, "theftwatch/page/refused_by_robots": 2, "theftwatch/image/missing": 2},
    )
    watched = Target(marketplace="alibaba", kind="vendor", ref="quiet", every=timedelta(days=1), reason="asked for")
    await save_targets(connection, [watched], now=SUSPECTS_SEEN_AT)
    await execute(
        connection,
        "insert_page_problem",
        run=run,
        url="https://quiet.en.alibaba.com/productlist.html",
        kind="blocked",
        detail="https://quiet.en.alibaba.com/productlist.html: a slider; wait, and crawl more slowly",
        http_status=200,
        page_sha256=None,
        target=None,
        marketplace=None,
        listing_ref=None,
        now=SUSPECTS_SEEN_AT,
    )


async def save_run(connection: Connection, spider: str, outcome: str, stats: dict[str, int]) -> int:
    """Write a run that ended, and return its id."""
    run = await insert_run(
        connection,
        spider=spider,
        arguments={"shop": "AnaMakes"},
        jobid=None,
        host="crawler",
        version="0.1.0",
        now=SEEN_AT,
    )
    await execute(
        connection,
        "finish_run",
        id=run,
        now=SEEN_AT + timedelta(minutes=3),
        finish_reason="finished",
        outcome=outcome,
        stats=json.dumps(stats),
    )
    return run
