"""`theftwatch crawl` and `theftwatch import`: the spiders, by way of the `scrapy` program."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from theftwatch.commands.options import Spider
from theftwatch.errors import UsageError
from theftwatch.listing import Side

# Scrapy takes seconds to load on a small machine; until it minds Ctrl-C itself, that ends it without a traceback.
_SCRAPY = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); from scrapy.cmdline import execute; execute()"

Argument = Annotated[
    list[str] | None,
    typer.Option(
        "--argument",
        "-a",
        metavar="NAME=VALUE",
        help="What to crawl, such as shop=NAME, else the targets that are due; may be repeated.",
    ),
]


def crawl(
    spider: Spider,
    argument: Argument = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="NAME=VALUE", help="A setting of Scrapy for this run; may be repeated."),
    ] = None,
) -> None:
    """Crawl a marketplace; the same as `scrapy crawl`.

    For example: theftwatch crawl alibaba -a vendor=NAME -a limit=20

    docs/spiders.md lists each spider's arguments, and what each marketplace allows. Ctrl-C ends a crawl in order: what
    is under way is stored first; a second one ends it at once.
    """
    options = [
        part
        for option, given in (("-a", argument), ("-s", setting))
        for name, value in read_pairs(option, given).items()
        for part in (option, f"{name}={value}")
    ]
    _become_scrapy("crawl", spider, *options)


def read_pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """Return the names and values of an option that may be repeated; of a name given twice, the last value.

    Raises UsageError.
    """
    for pair in given or []:
        if "=" not in pair:
            raise UsageError(f"{option} {pair}: write {option} NAME=VALUE")
    return dict(pair.split("=", 1) for pair in given or [])


def import_(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Pages saved from a browser, or folders of them.")
    ],
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The address of the page, where the file itself does not tell.")
    ] = None,
    side: Annotated[
        Side | None, typer.Option(help="Whether their sellers are originals or suspects, where not as usual there.")
    ] = None,
) -> None:
    """Take in pages saved from a browser, and fetch their photos.

    Browsers write the page's address into the file, or the page itself names it; give --url where neither is so.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder; give pages saved from a browser")
    if url and (len(paths) > 1 or paths[0].is_dir()):
        raise UsageError("--url tells the address of one page; import the pages one by one")
    arguments = {"path": "\n".join(str(path.resolve()) for path in paths), "url": url, "side": side}
    _become_scrapy("crawl", "saved", *(part for k, v in arguments.items() if v for part in ("-a", f"{k}={v}")))


def _become_scrapy(*arguments: str) -> None:
    """Replace this process by Scrapy, whose exit code and output are then ours."""
    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "theftwatch.settings")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-c", _SCRAPY, *arguments])  # noqa: S606  no shell in between
