"""Deciding everything anew: what is stored is put down for comparison, and what was not met again is withdrawn."""

from datetime import datetime

from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.images import FINGERPRINT_VERSION
from theftwatch.images.descriptor import model
from theftwatch.match.decide import ALGORITHM_VERSION


async def put_down_all(connection: Connection) -> None:
    """Put every image down for comparison in each role that it plays, in one transaction of the caller's.

    Nothing that depends on when an image came stays behind: parts are found anew, and described with all the rest by
    the network in use. What another version fingerprinted, or could not, is fingerprinted anew.
    """
    await execute(connection, "refresh_lookups", fingerprint_version=FINGERPRINT_VERSION)
    await execute(connection, "reset_lookups")
    await execute(connection, "delete_stale_descriptors", model=model())
    await execute(connection, "refresh_descriptor_codes")


async def withdraw(connection: Connection, *, now: datetime) -> None:
    """Withdraw what an older version matched and this one did not meet again, and note what that changes."""
    rows = await fetch(connection, "withdraw_matches", algorithm_version=ALGORITHM_VERSION, now=now)
    await execute(connection, "insert_due_images", images=[image for (image,) in rows])
