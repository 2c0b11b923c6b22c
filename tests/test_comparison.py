"""`theftwatch compare` in words and as a page."""

import re
import subprocess
import sys
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.edits import jpeg, photo_paths
from theftwatch.match.compare import compare_files
from theftwatch.reports.comparison import comparison_page

PHOTO = photo_paths()[0]
ATTACK = '"><script>alert(1)</script>.jpg'


def edited() -> bytes:
    """Return the photo mirrored, cut to its left two thirds and with a logo at the lower right."""
    with Image.open(PHOTO) as photo:
        image = ImageOps.mirror(photo.convert("RGB"))
    image = image.crop((0, 0, image.width * 2 // 3, image.height))
    x, y = image.width, image.height
    ImageDraw.Draw(image).ellipse((x * 0.7, y * 0.78, x * 0.97, y * 0.97), "navy", "white", 4)
    return jpeg(image)


def svg_points(page: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'points="([^"]+)"', page)
    return [[tuple(map(float, point.split(","))) for point in points.split()] for points in found]  # type: ignore[misc]


def test_the_page_draws_what_is_shown_and_where():
    comparison = compare_files(PHOTO.read_bytes(), edited())
    page = comparison_page(("a.jpg", "b.jpg"), (PHOTO.read_bytes(), edited()), comparison)
    shown, placed, again = svg_points(page)
    with Image.open(PHOTO) as photo:
        width, height = photo.size
    # Mirrored, the left two thirds are the right two thirds of the original.
    corners = [(width / 3, 0), (width, 0), (width, height), (width / 3, height)]
    assert sum(shown, ()) == pytest.approx(sum(corners, ()), abs=width * 0.02)
    # The original's left edge is to the right of the suspect, which ends before it.
    xs = [x for x, _ in placed]
    assert min(xs) == pytest.approx(0, abs=width * 0.02)
    assert max(xs) == pytest.approx(width, rel=0.03)
    assert placed == again
    assert "something at the lower right" in page
    ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])


def test_names_and_files_are_not_trusted():
    files = b"GIF89a<script>alert(1)</script>", PHOTO.read_bytes()
    page = comparison_page((ATTACK, ATTACK), files, compare_files(*files))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "This file cannot be shown." in page
    assert "Not compared" in page


def test_the_fuller_and_larger_photo_is_the_likelier_source():
    crop = compare_files(PHOTO.read_bytes(), edited())
    assert (crop.decision.decision, crop.source) == ("match", "original")
    turned_round = compare_files(edited(), PHOTO.read_bytes())
    assert (turned_round.decision.decision, turned_round.source) == ("match", "suspect")
    assert compare_files(PHOTO.read_bytes(), photo_paths()[3].read_bytes()).signs == ()


def test_the_command_writes_the_page(tmp_path):
    suspect = tmp_path / "suspect.jpg"
    suspect.write_bytes(edited())

    def run(page):
        command = [sys.executable, "-m", "theftwatch", "compare", str(PHOTO), str(suspect), "--html", str(page)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    done = run(tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("match, score ")
    assert "Mirrored, cropped to 6" in done.stdout
    assert "Likelier source by the pixels: the original" in done.stdout
    assert "<svg" in (tmp_path / "page.html").read_text("utf-8")
    missing = run(tmp_path / "none/page.html")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert len(missing.stderr.splitlines()) == 1


def test_one_pixel_is_not_compared():
    buffer = BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    comparison = compare_files(PHOTO.read_bytes(), buffer.getvalue())
    assert (comparison.decision.decision, comparison.source) == ("unusable", "undecided")
