"""The one way from untrusted bytes to a grey picture: whole or refused, never half decoded.

The decoders of Pillow are opened by class, after a look at the first bytes, and not through `Image.open`: no other
decoder can be reached, and the size claimed is known here before anything is decoded, without Pillow's limit, which
is global to the process and only warns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from theftwatch.errors import UnusableImageError
from theftwatch.images.formats import JPEG_END, has_end, sniff_format

#: More pixels than a photo of goods has; a few kilobytes can claim any number
MAX_IMAGE_PIXELS = 40_000_000
#: More than any marketplace serves
MAX_IMAGE_BYTES = 64 * 1024 * 1024
#: Below this a picture is an icon or a tracking pixel
MIN_SIDE_PX = 24
#: Beyond this a picture is a banner or a rule
MAX_ASPECT = 10

_DECODERS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "AVIF": AvifImageFile,
}
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Orientations from here on lay the picture on its side
_FIRST_SIDEWAYS = 5
_FACTORS = (8, 4, 2, 1)
_WHITE = 255
#: What a JPEG decoder fills up with where the bytes end before the picture does, and bytes that it can read on with
_FILL, _MORE = 128, bytes(range(1, 250)) * 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """An image as it is shown: first frame, upright, what is transparent white, in grey."""

    format: str
    #: As shown, before any scaling
    width_px: int
    height_px: int
    grey: Image.Image


def decode(data: bytes, *, short_side_px: int) -> Decoded:
    """Decode an image, scaled down by 8, 4 or 2 where its short side stays at least this long.

    A JPEG is scaled by its own decoder, which saves most of the work; other formats are averaged over squares.
    Raises UnusableImageError for what is no whole image of a kind that shops serve.
    """
    image_format = _known_format(data)
    opened = open_image(data)
    width_px, height_px = opened.size
    _check_size(image_format, width_px, height_px)
    try:
        grey = _scaled_grey(opened, short_side_px)
        orientation = _orientation(opened)
        whole = image_format != "JPEG" or not _is_filled_up(data, grey, short_side_px)
    except Exception as exc:  # as above
        raise _damaged(data, image_format, (width_px, height_px), exc) from exc
    if not whole:
        raise UnusableImageError(
            "truncated",
            "the JPEG file ends properly and lacks the rest of its picture; fetch the image again",
            image_format=image_format,
            width_px=width_px,
            height_px=height_px,
        )
    if orientation in _TURNS:
        grey = grey.transpose(_TURNS[orientation])
    if orientation >= _FIRST_SIDEWAYS:
        width_px, height_px = height_px, width_px
    return Decoded(format=image_format, width_px=width_px, height_px=height_px, grey=grey)


def decode_colour(data: bytes, *, long_side_px: int) -> Image.Image:
    """Decode an image to be shown: first frame, upright, what is transparent white, in colour, within a square.

    Of any shape, and of what came broken off what there is, since people look at it. Raises UnusableImageError.
    """
    opened = open_image(data)
    _check_pixels(str(opened.format), *opened.size)
    try:
        # A JPEG's own decoder scales for next to nothing; twice the size leaves the rest to a better filter.
        opened.draft("RGB", (2 * long_side_px, 2 * long_side_px))
        image = _on_white(ImageOps.exif_transpose(opened))
    except Exception as exc:  # as above
        raise _damaged(data, str(opened.format), opened.size, exc) from exc
    image.thumbnail((long_side_px, long_side_px), Image.Resampling.LANCZOS, reducing_gap=3)
    return image


def open_image(data: bytes) -> ImageFile:
    """Return an image with its metadata, of which no pixel is decoded yet.

    Raises UnusableImageError for what is of no kind that shops serve.
    """
    image_format = _known_format(data)
    try:
        return _DECODERS[image_format](BytesIO(data))
    except Exception as exc:  # a decoder given hostile bytes may raise anything
        raise _damaged(data, image_format, None, exc) from exc


def _known_format(data: bytes) -> str:
    """Name the format by the first bytes; what a server or a file name calls it is often wrong."""
    if not data:
        raise UnusableImageError("empty", "the file is empty; fetch the image again")
    if len(data) > MAX_IMAGE_BYTES:
        raise UnusableImageError(
            "too_large", f"the file has {len(data)} bytes, more than the {MAX_IMAGE_BYTES} allowed; use a smaller copy"
        )
    image_format = sniff_format(data)
    if image_format is None:
        raise UnusableImageError(
            "not_an_image", f"the file starts with {data[:16]!r}, as no image does; fetch the image again"
        )
    if image_format not in _DECODERS:
        raise UnusableImageError(
            "format",
            f"the file is {image_format}, and only {', '.join(_DECODERS)} are read; convert it",
            image_format=image_format,
        )
    return image_format


def _check_size(image_format: str, width_px: int, height_px: int) -> None:
    _check_pixels(image_format, width_px, height_px)
    short_px, long_px = sorted((width_px, height_px))
    if short_px < MIN_SIDE_PX:
        why = f"and a photo has {MIN_SIDE_PX} on each side; use a larger copy"
        raise _wrong_size("too_small", why, image_format, width_px, height_px)
    if long_px > MAX_ASPECT * short_px:
        why = f"which is no shape of a photo (1 : {MAX_ASPECT} at most); use a photo"
        raise _wrong_size("too_narrow", why, image_format, width_px, height_px)


def _check_pixels(image_format: str, width_px: int, height_px: int) -> None:
    if width_px * height_px > MAX_IMAGE_PIXELS:
        why = f"and {MAX_IMAGE_PIXELS} are the most that is decoded; use a smaller copy"
        raise _wrong_size("too_large", why, image_format, width_px, height_px)


def _wrong_size(reason: str, why: str, image_format: str, width_px: int, height_px: int) -> UnusableImageError:
    return UnusableImageError(
        reason,
        f"the image has {width_px} x {height_px} pixels, {why}",
        image_format=image_format,
        width_px=width_px,
        height_px=height_px,
    )


def _scaled_grey(opened: ImageFile, short_side_px: int) -> Image.Image:
    factor = next(factor for factor in _FACTORS if factor == 1 or min(opened.size) // short_side_px >= factor)
    if isinstance(opened, JpegImageFile):
        opened.draft("L", (short_side_px, short_side_px))
        factor = 1
    grey = _grey(opened)
    return grey.reduce(factor) if factor > 1 else grey


def _is_filled_up(data: bytes, grey: Image.Image, short_side_px: int) -> bool:
    """Tell whether a JPEG has fewer bytes than its picture, though it has an end: some proxy has put that there.

    The decoder gives grey for the rest, without a word. Where the last corner is of that grey, as one photo in some
    hundred has it by chance, more bytes before the end tell: they change nothing of a picture that is whole.
    """
    if grey.getpixel((grey.width - 1, grey.height - 1)) != _FILL or not has_end(data, "JPEG"):
        return False
    end = data.rfind(JPEG_END)
    longer = JpegImageFile(BytesIO(data[:end] + _MORE + data[end:]))
    return _scaled_grey(longer, short_side_px).tobytes() != grey.tobytes()


def _grey(image: Image.Image) -> Image.Image:
    image.load()
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits where they do not fit into 8, and leave a white picture.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        shown = Image.new("L", image.size, _WHITE)
        shown.paste(image.convert("L"), mask=image.getchannel("A"))
        return shown
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return image.convert("L")


def _orientation(opened: ImageFile) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # damaged metadata is common, and the picture is whole
        return 1


def _damaged(data: bytes, image_format: str, size_px: tuple[int, int] | None, exc: Exception) -> UnusableImageError:
    reason, what = ("corrupt", "is damaged") if has_end(data, image_format) else ("truncated", "ends too early")
    width_px, height_px = size_px or (None, None)
    return UnusableImageError(
        reason,
        f"the {image_format} file {what} ({exc}); fetch the image again",
        image_format=image_format,
        width_px=width_px,
        height_px=height_px,
    )


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")  # as in `_grey`
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    ground = Image.new("RGB", image.size, (_WHITE, _WHITE, _WHITE))
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground
