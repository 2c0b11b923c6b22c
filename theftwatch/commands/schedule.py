"""`theftwatch schedule` and `theftwatch deploy`: jobs and releases on the nodes where scrapyd runs."""

import sys
from typing import Annotated

import typer

from theftwatch.commands.crawl import Argument, read_pairs
from theftwatch.commands.options import Spider

FAILED = 1


def schedule(
    spider: Spider,
    argument: Argument = None,
    *,
    on_all: Annotated[bool, typer.Option("--all", help="Give each node the job, not only one.")] = False,
) -> None:
    """Give a node a job, where none has it already.

    For example: theftwatch schedule alibaba -a minutes=300

    Of the nodes of THEFTWATCH_NODES the one with the fewest jobs gets it. Where one has the same job waiting or
    running, nothing is added: that is said, and is no failure. Exit code 1 where no node took it, or with --all where
    one of them failed.
    """
    from theftwatch.clock import system_clock
    from theftwatch.config import settings
    from theftwatch.jobs import schedule as jobs
    from theftwatch.jobs.node import nodes_of

    arguments = read_pairs("-a", argument)
    placed = jobs.schedule(nodes_of(settings()), spider, arguments, now=system_clock(), on_all=on_all)
    for each in placed:
        print(f"{each.state} at {each.node}: {each.detail}", file=sys.stderr if each.state == "failed" else sys.stdout)
    failed = [each.state == "failed" for each in placed]
    if any(failed) if on_all else all(failed):
        raise typer.Exit(FAILED)


def deploy() -> None:
    """Send this version of the program to all nodes.

    First the database is brought to its schema; jobs that run go on, and the next ones run this version. A node whose
    scrapyd was started in a checkout runs that, and is named. Exit code 1 where a node failed; the others have it all
    the same.
    """
    from theftwatch.clock import system_clock
    from theftwatch.config import settings
    from theftwatch.db import server
    from theftwatch.jobs import release
    from theftwatch.jobs.node import nodes_of

    packed = release.pack(now=system_clock())
    for migration in server.migrate_database(settings()):
        print(f"applied {migration.name}")
    failed = False
    for each in release.deploy(nodes_of(settings()), packed):
        print(f"{each.node}: {each.detail}", file=sys.stdout if each.is_well else sys.stderr, flush=True)
        failed = failed or not each.is_well
    if failed:
        raise typer.Exit(FAILED)
