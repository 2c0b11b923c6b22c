"""A second crawl of what has not changed, against the first: of the replica as asked for, and of a watched shop."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.database import Postgres, temporary_postgres
from bench.market import running_market, settings_for
from bench.process import run_python
from bench.result import Goal, Measure, Result
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.starts import start_lines

SIZE = 1000
QUICK_SIZE = 100
UNIT = "listings in a shop"

_SPIDERS = ("etsy", "artfire", "alibaba")
_ROUNDS = 3
#: Photos of a listing in the shop, each of them new
_PHOTOS = 3


def measure(size: int) -> Result:
    """Crawl all three marketplaces twice, and then a shop of `size` listings as a target, into new databases."""
    judged = size >= SIZE
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        replica, replica_goals = _measure_replica(postgres, Path(folder), rounds=_ROUNDS if judged else 1)
        shop, shop_goals = _measure_shop(postgres, Path(folder), size, judged=judged)
    return Result(
        title=f"Crawls of what has not changed: the replica, and a shop of {size:,} listings of {_PHOTOS} photos",
        measures=replica + shop,
        goals=replica_goals + shop_goals,
        notes=[
            "The time of the spiders alone; the replica, of 138 listings, and Postgres have processes of their own.",
            "Starting the processes is counted with the crawls of the shop.",
        ],
    )


def _measure_replica(postgres: Postgres, folder: Path, *, rounds: int) -> tuple[list[Measure], list[Goal]]:
    first_s: list[float] = []
    again_s: list[float] = []
    start_s: list[float] = []
    fetched = 0
    with _replica() as port:
        for number in range(rounds):
            dsn = postgres.clone(f"crawl_{number}")
            environment = settings_for(dsn, folder / str(number), port)
            start_s.append(len(_SPIDERS) * _cpu_s(["list"], environment))
            first_s.append(_crawl_all(folder, environment))
            again_s.append(_crawl_all(folder, environment))
            fetched += _fetched_lately(dsn, len(_SPIDERS))
    first, again, start = (Measure(name=name, values=values, unit="s of processor time") for name, values in (
        ("first crawl of the replica", first_s),
        ("second crawl of the replica", again_s),
        ("of each, starting three processes", start_s),
    ))  # fmt: skip
    return (
        [first, again, start],
        [
            Goal(text="images fetched again of the replica", ratio=fetched, most=0),
            Goal(
                text="second crawl of the replica against first, without starting processes",
                ratio=(again.median - start.median) / (first.median - start.median),
                most=0.4,
            ),
        ],
    )


def _measure_shop(postgres: Postgres, folder: Path, size: int, *, judged: bool) -> tuple[list[Measure], list[Goal]]:
    """Crawl a vendor's shop, again when its list is due, and once more when each listing's own page is due too."""
    dsn = postgres.clone("crawl_shop")
    crawls: dict[str, tuple[float, int, int]] = {}
    with running_market(folder, vendors=1, listings=size, photos=_PHOTOS) as market:
        environment = settings_for(dsn, folder / "shop", market.port)
        run_python(["-m", "theftwatch", "target", "add", "alibaba", "vendor=drawn0"], **environment)
        for name, due in (("first", "false"), ("list", "kind = 'vendor'"), ("pages", "true")):
            with psycopg.connect(dsn) as connection:
                connection.execute(f"update target set due_at = added_at where {due}".encode())
            cpu_s = _cpu_s(["crawl", "alibaba"], environment)
            crawls[name] = cpu_s, len(market.take_requests()), _fetched_lately(dsn, 1)
    first, again, pages = crawls["first"], crawls["list"], crawls["pages"]
    return (
        [
            Measure(name="first crawl of the shop", values=[first[0]], unit="s of processor time"),
            Measure(name="the next one, of its list", values=[again[0]], unit="s of processor time"),
            Measure(name="one that asks for each page too", values=[pages[0]], unit="s of processor time"),
            Measure(name="first crawl of the shop, requests", values=[first[1]], unit="requests"),
            Measure(name="the next one, requests", values=[again[1]], unit="requests"),
            Measure(name="one that asks for each page too, requests", values=[pages[1]], unit="requests"),
        ],
        [
            Goal(text="images fetched first, of all", ratio=first[2] / (size * _PHOTOS), least=1, most=1),
            Goal(text="images fetched again of the shop", ratio=again[2] + pages[2], most=0),
            Goal(
                text="next crawl of the shop against first, processor",
                ratio=again[0] / first[0],
                most=0.15,
                judged=judged,
            ),
            Goal(
                text="next crawl of the shop against first, requests",
                ratio=again[1] / first[1],
                most=0.1,
                judged=judged,
            ),
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


def _crawl_all(folder: Path, environment: dict[str, str]) -> float:
    """Crawl all marketplaces and return the processor time."""
    total_s = 0.0
    for spider in _SPIDERS:
        starts = folder / f"{spider}.txt"
        starts.write_text("\n".join(start_lines(load_catalogue(), spider)))
        total_s += _cpu_s(["crawl", spider, "-a", f"file={starts}"], environment)
    return total_s


def _cpu_s(arguments: list[str], environment: dict[str, str]) -> float:
    """Run Scrapy and return the processor time of its process."""
    return run_python(["-m", "scrapy", *arguments], **environment).cpu_s


def _fetched_lately(dsn: str, runs: int) -> int:
    """Return how many images the last runs fetched."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select coalesce((stats ->> 'theftwatch/image/fetched')::int, 0) from run order by id desc limit %s", [runs]
        ).fetchall()
    return sum(count for (count,) in rows)
