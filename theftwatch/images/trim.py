"""What is inside the plain border of a picture."""

import numpy as np
from PIL import Image

#: Grey levels that recompression may move a border by
_TOLERANCE = 12
#: Share of a row or column that may differ from the border and still be border: noise, a watermark's edge
_STRAY = 0.02
#: A border thinner than this share of the picture moves no hash
_BORDER_MIN = 0.02
_INSIDE_MIN_PX = 32
_CORNER_PX = 4


def trim(grey: Image.Image) -> Image.Image | None:
    """Return the picture inside its border of one colour; None where it has none, or nothing inside.

    A packshot on white ground is cut to its object, so that it equals itself with more white around it.
    """
    pixels = np.asarray(grey, np.int16)
    corners = [
        np.median(part[:, side])
        for part in (pixels[:_CORNER_PX], pixels[-_CORNER_PX:])
        for side in (slice(None, _CORNER_PX), slice(-_CORNER_PX, None))
    ]
    if max(corners) - min(corners) > 2 * _TOLERANCE:
        return None
    strays = np.abs(pixels - np.int16(np.median(corners))) > _TOLERANCE
    rows, columns = (np.flatnonzero(strays.mean(axis=axis) > _STRAY) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = pixels.shape
    cut = max(top / height, 1 - bottom / height, left / width, 1 - right / width)
    if cut < _BORDER_MIN or min(bottom - top, right - left) < _INSIDE_MIN_PX:
        return None
    return grey.crop((int(left), int(top), int(right), int(bottom)))
