"""Small copies of photos, to be shown within a page."""

import asyncio
import base64
import io
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from theftwatch.errors import UnusableImageError
from theftwatch.files import Files
from theftwatch.images.decode import decode_colour

logger = logging.getLogger(__name__)

LONG_SIDE_PX = 320
_QUALITY = 80
#: An original that many vendors use is scaled once; a preview has some 20 kB
_REMEMBERED = 256


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
        except UnusableImageError as exc:
            logger.warning("no preview of image %s: %s", sha256.hex(), exc)
            return None


def make_preview(data: bytes, *, long_side_px: int = LONG_SIDE_PX) -> Preview:
    """Scale an image down and turn it upright, as a browser shows it; nothing else is done to it.

    Raises UnusableImageError.
    """
    jpeg, width_px, height_px = scale_down(data, long_side_px=long_side_px)
    uri = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    return Preview(uri=uri, width_px=width_px, height_px=height_px)


def scale_down(data: bytes, *, long_side_px: int = LONG_SIDE_PX) -> tuple[bytes, int, int]:
    """Return a JPEG of an image scaled down and turned upright, with its width and height in pixels.

    Raises UnusableImageError.
    """
    image = decode_colour(data, long_side_px=long_side_px)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue(), image.width, image.height
