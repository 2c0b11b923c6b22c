"""`theftwatch export`: a view of the record as a file."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    subject: Annotated[
        Literal["findings", "matches", "listings", "cases", "runs"], typer.Argument(help="What to write.")
    ],
    *,
    fmt: Annotated[
        Literal["csv", "jsonl", "parquet", "xlsx"], typer.Option("--format", help="The form of the file.")
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file; SUBJECT.FORMAT here if not given.")
    ] = None,
) -> None:
    """Write a view of the record to a file, with its columns.

    The file appears when it is whole, with the record as it was at one moment. Texts stay texts in a spreadsheet.
    """
    from theftwatch.commands.work.progress import progress_bar
    from theftwatch.config import settings
    from theftwatch.db.server import connect_dsn
    from theftwatch.reports.export import export as write

    path = out or Path(f"{subject}.{fmt}")
    with progress_bar() as progress:
        task = progress.add_task(f"Writing {subject}", total=None)
        rows = write(
            connect_dsn(settings()),
            subject,
            fmt,
            path,
            advance=lambda done, of: progress.update(task, completed=done, total=of),
        )
    print(f"{rows:,} {subject if rows != 1 else subject.removesuffix('es' if subject == 'matches' else 's')}: {path}")
