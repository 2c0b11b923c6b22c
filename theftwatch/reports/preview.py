"""Small copies of photos, to be shown within a page."""

import asyncio
import base64
import io
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageOps

from theftwatch.files import Files
from theftwatch.images.decode import MAX_IMAGE_PIXELS

logger = logging.getLogger(__name__)

LONG_SIDE_PX = 320
_QUALITY = 80
#: An original that many vendors use is scaled once; a preview has some 20 kB
_REMEMBERED = 256
#: What shops serve; no other decoder of Pillow's is reached
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
_WHITE = (255, 255, 255)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A photo scaled down, as a `data:` address."""

    uri: str
    width_px: int
    height_px: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width_px, self.height_px


class Previews:
    """Makes previews in threads; a `with` block ends them."""

    def __init__(self, files: Files, *, workers: int) -> None:
        self._files = files
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="previews")
        self._make = lru_cache(_REMEMBERED)(self._read)

    def __enter__(self) -> "Previews":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def of(self, sha256s: Sequence[bytes]) -> list[Preview | None]:
        """Return the previews of images; None for one whose file is not kept or cannot be shown."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(self._threads, self._make, sha256) for sha256 in sha256s))

    def _read(self, sha256: bytes) -> Preview | None:
        try:
            return make_preview(self._files.get(sha256))
        except FileNotFoundError:
            return None
        except Exception as exc:  # a decoder given hostile bytes may raise anything
            logger.warning("no preview of image %s: %s", sha256.hex(), exc)
            return None


def make_preview(data: bytes, *, long_side_px: int = LONG_SIDE_PX) -> Preview:
    """Scale an image down and turn it upright, as a browser shows it; nothing else is done to it.

    Raises whatever Pillow raises for bytes that it cannot decode.
    """
    jpeg, width_px, height_px = scale_down(data, long_side_px=long_side_px)
    uri = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    return Preview(uri=uri, width_px=width_px, height_px=height_px)


def scale_down(data: bytes, *, long_side_px: int = LONG_SIDE_PX) -> tuple[bytes, int, int]:
    """Return a JPEG of an image scaled down and turned upright, with its width and height in pixels.

    Raises whatever Pillow raises for bytes that it cannot decode.
    """
    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        if opened.width * opened.height > MAX_IMAGE_PIXELS:
            raise ValueError(f"{opened.width} x {opened.height} pixels are more than {MAX_IMAGE_PIXELS}")
        # A JPEG's own decoder scales for next to nothing; twice the size leaves the rest to a better filter.
        opened.draft("RGB", (2 * long_side_px, 2 * long_side_px))
        image = _on_white(ImageOps.exif_transpose(opened))
    image.thumbnail((long_side_px, long_side_px), Image.Resampling.LANCZOS, reducing_gap=3)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue(), image.width, image.height


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits where they do not fit into 8, and leave a white picture.
        image = image.point(lambda value: value / 256).convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    ground = Image.new("RGB", image.size, _WHITE)
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground
