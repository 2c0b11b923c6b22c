"""The content of the record as a digest, by natural keys and facts: not times of sight, ids, runs or leases."""

import hashlib
import json

from theftwatch.db.queries import Connection, fetch


async def digest_tables(connection: Connection) -> dict[str, str]:
    """Return the digest of each table's content, as `rows:sum`."""
    return {name: f"{rows}:{total}" for name, rows, total in await fetch(connection, "digest")}


async def digest_record(connection: Connection) -> str:
    """Return one digest of the content: two databases that say the same have the same digest."""
    text = json.dumps(await digest_tables(connection), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
