"""The edits by which vendors hide a copied photo, each a pure function of the photo and of seeded chance.

Lengths that an edit varies are shares of the photo's long side, so that they mean the same at every size. What is put
round a photo (hosts, templates, screens) is in `embedding`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from random import Random

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from bench.recognition import embedding
from bench.recognition.embedding import Hosts

type Apply = Callable[[Image.Image, Random, Hosts], Image.Image]

_WHITE = (255, 255, 255)
_LANCZOS = Image.Resampling.LANCZOS
#: What vendors' tools save at, where the edit is not the recompression itself
_QUALITIES = (75, 80, 85, 90)
_WORDS = ("FACTORY DIRECT", "WHOLESALE 2026", "Lucky Star Jewelry Co.", "HOT SALE", "MOQ 2 PCS", "www.goodshop.example")


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One edit: its name, the family that its figures are added up with, and what it does."""

    name: str
    family: str
    apply: Apply
    #: JPEG qualities to save at, one drawn by chance
    qualities: Sequence[int] = _QUALITIES
    #: Whether the file pretends to come from a camera
    camera: bool = False


def edited(photo: Image.Image, edit: Edit, seed: str, hosts: Hosts) -> bytes:
    """Return the JPEG that a vendor would show; the same for the same photo, edit, seed and hosts."""
    chance = Random(seed)
    shown = edit.apply(photo, chance, hosts)
    file = BytesIO()
    exif = _camera(chance) if edit.camera else Image.Exif()
    shown.save(file, "JPEG", quality=chance.choice(edit.qualities), exif=exif)
    return file.getvalue()


def _same(photo: Image.Image, _: Random, __: Hosts) -> Image.Image:
    return photo


def _resized(long_side_px: int) -> Apply:
    def apply(photo: Image.Image, _: Random, __: Hosts) -> Image.Image:
        return ImageOps.contain(photo, (long_side_px, long_side_px), _LANCZOS)

    return apply


def _stretched(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Make it 1.1 to 1.3 times as wide or as high."""
    factor = chance.uniform(1.1, 1.3)
    width, height = photo.size
    wider = chance.random() < 0.5
    size = (round(width * factor), height) if wider else (width, round(height * factor))
    return photo.resize(size, _LANCZOS)


def _blurred(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Blur by a radius of 0.15 to 0.4 % of the long side."""
    return photo.filter(ImageFilter.GaussianBlur(max(photo.size) * chance.uniform(0.0015, 0.004)))


def _sharpened(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    return photo.filter(ImageFilter.UnsharpMask(2, chance.randrange(120, 260), 2))


def _evaded(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Change brightness and contrast by up to 5 % and scale by up to 0.7 %, as a marketplace's bot does to all."""
    photo = ImageEnhance.Brightness(photo).enhance(chance.uniform(0.97, 1.05))
    photo = ImageEnhance.Contrast(photo).enhance(chance.uniform(0.98, 1.05))
    factor = chance.uniform(0.997, 1.007)
    return photo.resize((round(photo.width * factor), round(photo.height * factor)), _LANCZOS)


def _camera(chance: Random) -> Image.Exif:
    """Return made-up marks of a telephone's camera."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Apple", f"iPhone {chance.randrange(12, 17)}"
    exif[0x0132] = f"2025:{chance.randrange(1, 13):02}:{chance.randrange(1, 29):02} 14:{chance.randrange(60):02}:05"
    return exif


def _brightened(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Change brightness to 65 to 85 % or to 115 to 140 %."""
    return ImageEnhance.Brightness(photo).enhance(_away_from_one(chance, (0.65, 0.85), (1.15, 1.4)))


def _contrasted(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Change contrast to 60 to 85 % or to 120 to 160 %."""
    return ImageEnhance.Contrast(photo).enhance(_away_from_one(chance, (0.6, 0.85), (1.2, 1.6)))


def _saturated(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Change saturation to 30 to 70 % or to 140 to 200 %."""
    return ImageEnhance.Color(photo).enhance(_away_from_one(chance, (0.3, 0.7), (1.4, 2.0)))


def _away_from_one(chance: Random, lower: tuple[float, float], upper: tuple[float, float]) -> float:
    return chance.uniform(*(lower if chance.random() < 0.5 else upper))


def _tinted(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Scale each colour channel by 75 to 115 %."""
    factors = [chance.uniform(0.75, 1.15) for _ in range(3)]
    tables = [[min(round(value * factor), 255) for value in range(256)] for factor in factors]
    return photo.point([value for table in tables for value in table])


def _grey(photo: Image.Image, _: Random, __: Hosts) -> Image.Image:
    return photo.convert("L").convert("RGB")


def _squared(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Pad to a square of 1 to 1.2 times the long side (1.1 where the photo is a square), white, grey or black."""
    wide, narrow = max(photo.size), min(photo.size)
    least = 1.0 if narrow < 0.9 * wide else 1.1
    side = round(wide * chance.uniform(least, 1.2))
    colour = chance.choice((_WHITE, _WHITE, (240, 240, 240), (0, 0, 0)))
    return (
        ImageOps.pad(photo, (side, side), color=colour)
        if least == 1.0 and chance.random() < 0.5
        else _centred(photo, (side, side), colour)
    )


def _centred(photo: Image.Image, size: tuple[int, int], colour: tuple[int, int, int]) -> Image.Image:
    ground = Image.new("RGB", size, colour)
    ground.paste(photo, ((size[0] - photo.width) // 2, (size[1] - photo.height) // 2))
    return ground


def _bordered(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Put a white border of 4 to 15 % of the long side around it."""
    return ImageOps.expand(photo, round(max(photo.size) * chance.uniform(0.04, 0.15)), _WHITE)


def _cropped(away_of_area: float) -> Apply:
    """Cut away a share of the area, in the photo's own shape; off the centre for half of the photos."""

    def apply(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
        return crop(photo, chance, away_of_area)

    return apply


def crop(photo: Image.Image, chance: Random, away_of_area: float) -> Image.Image:
    """Cut away a share of the area, so that what is left shows its part of the photo's detail, or most of it."""
    side = (1 - away_of_area) ** 0.5
    width, height = round(photo.width * side), round(photo.height * side)
    slack = photo.width - width, photo.height - height
    boxes = [(slack[0] // 2, slack[1] // 2)]
    if chance.random() < 0.5:
        boxes = [(chance.randint(0, slack[0]), chance.randint(0, slack[1])) for _ in range(12)]
    detail = photo.convert("L").resize((128, 128)).filter(ImageFilter.FIND_EDGES).crop((1, 1, 127, 127))
    energy = np.asarray(detail, np.float64)

    def held(corner: tuple[int, int]) -> float:
        left, top = (round(126 * at / full) for at, full in zip(corner, photo.size, strict=True))
        return float(energy[top : top + round(126 * side), left : left + round(126 * side)].sum() / (energy.sum() + 1))

    left, top = next((box for box in boxes if held(box) >= 0.7 * (1 - away_of_area)), max(boxes, key=held))
    return photo.crop((left, top, left + width, top + height))


def _with_logo(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Put a round or square mark of 14 to 26 % of the short side into a corner or near it."""
    marked = photo.copy()
    side = round(min(photo.size) * chance.uniform(0.14, 0.26))
    margin = round(min(photo.size) * chance.uniform(0.01, 0.06))
    left = chance.choice((margin, photo.width - side - margin))
    top = chance.choice((margin, photo.height - side - margin))
    draw = ImageDraw.Draw(marked)
    colour = chance.choice(((200, 30, 40), (20, 60, 160), (20, 20, 20), (230, 170, 30)))
    shape = draw.ellipse if chance.random() < 0.6 else draw.rectangle
    shape((left, top, left + side, top + side), fill=colour, outline=_WHITE, width=max(side // 20, 1))
    embedding.write(draw, (left + side / 2, top + side / 2), chance.choice(("LS", "HOT", "A+", "NEW")), side / 3)
    return marked


def _with_tiled_text(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Write a line of text again and again over the whole photo, slanted, 20 to 45 % opaque."""
    size = max(round(max(photo.size) * chance.uniform(0.03, 0.055)), 8)
    font = ImageFont.load_default(size)
    text, angle = chance.choice(_WORDS), chance.uniform(15, 40)
    diagonal = round((photo.width**2 + photo.height**2) ** 0.5)
    layer = Image.new("L", (diagonal, diagonal))
    draw = ImageDraw.Draw(layer)
    step = draw.textlength(text, font) + 2.5 * size
    for row, y in enumerate(range(0, diagonal, round(size * 4))):
        x = -step * (row % 2) / 2
        while x < diagonal:
            draw.text((x, y), text, fill=round(255 * 0.3), font=font)
            x += step
    opacity = chance.uniform(0.2, 0.45)
    layer = layer.rotate(angle, Image.Resampling.BILINEAR).point(
        [min(round(v / 0.3 * opacity), 255) for v in range(256)]
    )
    left, top = (diagonal - photo.width) // 2, (diagonal - photo.height) // 2
    mask = layer.crop((left, top, left + photo.width, top + photo.height))
    colour = chance.choice((_WHITE, (90, 90, 90), (0, 0, 0)))
    return Image.composite(Image.new("RGB", photo.size, colour), photo, mask)


def _with_banner(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Cover the lowest or highest 10 to 20 % with a strip of text."""
    marked = photo.copy()
    height = round(photo.height * chance.uniform(0.1, 0.2))
    top = 0 if chance.random() < 0.35 else photo.height - height
    draw = ImageDraw.Draw(marked)
    colour = chance.choice(((245, 130, 20), (200, 20, 30), (20, 70, 160), (30, 30, 30)))
    draw.rectangle((0, top, photo.width, top + height), fill=colour)
    text = f"{chance.choice(_WORDS)}  {chance.choice(_WORDS)}"
    embedding.write(draw, (photo.width / 2, top + height / 2), text, min(height / 2, photo.width / len(text) * 1.6))
    return marked


def _mirrored(photo: Image.Image, _: Random, __: Hosts) -> Image.Image:
    return ImageOps.mirror(photo)


def _rotated(degrees: float) -> Apply:
    """Rotate either way; half of them keep white corners, the others are cut to what is full."""

    def apply(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
        angle = degrees if chance.random() < 0.5 else -degrees
        turned = photo.rotate(angle, Image.Resampling.BICUBIC, expand=False, fillcolor=_WHITE)
        if chance.random() < 0.5:
            return turned
        # The largest box of the photo's own shape that holds no corner.
        sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        ratio = photo.width / photo.height
        kept = 1 / max(cosine + sine * ratio, cosine + sine / ratio)
        width, height = round(photo.width * kept), round(photo.height * kept)
        left, top = (photo.width - width) // 2, (photo.height - height) // 2
        return turned.crop((left, top, left + width, top + height))

    return apply


def _cut_out(photo: Image.Image, _: Random, __: Hosts) -> Image.Image:
    """Put the subject on white: by its difference from a plain ground, or else as GrabCut finds it in the middle."""
    small = ImageOps.contain(photo, (256, 256), Image.Resampling.BOX)
    pixels = np.asarray(small)
    subject = _off_plain_ground(pixels)
    if subject is None:
        subject = _grabbed(pixels)
    mask = Image.fromarray(subject).resize(photo.size, Image.Resampling.BICUBIC)
    return Image.composite(photo, Image.new("RGB", photo.size, _WHITE), mask)


def _off_plain_ground(pixels: np.ndarray) -> np.ndarray | None:
    """Return what differs from the colour of the border as a mask of 0 and 255, or nothing where that has no colour."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.int16)
    colour = np.median(border, axis=0)
    if np.percentile(np.abs(border - colour).max(axis=1), 90) > 18:
        return None
    subject = (np.abs(pixels - colour).max(axis=2) > 24).astype(np.uint8) * 255
    return np.asarray(cv2.dilate(subject, np.ones((5, 5), np.uint8)))


def _grabbed(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    box = (round(width * 0.08), round(height * 0.06), round(width * 0.84), round(height * 0.88))
    cv2.setRNGSeed(0)  # GrabCut starts its clusters by chance
    cv2.grabCut(
        np.ascontiguousarray(pixels[:, :, ::-1]),
        mask,
        box,
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        3,
        cv2.GC_INIT_WITH_RECT,
    )
    subject = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    if subject.mean() < 255 * 0.12:  # nothing found: an oval of the middle, as a hurried hand would cut
        cv2.ellipse(subject, (width // 2, height // 2), (round(width * 0.4), round(height * 0.4)), 0, 0, 360, 255, -1)
    return subject


def _light_jpeg(photo: Image.Image, chance: Random) -> Image.Image:
    """Save and read again, once, at 45 to 65: a copy of a copy."""
    file = BytesIO()
    photo.save(file, "JPEG", quality=chance.randrange(45, 65))
    return Image.open(BytesIO(file.getvalue())).convert("RGB")


def _recompressed(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    return _light_jpeg(photo, chance)


def _trimmed(photo: Image.Image, chance: Random, _: Hosts) -> Image.Image:
    """Cut away 10 to 30 % of the area."""
    return crop(photo, chance, chance.uniform(0.1, 0.3))


def _slanted(photo: Image.Image, chance: Random, hosts: Hosts) -> Image.Image:
    """Rotate by 2 to 8 degrees."""
    return _rotated(chance.uniform(2, 8))(photo, chance, hosts)


def _shrunk(photo: Image.Image, chance: Random, hosts: Hosts) -> Image.Image:
    """Resize to 300 to 500 pixels."""
    return _resized(chance.randrange(300, 500))(photo, chance, hosts)


def _in_turn(*steps: Apply) -> Apply:
    def apply(photo: Image.Image, chance: Random, hosts: Hosts) -> Image.Image:
        for step in steps:
            photo = step(photo, chance, hosts)
        return photo

    return apply


#: Every edit, in the order of the tables
EDITS: tuple[Edit, ...] = (
    *(Edit(name=f"jpeg {q}", family="light", apply=_same, qualities=(q,)) for q in (30, 50, 70)),
    *(Edit(name=f"resize {px}", family="light", apply=_resized(px)) for px in (150, 350, 720)),
    Edit(name="stretch", family="light", apply=_stretched),
    Edit(name="blur", family="light", apply=_blurred),
    Edit(name="sharpen", family="light", apply=_sharpened),
    Edit(name="evasion", family="light", apply=_evaded, qualities=range(88, 93), camera=True),
    Edit(name="brightness", family="colour", apply=_brightened),
    Edit(name="contrast", family="colour", apply=_contrasted),
    Edit(name="saturation", family="colour", apply=_saturated),
    Edit(name="tint", family="colour", apply=_tinted),
    Edit(name="grey", family="colour", apply=_grey),
    Edit(name="square", family="pad", apply=_squared),
    Edit(name="border", family="pad", apply=_bordered),
    *(Edit(name=f"crop {percent}", family="crop", apply=_cropped(percent / 100)) for percent in (5, 10, 20, 30, 50)),
    Edit(name="crop to half the sides", family="crop", apply=_cropped(0.75)),
    Edit(name="logo", family="overlay", apply=_with_logo),
    Edit(name="tiled text", family="overlay", apply=_with_tiled_text),
    Edit(name="banner", family="overlay", apply=_with_banner),
    Edit(name="mirror", family="mirror", apply=_mirrored),
    Edit(name="rotate 3", family="rotate", apply=_rotated(3)),
    Edit(name="rotate 10", family="rotate", apply=_rotated(10)),
    Edit(name="cut out on white", family="white background", apply=_cut_out),
    Edit(name="collage", family="embedded", apply=embedding.collage),
    Edit(name="pasted on a photo", family="embedded", apply=embedding.pasted),
    Edit(name="template", family="embedded", apply=embedding.template),
    Edit(name="phone screenshot", family="embedded", apply=embedding.screenshot),
    Edit(name="mirror, collage", family="embedded", apply=_in_turn(_mirrored, embedding.collage)),
    Edit(name="crop, mirror, logo", family="combined", apply=_in_turn(_trimmed, _mirrored, _with_logo)),
    Edit(name="square, banner, jpeg", family="combined", apply=_in_turn(_squared, _with_banner, _recompressed)),
    Edit(name="rotate, crop, tint", family="combined", apply=_in_turn(_slanted, _trimmed, _tinted)),
    Edit(name="mirror, text, small", family="combined", apply=_in_turn(_mirrored, _with_tiled_text, _shrunk)),
    Edit(name="stretch, border, saturation", family="combined", apply=_in_turn(_stretched, _bordered, _saturated)),
    Edit(name="cut out, mirror, banner", family="combined", apply=_in_turn(_cut_out, _mirrored, _with_banner)),
    Edit(name="crop, template, jpeg", family="combined", apply=_in_turn(_trimmed, embedding.template, _recompressed)),
)
#: A photo saved again and nothing else: what most photos of a vendor are
PLAIN = Edit(name="plain", family="plain", apply=_same)
