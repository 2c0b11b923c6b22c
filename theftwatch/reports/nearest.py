"""What a person may have meant by a name that nobody goes by."""

from difflib import get_close_matches

from theftwatch.db.queries import Connection, fetch
from theftwatch.listing import Side
from theftwatch.reports.words import one_line

#: Names that are told
_MOST = 3
#: Names that are compared; those of a large record that begin or end alike may be more
_COMPARED_MAX = 5_000
#: Of `difflib`, from 0 to 1: a letter or two that are wrong, missing, or in another order
_ALIKE = 0.7


async def nearest(connection: Connection, name: str, *, side: Side | None) -> str:
    """Return which names and keys of artisans and sellers come near one: "the nearest is Ana; ", or nothing.

    Sellers are those of a side, or with None of both; artisans are named where originals are meant.
    """
    found = await fetch(connection, "find_names_like", name=name, side=side, most=_COMPARED_MAX)
    names = {called.lower(): called for (called,) in found}
    near = get_close_matches(name.lower(), names, n=_MOST, cutoff=_ALIKE)
    if not near:
        return ""
    return f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(one_line(names[each]) for each in near)}; "
