"""Drawn jewellery on plain ground: families of pieces in one pose that are different pieces.

A family has one pose, metal, light and ground. Each of its pieces is laid anew, as in another shot of the same set-up:
links and beads lie a little elsewhere, and the pendant, stone or pattern is another one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

type Colour = tuple[int, int, int]
type Point = tuple[float, float]
#: The point of a ring at an angle, and further out by a factor
type Along = Callable[..., Point]

#: Pieces in a family; each kind of family is drawn as often as the others
PIECES = 6
FAMILIES = 30

_SIDE_PX = 800
_SCALE = 2  # drawn larger and reduced, which smooths the edges
_FULL = _SIDE_PX * _SCALE
_QUALITY = 92
_TOP = -math.pi / 2
_METALS: Sequence[tuple[Colour, Colour, Colour]] = (
    ((120, 80, 20), (214, 168, 74), (255, 240, 190)),  # gold: its shadow, itself, its gleam
    ((70, 72, 78), (176, 178, 184), (255, 255, 255)),
    ((128, 70, 52), (222, 156, 132), (255, 228, 214)),
    ((30, 30, 34), (90, 90, 96), (190, 190, 200)),
)
_STONES: Sequence[Colour] = (
    (30, 60, 170), (170, 20, 50), (20, 120, 70), (90, 190, 200), (140, 70, 170),
    (235, 235, 240), (240, 200, 70), (30, 30, 36), (240, 150, 170), (120, 170, 60),
)  # fmt: skip
_GROUNDS: Sequence[tuple[Colour, float]] = (  # colour, and how much darker it gets towards a corner
    ((255, 255, 255), 0.0), ((255, 255, 255), 0.04), ((250, 249, 247), 0.06), ((244, 240, 234), 0.08),
    ((255, 255, 255), 0.0), ((226, 228, 230), 0.1), ((236, 214, 208), 0.06), ((60, 62, 66), 0.25),
)  # fmt: skip
_PENDANTS = ("round", "drop", "heart", "star", "moon", "bar", "cross", "leaf", "hexagon", "stone", "pearl", "eye")


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the pieces of a family share."""

    name: str
    metal: tuple[Colour, Colour, Colour]
    ground: Colour
    falloff: float
    light: Point
    size: float
    turn: float
    curve: float
    centre: Point


class Sheet:
    """A picture in the making: what is drawn, and where it throws a shadow; lengths are shares of its side."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.image = Image.new("RGB", (_FULL, _FULL), look.ground)
        self.draw = ImageDraw.Draw(self.image)
        self.shadow = Image.new("L", (_FULL, _FULL))
        self._shading = ImageDraw.Draw(self.shadow)

    def tube(self, points: Sequence[Point], width: float, tones: tuple[Colour, Colour, Colour] | None = None) -> None:
        """Draw a round wire along points: dark at its edges, brightest towards the light."""
        dark, own, gleam = tones or self.look.metal
        lit_x, lit_y = self.look.light
        steps = ((1.0, dark, 0.0), (0.78, _mixed(dark, own, 0.7), 0.1), (0.55, own, 0.16), (0.22, gleam, 0.2))
        for share, colour, shift in steps:
            moved = [(x + lit_x * width * shift, y + lit_y * width * shift) for x, y in points]
            self._line(self.draw, moved, width * share, colour)
        self._line(self._shading, [(x - lit_x * width, y - lit_y * width) for x, y in points], width, 150)

    def ball(self, at: Point, radius: float, colour: Colour, *, gleam: float = 1.0) -> None:
        """Draw a ball: darker towards its edge, with a gleam towards the light."""
        lit_x, lit_y = self.look.light
        for step in range(10):
            share = 1 - step / 10
            tone = _mixed(_mixed(colour, (0, 0, 0), 0.55), _mixed(colour, (255, 255, 255), 0.35), step / 9)
            shift = radius * 0.35 * (1 - share)
            self._disc(self.draw, (at[0] + lit_x * shift, at[1] + lit_y * shift), radius * share, tone)
        if gleam:
            self._disc(
                self.draw,
                (at[0] + lit_x * radius * 0.45, at[1] + lit_y * radius * 0.45),
                radius * 0.16 * gleam,
                (255, 255, 255),
            )
        self._disc(self._shading, (at[0] - lit_x * radius * 0.4, at[1] - lit_y * radius * 0.4), radius, 150)

    def plate(self, points: Sequence[Point], tones: tuple[Colour, Colour, Colour] | None = None) -> None:
        """Draw a flat piece of metal with a lit rim."""
        dark, own, gleam = tones or self.look.metal
        centre = sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
        lit_x, lit_y = self.look.light
        for share, colour, shift in (
            (1.0, dark, 0.0),
            (0.94, gleam, 0.006),
            (0.84, own, 0.002),
            (0.6, _mixed(own, gleam, 0.3), 0.006),
        ):
            moved = [
                (
                    centre[0] + (x - centre[0]) * share + lit_x * shift,
                    centre[1] + (y - centre[1]) * share + lit_y * shift,
                )
                for x, y in points
            ]
            self.draw.polygon([self._px(point) for point in moved], fill=colour)
        self._shading.polygon([self._px((x - lit_x * 0.008, y - lit_y * 0.008)) for x, y in points], fill=150)

    def gem(self, at: Point, radius: float, colour: Colour, corners: int, turn: float) -> None:
        """Draw a cut stone: a table, and facets around it, each as bright as it faces the light."""
        outer = _corners(at, radius, corners, turn)
        inner = _corners(at, radius * 0.55, corners, turn + math.pi / corners)
        lit = math.atan2(self.look.light[1], self.look.light[0])
        self._shading.polygon([self._px(point) for point in outer], fill=170)
        for index in range(corners):
            here, after = outer[index], outer[(index + 1) % corners]
            facets = ((here, after, inner[index]), (here, inner[index - 1], inner[index]))
            for which, facet in enumerate(facets):
                angle = turn + 2 * math.pi * (index + (0.5 if which == 0 else 0)) / corners
                bright = 0.5 + 0.5 * math.cos(angle - lit + which)
                tone = _mixed(_mixed(colour, (0, 0, 0), 0.5), _mixed(colour, (255, 255, 255), 0.7), bright)
                self.draw.polygon([self._px(point) for point in facet], fill=tone)
        self.draw.polygon([self._px(point) for point in inner], fill=_mixed(colour, (255, 255, 255), 0.25))
        glint = [inner[0], inner[1], (at[0] + (inner[0][0] - at[0]) * 0.3, at[1] + (inner[0][1] - at[1]) * 0.3)]
        self.draw.polygon([self._px(point) for point in glint], fill=_mixed(colour, (255, 255, 255), 0.75))

    def finish(self, chance: Random) -> Image.Image:
        """Return the picture with its ground, its shadows and a little of a camera's noise."""
        noise = np.random.default_rng(chance.randrange(2**32))
        drawn = Image.new("L", (_FULL, _FULL), 255)
        plain = Image.new("RGB", (_FULL, _FULL), self.look.ground)
        changed = ImageChops.difference(self.image, plain).convert("L").point([0] + [255] * 255)
        drawn.paste(0, mask=changed)
        soft = (
            self.shadow.resize((_SIDE_PX // 2, _SIDE_PX // 2))
            .filter(ImageFilter.GaussianBlur(5))
            .resize((_FULL, _FULL))
        )
        soft = ImageChops.multiply(soft, drawn).point([value * 2 // 5 for value in range(256)])
        picture = Image.composite(Image.new("RGB", (_FULL, _FULL), (20, 18, 16)), self.image, soft)
        pixels = np.asarray(picture.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX), np.float32)
        y, x = np.mgrid[0:_SIDE_PX, 0:_SIDE_PX] / _SIDE_PX - 0.5
        lit_x, lit_y = self.look.light
        pixels = pixels * (1 - self.look.falloff * (0.5 - lit_x * x - lit_y * y))[:, :, None].astype(np.float32)
        pixels += noise.normal(0, 1.3, pixels.shape).astype(np.float32) * (pixels < 250)
        return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))

    def _line(self, draw: ImageDraw.ImageDraw, points: Sequence[Point], width: float, colour: Colour | int) -> None:
        draw.line([self._px(point) for point in points], fill=colour, width=max(round(width * _FULL), 1), joint="curve")

    def _disc(self, draw: ImageDraw.ImageDraw, at: Point, radius: float, colour: Colour | int) -> None:
        x, y = self._px(at)
        r = radius * _FULL
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    @staticmethod
    def _px(point: Point) -> Point:
        return point[0] * _FULL, point[1] * _FULL


def family_names() -> list[str]:
    """Return the names of all families."""
    kinds = list(_KINDS)
    return [f"{kinds[index % len(kinds)]}-{index // len(kinds)}" for index in range(FAMILIES)]


def draw(family: str, piece: int) -> bytes:
    """Return the JPEG of one piece of a family."""
    look = _look(family)
    chance = Random(f"{family}/{piece}")
    sheet = Sheet(look)
    _KINDS[family.partition("-")[0]](sheet, chance, piece)
    file = BytesIO()
    sheet.finish(chance).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _look(family: str) -> Look:
    chance = Random(family)
    ground, falloff = chance.choice(_GROUNDS)
    angle = chance.uniform(-2.8, -0.4)
    return Look(
        name=family,
        metal=chance.choice(_METALS),
        ground=ground,
        falloff=falloff,
        light=(math.cos(angle), math.sin(angle)),
        size=chance.uniform(0.85, 1.15),
        turn=chance.uniform(-0.5, 0.5),
        curve=chance.uniform(0.6, 1.4),
        centre=(chance.uniform(0.46, 0.54), chance.uniform(0.44, 0.56)),
    )


def _draw_necklace(sheet: Sheet, chance: Random, piece: int) -> None:
    look = sheet.look
    sag = 0.3 * look.curve * chance.uniform(0.95, 1.05)
    half = 0.3 * look.size * chance.uniform(0.96, 1.04)
    x, y = look.centre[0], 0.1
    path = [
        (
            x + half * t + look.turn * 0.04 * (1 - t * t) + chance.uniform(-0.001, 0.001),
            y + (0.12 + sag) * (1 - abs(t) ** 2.2),
        )
        for t in (step / 90 - 1 for step in range(181))
    ]
    _chain(sheet, path, 0.007 * look.size, chance)
    _pendant(sheet, (path[90][0], path[90][1]), 0.075 * look.size, chance, piece)


def _draw_lying_chain(sheet: Sheet, chance: Random, piece: int) -> None:
    """Draw a closed chain that lies in an uneven loop, with a pendant at its lowest point."""
    look = sheet.look
    pose = Random(look.name + "/loop")
    waves = [(pose.uniform(0, 0.12), pose.uniform(0, 6.3)) for _ in range(4)]
    waves = [(size + chance.uniform(-0.012, 0.012), phase + chance.uniform(-0.08, 0.08)) for size, phase in waves]
    path = []
    for step in range(301):
        angle = math.pi / 2 + 2 * math.pi * step / 300
        radius = 0.27 * look.size * (1 + sum(s * math.cos((n + 2) * angle + p) for n, (s, p) in enumerate(waves)))
        path.append((look.centre[0] + radius * math.cos(angle), 0.42 + radius * 0.9 * math.sin(angle)))
    _chain(sheet, path, 0.006 * look.size, chance)
    _pendant(sheet, path[0], 0.07 * look.size, chance, piece)


def _draw_ring(sheet: Sheet, chance: Random, piece: int) -> None:
    """Draw a band seen from the side and above, each piece with a head of another kind."""
    look = sheet.look
    radius = 0.26 * look.size * chance.uniform(0.97, 1.03)
    flat = (0.35 + 0.4 * look.curve / 1.4) * chance.uniform(0.95, 1.05)
    turn = look.turn + chance.uniform(-0.07, 0.07)
    x, y = look.centre[0] + chance.uniform(-0.015, 0.015), look.centre[1] + 0.06 + chance.uniform(-0.015, 0.015)
    width = (0.014 + 0.012 * abs(look.turn)) * chance.uniform(0.9, 1.1)

    def at(angle: float, scale: float = 1.0) -> Point:
        u, v = radius * scale * math.cos(angle), radius * scale * flat * math.sin(angle)
        return x + u * math.cos(turn) - v * math.sin(turn), y + u * math.sin(turn) + v * math.cos(turn)

    sheet.tube([at(math.radians(a)) for a in range(-180, 1, 2)], width)
    sheet.tube([at(math.radians(a)) for a in range(0, 181, 2)], width)
    _RING_HEADS[piece](sheet, at, chance, _own_colour(look, piece))


def _head_solitaire(sheet: Sheet, at: Along, chance: Random, colour: Colour) -> None:
    head, size = at(_TOP), 0.055 * sheet.look.size
    sheet.gem(head, size, colour, 8, chance.uniform(0, 1))
    for claw in range(4):
        angle = claw * math.pi / 2 + 0.8
        sheet.ball(
            (head[0] + size * math.cos(angle), head[1] + size * math.sin(angle)), size * 0.14, sheet.look.metal[1]
        )


def _head_three_stones(sheet: Sheet, at: Along, chance: Random, colour: Colour) -> None:
    for offset, share in ((-0.34, 0.5), (0.34, 0.5), (0.0, 0.85)):
        sheet.gem(at(_TOP + offset), 0.05 * sheet.look.size * share, colour, 8, chance.uniform(0, 1))


def _head_row_of_stones(sheet: Sheet, at: Along, _: Random, colour: Colour) -> None:
    for step in range(-5, 6):
        sheet.ball(at(_TOP + step * 0.13), 0.016 * sheet.look.size, colour if step % 2 else _STONES[5])


def _head_signet(sheet: Sheet, at: Along, chance: Random, colour: Colour) -> None:
    head, size = at(_TOP), 0.05 * sheet.look.size
    sheet.plate([(head[0] + 1.3 * size * u, head[1] + size * v) for u, v in _outline("round")])
    sheet.gem(head, size * 0.45, colour, 6, chance.uniform(0, 1))


def _head_two_bands(sheet: Sheet, at: Along, _: Random, colour: Colour) -> None:
    sheet.tube([at(math.radians(a), 1.1) for a in range(-170, -9, 2)], 0.01)
    for angle in (-2.3, -0.9):
        sheet.ball(at(angle, 1.05), 0.03 * sheet.look.size, colour)


def _head_leaves(sheet: Sheet, at: Along, _: Random, __: Colour) -> None:
    size = 0.05 * sheet.look.size
    for step in range(-3, 4):
        leaf = at(_TOP + step * 0.22)
        sheet.plate([(leaf[0] + 0.5 * size * u, leaf[1] + 0.8 * size * v) for u, v in _outline("leaf")])


def _own_colour(look: Look, piece: int) -> Colour:
    """Return the stones' colour of a piece, which no other piece of the family has."""
    return Random(look.name + "/stones").sample(_STONES, len(_STONES))[piece]


def _draw_bracelet(sheet: Sheet, chance: Random, piece: int) -> None:
    """Draw a ring of beads in two to four colours, with one bead or charm that is not like them."""
    look = sheet.look
    beads = Random(look.name).randrange(22, 34) + piece % 3
    radius = 0.29 * look.size * chance.uniform(0.97, 1.03)
    colours = [_own_colour(look, piece), *chance.sample(_STONES, 1 + piece % 3)]
    size = math.pi * radius / beads * 0.98
    turn = look.turn + chance.uniform(-0.1, 0.1)
    for index in range(beads):
        angle = 2 * math.pi * index / beads + math.pi / 2 + turn + chance.uniform(-0.02, 0.02)
        reach = radius * chance.uniform(0.985, 1.015)
        at = look.centre[0] + reach * math.cos(angle), 0.48 + reach * 0.92 * math.sin(angle)
        if index == 0:
            sheet.gem(at, size * 1.3, colours[0], 6, chance.uniform(0, 1))
        elif index % (4 + piece) == 3:
            sheet.ball(at, size * 0.7, look.metal[1])
        else:
            colour = colours[(index // (1 + piece % 2)) % len(colours)]
            sheet.ball(at, size * chance.uniform(0.96, 1.03), _shaken(colour, chance))
    if piece % 2:
        low = look.centre[0], 0.48 + radius * 0.92 + size
        _pendant(sheet, low, 0.045 * look.size, chance, piece)


def _draw_earrings(sheet: Sheet, chance: Random, piece: int) -> None:
    look = sheet.look
    drop = Random(chance.random())
    for side in (-1, 1):
        x = look.centre[0] + side * 0.17 * look.size + chance.uniform(-0.006, 0.006)
        top = 0.22 + chance.uniform(-0.006, 0.006)
        lean = look.turn * 0.15 + chance.uniform(-0.03, 0.03)
        hook = [
            (x + 0.05 * math.cos(a) + 0.03, top + 0.06 * math.sin(a))
            for a in (math.radians(d) for d in range(0, -200, -4))
        ]
        hook += [(x - 0.02 + lean * 0.02 * step, top + 0.03 + 0.012 * step) for step in range(10)]
        sheet.tube(hook, 0.006)
        state = drop.getstate()
        _pendant(sheet, hook[-1], 0.085 * look.size, drop, piece)
        drop.setstate(state)  # both of a pair are alike


def _draw_hoops(sheet: Sheet, chance: Random, piece: int) -> None:
    """Draw two hoops with balls on them, wound with wire, or with stones."""
    look = sheet.look
    colour = _own_colour(look, piece)
    for side in (-1, 1):
        x = look.centre[0] + side * 0.2 + chance.uniform(-0.012, 0.012)
        y = look.centre[1] + chance.uniform(-0.012, 0.012)
        radius = 0.15 * look.size * chance.uniform(0.98, 1.02)
        squeeze = (0.8 + 0.15 * side * look.turn) * chance.uniform(0.97, 1.03)
        turns = [math.radians(degrees) for degrees in range(-80, 262, 3)]
        ring = [(x + radius * squeeze * math.cos(a), y + radius * math.sin(a)) for a in turns]
        sheet.tube(ring, (0.01, 0.014, 0.008, 0.02, 0.012, 0.016)[piece])
        match piece:
            case 0 | 3:
                for index in range(3, len(ring), 4 if piece == 0 else 11):
                    sheet.ball(ring[index], 0.011 if piece == 0 else 0.022, colour)
            case 1 | 4:
                for index in range(2, len(ring) - 2, 3 if piece == 1 else 7):
                    _wind(sheet, ring[index - 1], ring[index + 1], 0.012 if piece == 1 else 0.02)
            case _:
                for index in (40, 57, 74) if piece == 2 else (22, 92):
                    sheet.gem(ring[index], 0.026, colour, 8 if piece == 2 else 5, chance.uniform(0, 1))


def _wind(sheet: Sheet, before: Point, after: Point, reach: float) -> None:
    """Lay a turn of thinner wire across the wire that runs from one point to the other."""
    (ax, ay), (bx, by) = before, after
    length = math.hypot(bx - ax, by - ay)
    nx, ny = (by - ay) / length * reach, -(bx - ax) / length * reach
    sheet.tube([(ax + nx, ay + ny), (bx - nx, by - ny)], 0.006)


def _chain(sheet: Sheet, path: Sequence[Point], link: float, chance: Random) -> None:
    """Lay links along a path, flat and on edge by turns."""
    travelled, due, turn = 0.0, 0.0, 0
    for (ax, ay), (bx, by) in pairwise(path):
        step = math.hypot(bx - ax, by - ay)
        while due <= travelled + step and step:
            share = (due - travelled) / step
            at = ax + (bx - ax) * share, ay + (by - ay) * share
            angle = math.atan2(by - ay, bx - ax) + chance.uniform(-0.12, 0.12)
            across = link * (0.75 if turn % 2 == 0 else 0.12)
            ring = [
                (
                    at[0] + 1.15 * link * math.cos(a) * math.cos(angle) - across * math.sin(a) * math.sin(angle),
                    at[1] + 1.15 * link * math.cos(a) * math.sin(angle) + across * math.sin(a) * math.cos(angle),
                )
                for a in (math.radians(d) for d in range(0, 361, 24))
            ]
            sheet.tube(ring, link * 0.42)
            due += link * 1.55
            turn += 1
        travelled += step


def _pendant(sheet: Sheet, at: Point, size: float, chance: Random, piece: int) -> None:
    """Hang a pendant: the pieces of a family get different shapes, and stones or engravings of their own."""
    shapes = Random(sheet.look.name + "/pendants").sample(_PENDANTS, len(_PENDANTS))
    shape = shapes[piece % len(shapes)]
    x, y = at[0], at[1] + size * 1.2
    colour = chance.choice(_STONES)
    sheet.tube(
        [
            (at[0] + size * 0.14 * math.cos(a), at[1] + size * 0.16 + size * 0.16 * math.sin(a))
            for a in np.arange(0, 6.5, 0.3)
        ],
        size * 0.06,
    )
    if shape == "stone":
        sheet.gem((x, y), size * 0.8, colour, 8, chance.uniform(0, 1))
    elif shape == "pearl":
        sheet.ball((x, y), size * 0.75, (238, 230, 222))
    elif shape == "eye":
        for share, tone in (
            (0.85, (30, 60, 170)),
            (0.55, (245, 245, 245)),
            (0.38, (110, 180, 220)),
            (0.2, (20, 20, 25)),
        ):
            sheet.ball((x, y), size * share, tone, gleam=0)
    else:
        sheet.plate([(x + size * u, y + size * v) for u, v in _outline(shape)])
        if chance.random() < 0.6:
            sheet.gem((x, y), size * 0.25, colour, 8, chance.uniform(0, 1))
        else:
            for _ in range(chance.randrange(3, 7)):
                angle, reach = chance.uniform(0, 6.3), size * chance.uniform(0.1, 0.4)
                sheet.ball((x + reach * math.cos(angle), y + reach * math.sin(angle)), size * 0.07, colour)


def _outline(shape: str) -> list[Point]:
    turns = [2 * math.pi * step / 60 for step in range(60)]
    match shape:
        case "drop":
            return [(0.75 * math.sin(t) * math.sin(t / 2) ** 1.5, -1.0 * math.cos(t)) for t in turns]
        case "heart":
            return [
                (
                    math.sin(t) ** 3,
                    -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
                )
                for t in turns
            ]
        case "star":
            return [
                (
                    (1 if n % 2 == 0 else 0.42) * math.sin(n * math.pi / 5),
                    -(1 if n % 2 == 0 else 0.42) * math.cos(n * math.pi / 5),
                )
                for n in range(10)
            ]
        case "moon":
            outer = [(math.cos(a), math.sin(a)) for a in np.linspace(0.7, 5.6, 40)]
            inner = [(0.25 + 0.78 * math.cos(a), 0.78 * math.sin(a)) for a in np.linspace(5.4, 0.9, 40)]
            return outer + inner
        case "bar":
            return [(-0.22, -1.0), (0.22, -1.0), (0.22, 1.2), (-0.22, 1.2)]
        case "cross":
            return [
                (-0.2, -1), (0.2, -1), (0.2, -0.45), (0.7, -0.45), (0.7, -0.05), (0.2, -0.05),
                (0.2, 1.1), (-0.2, 1.1), (-0.2, -0.05), (-0.7, -0.05), (-0.7, -0.45), (-0.2, -0.45),
            ]  # fmt: skip
        case "leaf":
            return [(0.55 * math.sin(t) * (1 - 0.2 * math.cos(5 * t)), -1.1 * math.cos(t)) for t in turns]
        case "hexagon":
            return _corners((0, 0), 0.95, 6, 0.52)
        case _:
            return [(0.85 * math.cos(t), 0.85 * math.sin(t)) for t in turns]


def _corners(at: Point, radius: float, count: int, turn: float) -> list[Point]:
    angles = (turn + 2 * math.pi * index / count for index in range(count))
    return [(at[0] + radius * math.cos(a), at[1] + radius * math.sin(a)) for a in angles]


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    r, g, b = (round(a + (z - a) * share) for a, z in zip(one, other, strict=True))
    return r, g, b


def _shaken(colour: Colour, chance: Random) -> Colour:
    r, g, b = (min(max(value + chance.randrange(-14, 15), 0), 255) for value in colour)
    return r, g, b


_KINDS: dict[str, Callable[[Sheet, Random, int], None]] = {
    "necklace": _draw_necklace,
    "ring": _draw_ring,
    "bracelet": _draw_bracelet,
    "chain": _draw_lying_chain,
    "earrings": _draw_earrings,
    "hoops": _draw_hoops,
}
_RING_HEADS: Sequence[Callable[[Sheet, Along, Random, Colour], None]] = (
    _head_solitaire,
    _head_three_stones,
    _head_row_of_stones,
    _head_signet,
    _head_two_bands,
    _head_leaves,
)
