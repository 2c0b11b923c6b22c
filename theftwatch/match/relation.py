"""Relations: who may show an artisan's photos, as a person enters it."""

from datetime import datetime

from theftwatch.db.queries import Connection, execute, fetch


async def artisan_of(connection: Connection, seller: int) -> tuple[int, str]:
    """Return the artisan who owns a shop; where nobody named one, one of the shop's name is made."""
    [(marketplace, ref, shop, artisan, name)] = await fetch(connection, "find_owner", seller=seller)
    if artisan is not None:
        return artisan, name
    if await fetch(connection, "find_artisan", name=shop):
        # A shop chooses its name, and may choose that of another artisan.
        shop = f"{shop} ({marketplace}/{ref})"
    [(artisan,)] = await fetch(connection, "insert_artisan", name=shop)
    await execute(connection, "own_seller", artisan=artisan, seller=seller)
    await execute(connection, "insert_due_moved", seller=seller)
    return artisan, shop


async def relate(
    connection: Connection, artisan: int, seller: int, kind: str, *, note: str, by: str, now: datetime
) -> int:
    """Enter that a vendor may show all of an artisan's photos, unless that is entered already; return the relation."""
    if known := await fetch(connection, "find_whole_relation", artisan=artisan, seller=seller, kind=kind):
        return int(known[0][0])
    [(relation,)] = await fetch(
        connection,
        "insert_relation",
        artisan=artisan,
        seller=seller,
        kind=kind,
        original_listing=None,
        original_file=None,
        starts_at=None,
        expires_at=None,
        note=note,
        by=by,
        now=now,
    )
    return int(relation)
