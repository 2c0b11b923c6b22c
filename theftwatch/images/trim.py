"""What is inside the plain border of a picture."""

import cv2
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
    pixels = np.asarray(grey, np.uint8)
    height, width = pixels.shape
    squares = [
        part[:, side].ravel()
        for part in (pixels[:_CORNER_PX], pixels[-_CORNER_PX:])
        for side in (slice(None, _CORNER_PX), slice(-_CORNER_PX, None))
    ]
    corners = np.median(squares, axis=1)
    if corners.max() - corners.min() > 2 * _TOLERANCE:
        return None
    off = cv2.absdiff(pixels, np.full_like(pixels, np.median(corners)))
    strays = cv2.threshold(off, _TOLERANCE, 1, cv2.THRESH_BINARY)[1]
    rows, columns = (
        np.flatnonzero(cv2.reduce(strays, side, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() / length > _STRAY)
        for side, length in ((1, width), (0, height))
    )
    if not len(rows) or not len(columns):
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    cut = max(top / height, 1 - bottom / height, left / width, 1 - right / width)
    if cut < _BORDER_MIN or min(bottom - top, right - left) < _INSIDE_MIN_PX:
        return None
    return grey.crop((int(left), int(top), int(right), int(bottom)))
