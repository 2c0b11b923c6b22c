"""Build the set and measure with it: `python -m bench.recognition build DIR` and `python -m bench.recognition [run]`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.recognition.build import PARTS, SIZE, Part, build
from bench.recognition.groups import grouped
from bench.recognition.photos import Photo, committed_photos, local_photos

_CACHE = Path(__file__).parents[2] / ".cache" / "recognition"


def main() -> int:
    """Do what the command line says."""
    arguments = _parse()
    photos = _photos(arguments.photos)
    _build(arguments.folder, photos, arguments.part, arguments.size)
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.recognition")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("build")
    making.add_argument("folder", type=Path)
    making.add_argument("--photos", type=Path, action="append", default=[])
    making.add_argument("--part", choices=PARTS, default="report")
    making.add_argument("--size", type=int, default=SIZE)
    return parser.parse_args()


def _photos(folders: list[Path]) -> list[Photo]:
    photos = committed_photos()
    for folder in folders:
        photos += local_photos(folder, photos)
    return grouped(photos, _CACHE) if folders else photos


def _build(folder: Path, photos: list[Photo], part: Part, size: int) -> None:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"Making the part to {part}", total=2 * size)
        truth = build(folder, photos, part, size, lambda done: progress.advance(task, done))
    copies = sum(bool(each.original) for each in truth)
    print(f"{folder}: {copies} copies and {len(truth) - copies} unrelated photos")


if __name__ == "__main__":
    sys.exit(main())
