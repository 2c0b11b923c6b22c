"""`theftwatch demo`: the main job on a replica of the marketplaces."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from theftwatch.config import settings
from theftwatch.demo.tour import delete_demo, run_tour


def demo(
    *, delete: Annotated[bool, typer.Option("--delete", help="Delete the demo's database and files instead.")] = False
) -> None:
    """Crawl a replica of Etsy, ArtFire and Alibaba on this machine, and show which photos were copied."""
    if delete:
        delete_demo(settings())
        print("The demo's database and files are deleted.")
        return
    asyncio.run(run_tour(settings(), Console(highlight=False)))
