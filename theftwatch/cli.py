"""The command line: what each command is called; what it does stands in `theftwatch.commands`."""

import sys

import typer

from theftwatch.commands import crawl, db, demo, extract, match
from theftwatch.errors import TheftWatchError

app = typer.Typer(
    name="theftwatch",
    help="Find product photos that vendors copied from artisans' shops, and keep the record of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(demo.demo)
app.command()(crawl.crawl)
app.command("import")(crawl.import_)
app.command()(extract.extract)
app.add_typer(match.originals, name="originals")
app.command()(match.rematch)
app.add_typer(db.app, name="db")


def main() -> None:
    """Run the command line; an expected error ends it with one line and the error's exit code."""
    try:
        app()
    except TheftWatchError as exc:
        print(f"theftwatch: {exc}", file=sys.stderr)  # noqa: T201  the one place where errors meet the user
        sys.exit(exc.exit_code)
