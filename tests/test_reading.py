"""What is read of an image that matched: its compression, and whether it is a panel of text."""

import csv
import io
from importlib import resources

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tests.context import PHOTO, size_chart, stored_anew
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.photos import photo_bytes, picture_bytes
from theftwatch.errors import UnusableImageError
from theftwatch.images.panel import read_panel
from theftwatch.images.reading import estimate_jpeg_quality, read_image

SENTENCE = "Please allow a few centimetres of difference, as goods are measured by hand and screens differ. "


def lines(size, count, *, ground="white", ink="black", letters=22, title=None):
    """Draw lines of text."""
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    if title:
        draw.text((50, 40), title, font=ImageFont.load_default(52), fill=ink)
    step = (size[1] - 160) // count
    for line in range(count):
        text = SENTENCE[line % 7 :][: size[0] // 14]
        draw.text((60, 130 + line * step), text, font=ImageFont.load_default(letters), fill=ink)
    return image


def certificate():
    image = lines((1000, 700), 9, ground="#f5f2e8", ink="#333333", title="CERTIFICATE")
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 980, 680), outline="#996633", width=6)
    return image


def bands():
    """Draw a table without rulings, whose rows are bands."""
    image = Image.new("RGB", (790, 720), "white")
    draw = ImageDraw.Draw(image)
    for row in range(9):
        draw.rectangle(
            (20, 30 + row * 70, 770, 98 + row * 70), fill="#444444" if row == 0 else ("white", "#eeeeee")[row % 2]
        )
        for column in range(6):
            text = ("US", "UK", "EU", "CM", "IN", "JP")[column] if row == 0 else f"{31 + row * 3 + column * 9}.5"
            fill = "white" if row == 0 else "black"
            draw.text((45 + column * 122, 48 + row * 70), text, font=ImageFont.load_default(28), fill=fill)
    return image


PANELS = {
    "table": Image.open(io.BytesIO(size_chart())),
    "table, light on dark": ImageOps.invert(Image.open(io.BytesIO(size_chart())).convert("L")),
    "bands": bands(),
    "certificate": certificate(),
    "conditions": lines((750, 1000), 18, title="AFTER SALES"),
    "shipping banner": lines((1000, 520), 6, ground="#dddddd", letters=26, title="SHIPPING"),
}


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_panels_of_text_are_told(panel, scale):
    small = ImageOps.scale(panel.convert("RGB"), scale)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=70)
    reading = read_image(file.getvalue(), panel=True)
    assert reading.panel
    assert reading.panel.is_panel, reading.panel


def test_the_demo_s_size_chart_is_told():
    pictures = [one.picture for offer in load_catalogue().offers for one in offer.shown]
    chart = next(picture for picture in pictures if picture.variant == "size-chart")
    panel = read_image(picture_bytes(chart), panel=True).panel
    assert panel
    assert panel.is_panel, panel


def dressed(photo, how):
    """Return a photo with the text that sellers put over it."""
    image = photo.convert("RGBA").convert("RGB")
    image.thumbnail((800, 800))
    draw = ImageDraw.Draw(image, "RGBA")
    if how == "tiled watermark":
        for y in range(0, image.height, 60):
            for x in range(-40, image.width, 220):
                draw.text((x, y), "shop.example.com", font=ImageFont.load_default(20), fill=(255, 255, 255, 120))
    elif how == "banner strip":
        draw.rectangle((0, int(image.height * 0.82), image.width, image.height), fill="#bb2222")
        draw.text((20, int(image.height * 0.85)), SENTENCE[:40], font=ImageFont.load_default(26), fill="white")
    elif how == "logo":
        draw.text((20, 20), "My Shop", font=ImageFont.load_default(44), fill="black")
    return image


@pytest.mark.parametrize("how", ["as it is", "logo", "tiled watermark", "banner strip"])
def test_a_photo_is_no_panel_whatever_is_written_on_it(how):
    text = resources.files("theftwatch.demo").joinpath("photos/PHOTOS.tsv").read_text()
    files = [row["file"] for row in csv.DictReader(text.splitlines(), delimiter="\t")]
    assert len(files) > 100
    wrong = []
    for name in files[:: 1 if how == "as it is" else 3]:
        with Image.open(io.BytesIO(photo_bytes(name))) as photo:
            panel = read_panel(dressed(photo, how).convert("L"))
        if panel.is_panel:
            wrong.append((name, panel))
    assert wrong == []


@pytest.mark.parametrize("size", [(24, 24), (24, 240), (1000, 100), (3, 3)])
def test_small_and_narrow_pictures_are_read_too(size):
    assert not read_panel(Image.new("L", size, 200)).is_panel
    assert not read_panel(Image.effect_noise(size, 80)).is_panel


@pytest.mark.parametrize("quality", [20, 30, 50, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_estimated(quality):
    assert estimate_jpeg_quality(stored_anew(PHOTO, quality)) == pytest.approx(quality, abs=1)


def test_other_files_have_no_jpeg_quality():
    file = io.BytesIO()
    Image.new("RGB", (40, 40)).save(file, "PNG")
    assert estimate_jpeg_quality(file.getvalue()) is None
    assert estimate_jpeg_quality(b"\xff\xd8\xff damaged") is None
    assert estimate_jpeg_quality(b"") is None
    with pytest.raises(UnusableImageError):
        read_image(b"\xff\xd8\xff damaged", panel=True)
