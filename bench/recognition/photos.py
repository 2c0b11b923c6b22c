"""The photos that are measured with: those of this folder, of the demo, drawn jewellery, and any local folders."""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    groups = read_groups(_HERE / "GROUPS.tsv")
    photos = []
    for folder in (_DEMO, _HERE):
        for file, repository in _rows(folder / "PHOTOS.tsv", "file", "repository"):
            source = repository.partition("/")[2]
            photo = Photo(name=file, source=source, group=file, cluster=file, read=(folder / file).read_bytes)
            photos.append(with_group(photo, groups))
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


def with_group(photo: Photo, groups: dict[str, tuple[str, str]]) -> Photo:
    """Return a photo with its group and cluster; one that is not named is the only one of its own."""
    group, cluster = groups.get(photo.name, (photo.group, photo.cluster))
    return replace(photo, group=group, cluster=cluster)


def write_groups(path: Path, photos: Sequence[Photo]) -> None:
    """Write the group and the cluster of each photo that shares one."""
    alone = Counter(photo.cluster for photo in photos)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(("file", "group", "cluster"))
        for photo in sorted(photos, key=lambda photo: (photo.cluster, photo.group, photo.name)):
            if alone[photo.cluster] > 1:
                table.writerow((photo.name, photo.group, photo.cluster))


def read_groups(path: Path) -> dict[str, tuple[str, str]]:
    """Return the groups and clusters that `write_groups` wrote, by the names of the photos."""
    return {file: (group, cluster) for file, group, cluster in _rows(path, "file", "group", "cluster")}


def _rows(path: Path, *columns: str) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(file, delimiter="\t")]
