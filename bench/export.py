"""What a view takes in memory as it becomes a file, in each format, against all its rows fetched at once."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import psycopg

from bench.database import temporary_postgres
from bench.result import Goal, Measure, Result
from theftwatch.errors import UsageError
from theftwatch.reports.export import Format, export

SIZE = 10_000_000
QUICK_SIZE = 100_000
UNIT = "listings"

#: How much of them is written first, to see whether memory grows
_PART = 10
_FILL = """
    insert into listing (marketplace, listing_ref, url, title, first_seen_at, last_seen_at, complete)
    select 'alibaba', n, 'https://www.alibaba.com/product-detail/_' || n || '.html', 'Thing ' || n,
        '2026-11-01', '2026-11-01', true
    from generate_series(%s::int, %s::int) as n"""


def measure(size: int) -> Result:
    """Write a tenth of the listings to a file of each format, and then all of them, each in a process of its own."""
    formats: tuple[Format, ...] = get_args(Format)
    part = max(1, size // _PART)
    few, many, pace = {}, {}, {}
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        dsn = postgres.clone("export")
        _fill(dsn, 1, part)
        for fmt in formats:
            few[fmt], _ = _apart(_export, dsn, fmt, folder)
        at_once, _ = _apart(_fetch, dsn, "csv", folder)
        _fill(dsn, part + 1, size)
        for fmt in formats:
            many[fmt], seconds = _apart(_export, dsn, fmt, folder)
            pace[fmt] = size / seconds
    return Result(
        title=f"{size:,} listings as files",
        measures=[
            *(Measure(name=f"{fmt}, memory", values=[many[fmt]], unit="MB") for fmt in formats),
            *(Measure(name=f"{fmt}, memory with {part:,}", values=[few[fmt]], unit="MB") for fmt in formats),
            Measure(name=f"{part:,} fetched at once, memory", values=[at_once], unit="MB"),
            *(Measure(name=f"{fmt}, pace", values=[pace[fmt]], unit="rows/s") for fmt in formats),
        ],
        goals=[
            Goal(
                text=f"{fmt}: memory with all of them against {part:,}",
                ratio=many[fmt] / few[fmt],
                most=1.3,
                judged=size >= SIZE,
            )
            for fmt in formats
        ],
        notes=[
            "Memory is the most that the process ever had, Python and libraries with it.",
            "More rows than a sheet of Excel holds are refused: then its pace is that of the refusal.",
        ],
    )


def _fill(dsn: str, first: int, last: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        # what is kept of sellers is nothing to this
        connection.execute("alter table listing disable trigger user")
        connection.execute(_FILL, [first, last])
        connection.execute("vacuum analyze listing")


def _apart(work: Callable[[str, Format, str], None], dsn: str, fmt: Format, folder: str) -> tuple[float, float]:
    """Do some work in a process of its own; return its memory at most, in MB, and the time that it took, in seconds."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured, (work, dsn, fmt, folder))


def _measured(work: Callable[[str, Format, str], None], dsn: str, fmt: Format, folder: str) -> tuple[float, float]:
    started_s = time.perf_counter()
    work(dsn, fmt, folder)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, time.perf_counter() - started_s


def _export(dsn: str, fmt: Format, folder: str) -> None:
    path = Path(folder) / f"listings.{fmt}"
    try:
        export(dsn, "listings", fmt, path)
    except UsageError:
        assert fmt == "xlsx"
    path.unlink(missing_ok=True)


def _fetch(dsn: str, _fmt: Format, _folder: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("select * from analysis.listing order by listing_id").fetchall()
