"""`theftwatch evidence`: timestamps, and the bundles of proof."""

import typer

app = typer.Typer(help="Have proof timestamped, bundled and verified.", no_args_is_help=True)


@app.command()
def stamp() -> None:
    """Get trusted timestamps for what has none, and renew old ones.

    Of artisans' photos and of captures, from the authority of THEFTWATCH_TIMESTAMP_URL. A timestamp is renewed in the
    last 90 days of its certificate. What cannot be had waits for the next call.
    """
    import asyncio

    from theftwatch.commands import stamping

    asyncio.run(stamping.stamp_all())
