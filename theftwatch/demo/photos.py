"""The pictures of the replica: real photos, and what vendors make of photos that they copy.

Everything is made from the same photos in the same way each time; nothing is stored.
"""

import io
from collections.abc import Callable
from functools import lru_cache
from importlib import resources

from PIL import Image, ImageDraw, ImageFont, ImageOps

from theftwatch.demo.catalogue import Edit, Picture

_WHITE = (255, 255, 255)
#: What vendors' tools save at; recompressed copies go well below it
_QUALITY = 85
_LOW_QUALITY = 45
_DRAWN_SIDE_PX = 600
#: Photos held in memory at once, so that a crawl of the replica decodes each once
_CACHED_PICTURES = 512


@lru_cache(maxsize=_CACHED_PICTURES)
def picture_bytes(picture: Picture) -> bytes:
    """Return the file that a marketplace shows for `picture`."""
    match picture.edit:
        case Edit.NONE | Edit.EXACT | Edit.MISSING:
            return photo_bytes(picture.photos[0])
        case Edit.BROKEN:
            whole = photo_bytes(picture.photos[0])
            return whole[: len(whole) // 2]
        case Edit.DRAWN:
            return _save(_DRAWINGS[picture.variant]())
        case Edit.COLLAGE:
            return _save(_collage([_open(photo) for photo in picture.photos]))
        case Edit.RECOMPRESSED:
            return _save(_open(picture.photos[0]), quality=_LOW_QUALITY)
        case _:
            return _save(_EDITS[picture.edit](_open(picture.photos[0]), picture.variant))


@lru_cache(maxsize=_CACHED_PICTURES)
def sized_bytes(picture: Picture, side_px: int) -> bytes:
    """Return a marketplace's smaller form of a picture, at most `side_px` wide and high."""
    with Image.open(io.BytesIO(picture_bytes(picture))) as opened:
        if max(opened.size) <= side_px:
            return picture_bytes(picture)
        small = _flatten(opened)
    small.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    return _save(small)


def photo_bytes(name: str) -> bytes:
    """Return a photo of `photos/` as it is."""
    return resources.files(__package__).joinpath("photos", name).read_bytes()


def _open(name: str) -> Image.Image:
    with Image.open(io.BytesIO(photo_bytes(name))) as photo:
        return _flatten(ImageOps.exif_transpose(photo))


def _flatten(photo: Image.Image) -> Image.Image:
    """Return the photo in RGB, on white where it is transparent."""
    if not photo.has_transparency_data:
        return photo.convert("RGB")
    rgba = photo.convert("RGBA")
    ground = Image.new("RGB", photo.size, _WHITE)
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground


def _save(photo: Image.Image, quality: int = _QUALITY) -> bytes:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _resized(photo: Image.Image, side: str) -> Image.Image:
    side_px = int(side)
    return ImageOps.contain(photo, (side_px, side_px), Image.Resampling.LANCZOS)


def _mirrored(photo: Image.Image, _: str) -> Image.Image:
    return ImageOps.mirror(photo)


def _padded(photo: Image.Image, manner: str) -> Image.Image:
    if manner == "square":
        side_px = max(photo.size)
        return ImageOps.pad(photo, (side_px, side_px), color=_WHITE)
    return ImageOps.expand(photo, max(photo.size) // 10, _WHITE)


def _cropped(photo: Image.Image, _: str) -> Image.Image:
    """Return what is left when a tenth is cut off left and above, and a fifth right and below."""
    width_px, height_px = photo.size
    return photo.crop((width_px // 10, height_px // 10, width_px * 4 // 5, height_px * 4 // 5))


def _with_logo(photo: Image.Image, _: str) -> Image.Image:
    """Return the photo with a round mark of a fifth of its width in a corner."""
    marked = photo.copy()
    side_px = max(photo.width // 5, 40)
    left_px, top_px = photo.width - side_px - 8, photo.height - side_px - 8
    draw = ImageDraw.Draw(marked)
    draw.ellipse((left_px, top_px, left_px + side_px, top_px + side_px), fill=(200, 30, 40), outline=_WHITE, width=3)
    _write(draw, (left_px + side_px // 2, top_px + side_px // 2), "DEMO", side_px // 4, _WHITE)
    return marked


def _with_banner(photo: Image.Image, _: str) -> Image.Image:
    """Return the photo with a band of text over its lowest sixth and one word above."""
    marked = photo.copy()
    band_px = photo.height // 6
    draw = ImageDraw.Draw(marked)
    draw.rectangle((0, photo.height - band_px, photo.width, photo.height), fill=(245, 130, 20))
    middle = (photo.width // 2, photo.height - band_px // 2)
    _write(draw, middle, "FACTORY PRICE  FREE SAMPLE", min(band_px // 3, photo.width // 15), _WHITE)
    _write(draw, (photo.width // 4, band_px // 2), "HOT SALE", band_px // 3, (220, 20, 30))
    return marked


def _collage(photos: list[Image.Image]) -> Image.Image:
    """Return four photos in a square of two by two, each cut to its cell."""
    cell_px = _DRAWN_SIDE_PX // 2
    sheet = Image.new("RGB", (2 * cell_px, 2 * cell_px), _WHITE)
    for index, photo in enumerate(photos):
        sheet.paste(ImageOps.fit(photo, (cell_px - 4, cell_px - 4)), (index % 2 * cell_px, index // 2 * cell_px))
    return sheet


def _draw_size_chart() -> Image.Image:
    sheet = Image.new("RGB", (_DRAWN_SIDE_PX, _DRAWN_SIDE_PX), _WHITE)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (_DRAWN_SIDE_PX // 2, 50), "SIZE CHART (cm)", 40, (20, 20, 20))
    rows = [("", "Bust", "Waist", "Length"), *((size, 84 + 4 * i, 66 + 4 * i, 58 + i) for i, size in enumerate("SMLX"))]
    row_px, column_px = 90, _DRAWN_SIDE_PX // 4
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            left_px, top_px = x * column_px, 110 + y * row_px
            draw.rectangle((left_px, top_px, left_px + column_px, top_px + row_px), outline=(90, 90, 90), width=2)
            _write(draw, (left_px + column_px // 2, top_px + row_px // 2), str(value), 30, (20, 20, 20))
    return sheet


def _draw_flat() -> Image.Image:
    return Image.new("RGB", (_DRAWN_SIDE_PX, _DRAWN_SIDE_PX), (236, 232, 226))


def _draw_placeholder() -> Image.Image:
    """Return a stand-in for the marketplace's own placeholder: a pale grey frame on paler grey."""
    sheet = Image.new("RGB", (700, 700), (242, 243, 247))
    ImageDraw.Draw(sheet).rounded_rectangle((270, 290, 430, 410), radius=16, outline=(222, 224, 232), width=14)
    return sheet


def _write(
    draw: ImageDraw.ImageDraw, middle: tuple[int, int], text: str, size_px: int, colour: tuple[int, ...]
) -> None:
    draw.text(middle, text, fill=colour, font=ImageFont.load_default(max(size_px, 8)), anchor="mm")


_EDITS: dict[Edit, Callable[[Image.Image, str], Image.Image]] = {
    Edit.RESIZED: _resized,
    Edit.MIRRORED: _mirrored,
    Edit.PADDED: _padded,
    Edit.CROPPED: _cropped,
    Edit.LOGO: _with_logo,
    Edit.BANNER: _with_banner,
}
_DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "size-chart": _draw_size_chart,
    "flat": _draw_flat,
    "placeholder": _draw_placeholder,
}
