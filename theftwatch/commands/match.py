"""`theftwatch rematch` and `theftwatch originals`: comparing what is stored, and what an artisan gives."""

from pathlib import Path
from typing import Annotated

import typer

from theftwatch.errors import UsageError
from theftwatch.originals import Kind, read_originals

originals = typer.Typer(help="Take an artisan's own photos into the record, and certify them.", no_args_is_help=True)


def rematch(
    *,
    pending: Annotated[bool, typer.Option("--pending", help="Only what has not been compared yet.")] = False,
    ray: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="By the workers of the Ray cluster at this address.")
    ] = None,
) -> None:
    """Compare everything stored again; verdicts of people stay.

    Uses the recognition of this version. Can be broken off and run again: it goes on where it was, with --pending.
    """
    host, _, port = (ray or "").rpartition(":")
    if ray is not None and not (host and port.isdecimal()):
        raise UsageError(f"--ray {ray}: give the head's address and port, such as 10.0.0.5:6379")
    # Postgres and OpenCV take a second to load.
    import asyncio

    from theftwatch.commands.work import match as work

    asyncio.run(work.rematch(pending=pending, ray=(host, int(port)) if ray else None))


@originals.command()
def add(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A folder of photos, or a CSV file that names them.")
    ],
    artisan: Annotated[str, typer.Option(metavar="NAME", help="Whose photos they are.")],
    kind: Annotated[Kind, typer.Option(help="original, or outtake: of the same shoot, never shown.")] = "original",
) -> None:
    """Store an artisan's photos, and compare them with all suspects'.

    Each is given a trusted timestamp at once, where THEFTWATCH_TIMESTAMP_URL names an authority. A CSV file names one
    photo a line, beside it, with the columns file, kind (original or outtake), date (when it was made, such as
    2026-11-23) and published (the address of its page at Flickr). All but the first may be empty.
    """
    if not artisan.strip():
        raise UsageError("--artisan is empty; give the name under which the record shall keep the photos")
    if not source.exists():
        raise UsageError(f"{source}: no such file or folder; give a folder of photos, or a CSV file that names them")
    given = read_originals(source, kind)
    if not given:
        raise UsageError(f"{source}: no photos in it; give a folder of JPEG, PNG, WebP, GIF or AVIF files")
    # Postgres and OpenCV take a second to load.
    import asyncio

    from theftwatch.commands.work import match as work

    asyncio.run(work.add_originals(given, artisan.strip()))


@originals.command()
def certificate(
    artisan: Annotated[str, typer.Argument(metavar="ARTISAN", help="Whose photos; a name, or that of a shop.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write, such as ana.html.")],
) -> None:
    """Write a page that certifies when an artisan's photos existed.

    With each photo's trusted timestamp inside it, and how anybody can check them with OpenSSL.
    """
    import asyncio

    from theftwatch.commands.work import stamp as work

    asyncio.run(work.write_certificates(artisan.strip(), out))
