"""Build the set and measure with it: `python -m bench.recognition build DIR` and `python -m bench.recognition [run]`."""

import argparse
import sys
from pathlib import Path

from bench.recognition.build import PARTS, SIZE, build
from bench.recognition.photos import committed_photos, local_photos


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.recognition")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("build")
    making.add_argument("folder", type=Path)
    making.add_argument("--photos", type=Path, action="append", default=[])
    making.add_argument("--part", choices=PARTS, default="report")
    making.add_argument("--size", type=int, default=SIZE)
    arguments = parser.parse_args()
    photos = committed_photos()
    for folder in arguments.photos:
        photos += local_photos(folder, photos)
    truth = build(arguments.folder, photos, arguments.part, arguments.size)
    print(len(truth), "suspects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
