"""Arguments and options that several commands take, worded once."""

from typing import Annotated

import typer

#: How a day is given
DAY = ["%Y-%m-%d"]

Artisan = Annotated[str, typer.Argument(metavar="ARTISAN", help="The artisan's name, or a shop: name, key or address.")]
Vendor = Annotated[str, typer.Argument(metavar="VENDOR", help="The vendor: name, key or address.")]
Listing = Annotated[str, typer.Argument(metavar="LISTING", help="Its address, or marketplace/key, or its key alone.")]
Spider = Annotated[str, typer.Argument(metavar="SPIDER", help="etsy, artfire, alibaba, capture or dates.")]

By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; the account's name if not given.")]
JsonLines = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
JsonObject = Annotated[bool, typer.Option("--json", help="As one JSON object.")]
