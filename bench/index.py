"""Searching the index in memory among a million originals, beside reading all that it holds.

Around real photos are drawn originals, with hashes and descriptors like those of photos; asked for are edited copies.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from bench.descriptors import Rows, draw_descriptors
from bench.hashes import asked_hashes, near, stored_hashes
from bench.recognition.build import build
from bench.recognition.photos import committed_photos
from bench.result import Goal, Measure, Result
from theftwatch.images.fingerprint import fingerprint
from theftwatch.match.bands import bands_of
from theftwatch.match.candidates import RADIUS_BITS
from theftwatch.match.cells import Codes, cells_of

SIZE = 1_000_000
QUICK_SIZE = 100_000
UNIT = "indexed originals"

#: Copies asked for, and hashes; the scans are asked for a part of them
_COPIES, _HASHES, _SCANNED = 100, 128, 16
#: Descriptors that a look-up of some images asks for at once
_AT_ONCE = 64
#: How many of the nearest are searched for whole images, as `match/memory.py` does
_NEAREST = 40


def measure(size: int) -> Result:
    """Search an index of `size` originals for copies of real ones, by hash and by descriptor."""
    with tempfile.TemporaryDirectory() as folder:
        copies = min(_COPIES, max(4, size // 1000))
        real, asked, owners = _photos(Path(folder), copies, others=max(4, size // 1000))
    embeddings = np.concatenate([real.astype(np.float16), *draw_descriptors(real, max(0, size - len(real)))])
    hashes = stored_hashes(2 * size)
    started_s = time.process_time()
    bands = bands_of(hashes.tolist(), (np.arange(2 * size) // 2).tolist())
    cells = cells_of(embeddings, np.arange(len(embeddings), dtype=np.int32))
    built_s = time.process_time() - started_s

    queries = asked_hashes(hashes, _HASHES).tolist()
    by_bands_ms, found = _timed_ms(lambda: bands.near(queries), len(queries))
    by_scan_ms, wanted = _timed_ms(lambda: [near(hashes, each, RADIUS_BITS) for each in queries[:_SCANNED]], _SCANNED)
    place = {value: number // 2 for number, value in enumerate(hashes.tolist())}
    missed = sum(
        len({place[each] for each in all_near} - images) for images, all_near in zip(found, wanted, strict=False)
    )

    by_cells_ms, nearest = _timed_ms(
        lambda: [
            images
            for start in range(0, len(asked), _AT_ONCE)
            for images, _ in cells.nearest(asked[start : start + _AT_ONCE], _NEAREST)
        ],
        len(asked),
    )
    codes = np.packbits(embeddings > 0, axis=1)
    signs_ms, exact = _timed_ms(lambda: _scan(np.packbits(asked > 0, axis=1), codes), len(asked))
    in_scan = [owner in images for owner, images in zip(owners, exact, strict=True)]
    in_both = [owner in images and met for owner, images, met in zip(owners, nearest, in_scan, strict=True)]
    judged = size >= SIZE
    return Result(
        title=f"The index in memory: {size:,} originals, two hashes and a descriptor each",
        notes=[
            f"Made in {built_s:.0f} s, {(bands.byte_count + cells.byte_count) / 2**20:.0f} MB without the SHA-256",
            f"Of {len(asked)} copies the original is among the {_NEAREST} with the nearest signs of all for "
            f"{sum(in_scan)}, and the index finds {sum(in_both)} of these",
        ],
        measures=[
            Measure(name="all near a hash, by bands", values=[by_bands_ms], unit="ms of processor time"),
            Measure(name="the same by reading all", values=[by_scan_ms], unit="ms of processor time"),
            Measure(
                name=f"the {_NEAREST} nearest a descriptor, by cells", values=[by_cells_ms], unit="ms of processor time"
            ),
            Measure(name="the same by reading all signs", values=[signs_ms], unit="ms of processor time"),
        ],
        goals=[
            Goal(text="hashes that are near and not found", ratio=missed, most=0),
            Goal(text="by reading all / by bands", ratio=by_scan_ms / by_bands_ms, least=5, judged=judged),
            Goal(text="by reading all signs / by cells", ratio=signs_ms / by_cells_ms, least=3, judged=judged),
            Goal(
                text="originals found, of those that reading all finds",
                ratio=sum(in_both) / sum(in_scan),
                least=0.95,
                judged=judged,
            ),
        ],
    )


def _photos(folder: Path, copies: int, others: int) -> tuple[Rows, Rows, list[int]]:
    """Return the descriptors of real photos and of copies, and of which photo each copy is."""
    # Half of them are in this part, and some of these are originals.
    truth = build(folder, committed_photos()[: 10 * others], "report", copies)
    copied = [each for each in truth if each.original]
    names = sorted({each.original for each in copied})
    names += sorted({path.name for path in (folder / "originals").iterdir()} - set(names))[:others]
    place = {name: number for number, name in enumerate(names)}
    return (
        np.stack([_row(folder / "originals" / name) for name in names]),
        np.stack([_row(folder / "suspects" / each.suspect) for each in copied]),
        [place[each.original] for each in copied],
    )


def _row(path: Path) -> Rows:
    described = fingerprint(path.read_bytes()).descriptor
    assert described, "the network is off"
    return described.row


def _scan(asked: Codes, codes: Codes) -> Sequence[set[int]]:
    _, places = cv2.batchDistance(asked, codes, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=min(_NEAREST, len(codes)))
    return [set(each.tolist()) for each in places]


def _timed_ms[T](work: Callable[[], T], count: int) -> tuple[float, T]:
    started_s = time.process_time()
    found = work()
    return (time.process_time() - started_s) * 1000 / count, found
