"""Build the set, `python -m bench.recognition build DIR`, or measure with it, `python -m bench.recognition [run]`."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.machine import machine
from bench.recognition.build import PARTS, SIZE, Part, Truth, build, read_truth
from bench.recognition.photos import Photo, committed_photos, local_photos

_CACHE = Path(__file__).parents[2] / ".cache" / "recognition"


def main() -> int:
    """Do what the command line says."""
    arguments = _parse(sys.argv[1:])
    if arguments.command == "build":
        _build(arguments.folder, _photos(arguments.photos), arguments.part, arguments.size)
        return 0
    if arguments.set:
        _run(arguments, arguments.set, read_truth(arguments.set / "truth.tsv"))
        return 0
    with tempfile.TemporaryDirectory(prefix="theftwatch-recognition-") as name:
        truth = _build(Path(name), _photos(arguments.photos), arguments.part, arguments.size)
        _run(arguments, Path(name), truth)
    return 0


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.recognition", description="Measure the recognition that docs/recognition.md states."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("build", help="write originals, suspects and the truth about them into a folder")
    making.add_argument("folder", type=Path)
    running = commands.add_parser(
        "run", help="build the set and measure methods with it; what is done if none is named"
    )
    running.add_argument("--set", type=Path, metavar="DIR", help="a set built before, in place of a new one")
    running.add_argument(
        "--method", action="append", metavar="NAME", help="a method to run, may be repeated; all where none is named"
    )
    running.add_argument(
        "--route", choices=("folders", "database"), default="folders", help="the way that theftwatch takes"
    )
    running.add_argument("--best-only", action="store_true", help="of each suspect count the best pair alone")
    running.add_argument("--out", type=Path, metavar="FILE.json", help="also write all figures there")
    running.add_argument("--plot", type=Path, metavar="FILE.svg", help="also draw recall by edit")
    for each in (making, running):
        each.add_argument(
            "--photos", type=Path, action="append", default=[], metavar="DIR", help="more photos; may be repeated"
        )
        each.add_argument("--part", choices=PARTS, default="report", help="which half of the photos (report)")
        each.add_argument("--size", type=int, default=SIZE, metavar="N", help=f"copies, and unrelated photos ({SIZE})")
    named = words and (words[0] in commands.choices or words[0] in ("-h", "--help"))
    arguments = parser.parse_args(words if named else ["run", *words])
    if arguments.size < 1:
        parser.error(f"--size {arguments.size}: give 1 or more")
    for folder in arguments.photos:
        if not folder.is_dir():
            parser.error(f"--photos {folder}: no such folder")
    if arguments.command == "run":
        _check_methods(parser, arguments)
    elif arguments.folder.exists() and any(arguments.folder.iterdir()):
        # Files of another set would be originals and suspects that the truth does not know.
        parser.error(f"{arguments.folder} is not empty; give a new folder")
    return arguments


def _check_methods(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    # The neural models take a second to load.
    from bench.recognition.methods import METHODS

    arguments.method = arguments.method or list(METHODS)
    if unknown := set(arguments.method) - set(METHODS):
        parser.error(f"--method {min(unknown)}: there are {', '.join(METHODS)}")
    if arguments.set and not (arguments.set / "truth.tsv").is_file():
        parser.error(f"--set {arguments.set}: no truth.tsv in it; make one with `python -m bench.recognition build`")


def _photos(folders: list[Path]) -> list[Photo]:
    photos = committed_photos()
    if not folders:
        return photos
    from bench.recognition.groups import grouped

    for folder in folders:
        photos += local_photos(folder, photos)
    return grouped(photos, _CACHE)


def _build(folder: Path, photos: list[Photo], part: Part, size: int) -> list[Truth]:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"Making the part to {part}", total=2 * size)
        truth = build(folder, photos, part, size, lambda done: progress.advance(task, done))
    print(f"{folder}: {_counted(folder, truth)}", file=sys.stderr)
    return truth


def _run(arguments: argparse.Namespace, folder: Path, truth: list[Truth]) -> None:
    from bench.recognition.methods import DATABASE_ROUTE, METHODS, run
    from bench.recognition.metrics import score
    from bench.recognition.plot import write_plot
    from bench.recognition.tables import Measured, lines, write_json

    measured = []
    for name in arguments.method:
        print(f"{name} …", file=sys.stderr, flush=True)
        through_database = name == "theftwatch" and arguments.route == "database"
        outcome = run(DATABASE_ROUTE if through_database else METHODS[name], folder / "originals", folder / "suspects")
        result = score(truth, outcome.pairs, best_only=arguments.best_only)
        measured.append(Measured(name=name, outcome=outcome, score=result))
    about = machine()
    print(f"{about}\n{_counted(folder, truth)}\n")
    print("\n".join(lines(measured)))
    if arguments.out:
        write_json(
            arguments.out, measured, {"machine": about, "set": _counted(folder, truth), "route": arguments.route}
        )
    if arguments.plot:
        write_plot(arguments.plot, measured, "Recall by edit, at a threshold without a wrong pair")


def _counted(folder: Path, truth: list[Truth]) -> str:
    copies = sum(bool(each.original) for each in truth)
    originals = sum(1 for _ in (folder / "originals").iterdir())
    return f"{originals} originals, {copies} copies, {len(truth) - copies} unrelated photos"


if __name__ == "__main__":
    sys.exit(main())
