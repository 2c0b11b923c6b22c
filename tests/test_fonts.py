"""Letters that not every machine has a font for."""

import io
import os

import pytest
from PIL import Image, ImageDraw

from theftwatch.fonts import font_environment, letters_of, undrawn


def test_chromium_is_told_of_the_font_beside_those_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("FONTCONFIG_FILE", "/opt/a&b/fonts.conf")
    folder = tmp_path / "data"
    for _ in range(2):
        assert font_environment(folder) == {"FONTCONFIG_FILE": str(folder / "fonts.conf")}
    told = (folder / "fonts.conf").read_text()
    assert '<include ignore_missing="yes">/opt/a&amp;b/fonts.conf</include>' in told
    assert "manimgx_fonts_cjk</dir>" in told
    assert [each.name for each in folder.iterdir()] == ["fonts.conf"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "data").mkdir(mode=0o555)
    assert font_environment(tmp_path / "data") == {}


def test_without_the_extra_there_is_nothing_to_tell(tmp_path, monkeypatch):
    monkeypatch.setattr("theftwatch.fonts.find_spec", lambda name: None)
    assert font_environment(tmp_path) == {}


def test_letters_that_every_machine_has_are_not_asked_for():
    assert letters_of(["Häkelhase <b>", "毛毡兔, 2026 🐇", "兔"]) == "兔毛毡"


def test_a_letter_that_looks_like_no_letter_cannot_be_drawn():
    image = Image.new("L", (24 * 32, 24 * 2), 255)
    drawing = ImageDraw.Draw(image)
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 40)))
    for number in range(len(letters) + 1):
        left, top = number % 32 * 24, number // 32 * 24
        width = 10 if number in {0, 3, 35} else 10 + number % 7 + 1
        drawing.rectangle((left + 2, top + 2, left + width, top + 20), outline=0)
    file = io.BytesIO()
    image.save(file, "PNG")
    assert undrawn(letters, file.getvalue()) == letters[2] + letters[34]
