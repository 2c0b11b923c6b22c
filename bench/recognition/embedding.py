"""Photos inside other pictures: collages, photos on photos, shop templates, screenshots of a telephone."""

from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageFont, ImageOps

#: Draws a photo by chance that is nobody's original
type Hosts = Callable[[Random], Image.Image]

_WHITE = (255, 255, 255)
_INK = (40, 40, 40)
_LANCZOS = Image.Resampling.LANCZOS
_NAMES = (
    "Boho Pendant Necklace",
    "Cotton Summer Dress",
    "Gift for Her",
    "Minimalist Ring",
    "2026 New Arrival",
    "Vintage",
)
_BADGES = ("-45%", "HOT", "NEW", "FREE SHIPPING", "TOP SELLER", "1 PC")


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size_px: float,
    colour: tuple[int, int, int] = _WHITE,
    anchor: str = "mm",
) -> None:
    """Write a line of text in the font that Pillow brings, which is the same on every machine."""
    draw.text(at, text, fill=colour, font=ImageFont.load_default(max(size_px, 6)), anchor=anchor)


def collage(photo: Image.Image, chance: Random, hosts: Hosts) -> Image.Image:
    """Put four photos into a square of two by two, each cut to its cell or whole on white, with gaps of 0 to 2 %."""
    side = chance.randrange(700, 1000)
    gap = round(side * chance.choice((0, 0.006, 0.02)))
    cell = (side - gap) // 2
    whole = chance.random() < 0.3
    place = chance.randrange(4)
    sheet = Image.new("RGB", (side, side), _WHITE)
    for index in range(4):
        shown = photo if index == place else hosts(chance)
        fitted = _padded(shown, (cell, cell)) if whole else ImageOps.fit(shown, (cell, cell), _LANCZOS)
        sheet.paste(fitted, (index % 2 * (cell + gap), index // 2 * (cell + gap)))
    return sheet


def pasted(photo: Image.Image, chance: Random, hosts: Hosts) -> Image.Image:
    """Paste it at 45 to 60 % of the width and height onto another photo, half of the times with a white frame."""
    ground = ImageOps.contain(hosts(chance), (1000, 1000), _LANCZOS)
    if max(ground.size) < 700:
        ground = ImageOps.contain(ground, (800, 800), _LANCZOS)
        ground = ground.resize(
            (round(ground.width * 800 / max(ground.size)), round(ground.height * 800 / max(ground.size)))
        )
    share = chance.uniform(0.45, 0.6)
    small = ImageOps.contain(photo, (round(ground.width * share), round(ground.height * share)), _LANCZOS)
    if chance.random() < 0.5:
        small = ImageOps.expand(small, max(round(small.width * 0.015), 2), _WHITE)
    ground.paste(
        small, (chance.randint(0, ground.width - small.width), chance.randint(0, ground.height - small.height))
    )
    return ground


def template(photo: Image.Image, chance: Random, hosts: Hosts) -> Image.Image:
    """Put it into a shop's frame with a title, badges, and on some a row of small photos below."""
    side = chance.randrange(700, 1000)
    theme = chance.choice(((180, 30, 50), (30, 80, 60), (40, 50, 110), (200, 150, 60), (60, 60, 60)))
    sheet = Image.new("RGB", (side, side), chance.choice((_WHITE, (250, 244, 236), (236, 240, 246), theme)))
    draw = ImageDraw.Draw(sheet)
    head, foot = round(side * chance.uniform(0.1, 0.16)), round(side * chance.uniform(0.12, 0.2))
    draw.rectangle((0, 0, side, head), fill=theme)
    write(draw, (side / 2, head / 2), chance.choice(_NAMES).upper(), head * 0.42)
    box = round(side * chance.uniform(0.68, 0.84)), side - head - foot - round(side * 0.04)
    shown = ImageOps.contain(photo, box, _LANCZOS)
    left, top = (side - shown.width) // 2, head + (side - head - foot - shown.height) // 2
    sheet.paste(shown, (left, top))
    if chance.random() < 0.5:
        draw.rectangle((left, top, left + shown.width - 1, top + shown.height - 1), outline=theme, width=side // 150)
    _badge(draw, (left + shown.width * 0.9, top + shown.height * 0.1), side * 0.07, chance)
    if chance.random() < 0.5:
        small = foot - round(side * 0.03)
        for index in range(4):
            thumb = ImageOps.fit(hosts(chance), (small, small), _LANCZOS)
            sheet.paste(thumb, (round(side * (0.1 + 0.21 * index)), side - foot + round(side * 0.015)))
    else:
        draw.rectangle((0, side - foot, side, side), fill=theme)
        write(draw, (side / 2, side - foot * 0.65), "Factory price - Fast delivery", foot * 0.24)
        write(
            draw, (side / 2, side - foot * 0.3), f"US ${chance.randrange(1, 9)}.{chance.randrange(10, 99)}", foot * 0.3
        )
    return sheet


def screenshot(photo: Image.Image, chance: Random, hosts: Hosts) -> Image.Image:
    """Show it in a shop's page on a telephone, with the bars of the system, the price and more goods below."""
    width = chance.choice((540, 720, 750))
    height = round(width * chance.choice((16 / 9, 19.5 / 9)))
    dark = chance.random() < 0.25
    ground, ink = ((18, 18, 20), (235, 235, 235)) if dark else (_WHITE, _INK)
    screen = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(screen)
    unit = width / 100
    clock = f"{chance.randrange(24)}:{chance.randrange(60):02}"
    write(draw, (4 * unit, 3.5 * unit), clock, 4 * unit, ink, "lm")
    draw.rectangle((88 * unit, 2.2 * unit, 96 * unit, 5 * unit), outline=ink, width=2)
    draw.rounded_rectangle((12 * unit, 8 * unit, 88 * unit, 16 * unit), 4 * unit, fill=(128, 128, 128))
    write(draw, (20 * unit, 12 * unit), "Search", 3.8 * unit, _WHITE, "lm")
    shown = ImageOps.contain(photo, (width, width), _LANCZOS)
    if shown.width < width:
        shown = _padded(shown, (width, shown.height), ground)
    top = round(18 * unit)
    screen.paste(shown, (0, top))
    write(draw, (92 * unit, top + shown.height - 5 * unit), f"1/{chance.randrange(2, 9)}", 3.6 * unit, _WHITE)
    y = top + shown.height + 5 * unit
    write(
        draw,
        (4 * unit, y + 2 * unit),
        f"US ${chance.randrange(1, 30)}.{chance.randrange(10, 99)}",
        7 * unit,
        (220, 40, 40),
        "lm",
    )
    write(draw, (4 * unit, y + 10 * unit), f"{chance.choice(_NAMES)} {chance.choice(_NAMES)}", 4 * unit, ink, "lm")
    write(
        draw,
        (4 * unit, y + 16 * unit),
        f"4.{chance.randrange(10)}  {chance.randrange(20, 900)} sold",
        3.6 * unit,
        (130, 130, 130),
        "lm",
    )
    for index in range(3):
        thumb = ImageOps.fit(hosts(chance), (round(29 * unit), round(29 * unit)), _LANCZOS)
        screen.paste(thumb, (round((3 + 32 * index) * unit), round(y + 22 * unit)))
    draw.rectangle((0, height - 14 * unit, width, height), fill=ground)
    draw.rounded_rectangle((40 * unit, height - 12 * unit, 97 * unit, height - 2 * unit), 5 * unit, fill=(235, 90, 30))
    write(draw, (68 * unit, height - 7 * unit), "Buy now", 4.5 * unit)
    return screen


def _badge(draw: ImageDraw.ImageDraw, at: tuple[float, float], radius: float, chance: Random) -> None:
    x, y = at
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=chance.choice(((220, 30, 40), (250, 180, 20))))
    text = chance.choice(_BADGES)
    write(draw, at, text, min(radius * 0.8, radius * 3.2 / len(text)))


def _padded(photo: Image.Image, size: tuple[int, int], colour: tuple[int, int, int] = _WHITE) -> Image.Image:
    return ImageOps.pad(photo, size, _LANCZOS, color=colour)
