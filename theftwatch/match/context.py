"""What a match means: brought up to date after matching, in proportion to what changed."""

from collections.abc import Callable
from datetime import datetime

from theftwatch.config import settings
from theftwatch.db.queries import Connection, execute
from theftwatch.db.sums import update_sums
from theftwatch.match.ledger import update_directions
from theftwatch.match.queue import update_queue
from theftwatch.match.suppress import update_suppressions
from theftwatch.match.trail import follow_trail


async def update_context(
    connection: Connection, *, load: Callable[[bytes], bytes], now: datetime, everything: bool = False
) -> None:
    """Bring suppressions, relations and directions up to date with the record, and with the moment `now`.

    Looks at what the store noted as changed, or at `everything`. `load` gives the bytes of an image by its SHA-256.
    Opens transactions of its own; broken off, the next call takes up what is left.
    """
    await update_suppressions(connection, None if everything else (), load=load, now=now)
    # after the suppressions: a pair that proves nothing dates nothing
    await update_directions(connection, None if everything else (), now=now)
    async with connection.transaction():
        await execute(connection, "refresh_relations", now=now)
        # after the relations: whoever may show the photos need not be watched
        own = settings()
        await follow_trail(connection, steps=own.trail_steps, most=own.trail_targets, now=now)
    # after all of them, as people see them together
    await update_queue(connection, everything=everything)
    await update_sums(connection)
