"""Photos edited the way vendors edit them, for tests."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

import theftwatch.demo

PHOTOS = Path(theftwatch.demo.__file__).parent / "photos"


@cache
def photo_paths() -> tuple[Path, ...]:
    return tuple(sorted(PHOTOS.rglob("*.jpg")))


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    buffer = BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _resized(image: Image.Image, width: int) -> Image.Image:
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def _squared(image: Image.Image) -> Image.Image:
    side = round(max(image.size) * 1.1)
    return ImageOps.pad(image, (side, side), color="white")


#: The edits that the first form of matching has to see through
EDITS: dict[str, Callable[[Image.Image], bytes]] = {
    "recompressed": lambda image: jpeg(image, 30),
    "small": lambda image: jpeg(_resized(image, 150)),
    "large": lambda image: jpeg(_resized(image, 720)),
    "mirrored": lambda image: jpeg(ImageOps.mirror(image)),
    "bordered": lambda image: jpeg(ImageOps.expand(image, image.width // 8, "white")),
    "squared": lambda image: jpeg(_squared(image)),
    "mirrored, bordered, small and recompressed": lambda image: jpeg(
        _resized(ImageOps.expand(ImageOps.mirror(image), image.width // 10, "white"), 350), 50
    ),
}
