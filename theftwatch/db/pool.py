"""Connections to the record, lent from a pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo, timeout_from_conninfo
from psycopg_pool import AsyncConnectionPool

from theftwatch.db.queries import Connection

type Pool = AsyncConnectionPool[Connection]

#: A server whose machine has vanished is noticed within a minute or so, and not after hours
_LIVELINESS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def connection_pool(dsn: str, *, max_size: int = 4) -> Pool:
    """Return a pool of connections, not yet open.

    Times are read in UTC, and plans are made for the values at hand, which the searches by hash need.
    """
    parts: dict[str, Any] = _LIVELINESS | conninfo_to_dict(dsn)
    return AsyncConnectionPool(
        make_conninfo(**parts),
        min_size=1,
        max_size=max_size,
        open=False,
        # who waits for one that is lent waits as long as for a new one
        timeout=timeout_from_conninfo(parts),
        # Attempts come ever more seldom. Who asks after these begins anew, and so meets a server soon that is back.
        reconnect_timeout=5,
        kwargs={"options": "-c timezone=UTC -c jit=off"},
        name="theftwatch",
    )


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection on which each statement is a transaction of its own, unless one is opened.

    For queries that need none around them: it would be two more ways to the server.
    """
    async with pool.connection() as connection:
        await connection.set_autocommit(True)
        try:
            yield connection
        finally:
            if not connection.closed:
                await connection.set_autocommit(False)


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection for several queries that see one state of the record, while others write."""
    async with pool.connection() as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        try:
            yield connection
        finally:
            await connection.rollback()
            if not connection.closed:
                await connection.set_isolation_level(None)
