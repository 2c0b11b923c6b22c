"""Named queries, read from the `.sql` files beside this module.

A query starts with a line `-- name --`; a comment under it says in a sentence what it does.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

type Connection = AsyncConnection[Any]

_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def parse_queries(text: str) -> dict[str, str]:
    """Split the text of a `.sql` file into its statements, by name.

    Raises ValueError for a name given twice.
    """
    _, *parts = _NAME.split(text)
    names, statements = parts[::2], parts[1::2]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"queries named twice: {', '.join(sorted(twice))}")
    return {name: statement.strip() for name, statement in zip(names, statements, strict=True)}


@cache
def queries() -> dict[str, LiteralString]:
    """Return all named queries; the files are part of the program, so their text counts as literal."""
    texts = sorted(
        (file.name, file.read_text("utf-8"))
        for file in resources.files("theftwatch.db").joinpath("sql").iterdir()
        if file.name.endswith(".sql")
    )
    return parse_queries("\n".join(text for _, text in texts))


async def fetch(connection: Connection, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run a named query and return its rows."""
    # In binary, since as text each byte of a picture's features would be two letters, written and read.
    return await (await connection.execute(queries()[query], parameters, binary=True)).fetchall()


async def fetch_as[T](connection: Connection, row: type[T], query: str, **parameters: object) -> list[T]:
    """Run a named query and return its rows as `row`, whose fields are called as its columns."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        return await (await cursor.execute(queries()[query], parameters)).fetchall()


async def execute(connection: Connection, query: str, **parameters: Any) -> None:
    """Run a named query for what it does."""
    await connection.execute(queries()[query], parameters)


def columns(rows: Iterable[dict[str, Any]], *names: str) -> dict[str, list[Any]]:
    """Turn rows into one list a column, as `unnest` takes them; `names` are the columns where there may be no row."""
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns
