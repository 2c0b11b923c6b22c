"""Arguments and options that several commands take, worded once."""

from typing import Annotated, Any

import typer


def day_option(words: str) -> Any:
    """Return an option that takes a day."""
    return typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help=words)


Artisan = Annotated[str, typer.Argument(metavar="ARTISAN", help="The artisan's name, or a shop: name, key or address.")]
Vendor = Annotated[str, typer.Argument(metavar="VENDOR", help="The vendor: name, key or address.")]
Listing = Annotated[str, typer.Argument(metavar="LISTING", help="Its address, or marketplace/key, or its key alone.")]
Spider = Annotated[str, typer.Argument(metavar="SPIDER", help="etsy, artfire, alibaba, capture or dates.")]

By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; the account's name if not given.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="What the record shall keep beside it.")]
JsonLines = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
JsonObject = Annotated[bool, typer.Option("--json", help="As one JSON object.")]
