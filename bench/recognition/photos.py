"""The photos that are measured with: those of this folder, of the demo, drawn jewellery, and any local folders."""

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

import theftwatch.demo
from bench.recognition import drawing
from theftwatch.match.scan import list_photos

_HERE = Path(__file__).parent / "photos"
_DEMO = Path(theftwatch.demo.__file__).parent / "photos"
_WHITE = (255, 255, 255)
#: Long side at which a photo is edited; vendors have no more of it than a shop's page shows
_EDITED_PX = 1200


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """One photo before any edit."""

    #: Unlike all others, and fit for a file's name
    name: str
    #: Where it is from: photos of one source are shared out evenly
    source: str
    #: Photos of one group show the same: a pair of them is neither right nor wrong
    group: str
    #: Groups of one cluster look alike and are different things: they are kept in one part
    cluster: str
    read: Callable[[], bytes]


def committed_photos() -> list[Photo]:
    """Return the photos that come with the project, and the drawn ones."""
    groups = dict(_rows(_HERE / "GROUPS.tsv", "file", "group"))
    photos = []
    for folder in (_DEMO, _HERE):
        for file, repository in _rows(folder / "PHOTOS.tsv", "file", "repository"):
            group = groups.get(file, file)
            source = repository.partition("/")[2]
            photos.append(Photo(name=file, source=source, group=group, cluster=group, read=(folder / file).read_bytes))
    return photos + drawn_photos()


def drawn_photos() -> list[Photo]:
    """Return the drawn pieces of jewellery."""
    return [
        Photo(
            name=f"drawn-{family}-{piece}.jpg",
            source="drawn",
            group=f"drawn-{family}-{piece}",
            cluster=f"drawn-{family}",
            read=partial(drawing.draw, family, piece),
        )
        for family in drawing.family_names()
        for piece in range(drawing.PIECES)
    ]


def local_photos(folder: Path, known: Sequence[Photo]) -> list[Photo]:
    """Return the photos of a folder of the user's, without those that are known by their bytes."""
    seen = {hashlib.sha256(photo.read()).digest() for photo in known if photo.source != "drawn"}
    photos = []
    for path in list_photos(folder):
        data = path.read_bytes()
        if (sha256 := hashlib.sha256(data).digest()) not in seen:
            seen.add(sha256)
            name = f"{sha256.hex()[:12]}{path.suffix.lower()}"
            photos.append(Photo(name=name, source=str(folder.name), group=name, cluster=name, read=path.read_bytes))
    return photos


def opened(data: bytes) -> Image.Image:
    """Return a photo as it is edited: upright, on white, with a long side of 1200 pixels at most."""
    with Image.open(BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            rgba = upright.convert("RGBA")
            upright = Image.new("RGB", rgba.size, _WHITE)
            upright.paste(rgba, mask=rgba.getchannel("A"))
        upright = upright.convert("RGB")
    if max(upright.size) > _EDITED_PX:
        upright.thumbnail((_EDITED_PX, _EDITED_PX), Image.Resampling.LANCZOS)
    return upright


def _rows(path: Path, *columns: str) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(file, delimiter="\t")]
