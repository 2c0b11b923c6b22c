"""`theftwatch erase`: what an artisan or a vendor wants gone, and photos that nothing rests on."""

from typing import Annotated

import typer

from theftwatch.commands.suppression import By

app = typer.Typer(help="Erase an artisan, a vendor, or old photos.", no_args_is_help=True)

_Yes = Annotated[bool, typer.Option("--yes", help="Do it. Without, only what it would do is shown.")]


@app.command()
def artisan(
    artisan: Annotated[
        str, typer.Argument(metavar="ARTISAN", help="The artisan's name, or a shop: name, key or address.")
    ],
    *,
    yes: _Yes = False,
    by: By = None,
) -> None:
    """Erase an artisan: photos, captures, name, contact.

    With the artisan's shops and files. Digests, verdicts and cases stay, so that they can be explained. Nothing is
    erased while a case is open.
    """
    import asyncio

    from theftwatch.commands import erasing

    asyncio.run(erasing.erase_artisan(artisan, yes=yes, by=by))


@app.command()
def vendor(
    vendor: Annotated[str, typer.Argument(metavar="VENDOR", help="The vendor: name, key or address.")],
    *,
    yes: _Yes = False,
    by: By = None,
) -> None:
    """Erase a vendor: photos, captures, name, titles.

    Captures are evidence: what a later complaint may need goes with them. Keys, addresses, digests, verdicts and cases
    stay. Nothing is erased while a case is open.
    """
    import asyncio

    from theftwatch.commands import erasing

    asyncio.run(erasing.erase_vendor(vendor, yes=yes, by=by))


@app.command()
def old(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="Not shown for so long: a number and d or w.")
    ] = "52w",
    *,
    yes: _Yes = False,
    by: By = None,
) -> None:
    """Drop photos of vendors that matched nothing.

    Those that no listing shows any more since that time. What matched is kept, and so is all of artisans.
    """
    import asyncio

    from theftwatch.commands import erasing

    asyncio.run(erasing.drop_old(older_than, yes=yes, by=by))
