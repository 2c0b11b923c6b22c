"""What a view takes in memory as it becomes a file, in each format, against all its rows fetched at once."""

import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

import psycopg

from bench.database import temporary_postgres
from bench.result import Goal, Measure, Result
from theftwatch.reports.export import Format, export

SIZE = 10_000_000
QUICK_SIZE = 100_000
UNIT = "listings"

FORMATS: tuple[Format, ...] = get_args(Format)
#: By how much more is written the second time, to see whether memory grows
_PART = 10
_FILL = """
    insert into listing (marketplace, listing_ref, url, title, first_seen_at, last_seen_at, complete)
    select 'alibaba', n, 'https://www.alibaba.com/product-detail/_' || n || '.html', 'Thing ' || n,
        '2026-11-01', '2026-11-01', true
    from generate_series(%s::int, %s::int) as n"""


def measure(size: int) -> Result:
    """Write a tenth of the listings to a file of each format, and then all of them, each in a process of its own.

    A sheet of Excel holds no more than a million rows, so it is measured with a tenth of that.
    """
    sizes = {fmt: size // (_PART if fmt == "xlsx" else 1) for fmt in FORMATS}
    measured: dict[tuple[Format, int], tuple[float, float]] = {}
    filled = 0
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        dsn = postgres.clone("export")
        for rows in (size // _PART**2, size // _PART, size):
            _fill(dsn, filled + 1, rows)
            filled = rows
            for fmt in FORMATS:
                if rows in (sizes[fmt], sizes[fmt] // _PART):
                    measured[fmt, rows] = _apart(_export, dsn, fmt, folder)
            if rows == size // _PART:
                at_once, _ = _apart(_fetch, dsn, "csv", folder)
    few = {fmt: measured[fmt, sizes[fmt] // _PART] for fmt in FORMATS}
    many = {fmt: measured[fmt, sizes[fmt]] for fmt in FORMATS}
    return Result(
        title=f"{size:,} listings as files; {sizes['xlsx']:,} as a sheet",
        measures=[
            *(Measure(name=f"{fmt}, memory", values=[many[fmt][0]], unit="MB") for fmt in FORMATS),
            *(Measure(name=f"{fmt}, memory with a tenth", values=[few[fmt][0]], unit="MB") for fmt in FORMATS),
            Measure(name="a tenth fetched at once, memory", values=[at_once], unit="MB"),
            *(Measure(name=f"{fmt}, pace", values=[sizes[fmt] / many[fmt][1]], unit="rows/s") for fmt in FORMATS),
        ],
        goals=[
            Goal(
                text=f"{fmt}: memory with all of them against a tenth",
                ratio=many[fmt][0] / few[fmt][0],
                most=1.3,
                judged=size >= SIZE,
            )
            for fmt in FORMATS
        ],
        notes=["Memory is the most that the process ever had, Python and libraries with it."],
    )


def _fill(dsn: str, first: int, last: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        # what is kept of sellers is nothing to this
        connection.execute("alter table listing disable trigger user")
        connection.execute(_FILL, [first, last])
        connection.execute("vacuum analyze listing")


def _apart(work: Callable[[str, Format, str], None], dsn: str, fmt: Format, folder: str) -> tuple[float, float]:
    """Do some work in a process of its own; return its memory at most, in MB, and the time that it took, in seconds."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_measured, work, dsn, fmt, folder).result()


def _measured(work: Callable[[str, Format, str], None], dsn: str, fmt: Format, folder: str) -> tuple[float, float]:
    started_s = time.perf_counter()
    work(dsn, fmt, folder)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, time.perf_counter() - started_s


def _export(dsn: str, fmt: Format, folder: str) -> None:
    path = Path(folder) / f"listings.{fmt}"
    export(dsn, "listings", fmt, path)
    path.unlink()


def _fetch(dsn: str, _fmt: Format, _folder: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("select * from analysis.listing order by listing_id").fetchall()
