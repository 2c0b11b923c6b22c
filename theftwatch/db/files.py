"""Files that the record stands for, by their SHA-256."""

from collections.abc import AsyncIterator, Mapping, Set

from theftwatch.db.queries import Connection, queries
from theftwatch.files import PREFIXES

_ROWS_AT_ONCE = 10_000


async def find_files(connection: Connection) -> AsyncIterator[tuple[str, Mapping[bytes, str], Set[bytes]]]:
    """Yield for each of the PREFIXES, in order, what is so named: the files that are needed, and those that are not.

    The former with what they are: `photo`, `capture` or `page`; the latter wait to be deleted. All of one moment, in
    the caller's transaction; in memory is one prefix at a time.
    """
    async with connection.cursor(name="find_files") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        await cursor.execute(queries()["find_files"])
        prefixes = iter(PREFIXES)
        prefix, needed, unneeded = next(prefixes), dict[bytes, str](), set[bytes]()
        async for sha256, kind in cursor:
            while sha256.hex()[:2] != prefix:
                yield prefix, needed, unneeded
                prefix, needed, unneeded = next(prefixes), {}, set()
            if kind is None:
                unneeded.add(sha256)
            else:
                needed[sha256] = kind
        yield prefix, needed, unneeded
        for rest in prefixes:
            yield rest, {}, set()
