"""`theftwatch demo`: the main job on a replica of the marketplaces."""

from typing import Annotated

import typer


def demo(
    *, delete: Annotated[bool, typer.Option("--delete", help="Delete the demo's database and files instead.")] = False
) -> None:
    """Crawl a replica of the marketplaces, and show what was copied.

    The replica of Etsy, ArtFire and Alibaba runs on this machine: no marketplace is asked, and no other database is
    touched. Takes a minute or two.
    """
    # The replica and all that it shows take a second to load.
    import asyncio

    from rich.console import Console

    from theftwatch.config import settings
    from theftwatch.demo.tour import delete_demo, run_tour

    if delete:
        delete_demo(settings())
        print("The demo's database and files are deleted.")
        return
    asyncio.run(run_tour(settings(), Console(highlight=False)))
