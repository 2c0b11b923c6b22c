"""Both photos of a pair in one picture, the artisan's on the left: mail programs and message forms show it as it is."""

import io
import logging

from PIL import Image

from theftwatch.errors import UnusableImageError
from theftwatch.files import Files
from theftwatch.images.decode import decode_colour

logger = logging.getLogger(__name__)

_SIDE_PX, _GAP_PX = 420, 12
_WHITE = (255, 255, 255)
_QUALITY = 80


def side_by_side(files: Files, original: bytes, suspect: bytes) -> bytes | None:
    """Return a JPEG of two images by their SHA-256; None where one is not held any more, or cannot be shown."""
    try:
        left, right = (decode_colour(files.get(each), long_side_px=_SIDE_PX) for each in (original, suspect))
    except FileNotFoundError:
        return None
    except UnusableImageError as exc:
        logger.warning("no picture of %s beside %s: %s", original.hex(), suspect.hex(), exc)
        return None
    height_px = max(left.height, right.height)
    ground = Image.new("RGB", (left.width + _GAP_PX + right.width, height_px), _WHITE)
    ground.paste(left, (0, (height_px - left.height) // 2))
    ground.paste(right, (left.width + _GAP_PX, (height_px - right.height) // 2))
    file = io.BytesIO()
    ground.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue()
