"""The work of `theftwatch seller`."""

from collections.abc import Sequence

from theftwatch.commands.work.names import find_or_make_artisan, find_shop
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.errors import UsageError
from theftwatch.reports.words import count, one_line


async def link(artisan: str, shops: Sequence[str]) -> None:
    """Enter that shops belong to an artisan, all or none, and print how many the artisan has."""
    async with opened() as connection:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            key, name = await find_or_make_artisan(connection, artisan)
            for shop in shops:
                seller, called, owner = await find_shop(connection, shop)
                if owner not in (None, key):
                    raise UsageError(
                        f"{called} belongs to another artisan; take it away there first: `theftwatch seller unlink`"
                    )
                await _own(connection, seller, key)
        await bring_up_to_date(connection)
        [(owned,)] = await fetch(connection, "count_shops", artisan=key)
    print(f"{one_line(name)} has {count(owned, 'shop')}.")


async def unlink(shops: Sequence[str]) -> None:
    """Take shops from their artisans, all or none."""
    async with opened() as connection:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            for shop in shops:
                seller, called, owner = await find_shop(connection, shop)
                if owner is None:
                    raise UsageError(
                        f"{called} belongs to no artisan; `theftwatch artisan list` shows whose shops are whose"
                    )
                await _own(connection, seller, None)
        await bring_up_to_date(connection)
    print(f"{count(len(shops), 'shop')} without an artisan.")


async def _own(connection: Connection, seller: int, artisan: int | None) -> None:
    # before and after: what was the artisan's own changes as well
    await execute(connection, "insert_due_moved", seller=seller)
    await execute(connection, "own_seller", artisan=artisan, seller=seller)
