"""The demonstration: the spiders crawl the replica into a database of its own, and what they found is shown.

It sets the host map and starts the same programs that a live crawl runs; nothing else in the project knows of it.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from theftwatch.clock import system_clock
from theftwatch.config import DEMO_DATABASE, Settings
from theftwatch.db.queries import Connection, fetch
from theftwatch.db.server import connect_dsn, owner_dsn, reader_dsn, start
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import Replica, running_replica
from theftwatch.demo.starts import start_lines
from theftwatch.demo.truth import ImagePlace, Pair, Score, score
from theftwatch.errors import TheftWatchError
from theftwatch.image_store import open_files
from theftwatch.reports.chosen import Chosen
from theftwatch.reports.report import write_report

MARKETPLACES = ("etsy", "artfire", "alibaba")
_REFRESH_S = 0.25
_LINE_S = 2
_CRAWL_MAX_S = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What one marketplace's part of the record holds."""

    listings: int = 0
    photos: int = 0
    compared: int = 0


async def run_tour(own: Settings, console: Console) -> None:
    """Crawl the replica and show what was found.

    Raises TheftWatchError where the database does not start or a spider fails.
    """
    demo, folder = _of_demo(own)
    folder.mkdir(parents=True, exist_ok=True)
    console.print("Starting Postgres and a replica of Etsy, ArtFire and Alibaba on this machine …")
    dsn = await asyncio.to_thread(connect_dsn, demo)
    started_s = time.monotonic()
    with ExitStack() as stack:
        replica = stack.enter_context(running_replica())
        crawls = {code: stack.enter_context(_crawling(code, replica, demo, folder)) for code in MARKETPLACES}
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await _watch(crawls, connection, console)
            for code, crawl in crawls.items():
                if crawl.returncode:
                    raise TheftWatchError(f"spider {code} failed; {folder / code}.log says why")
            await _show(connection, demo, folder, console, time.monotonic() - started_s)


def delete_demo(own: Settings) -> None:
    """Delete the demo's database and its files, and nothing else.

    Raises DatabaseError where Postgres does not start.
    """
    demo, folder = _of_demo(own)
    with psycopg.connect(owner_dsn(start(demo), "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(demo.database)))
    for leftover in (folder, demo.files_dir):
        shutil.rmtree(leftover, ignore_errors=True)


def _of_demo(own: Settings) -> tuple[Settings, Path]:
    """Return the settings of the demo, on the embedded Postgres whatever is set, and the folder of its reports."""
    return own.model_copy(update={"dsn": None, "database": DEMO_DATABASE, "files": None}), own.data_dir / "demo"


@contextmanager
def _crawling(code: str, replica: Replica, demo: Settings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a spider; where the demo is broken off, so is the crawl: it loses nothing by that."""
    with _crawl(code, replica, demo, folder) as crawl:
        try:
            yield crawl
        finally:
            crawl.kill()


def _crawl(code: str, replica: Replica, demo: Settings, folder: Path) -> subprocess.Popen[bytes]:
    starts = folder / f"{code}.txt"
    starts.write_text("\n".join(start_lines(load_catalogue(), code)) + "\n", encoding="utf-8")
    # The user's own settings are for live crawls.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("THEFTWATCH_")} | {
        "THEFTWATCH_DATA_DIR": str(demo.data_dir),
        "THEFTWATCH_DATABASE": demo.database,
        "THEFTWATCH_HOST_MAP": ",".join(f"{host}={address}" for host, address in replica.host_map.items()),
        # The replica is ours, so nobody needs to be spared.
        "THEFTWATCH_DELAY_S": "0",
        "SCRAPY_SETTINGS_MODULE": "theftwatch.settings",
    }
    with (folder / f"{code}.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "scrapy", "crawl", code, "-a", f"file={starts}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


async def _watch(crawls: dict[str, subprocess.Popen[bytes]], connection: Connection, console: Console) -> None:
    """Show how far the crawls are until all have ended: a table that changes, or lines where there is no terminal."""
    began_s = time.monotonic()
    with Live(console=console, refresh_per_second=8, auto_refresh=console.is_terminal) as live:
        while True:
            running = [code for code, crawl in crawls.items() if crawl.poll() is None]
            progress = {
                code: Progress(listings=listings, photos=photos, compared=compared)
                for code, listings, photos, compared in await fetch(connection, "find_progress")
            }
            [(matches,)] = await fetch(connection, "count_matches")
            live.update(_progress_table(progress, running, matches))
            if not running:
                return
            if time.monotonic() - began_s > _CRAWL_MAX_S:
                raise TheftWatchError(f"spiders {', '.join(running)} did not end in {_CRAWL_MAX_S} s; see their logs")
            if not console.is_terminal:
                listings = sum(each.listings for each in progress.values())
                photos = sum(each.photos for each in progress.values())
                console.print(f"crawling {', '.join(running)}: {listings} listings, {photos} photos, {matches} matches")
            await asyncio.sleep(_REFRESH_S if console.is_terminal else _LINE_S)


def _progress_table(progress: dict[str, Progress], running: list[str], matches: int) -> Group:
    table = Table(box=None, pad_edge=False)
    for heading in ("spider", "", "listings", "photos", "compared"):
        table.add_column(heading, justify="right" if heading in {"listings", "photos", "compared"} else "left")
    for code in MARKETPLACES:
        now = progress.get(code, Progress())
        state = "[yellow]crawling[/]" if code in running else "[green]done[/]"
        table.add_row(code, state, str(now.listings), str(now.photos), str(now.compared))
    return Group(table, Text(f"copied photos matched: {matches}", style="bold"))


async def _show(connection: Connection, demo: Settings, folder: Path, console: Console, elapsed_s: float) -> None:
    result = score(await _found_pairs(connection), load_catalogue())
    report = folder / "report"
    await write_report(connection, await open_files(connection, demo), report, Chosen(), now=system_clock())
    console.print()
    console.print("Copied photos, by vendor", style="bold")
    console.print(await _vendor_table(connection))
    console.print("\nFound and missed, by what the vendor did to the photo", style="bold")
    console.print(_truth_table(result))
    console.print("\nWhat could not be read, as the replica puts some hurdles up", style="bold")
    for line in await _trouble_lines(connection):
        console.print(line)
    console.print(f"\nCrawled, compared and reported in {elapsed_s:.0f} s.\n")
    console.print(f"Each pair side by side:  {(report / 'index.html').resolve()}", soft_wrap=True)
    console.print(
        f"Judge what was found:    THEFTWATCH_DATABASE={demo.database} .venv/bin/theftwatch review", soft_wrap=True
    )
    console.print(f"Query the rest:          psql '{await asyncio.to_thread(reader_dsn, demo)}'", soft_wrap=True)
    console.print("Stop it:                 .venv/bin/theftwatch db stop")
    console.print("Delete it:               .venv/bin/theftwatch demo --delete")
    console.print(
        "Crawl a first real shop: THEFTWATCH_CONTACT=you@example.org .venv/bin/theftwatch crawl etsy -a shop=NAME",
        soft_wrap=True,
    )


async def _found_pairs(connection: Connection) -> Iterator[Pair]:
    rows = await fetch(connection, "find_matched_places")
    return (
        Pair(
            original=ImagePlace(marketplace=row[0], listing_ref=row[1], image_key=row[2]),
            suspect=ImagePlace(marketplace=row[3], listing_ref=row[4], image_key=row[5]),
        )
        for row in rows
        if row[6] == "match"
    )


async def _vendor_table(connection: Connection) -> Table:
    """Return the matches, vendor by vendor."""
    table = Table(box=None, pad_edge=False)
    for heading in ("vendor", "shop it matches"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=25)
    for heading in ("listings", "photos", "score"):
        table.add_column(heading, justify="right")
    last = None
    for vendor, shop, listings, photos, best in await fetch(connection, "find_vendor_matches"):
        table.add_row("" if vendor == last else vendor, shop, str(listings), str(photos), f"{best:.2f}")
        last = vendor
    return table


def _truth_table(result: Score) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("edit", "found", "missed"):
        table.add_column(heading, justify="left" if heading == "edit" else "right")
    for tally in result.tallies:
        missed = len(tally.missed)
        table.add_row(tally.edit.value, str(tally.found), f"[yellow]{missed}[/]" if missed else "0")
    table.add_section()
    wrong = len(result.false_matches)
    table.add_row("all copies", str(result.found), str(result.total - result.found), style="bold")
    table.add_row("matches that are none", f"[red]{wrong}[/]" if wrong else "0", "")
    return table


async def _trouble_lines(connection: Connection) -> list[str]:
    """Say which pages gave no data."""
    lines = []
    for spider, outcome, stats, *_ in await fetch(connection, "find_last_runs"):
        kinds = ("blocked", "changed", "gone", "failed", "refused_by_robots")
        counts = {kind: (stats or {}).get(f"theftwatch/page/{kind}", 0) for kind in kinds}
        told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items() if count)
        lines.append(f"{spider:8} pages: {told or 'all read'}; so the run counts as {outcome}")
    return lines
