"""Fuzz one reader for as long as it is let, guided by which of our code each input reaches.

    make fuzz READER=page SECONDS=600

What it finds interesting stays in .cache/fuzz, one folder a reader, and is where the next run begins. An input that
crashes a reader is written beside them as `crash-…`; what it shows belongs into `tests/test_fuzz.py`.
"""

import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["theftwatch"]):
    from tests.fuzz.readers import READERS, read, seeds


def main() -> None:
    """Fuzz the reader that is named first; what follows are libFuzzer's options."""
    name, *options = sys.argv[1:] or [""]
    if name not in READERS:
        sys.exit(f"{name!r} is no reader; give one of {', '.join(READERS)}")
    corpus = Path(".cache/fuzz", name)
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds(name):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    longest = 2 * max(map(len, seeds(name)))
    # readers of packed and rendered things take memory of their own
    atheris.Setup(
        [
            sys.argv[0],
            "-rss_limit_mb=4096",
            f"-max_len={longest}",
            f"-artifact_prefix={corpus.parent}/",
            *options,
            str(corpus),
        ],
        read_one(name),
    )
    atheris.Fuzz()


def read_one(name: str):
    """Return what libFuzzer calls with each input."""
    return lambda data: read(name, data) and None


if __name__ == "__main__":
    main()
