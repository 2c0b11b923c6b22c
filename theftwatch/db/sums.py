"""What is counted and summed up of sellers, kept, and worked out anew where something changed since."""

from theftwatch.db.queries import Connection, execute, fetch

#: Sellers a transaction
_BATCH = 200


async def update_sums(connection: Connection) -> None:
    """Work out anew what is due: how far sellers were looked at, and what the findings of vendors come to.

    Until then the views work it out with each question. Opens transactions of its own; broken off, the next call takes
    up what is left.
    """
    await _update(connection, "find_coverage_due", "forget_coverage", "insert_coverage")
    await _update(connection, "find_sums_due", "forget_sums", "insert_sums", "insert_months")


async def _update(connection: Connection, find_due: str, *steps: str) -> None:
    while due := [key for (key,) in await fetch(connection, find_due, most=_BATCH)]:
        async with connection.transaction():
            # what others write meanwhile is due again
            await execute(connection, "lock_writes")
            for step in steps:
                await execute(connection, step, keys=due)
