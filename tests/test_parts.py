"""Parts that may be photos of their own: found where somebody put pictures together, and seldom elsewhere."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.edits import photo_paths
from theftwatch.images.features import to_grey
from theftwatch.images.parts import PARTS_MOST, Box, find_parts

CHOSEN = (0, 44, 76, 109)


def photo(index: int) -> Image.Image:
    return Image.open(photo_paths()[index]).convert("RGB")


def overlap(one: Box, other: Box) -> float:
    def area(box: Box) -> float:
        return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])

    (left, top, right, bottom), (a, b, c, d) = one, other
    shared = area((max(left, a), max(top, b), min(right, c), min(bottom, d)))
    return shared / (area(one) + area(other) - shared)


def parts(image: Image.Image) -> list[Box]:
    return find_parts(to_grey(image.convert("L")))


def best(image: Image.Image, left: float, top: float, right: float, bottom: float) -> float:
    """Return how well the best part fits a place in pixels."""
    place = left / image.width, top / image.height, right / image.width, bottom / image.height
    return max((overlap(part, place) for part in parts(image)), default=0.0)


@pytest.mark.parametrize("gap", [0, 4, 16])
def test_the_tiles_of_a_collage(gap):
    """Most of them: two photos on one ground may lie beside each other without a seam."""
    cell, fits = 400, []
    corners = [(column * (cell + gap), row * (cell + gap)) for row in (0, 1) for column in (0, 1)]
    for first in range(0, 120, 12):
        sheet = Image.new("RGB", (2 * cell + gap, 2 * cell + gap), "white")
        for corner, index in zip(corners, range(first, first + 8, 2), strict=True):
            sheet.paste(ImageOps.fit(photo(index), (cell, cell)), corner)
        fits += [best(sheet, left, top, left + cell, top + cell) for left, top in corners]
    assert np.mean([fit > 0.7 for fit in fits]) >= 0.7, fits


@pytest.mark.parametrize("gap", [0, 6])
def test_the_tiles_of_a_sheet_of_three_by_three(gap):
    """Also where two photos are of one shade where they meet: the other tiles of the row or column end there."""
    cell, fits = 300, []
    corners = [(column * (cell + gap), row * (cell + gap)) for row in range(3) for column in range(3)]
    for first in range(0, 100, 20):
        sheet = Image.new("RGB", (3 * cell + 2 * gap, 3 * cell + 2 * gap), "white")
        for corner, index in zip(corners, range(first, first + 36, 4), strict=True):
            sheet.paste(ImageOps.fit(photo(index), (cell, cell)), corner)
        found = parts(sheet)
        for left, top in corners:
            place = left / sheet.width, top / sheet.height, (left + cell) / sheet.width, (top + cell) / sheet.height
            fits.append(max((overlap(part, place) for part in found), default=0.0))
    assert np.mean([fit > 0.7 for fit in fits]) >= 0.8, fits


def test_small_photos_below_a_large_one():
    sheet = Image.new("RGB", (900, 1206), "white")
    sheet.paste(ImageOps.fit(photo(0), (900, 900)))
    for place, index in enumerate((44, 76, 109)):
        sheet.paste(ImageOps.fit(photo(index), (294, 294)), (303 * place, 912))
    for place in range(3):
        assert best(sheet, 303 * place, 912, 303 * place + 294, 1206) > 0.7


@pytest.mark.parametrize(("side_px", "asked_about"), [(240, 1), (190, 0)])
def test_what_takes_less_than_a_twenty_fifth_of_the_picture_is_not_asked_about(side_px, asked_about):
    for index in CHOSEN:
        ground = ImageOps.fit(photo(113), (1000, 1000))
        ground.paste(ImageOps.fit(photo(index), (side_px, side_px)), (100, 600))
        assert len(parts(ground)) == asked_about


@pytest.mark.parametrize("index", CHOSEN)
def test_a_photo_pasted_onto_another(index):
    ground = ImageOps.fit(photo(113), (800, 1000))
    small = ImageOps.contain(photo(index), (480, 480))
    ground.paste(small, (200, 350))
    assert best(ground, 200, 350, 200 + small.width, 350 + small.height) > 0.7


@pytest.mark.parametrize("index", CHOSEN)
def test_a_photo_in_a_template(index):
    sheet = Image.new("RGB", (800, 800), (250, 244, 236))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, 800, 100), fill=(30, 80, 60))
    pen.rectangle((0, 690, 800, 800), fill=(30, 80, 60))
    pen.text((400, 50), "NEW ARRIVAL", fill="white", anchor="mm", font_size=42)
    pen.text((400, 745), "Factory price, fast delivery", fill="white", anchor="mm", font_size=34)
    small = ImageOps.contain(photo(index), (600, 550))
    left, top = (800 - small.width) // 2, 100 + (590 - small.height) // 2
    sheet.paste(small, (left, top))
    assert best(sheet, left, top, left + small.width, top + small.height) > 0.7


@pytest.mark.parametrize("index", CHOSEN)
def test_a_photo_in_a_screenshot_of_a_telephone(index):
    screen = Image.new("RGB", (720, 1440), "white")
    pen = ImageDraw.Draw(screen)
    pen.text((30, 30), "10:24", fill="black", font_size=28)
    pen.rounded_rectangle((86, 60, 634, 115), 28, fill=(128, 128, 128))
    shown = ImageOps.contain(photo(index), (720, 720))
    left = (720 - shown.width) // 2
    screen.paste(shown, (left, 130))
    bottom = 130 + shown.height
    pen.text((30, bottom + 40), "US $4.99", fill=(220, 40, 40), font_size=50)
    pen.text((30, bottom + 110), "Cotton summer dress, 132 sold", fill="black", font_size=30)
    pen.rounded_rectangle((290, 1350, 700, 1425), 36, fill=(235, 90, 30))
    assert best(screen, left, 130, left + shown.width, bottom) > 0.7


def test_a_plain_photo_has_few():
    counts = [len(parts(Image.open(path))) for path in photo_paths()[::3]]
    assert np.median(counts) == 0
    assert sum(map(bool, counts)) <= 0.3 * len(counts), counts


def test_of_many_the_first_are_told():
    sheet = Image.new("RGB", (900, 900), "white")
    for index in range(9):
        sheet.paste(ImageOps.fit(photo(index * 5), (280, 280)), (index % 3 * 310, index // 3 * 310))
    assert len(parts(sheet)) == PARTS_MOST
    assert all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in parts(sheet))


@pytest.mark.parametrize("size", [(24, 24), (24, 240), (240, 24), (1, 1), (3000, 300)])
def test_a_picture_of_any_shape_is_looked_at(size):
    assert len(parts(photo(0).resize(size))) <= PARTS_MOST
    assert parts(Image.new("RGB", size)) == []


def test_stripes_and_noise_have_none_that_cost_much():
    """What is all seams: the search stays bounded."""
    stripes = np.zeros((512, 512), np.uint8)
    stripes[:, ::16] = 255
    stripes[::16] = 255
    noise = np.random.default_rng(1).integers(0, 256, (512, 512), np.uint8)
    for picture in (stripes, noise):
        assert len(find_parts(picture)) <= PARTS_MOST
