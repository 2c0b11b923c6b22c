"""What is counted and summed up of sellers, kept, and worked out anew where something changed since."""

from theftwatch.db.queries import Connection, execute, fetch

#: Sellers a transaction
_BATCH = 200


async def update_sums(connection: Connection) -> None:
    """Work out anew what is due: how far sellers were looked at, and what the findings of vendors come to.

    Until then the views work it out with each question. Opens transactions of its own; broken off, the next call takes
    up what is left.
    """
    await _update(connection, "coverage")
    await _update(connection, "sums")


async def _update(connection: Connection, what: str) -> None:
    while due := [key for (key,) in await fetch(connection, f"find_{what}_due", most=_BATCH)]:
        async with connection.transaction():
            # what others write meanwhile is due again
            await execute(connection, "lock_writes")
            await execute(connection, f"forget_{what}", keys=due)
            for part in _PARTS[what]:
                await execute(connection, part, keys=due)


_PARTS = {"coverage": ("insert_coverage",), "sums": ("insert_sums", "insert_months")}
