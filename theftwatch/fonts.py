"""Letters beyond those of Europe: a font for them, and whether Chromium has one for each letter of a text.

Vendors write Chinese. Where a machine has no font for that, boxes stand in its screenshots and PDF files.
"""

import io
import os
from collections.abc import Iterable
from html import escape
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from theftwatch.errors import UsageError
from theftwatch.files import replacing

#: What brings fonts for most scripts; without root a font for Chinese, Japanese and Korean is in the extra `fonts`
REMEDY = "sudo apt-get install fonts-noto-cjk fonts-noto-core"
_PACKAGE = "manimgx_fonts_cjk"

#: Latin, which every machine can write
_PLAIN_MAX = 0x24F
_LETTERS_MAX = 1024
_CELL_PX, _CELLS_IN_ROW = 24, 32
#: For private use, so that no font has it: how a letter looks that cannot be drawn
_NOBODYS = "\U0010fffd"

_CONFIGURATION = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">{before}</include>
  <dir>{folder}</dir>
</fontconfig>
"""


def font_environment(data_dir: Path) -> dict[str, str]:
    """Return an environment in which Chromium knows the font of the extra `fonts`, where that is installed.

    It is told by a file of fontconfig's in `data_dir`. On macOS, which has fonts for all scripts, nobody reads that.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return {}
    path = data_dir / "fonts.conf"
    before = os.environ.get("FONTCONFIG_FILE", "/etc/fonts/fonts.conf")
    text = _CONFIGURATION.format(before=escape(before), folder=escape(str(Path(spec.origin).parent)))
    try:
        if not path.exists() or path.read_text("utf-8") != text:
            data_dir.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(text.encode())
    except (OSError, UsageError):
        return {}  # whoever cannot write there sees boxes, and `theftwatch doctor` says so
    return {"FONTCONFIG_FILE": str(path)}


def letters_of(texts: Iterable[str]) -> str:
    """Return the letters of texts for which a machine may have no font, each once."""
    letters = {letter for text in texts for letter in set(text) if ord(letter) > _PLAIN_MAX and letter.isalpha()}
    return "".join(sorted(letters)[:_LETTERS_MAX])


def letters_page(letters: str) -> str:
    """Return a page that shows each letter by itself, for `undrawn` to look at a picture of."""
    cells = "".join(f"<span>{letter}</span>" for letter in _NOBODYS + letters)
    return (
        "<!doctype html><meta charset=utf-8><style>"
        f"body {{ margin: 0; display: grid; grid-template-columns: repeat({_CELLS_IN_ROW}, {_CELL_PX}px);"
        f" grid-auto-rows: {_CELL_PX}px; font: {_CELL_PX * 2 // 3}px/{_CELL_PX}px sans-serif }}"
        f"span {{ overflow: hidden }}</style>{cells}"
    )


def undrawn(letters: str, picture: bytes) -> str:
    """Return the letters that a picture of their page shows as it shows what no font has."""
    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("L")
    blank, *cells = (_cell(image, number) for number in range(len(letters) + 1))
    return "".join(letter for letter, cell in zip(letters, cells, strict=True) if cell == blank)


def _cell(image: Image.Image, number: int) -> bytes:
    row, column = divmod(number, _CELLS_IN_ROW)
    left, top = column * _CELL_PX, row * _CELL_PX
    return image.crop((left, top, left + _CELL_PX, top + _CELL_PX)).tobytes()
