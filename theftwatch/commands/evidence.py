"""`theftwatch evidence`: timestamps, and the bundles of proof."""

from pathlib import Path
from typing import Annotated

import typer

from theftwatch.commands.options import Artisan, By, Vendor

app = typer.Typer(help="Have proof timestamped, bundled and verified.", no_args_is_help=True)


@app.command()
def stamp() -> None:
    """Get trusted timestamps for what has none, and renew old ones.

    Of artisans' photos and of captures, from the authority of THEFTWATCH_TIMESTAMP_URL. A timestamp is renewed in the
    last 90 days of its certificate. What cannot be had waits for the next call.
    """
    import asyncio

    from theftwatch.commands.work import stamp as work

    asyncio.run(work.stamp_all())


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

    from theftwatch.commands.work import evidence as work

    asyncio.run(work.build(case, finding or [], out))


@app.command()
def defend(
    listing: Annotated[
        str, typer.Argument(metavar="LISTING", help="The artisan's: address, or marketplace/key, or its key alone.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The pack to write, a .zip file.")],
) -> None:
    """Bundle what shows that an artisan's photos are her own.

    For a listing that a marketplace took down because copies of its photos were found elsewhere: the same facts as in a
    complaint, at all vendors together, with a text to ask for the listing back.
    """
    import asyncio

    from theftwatch.commands.work import evidence as work

    asyncio.run(work.defend(listing.strip(), out))


@app.command()
def dossier(
    vendor: Vendor,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The dossier to write, a .zip file.")],
) -> None:
    """Write a dossier on a vendor, of all artisans who agreed to it.

    One timeline, the repeat record, and the complaints to file on the same day, each a bundle of its own.
    """
    import asyncio

    from theftwatch.commands.work import evidence as work

    asyncio.run(work.dossier(vendor.strip(), out))


@app.command()
def agree(
    artisan: Artisan,
    *,
    vendor: Annotated[str | None, typer.Option(metavar="NAME", help="Only in a dossier on this vendor.")] = None,
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How the artisan agreed, such as the mail of which day.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="The artisan agrees no more.")] = False,
    by: By = None,
) -> None:
    """Enter that an artisan agreed to be named beside others.

    In dossiers, which show each artisan's photos, complaints and contact to the others.
    """
    import asyncio

    from theftwatch.commands.work import evidence as work

    asyncio.run(work.agree(artisan.strip(), vendor, note=note, withdraw=withdraw, by=by))


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
    from theftwatch.commands.work import evidence as work

    work.verify(bundle, certificate or [])
