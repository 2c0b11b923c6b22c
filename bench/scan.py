"""Comparing two folders by `theftwatch scan`, against the package immaculate by SSCD over the same photos."""

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.process import run_python
from bench.recognition.build import Truth, build
from bench.recognition.photos import committed_photos
from bench.result import Goal, Measure, Result
from theftwatch.match.scan import list_photos

SIZE = 2000
QUICK_SIZE = 100
UNIT = "photos in each folder"

#: One photo in so many is an original of the part that is reported
_SHARED_OUT_EACH = 4

type Pairs = set[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What one program did with both folders."""

    wall_s: float
    cpu_s: float
    #: Suspect and original, by their names
    pairs: Pairs


def measure(size: int) -> Result:
    """Measure both programs, each in a process of its own, over `size` photos on either side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = _make(folder, size)
        originals = len(list_photos(folder / "originals"))
        ours = _timed(_theftwatch, folder)
        theirs = _timed(_immaculate, folder)
    copies = [each for each in truth if each.original]
    recalls = [
        sum((each.suspect, each.original) in scan.pairs for each in copies) / len(copies) for scan in (ours, theirs)
    ]
    wrong = [len(scan.pairs - _right(truth)) for scan in (ours, theirs)]
    named = (("theftwatch", ours), ("immaculate", theirs))
    return Result(
        title=f"Comparing {originals:,} originals with {len(truth):,} suspects, of which {len(copies):,} are copies",
        measures=[
            *(Measure(name=f"{program}: wall time", values=[scan.wall_s], unit="s") for program, scan in named),
            *(Measure(name=f"{program}: processor time", values=[scan.cpu_s], unit="s") for program, scan in named),
        ],
        goals=[
            Goal(
                text="wall time, theftwatch / immaculate",
                ratio=ours.wall_s / theirs.wall_s,
                most=1,
                judged=size >= SIZE,
            ),
        ],
        notes=[
            f"Found: theftwatch {recalls[0]:.3f} of the copies with {wrong[0]} other pairs, "
            f"immaculate --method sscd {recalls[1]:.3f} with {wrong[1]}",
            "The photos of bench/recognition, each with several edits; its other part stands among the originals",
        ],
    )


def _make(folder: Path, size: int) -> list[Truth]:
    """Write `originals` and `suspects`: the part to report, and photos of the other part as further originals."""
    photos = committed_photos()[: _SHARED_OUT_EACH * size]
    truth = build(folder, photos, "report", size // 2)
    missing = size - len(list_photos(folder / "originals"))
    if missing > 0:
        build(folder / "other", photos, "tune", -(-missing // 2))
        for path in list_photos(folder / "other" / "suspects")[:missing]:
            path.rename(folder / "originals" / f"other-{path.name}")
    return truth


def _right(truth: list[Truth]) -> Pairs:
    return {(each.suspect, name) for each in truth if each.original for name in (each.original, *each.open_originals)}


def _timed(program: Callable[[Path], tuple[float, Pairs]], folder: Path) -> Scan:
    started_s = time.perf_counter()
    cpu_s, pairs = program(folder)
    return Scan(wall_s=time.perf_counter() - started_s, cpu_s=cpu_s, pairs=pairs)


def _theftwatch(folder: Path) -> tuple[float, Pairs]:
    out = folder / "found.jsonl"
    run = run_python(
        ["-m", "theftwatch", "scan", str(folder / "originals"), str(folder / "suspects"), "--out", str(out)]
    )
    found = (json.loads(line) for line in out.read_text("utf-8").splitlines())
    return run.cpu_s, {(pair["suspect"], pair["original"]) for pair in found if pair["decision"] == "match"}


def _immaculate(folder: Path) -> tuple[float, Pairs]:
    """Ask for sets of duplicates in one folder, since that is what it finds; a set pairs all that is in it."""
    both = folder / "both"
    for name in ("originals", "suspects"):
        (both / name).mkdir(parents=True)
        for path in list_photos(folder / name):
            os.link(path, both / name / path.name)
    run = run_python(["-m", "immaculate", "--json", "--method", "sscd", str(both)])
    found = json.loads(run.output)
    pairs: Pairs = set()
    for each in (*found["exact"], *found["near"]):
        paths = [Path(path) for path in each]
        originals = [path.name for path in paths if path.parent.name == "originals"]
        pairs |= {(path.name, original) for path in paths if path.parent.name == "suspects" for original in originals}
    return run.cpu_s, pairs
