"""`theftwatch metrics`: the state of the watch for Prometheus."""

from pathlib import Path
from typing import Annotated

import typer


def metrics(
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write to this file, for node_exporter; never half of it."),
    ] = None,
) -> None:
    """Print the state of the watch as metrics for Prometheus.

    Runs that were killed are closed, and alarms brought up to date, as by the status.
    """
    # Postgres and the metrics take a moment to load.
    import asyncio

    from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile

    from theftwatch.clock import system_clock
    from theftwatch.commands.work.record import opened
    from theftwatch.config import settings
    from theftwatch.jobs.look import look
    from theftwatch.metrics import collect

    async def read() -> CollectorRegistry:
        nodes = await asyncio.to_thread(look, settings())
        async with opened() as connection:
            return await collect(connection, settings(), now=system_clock(), nodes=nodes)

    registry = asyncio.run(read())
    if out is None:
        print(generate_latest(registry).decode(), end="")
    else:
        write_to_textfile(str(out), registry)
