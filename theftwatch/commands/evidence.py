"""`theftwatch evidence`: timestamps, and the bundles of proof."""

from pathlib import Path
from typing import Annotated

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


@app.command()
def build(
    case: Annotated[int | None, typer.Argument(metavar="CASE", help="The number of a case.")] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The bundle to write, a .zip file.")],
    finding: Annotated[
        list[int] | None, typer.Option(metavar="N", help="A confirmed finding, in place of a case; may be repeated.")
    ] = None,
) -> None:
    """Bundle all that a complaint needs into one ZIP file.

    Complaint, statement to be signed, photos side by side, who was first, original files with their timestamps,
    captures; shaped for the portal. Of findings that a person confirmed, of one artisan with one vendor. Nothing is
    filed or sent.
    """
    import asyncio

    from theftwatch.commands import bundling

    asyncio.run(bundling.build(case, finding or [], out))


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle, packed or unpacked.")],
    *,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An authority's certificate, from its own web site; may be repeated."),
    ] = None,
) -> None:
    """Verify a bundle's digests, manifests and timestamps.

    Needs nothing but the bundle and the certificate; no database. Without --certificate those of the bundle itself are
    used, which says that they fit it and no more.
    """
    from theftwatch.commands import bundling

    bundling.verify(bundle, certificate or [])
