"""The record, as commands open it and bring it up to date."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from theftwatch.clock import system_clock
from theftwatch.config import settings
from theftwatch.db.queries import Connection
from theftwatch.db.server import connect_dsn
from theftwatch.image_store import open_files
from theftwatch.match.context import update_context


@asynccontextmanager
async def opened() -> AsyncIterator[Connection]:
    """Connect to the record; each statement is a transaction where none is opened."""
    dsn = connect_dsn(settings())
    async with await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, options="-c timezone=UTC -c jit=off"
    ) as connection:
        yield connection


async def hold_still(connection: Connection) -> None:
    """From here on have all queries of a connection see one state of the record, while a crawl may go on."""
    await connection.set_autocommit(False)
    await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)


async def bring_up_to_date(connection: Connection) -> None:
    """Work out what a person's word changes, and what a crawl that was killed has left."""
    files = await open_files(connection, settings())
    await update_context(connection, load=files.get, now=system_clock())
