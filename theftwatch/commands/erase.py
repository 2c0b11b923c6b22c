"""`theftwatch erase`: what an artisan or a vendor wants gone; `theftwatch keep`: what goes by its age."""

from typing import Annotated

import typer

from theftwatch.commands.options import Artisan, By, Vendor

app = typer.Typer(help="Erase an artisan or a vendor.", no_args_is_help=True)

_Yes = Annotated[bool, typer.Option("--yes", help="Do it. Without, only what it would do is shown.")]


@app.command()
def artisan(
    artisan: Artisan,
    *,
    yes: _Yes = False,
    by: By = None,
) -> None:
    """Erase an artisan: photos, captures, name, contact.

    With the artisan's shops and files. Digests, verdicts and cases stay, so that they can be explained. Nothing is
    erased while a case is open.
    """
    import asyncio

    from theftwatch.commands.work import erase as work

    asyncio.run(work.erase_artisan(artisan, yes=yes, by=by))


@app.command()
def vendor(
    vendor: Vendor,
    *,
    yes: _Yes = False,
    by: By = None,
) -> None:
    """Erase a vendor: photos, captures, name, titles.

    Captures are evidence: what a later complaint may need goes with them. Keys, addresses, digests, verdicts and cases
    stay. Nothing is erased while a case is open.
    """
    import asyncio

    from theftwatch.commands.work import erase as work

    asyncio.run(work.erase_vendor(vendor, yes=yes, by=by))


def keep(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without, only what it would do is shown.")] = False,
    by: By = None,
) -> None:
    """Drop what is older than the settings keep it.

    Photos of vendors that matched nothing, captures that no case needs, and pages that could not be read, by
    THEFTWATCH_KEEP_PHOTOS, _CAPTURES and _PAGES. Without these all is kept.
    """
    import asyncio

    from theftwatch.commands.work import erase as work

    asyncio.run(work.keep(apply=apply, by=by))
