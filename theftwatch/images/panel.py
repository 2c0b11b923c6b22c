"""Whether a picture is a panel of text: a size chart, a certificate, a sheet of conditions, a shipping banner.

Precision comes first, since a photo that passes for a panel is a theft that nobody is shown. So it is not enough that
there is text, which a watermark has too: the ground has to be plain, text and rulings have to fill it in lines, and
little else may stand on it.
"""

from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

type Grey = NDArray[np.uint8]
type Mask = NDArray[np.uint8]

#: Short side asked of the decoder
SHORT_SIDE_PX = 360
#: Pictures are brought down to this long side
_LONG_SIDE_PX = 560
#: A stroke differs from the ground around it by this many grey levels; side of the block whose mean is its ground
_INK_LEVELS = 18
_BLOCK_PX = 31
#: Height and width of a letter, or of a word whose letters touch, and how much of its box it fills
_LETTER_HEIGHT_PX = (4, 44)
_LETTER_WIDTH_MAX_PX = 90
_FILL = (0.12, 0.95)
#: The widest gap within a line; how much higher than its letters a line may be, and how wide it is at least
_GAP_PX = 13
_LINE_HEIGHTS_MAX = 1.9
_LINE_LETTERS_MIN = 3
#: A ruling is this share of the picture long
_RULING = 0.22
#: A tone is this many grey levels wide
_TONE_LEVELS = 11
_EDGE_LEVELS = 14
#: Edges of one thing are no farther apart
_THING_GAP_PX = 15
_MIDDLE = 128

#: What makes a panel, measured on drawn panels and on photos: docs/context.md
_PLAIN_MIN = 0.68
_OTHER_MAX = 0.03
_LINES_MIN = 5
_LETTERS_MIN = 130
_SPREAD_MIN = 0.35
_TABLE_LETTERS_MIN = 60
_TABLE_RULINGS_MIN = 5
#: Rulings both across and down, between which a figure by itself is text, and few of them are enough
_GRID_RULINGS_MIN = 4
_GRID_LETTERS_MIN = 24
_GRID_LINES_MIN = 4
_GRID_PLAIN_MIN = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """What speaks for a panel of text, and the answer."""

    is_panel: bool
    #: Letters that stand in lines, and these lines; words count as some letters where these touch
    letters: int
    lines: int
    #: Rulings across and down
    rulings_across: int
    rulings_down: int
    #: Share of the height that lines of text reach over
    spread: float
    #: Share of the picture that has one of its two commonest tones
    plain: float
    #: Share of the picture that the largest thing takes that is neither text nor ruling, by the box around it
    other: float

    def as_json(self) -> dict[str, object]:
        """Return the values as they are stored."""
        values = asdict(self)
        del values["is_panel"]
        return values


_PHOTO = Panel(is_panel=False, letters=0, lines=0, rulings_across=0, rulings_down=0, spread=0, plain=0, other=1)


def read_panel(grey: Image.Image) -> Panel:
    """Tell whether a picture is a panel of text; most photos are told apart by their ground alone."""
    picture = _resized(np.asarray(grey, dtype=np.uint8))
    plain, ground = _plain(picture)
    if plain < _PLAIN_MIN:
        return replace(_PHOTO, plain=round(plain, 3))
    across, down, rulings = _rulings(picture)
    is_grid = min(across, down) >= _GRID_RULINGS_MIN and plain >= _GRID_PLAIN_MIN
    letters_min = 1 if is_grid else _LINE_LETTERS_MIN
    text = _text(picture, rulings, dark=ground >= _MIDDLE, letters_min=letters_min)
    # A head of the other tone has its letters the other way round; they count as no text, but are nothing else either.
    reversed_text = _text(picture, rulings, dark=ground < _MIDDLE, letters_min=_LINE_LETTERS_MIN)
    other = _other(picture, text.mask | reversed_text.mask | rulings)
    in_grid = is_grid and text.letters >= _GRID_LETTERS_MIN and text.lines >= _GRID_LINES_MIN
    in_table = text.letters >= _TABLE_LETTERS_MIN and max(across, down) >= _TABLE_RULINGS_MIN
    in_lines = (in_table or text.letters >= _LETTERS_MIN) and text.lines >= _LINES_MIN
    return Panel(
        is_panel=(in_grid or in_lines) and text.spread >= _SPREAD_MIN and other <= _OTHER_MAX,
        letters=text.letters,
        lines=text.lines,
        rulings_across=across,
        rulings_down=down,
        spread=round(text.spread, 3),
        plain=round(plain, 3),
        other=round(other, 3),
    )


@dataclass(frozen=True, slots=True)
class _Text:
    letters: int
    lines: int
    spread: float
    mask: Mask


def _resized(picture: Grey) -> Grey:
    height, width = picture.shape
    scale = _LONG_SIDE_PX / max(height, width)
    if scale >= 1:  # enlarged letters are no clearer
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _plain(picture: Grey) -> tuple[float, int]:
    """Return the share of the picture in its two commonest tones, a ground and bands on it, and the ground's level."""
    counts = np.bincount(picture[::2, ::2].ravel(), minlength=256).astype(np.float64)
    total, levels = counts.sum(), []
    share = 0.0
    for _ in range(2):
        peak = int(np.convolve(counts, np.ones(_TONE_LEVELS), "same").argmax())
        tone = slice(max(0, peak - _TONE_LEVELS // 2), peak + _TONE_LEVELS // 2 + 1)
        share += float(counts[tone].sum() / total)
        counts[tone] = 0
        levels.append(peak)
    return share, levels[0]


def _rulings(picture: Grey) -> tuple[int, int, Mask]:
    """Return how many straight lines run across and down the picture, and where they are."""
    height, width = picture.shape
    counts = []
    mask: Mask = np.zeros_like(picture)
    for axis, size in ((1, (max(3, round(width * _RULING)), 1)), (0, (1, max(3, round(height * _RULING))))):
        # A step between two tones, as between the head of a table and its rows, is a ruling too.
        step = cv2.convertScaleAbs(cv2.Sobel(picture, cv2.CV_16S, 1 - axis, axis, ksize=3), alpha=0.25)
        edges = cv2.threshold(step, _INK_LEVELS // 2, 255, cv2.THRESH_BINARY)[1]
        opened = cv2.morphologyEx(edges, cv2.MORPH_OPEN, np.ones(size[::-1], np.uint8))
        mask = np.asarray(cv2.bitwise_or(mask, opened), np.uint8)
        hit = (opened.max(axis=axis) > 0).astype(np.int8)
        # A ruling has two edges some pixels apart, which count as one.
        closed = np.convolve(hit, np.ones(5, np.int8), "same") > 0
        counts.append(int((np.diff(closed.astype(np.int8), prepend=0) == 1).sum()))
    return counts[0], counts[1], np.asarray(cv2.dilate(mask, np.ones((5, 5), np.uint8)), np.uint8)


def _text(picture: Grey, rulings: Mask, *, dark: bool, letters_min: int) -> _Text:
    """Find letters that stand in lines: ink of a letter's size, and rows of such ink no higher than a letter."""
    mean = cv2.boxFilter(picture, -1, (_BLOCK_PX, _BLOCK_PX))
    difference = cv2.subtract(mean, picture) if dark else cv2.subtract(picture, mean)
    ink = cv2.threshold(difference, _INK_LEVELS, 255, cv2.THRESH_BINARY)[1]
    ink[rulings > 0] = 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    width, height, area = (stats[:, column].astype(np.float64) for column in (2, 3, 4))
    fill = area / (width * height)
    is_letter = (
        (height >= _LETTER_HEIGHT_PX[0])
        & (height <= _LETTER_HEIGHT_PX[1])
        & (width <= _LETTER_WIDTH_MAX_PX)
        & (fill >= _FILL[0])
        & (fill <= _FILL[1])
    )
    is_letter[0] = False  # the ground
    letters = (is_letter[labels] * np.uint8(255)).astype(np.uint8)
    joined = cv2.morphologyEx(letters, cv2.MORPH_CLOSE, np.ones((1, _GAP_PX), np.uint8))
    count, rows, row_stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    # Which row each letter stands in, by a pixel of its own: its centre may be a hole.
    chosen = np.flatnonzero(is_letter)
    row_of = np.zeros(len(stats), np.int64)
    row_of[labels[letters > 0]] = rows[letters > 0]
    # A word whose letters touch is as many letters as it is wide.
    worth = np.maximum(1, np.round(width[chosen] / (0.8 * height[chosen])))
    row_letters = np.bincount(row_of[chosen], weights=worth, minlength=count)
    heights = np.bincount(row_of[chosen], weights=height[chosen] * worth, minlength=count)
    row_height = heights / np.maximum(1, row_letters)
    is_line = (row_letters >= letters_min) & (row_stats[:, 3] <= _LINE_HEIGHTS_MAX * row_height)
    if letters_min > 1:
        is_line &= row_stats[:, 2] >= row_stats[:, 3]
    is_line[0] = False
    mask = cv2.dilate((is_line[rows] * np.uint8(255)).astype(np.uint8), np.ones((9, 17), np.uint8))
    if not is_line.any():
        return _Text(0, 0, 0.0, np.asarray(mask, np.uint8))
    top, tall = row_stats[is_line, 1], row_stats[is_line, 3]
    # The columns of a table stand beside each other: what is at one height is one line.
    middles = np.sort(top + tall / 2)
    lines = 1 + int((np.diff(middles) > np.median(tall) / 2).sum())
    spread = float((top + tall).max() - top.min()) / picture.shape[0]
    return _Text(int(row_letters[is_line].sum()), lines, spread, np.asarray(mask, np.uint8))


def _other(picture: Grey, explained: Mask) -> float:
    """Return the share of the picture that the box around the largest thing takes that is neither text nor ruling.

    What was drawn or photographed is one thing, however little of it has edges; letters that were overlooked are many.
    """
    smooth = cv2.GaussianBlur(picture, (3, 3), 0)
    gradient = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    things = cv2.threshold(gradient, _EDGE_LEVELS, 255, cv2.THRESH_BINARY)[1]
    things[explained > 0] = 0
    joined = cv2.morphologyEx(things, cv2.MORPH_CLOSE, np.ones((_THING_GAP_PX, _THING_GAP_PX), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = stats[1:, 2].astype(np.int64) * stats[1:, 3]
    return float(boxes.max() / picture.size) if len(boxes) else 0.0
