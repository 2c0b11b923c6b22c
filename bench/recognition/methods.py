"""The methods that are measured side by side, each from two folders to scored pairs."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import imagehash
import immaculate
import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import ImageOps

from bench.recognition import routes
from bench.recognition.descriptor import Descriptor, Model
from bench.recognition.metrics import Pair
from bench.recognition.photos import opened
from theftwatch.match.scan import list_photos

type Bits = npt.NDArray[np.bool_]

#: Bits in which two copies differ at most: as imagededup has it for 64, the same share of 256, and as PDQ's authors do
_PHASH_64_BITS, _PHASH_256_BITS, _PDQ_BITS = 10, 40, 31
#: Cosine from which SSCD's authors call a pair a copy
_SSCD_COSINE = 0.75
#: Pairs below are of no use for any figure, and are left out to keep the rankings short
_SSCD_LEAST, _HASH_LEAST = 0.3, 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a method found, and what it took."""

    pairs: Sequence[Pair]
    images: int
    #: Wall time of one image, and processor time of all threads and processes, decode and comparison included
    wall_ms: float
    processor_ms: float


type Method = Callable[[Path, Path], list[Pair]]


def run(method: Method, originals: Path, suspects: Path) -> Outcome:
    """Run a method over two folders, and measure its time."""
    images = len(list_photos(originals)) + len(list_photos(suspects))
    wall, processor = time.perf_counter(), _processor_s()
    pairs = method(originals, suspects)
    return Outcome(
        pairs=pairs,
        images=images,
        wall_ms=(time.perf_counter() - wall) / images * 1000,
        processor_ms=(_processor_s() - processor) / images * 1000,
    )


def _processor_s() -> float:
    """Return the processor time of this process, and of those that it began and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _hash_method(variants: Callable[[Path], list[Bits]], claimed_bits: int) -> Method:
    """Compare hashes: the first of an image against all variants of the other; the score is the share of equal bits."""

    def method(originals: Path, suspects: Path) -> list[Pair]:
        sides = [list_photos(folder) for folder in (originals, suspects)]
        ours = np.stack([np.stack(variants(path)) for path in sides[0]])
        theirs = np.stack([variants(path)[0] for path in sides[1]])
        bits = theirs.shape[1]
        signed = theirs * np.float32(2) - 1
        # The dot product of two rows of -1 and 1 counts the bits that are equal less those that are not.
        likest = np.max([signed @ (ours[:, index] * np.float32(2) - 1).T for index in range(ours.shape[1])], axis=0)
        return _pairs(sides, (likest / bits + 1) / 2, _HASH_LEAST, 1 - claimed_bits / bits)

    return method


def _phash(size: int) -> Callable[[Path], list[Bits]]:
    def variants(path: Path) -> list[Bits]:
        image = opened(path.read_bytes())
        return [imagehash.phash(each, size).hash.ravel() for each in (image, ImageOps.mirror(image))]

    return variants


def _pdq(path: Path) -> list[Bits]:
    pixels = np.asarray(opened(path.read_bytes()))
    plain, mirror = (pdqhash.compute(np.ascontiguousarray(each))[0].astype(bool) for each in (pixels, pixels[:, ::-1]))
    return [plain, mirror]


def _sscd(model: Model) -> Method:
    def method(originals: Path, suspects: Path) -> list[Pair]:
        descriptor = Descriptor(model)
        sides = [list_photos(folder) for folder in (originals, suspects)]
        ours, theirs = (np.stack([descriptor.describe(opened(path.read_bytes())) for path in side]) for side in sides)
        return _pairs(sides, theirs @ ours.T, _SSCD_LEAST, _SSCD_COSINE)

    return method


def _pairs(
    sides: Sequence[Sequence[Path]], scores: npt.NDArray[np.floating], least: float, claimed: float
) -> list[Pair]:
    """Return the pairs of a table of scores with a row for each suspect."""
    return [
        Pair(
            suspect=sides[1][row].name,
            original=sides[0][column].name,
            score=float(scores[row, column]),
            claimed=bool(scores[row, column] >= claimed - 1e-6),
        )
        for row, column in zip(*np.nonzero(scores >= least), strict=True)
    ]


def _immaculate(name: Literal["pdq", "sscd", "sscd_distilled"]) -> Method:
    """Ask the package for sets of duplicates in one folder; a pair of a set has score 1, it gives no other."""

    def method(originals: Path, suspects: Path) -> list[Pair]:
        with _both(originals, suspects) as folder:
            found = immaculate.find_duplicates(folder, method=name)
        pairs = set()
        for each in (*found.exact, *found.near):
            paths = [Path(path) for path in each]
            for suspect in (path for path in paths if path.parent.name == "suspects"):
                pairs |= {(suspect.name, path.name) for path in paths if path.parent.name == "originals"}
        return [
            Pair(suspect=suspect, original=original, score=1.0, claimed=True) for suspect, original in sorted(pairs)
        ]

    return method


@contextmanager
def _both(originals: Path, suspects: Path) -> Iterator[Path]:
    """Give one folder with the files of two, as hard links where they are on one disk."""
    with TemporaryDirectory(dir=originals.parent) as name:
        for source, target in ((originals, "originals"), (suspects, "suspects")):
            folder = Path(name) / target
            folder.mkdir()
            for path in list_photos(source):
                os.link(path, folder / path.name)
        yield Path(name)


METHODS: dict[str, Method] = {
    "theftwatch": routes.by_folders,
    "phash 64": _hash_method(_phash(8), _PHASH_64_BITS),
    "phash 256": _hash_method(_phash(16), _PHASH_256_BITS),
    "pdq": _hash_method(_pdq, _PDQ_BITS),
    "sscd": _sscd("sscd"),
    "sscd distilled": _sscd("sscd_distilled"),
    "immaculate pdq": _immaculate("pdq"),
    "immaculate sscd": _immaculate("sscd"),
}
#: The same program through its database
DATABASE_ROUTE: Method = routes.by_database
