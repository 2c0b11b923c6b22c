"""The image pipeline of the product, against Scrapy's ImagesPipeline with imagehash, over the same photos.

The product computes a neural descriptor too, which the alternative has not: both are compared by hashes alone, and what
the descriptor costs stands beside them.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from bench.database import Postgres, temporary_postgres
from bench.fingerprint import large_photos
from bench.process import clean_environment, run_python
from bench.result import Goal, Measure, Result

SIZE = 600
QUICK_SIZE = 60
UNIT = "photos"

_ROUNDS = 3
#: Photos enlarged; the others have their pixels and other bytes
_ENLARGED = 100
_WAYS = ("theftwatch", "scrapy", "theftwatch with descriptor")
#: Those that are compared; both compute the same hashes
_COMPARED = _WAYS[:2]
#: Python's own server, with room for all that ask at once: Scrapy without a delay asks for everything at once
_SERVE = (
    "import runpy, socketserver; socketserver.TCPServer.request_queue_size = 1000; "
    "runpy.run_module('http.server', run_name='__main__')"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Crawl:
    """What one crawl did."""

    cpu_s: float
    #: Photos that were fetched, kept and hashed
    hashed: int
    #: SHA-256 of the files that it kept
    kept: frozenset[str]


def measure(size: int) -> Result:
    """Measure the processor time of one photo both ways, from whole crawls less crawls of one photo.

    The first photo loads what hashes, in both ways, and so counts as the start.
    """
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        return compare(postgres, Path(folder), max(size, 2), rounds=_ROUNDS if size >= QUICK_SIZE else 1)


def compare(postgres: Postgres, folder: Path, size: int, *, rounds: int) -> Result:
    """Measure with a server that holds nothing and an empty folder."""
    photos = _photos(size)
    starts: dict[str, list[float]] = {way: [] for way in _WAYS}
    crawls: dict[str, list[float]] = {way: [] for way in _WAYS}
    hashed: dict[str, set[int]] = {way: set() for way in _WAYS}
    exact: dict[str, float] = {}
    with _served(photos, folder / "served") as port:
        for number in range(rounds):
            for way in _WAYS:
                dsn = postgres.clone(f"{_database(way)}_{number}")
                first = postgres.clone(f"{_database(way)}_{number}_start")
                starts[way].append(_crawl(way, 1, port, first, folder / f"{way} {number} start").cpu_s)
                done = _crawl(way, size, port, dsn, folder / f"{way} {number}")
                crawls[way].append(done.cpu_s)
                hashed[way].add(done.hashed)
                exact[way] = fmean(hashlib.sha256(photo).hexdigest() in done.kept for photo in photos)
    each = {
        way: Measure(
            name=f"one photo: {way}",
            values=[
                (all_s - start_s) / (size - 1) * 1000 for all_s, start_s in zip(crawls[way], starts[way], strict=True)
            ],
            unit="ms of processor time",
        )
        for way in _WAYS
    }
    return Result(
        title=f"Image pipeline: {size} JPEGs of 1200 px ({fmean(map(len, photos)) / 1000:.0f} kB) from loopback",
        notes=[
            f"theftwatch: fetched, kept as they are ({exact['theftwatch']:.0%}), 64 and 256 bits of image and mirror; "
            "by hashes alone, as the other way, and with the distilled network's descriptor, which it adds",
            f"scrapy: ImagesPipeline (kept as they are: {exact['scrapy']:.0%}), the same hashes by imagehash",
            "The demo's photos, enlarged. Whole crawls in processes of their own, less crawls of one photo",
        ],
        measures=[
            *each.values(),
            *(
                Measure(name=f"start and first photo: {way}", values=starts[way], unit="s of processor time")
                for way in _WAYS
            ),
        ],
        goals=[
            *(
                Goal(text=f"photos hashed by {way}, of all", ratio=min(hashed[way]) / size, least=1)
                for way in _COMPARED
            ),
            Goal(text="photos kept byte for byte, of all", ratio=exact["theftwatch"], least=1),
            Goal(
                text="processor time of a photo: scrapy / theftwatch",
                ratio=each["scrapy"].median / each["theftwatch"].median,
                least=4,
                judged=size >= SIZE,
            ),
        ],
    )


def _photos(count: int) -> list[bytes]:
    enlarged = large_photos(min(count, _ENLARGED))
    return [_with_comment(enlarged[number % len(enlarged)], f"photo {number}") for number in range(count)]


def _with_comment(jpeg: bytes, text: str) -> bytes:
    """Return a JPEG of the same pixels in other bytes: with a comment after its first marker."""
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2) + text.encode() + jpeg[2:]


@contextmanager
def _served(photos: Sequence[bytes], folder: Path) -> Iterator[int]:
    """Serve photos as a process of its own does, and yield its port."""
    (folder / "kf").mkdir(parents=True)
    for number, photo in enumerate(photos):
        (folder / f"kf/{number}.jpg").write_bytes(photo)
    command = [sys.executable, "-u", "-c", _SERVE, "0", "--bind", "127.0.0.1", "--protocol", "HTTP/1.1"]
    with subprocess.Popen(
        [*command, "--directory", str(folder)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            # Serving HTTP on 127.0.0.1 port 40000 (…) ...
            yield int(server.stdout.readline().split()[5])
        finally:
            server.terminate()


def _crawl(way: str, photos: int, port: int, dsn: str, folder: Path) -> Crawl:
    run = run_python(
        ["-m", "bench.image_crawl", way.partition(" ")[0], str(photos), str(port), str(folder / "kept")],
        THEFTWATCH_DSN=dsn,
        THEFTWATCH_DATA_DIR=str(folder),
        THEFTWATCH_DATABASE="kept",
        THEFTWATCH_HOST_MAP=f"*.alicdn.com=127.0.0.1:{port}",
        THEFTWATCH_DELAY_S="0",
        THEFTWATCH_DESCRIPTOR="distilled" if way.endswith("descriptor") else "off",
    )
    files = [path for path in folder.rglob("*") if path.is_file()]
    return Crawl(
        cpu_s=run.cpu_s,
        hashed=json.loads(run.output),
        kept=frozenset(hashlib.sha256(path.read_bytes()).hexdigest() for path in files),
    )


def _database(way: str) -> str:
    return way.replace(" ", "_")
