"""A second crawl of a replica that has not changed, against the first."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.database import temporary_postgres
from bench.market import settings_for
from bench.process import run_python
from bench.result import Goal, Measure, Result
from theftwatch.demo.catalogue import Edit, Served, load_catalogue
from theftwatch.demo.starts import start_lines

SIZE = 9
QUICK_SIZE = 3
UNIT = "first and second crawls of a marketplace"

#: The smallest first
_SPIDERS = ("artfire", "etsy", "alibaba")


def measure(size: int) -> Result:
    """Crawl marketplaces twice, into a new database each time that all of them were crawled."""
    spiders = _SPIDERS[:size]
    first_s: list[float] = []
    again_s: list[float] = []
    start_s: list[float] = []
    fetched = 0
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as folder, _replica() as port:
        for number in range(size // len(spiders)):
            dsn = postgres.clone(f"crawl_{number}")
            environment = settings_for(dsn, Path(folder) / str(number), port)
            start_s.append(len(spiders) * _cpu_s(["list"], environment))
            first_s.append(_crawl_all(spiders, Path(folder), environment))
            again_s.append(_crawl_all(spiders, Path(folder), environment))
            fetched += _fetched_again(dsn, len(spiders)) - _damaged(spiders)
    first, again, start = (Measure(name=name, values=values, unit="s of processor time") for name, values in (
        ("first crawl", first_s), ("second crawl", again_s), ("of each, starting the processes", start_s)
    ))  # fmt: skip
    return Result(
        title=f"A second crawl of an unchanged replica: {', '.join(spiders)}",
        measures=[first, again, start],
        goals=[
            Goal(text="images fetched again that had come whole", ratio=fetched, most=0),
            Goal(
                text="second crawl against first, without starting processes",
                ratio=(again.median - start.median) / (first.median - start.median),
                most=0.4,
            ),
        ],
        notes=[
            f"With starting the processes: {again.median / first.median:.2f}.",
            "The time of the spiders alone; the replica and Postgres have processes of their own.",
        ],
    )


@contextmanager
def _replica() -> Iterator[int]:
    command = [sys.executable, "-m", "theftwatch.demo.replica", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.terminate()


def _crawl_all(spiders: Sequence[str], folder: Path, environment: dict[str, str]) -> float:
    """Crawl marketplaces and return the processor time."""
    total_s = 0.0
    for spider in spiders:
        starts = folder / f"{spider}.txt"
        starts.write_text("\n".join(start_lines(load_catalogue(), spider)))
        total_s += _cpu_s(["crawl", spider, "-a", f"file={starts}"], environment)
    return total_s


def _cpu_s(arguments: list[str], environment: dict[str, str]) -> float:
    """Run Scrapy and return the processor time of its process."""
    return run_python(["-m", "scrapy", *arguments], **environment).cpu_s


def _damaged(spiders: Sequence[str]) -> int:
    """Return how many images of some marketplaces come damaged, and are asked for again."""
    offers = (offer for offer in load_catalogue().offers if offer.served is Served.PAGE and offer.key[0] in spiders)
    shown = (one for offer in offers for one in offer.shown)
    return len({one.url for one in shown if one.picture.edit is Edit.BROKEN})


def _fetched_again(dsn: str, crawls: int) -> int:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select coalesce((stats ->> 'theftwatch/image/fetched')::int, 0) from run order by id desc limit %s",
            [crawls],
        ).fetchall()
    return sum(count for (count,) in rows)
