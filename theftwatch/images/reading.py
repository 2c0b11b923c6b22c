"""What is read of an image once it has matched: how strongly it was compressed, and whether it is a panel of text."""

from dataclasses import dataclass
from io import BytesIO

from PIL.JpegImagePlugin import JpegImageFile

from theftwatch.images.decode import decode
from theftwatch.images.formats import sniff_format
from theftwatch.images.panel import SHORT_SIDE_PX, Panel, read_panel

#: Sum of the luminance table of ITU-T T.81, annex K, which libjpeg scales to a quality from 1 to 100
_STANDARD_SUM = 3688


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What was read of an image."""

    #: From 1 to 100 on libjpeg's scale, estimated; None where the file is no JPEG
    jpeg_quality: int | None
    #: None where that was not asked
    panel: Panel | None


def read_image(data: bytes, *, panel: bool) -> Reading:
    """Read an image; with `panel`, also whether it is a panel of text, which takes decoding it.

    Raises UnusableImageError.
    """
    return Reading(
        jpeg_quality=estimate_jpeg_quality(data),
        panel=read_panel(decode(data, short_side_px=SHORT_SIDE_PX).grey) if panel else None,
    )


def estimate_jpeg_quality(data: bytes) -> int | None:
    """Estimate the quality a JPEG was stored at last, from its luminance table; None for other files.

    The table's mean against that of the standard's is libjpeg's scaling, turned around; encoders with tables of their
    own land near the quality that loses as much.
    """
    if sniff_format(data) != "JPEG":
        return None
    try:
        tables = JpegImageFile(BytesIO(data)).quantization
        luminance = tables[min(tables)]
    except Exception:  # a decoder given hostile bytes may raise anything
        return None
    scaling = 100 * sum(luminance) / _STANDARD_SUM
    quality = (200 - scaling) / 2 if scaling <= 100 else 5000 / scaling
    return max(1, min(100, round(quality)))
