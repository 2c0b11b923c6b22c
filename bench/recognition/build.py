"""Making the set: originals, edited copies of them, and as many photos of other things, dressed alike.

Photos are shared out by groups and by the names of their files alone: into a part to tune on and a part to report, and
in each part into originals, unrelated photos, and hosts, which stand around others in collages and are never originals.
"""

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Literal

import cv2
from PIL import Image, ImageOps

from bench.recognition.edits import EDITS, PLAIN, Edit, edited
from bench.recognition.photos import Photo, opened

type Part = Literal["tune", "report"]
PARTS: tuple[Part, ...] = ("tune", "report")
#: Copies in a part, and unrelated photos
SIZE = 800

#: What becomes of the groups of a source, in turn; clusters of look-alikes have no hosts
_ROLES = (
    "original",
    "unrelated",
    "original",
    "unrelated",
    "original",
    "host",
    "original",
    "unrelated",
    "original",
    "unrelated",
)
#: One original in so many is never copied
_UNCOPIED_EVERY = 3
#: Unrelated photos are shown plain one time in so many, or each once where there are fewer
_PLAIN_EVERY = 4
_DRESSING = ("pad", "overlay", "embedded", "combined", "mirror", "crop", "white background")
_HOST_PX = 600
_BY_NAME = {edit.name: edit for edit in (*EDITS, PLAIN)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """A suspect, the original that it was made from, if any, and originals that are neither right nor wrong for it."""

    suspect: str
    original: str
    edit: str
    family: str
    #: Names of the originals that show the same as the photo it was made from
    open_originals: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """The photos of one part by what they are used for."""

    originals: Sequence[Photo]
    unrelated: Sequence[Photo]
    hosts: Sequence[Photo]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    photo: Photo
    #: Names of the edits, and the files that they are written to
    shown: Sequence[tuple[str, Path]]
    original: Path | None
    hosts: Sequence[Photo]


def share_out(photos: Sequence[Photo], part: Part) -> Roles:
    """Return the roles of the photos of one part."""
    roles: dict[str, list[Photo]] = {"original": [], "unrelated": [], "host": []}
    for cluster in _clusters(photos, part):
        groups: dict[str, list[Photo]] = defaultdict(list)
        for photo in cluster:
            groups[photo.group].append(photo)
        for index, group in enumerate(sorted(groups, key=_digest)):
            role = _ROLES[index % len(_ROLES)]
            roles["unrelated" if role == "host" and cluster[0].source == "drawn" else role] += groups[group]
    return Roles(originals=roles["original"], unrelated=roles["unrelated"], hosts=roles["host"])


def _clusters(photos: Sequence[Photo], part: Part) -> list[list[Photo]]:
    """Return what is shared out together: each cluster of look-alikes, and all other groups of a source at once."""
    clusters: dict[tuple[str, str], list[Photo]] = defaultdict(list)
    for photo in photos:
        clusters[photo.source, photo.cluster].append(photo)
    by_source: dict[str, list[list[Photo]]] = defaultdict(list)
    for source, name in sorted(clusters, key=lambda key: (key[0], _digest(key[1]))):
        by_source[source].append(clusters[source, name])
    found: list[list[Photo]] = []
    for ordered in by_source.values():
        mine = ordered[PARTS.index(part) :: len(PARTS)]
        single = [photo for cluster in mine if len({photo.group for photo in cluster}) == 1 for photo in cluster]
        found += [cluster for cluster in mine if len({photo.group for photo in cluster}) > 1]
        if single:
            found.append(single)
    return found


def build(
    folder: Path, photos: Sequence[Photo], part: Part, size: int, advance: Callable[[int], None] = lambda _: None
) -> list[Truth]:
    """Write `originals/`, `suspects/` and `truth.tsv` below a folder, and return the truth.

    There are `size` copies and as many unrelated photos; `advance` is told of each that is written.
    """
    roles = share_out(photos, part)
    copied = [photo for index, photo in enumerate(roles.originals) if index % _UNCOPIED_EVERY]
    dressing = [edit for edit in EDITS if edit.family in _DRESSING]
    copies = _paired(copied, EDITS, size)
    others = [(photo, PLAIN) for photo in _plain(roles.unrelated, size // _PLAIN_EVERY)]
    others += _paired(roles.unrelated, dressing, size - len(others))
    for name in ("originals", "suspects"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    by_group: dict[str, list[str]] = defaultdict(list)
    for photo in roles.originals:
        by_group[photo.group].append(photo.name)
    truth: list[Truth] = []
    shown: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for (photo, edit), is_copy in [*((each, True) for each in copies), *((each, False) for each in others)]:
        # The name tells nothing: methods are given files, and a set may be looked through by people.
        suspect = f"{_digest(f'{photo.name}/{edit.name}/{part}')[:16]}.jpg"
        shown[photo.name].append((edit.name, folder / "suspects" / suspect))
        same = tuple(name for name in by_group[photo.group] if name != photo.name) if is_copy else ()
        original = photo.name if is_copy else ""
        truth.append(Truth(suspect=suspect, original=original, edit=edit.name, family=edit.family, open_originals=same))
    originals = {photo.name for photo in roles.originals}
    work = [
        _Work(
            photo=photo,
            shown=shown[photo.name],
            original=folder / "originals" / photo.name if photo.name in originals else None,
            hosts=roles.hosts,
        )
        for photo in (*roles.originals, *roles.unrelated)
    ]
    # Not forked: the caller may have threads.
    with ProcessPoolExecutor(os.process_cpu_count(), get_context("spawn")) as processes:
        for done in processes.map(_write, work, chunksize=4):
            advance(done)
    truth.sort(key=lambda each: each.suspect)
    write_truth(folder / "truth.tsv", truth)
    return truth


def write_truth(path: Path, truth: Sequence[Truth]) -> None:
    """Write the truth as a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(("suspect", "original", "edit", "family", "open_originals"))
        for each in truth:
            table.writerow((each.suspect, each.original, each.edit, each.family, " ".join(each.open_originals)))


def read_truth(path: Path) -> list[Truth]:
    """Read what `write_truth` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Truth(
                suspect=row["suspect"],
                original=row["original"],
                edit=row["edit"],
                family=row["family"],
                open_originals=tuple(row["open_originals"].split()),
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


def _paired(photos: Sequence[Photo], edits: Sequence[Edit], count: int) -> list[tuple[Photo, Edit]]:
    """Return `count` pairs, each once, so that every edit and every photo comes as often as the others."""
    count = min(count, len(photos) * len(edits))
    ordered = sorted(photos, key=lambda photo: _digest(photo.name))
    pairs: list[tuple[Photo, Edit]] = []
    for index in range(count):
        # Once round the photos, each one's next edit; the edits of neighbours differ.
        turn, at = divmod(index, len(ordered))
        pairs.append((ordered[at], edits[(at + turn * _step(len(ordered), len(edits))) % len(edits)]))
    return pairs


def _step(photos: int, edits: int) -> int:
    """Return by how many edits a photo moves on each turn: such that it meets all, and the edits stay even."""
    step = photos % edits or 1
    while _common(step, edits) != 1:
        step += 1
    return step


def _common(one: int, other: int) -> int:
    return one if other == 0 else _common(other, one % other)


def _plain(photos: Sequence[Photo], count: int) -> list[Photo]:
    """Return the photos to show plain, each once at most."""
    return sorted(photos, key=lambda photo: _digest(photo.name + "/plain"))[:count]


def _write(work: _Work) -> int:
    cv2.setNumThreads(1)
    data = work.photo.read()
    if work.original:
        work.original.write_bytes(data)
    if work.shown:
        photo = opened(data)

        def host(chance: Random) -> Image.Image:
            return _host(work.hosts[chance.randrange(len(work.hosts))]).copy()

        for name, path in work.shown:
            path.write_bytes(edited(photo, _BY_NAME[name], f"{work.photo.name}/{name}", host))
    return len(work.shown)


@lru_cache(maxsize=64)
def _host(photo: Photo) -> Image.Image:
    return ImageOps.contain(opened(photo.read()), (_HOST_PX, _HOST_PX), Image.Resampling.LANCZOS)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
