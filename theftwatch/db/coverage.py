"""How far each seller was looked at, counted anew where something changed since."""

from theftwatch.db.queries import Connection, execute, fetch

#: Sellers a transaction
_BATCH = 200


async def update_coverage(connection: Connection) -> None:
    """Count anew what is due; until then the view `analysis.coverage` counts it with each question.

    Opens transactions of its own; broken off, the next call takes up what is left.
    """
    while due := [key for (key,) in await fetch(connection, "find_coverage_due", most=_BATCH)]:
        async with connection.transaction():
            # what others write meanwhile is due again
            await execute(connection, "lock_writes")
            await execute(connection, "update_coverage", keys=due)
