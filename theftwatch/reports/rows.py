"""Rows of the reports' queries as dataclasses."""

from psycopg.rows import class_row

from theftwatch.db.queries import Connection, queries


async def fetch_as[T](connection: Connection, row: type[T], query: str, **parameters: object) -> list[T]:
    """Run a named query and return its rows as `row`, whose fields are called as its columns."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        return await (await cursor.execute(queries()[query], parameters)).fetchall()
