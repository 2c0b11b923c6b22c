"""Records for tests of what a match means: photos at many sellers, with hashes of their own."""

import hashlib
import io

from PIL import Image, ImageDraw, ImageFont

from tests.matched import MATCHED_AT, SEEN_AT, record
from theftwatch.db import store
from theftwatch.db.records import DecisionRecord, ImageRecord, image_record
from theftwatch.demo.photos import photo_bytes
from theftwatch.listing import Seller

#: One photo, stored anew by everybody who shows it
PHOTO = photo_bytes("049fb77f0266.jpg")
OTHER = photo_bytes("05417cc30255.jpg")


def stored_anew(data: bytes, quality: int) -> bytes:
    """Return a photo recompressed: other bytes, nearly the same hashes."""
    with Image.open(io.BytesIO(data)) as opened:
        file = io.BytesIO()
        opened.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def shop(number: int, **changes: object) -> Seller:
    """Return a shop of an artisan's."""
    values = {"marketplace": "etsy", "ref": f"9{number}", "name": f"Shop{number}"} | changes
    return Seller(**values)  # type: ignore[arg-type]


def vendor(number: int, **changes: object) -> Seller:
    """Return a vendor."""
    values = {"marketplace": "alibaba", "ref": f"80{number}", "name": f"Vendor {number} Ltd."} | changes
    return Seller(**values)  # type: ignore[arg-type]


def decided(original: ImageRecord, suspect: ImageRecord, **changes: object) -> DecisionRecord:
    """Return the decision that two images match."""
    values: dict[str, object] = {
        "original": original.sha256,
        "suspect": suspect.sha256,
        "decision": "match",
        "score": 0.97,
        "method": "exact" if original.sha256 == suspect.sha256 else "phash",
        "explanation": "180 features agree",
        "transform": {},
        "distance_bits": 0,
    }
    return DecisionRecord(**(values | changes))  # type: ignore[arg-type]


async def save(connection, listings, matches=(), *, at=SEEN_AT) -> None:
    """Write listings, and pairs that match."""
    if listings:
        async with connection.transaction():
            await store.save_listings(connection, listings, run=None, now=at)
    if matches:
        async with connection.transaction():
            await store.save_decisions(
                connection, [decided(*pair) for pair in matches], [], algorithm_version=1, now=MATCHED_AT
            )


def size_chart(title: str = "SIZE CHART") -> bytes:
    """Draw a size chart: a ruled table of numbers under a title, with two lines of small print."""
    image = Image.new("RGB", (800, 760), "white")
    draw = ImageDraw.Draw(image)
    draw.text((260, 40), title, font=ImageFont.load_default(48), fill="black")
    heads = ("Size", "Bust", "Waist", "Hip", "Length")
    for row in range(8):
        draw.line((40, 120 + row * 68, 760, 120 + row * 68), fill="black", width=2)
        for column, head in enumerate(heads):
            text = head if row == 0 else f"{40 + 7 * row + 11 * column}.{row}"
            draw.text((60 + column * 144, 140 + row * 68), text, font=ImageFont.load_default(26), fill="black")
    for column in range(6):
        draw.line((40 + column * 144, 120, 40 + column * 144, 664), fill="black", width=2)
    draw.line((40, 664, 760, 664), fill="black", width=2)
    draw.text(
        (40, 680), "Please allow 1-3 cm due to manual measurement.", font=ImageFont.load_default(20), fill="black"
    )
    draw.text(
        (40, 710), "The colour may differ slightly from the photo.", font=ImageFont.load_default(20), fill="black"
    )
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def loader(*photos: bytes):
    """Return what gives bytes by their SHA-256, as `Files.get` does."""
    known = {hashlib.sha256(data).digest(): data for data in photos}

    def load(sha256: bytes) -> bytes:
        if sha256 not in known:
            raise FileNotFoundError(sha256.hex())
        return known[sha256]

    return load


__all__ = ["image_record", "record"]
