"""Which seller a page speaks of: firm keys, aliases, and provisional sellers that give way to firm ones."""

from collections.abc import Sequence
from datetime import datetime

from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.listing import Listing, Seller, Side

#: The kind under which a marketplace's own firm key stands among the aliases
REF = "ref"

type Key = tuple[str, str, str]


def seller_key(seller: Seller) -> Key | None:
    """Return the key (marketplace, kind, value) under which a page's seller is best known; None where it has none."""
    keys = _keys(seller)
    return keys[0] if keys else None


async def is_erased(connection: Connection, listing: Listing) -> bool:
    """Return whether the seller of a listing was erased, so that nothing of it may be taken in."""
    keys = _keys(listing.seller) if listing.seller else []
    found = await fetch(
        connection,
        "find_erased_seller",
        marketplace=listing.marketplace,
        listing_ref=listing.listing_ref,
        kinds=[kind for _, kind, _ in keys],
        values=[value for *_, value in keys],
    )
    return bool(found)


async def save_sellers(
    connection: Connection, seen: Sequence[tuple[Seller, Side | None]], *, now: datetime
) -> dict[Key | None, int]:
    """Write sellers and return their ids by `seller_key`.

    A seller that a page names by an alias alone gets a provisional row; as soon as a page shows the alias beside the
    firm key, that row becomes the firm one, or is merged into it.
    """
    seen = [(seller, side) for seller, side in seen if _keys(seller)]
    if not seen:
        return {}
    known, firm = await _find(connection, seen)
    for seller, side in seen:
        found = list(dict.fromkeys(known[key] for key in _keys(seller) if key in known))
        target = _choose(seller, found, known, firm)
        if target is None:
            [(target,)] = await fetch(
                connection,
                "insert_seller",
                marketplace=seller.marketplace,
                seller_ref=_seller_ref(seller),
                side=side,
                now=now,
            )
        elif seller.ref and target not in firm:
            await execute(connection, "rename_seller", id=target, seller_ref=seller.ref)
        if seller.ref:
            firm.add(target)
        for other in found:
            if other != target and other not in firm:
                await execute(connection, "merge_sellers", into=target, provisional=other)
                await execute(connection, "join_cases", sellers=[target, other], now=now)
                await execute(connection, "move_context", into=target, provisional=other)
                await execute(connection, "delete_seller", id=other)
                await execute(connection, "insert_due_moved", seller=target)
                known = {key: target if known_id == other else known_id for key, known_id in known.items()}
        for key in _keys(seller):
            known.setdefault(key, target)
    ids = {seller_key(seller): known[_keys(seller)[0]] for seller, _ in seen}
    await _write(connection, seen, ids, known, now=now)
    return ids


async def company_of(connection: Connection, seller: int) -> list[int]:
    """Return a seller and its siblings: those that share a key of one company."""
    return [key for (key,) in await fetch(connection, "find_company", seller=seller)]


def _keys(seller: Seller) -> list[Key]:
    firm = [(seller.marketplace, REF, seller.ref)] if seller.ref else []
    return firm + [(seller.marketplace, alias.kind, alias.value) for alias in seller.aliases]


def _seller_ref(seller: Seller) -> str:
    _, kind, value = _keys(seller)[0]
    return value if kind == REF else f"{kind}:{value}"


async def _find(connection: Connection, seen: Sequence[tuple[Seller, Side | None]]) -> tuple[dict[Key, int], set[int]]:
    """Return the ids of known sellers by key, and which of them are firm."""
    keys = sorted({key for seller, _ in seen for key in _keys(seller)})
    rows = await fetch(
        connection,
        "find_sellers",
        marketplaces=[key[0] for key in keys],
        kinds=[key[1] for key in keys],
        values=[key[2] for key in keys],
    )
    known = {(marketplace, kind, value): seller for marketplace, kind, value, seller, _ in rows}
    return known, {seller for *_, seller, is_firm in rows if is_firm}


def _choose(seller: Seller, found: list[int], known: dict[Key, int], firm: set[int]) -> int | None:
    """Return the row that a page's seller belongs to; None where a new one is due."""
    if seller.ref:
        by_ref = known.get((seller.marketplace, REF, seller.ref))
        # A firm row under another key is another company, even where an alias of it has passed on to this one.
        return by_ref or next((each for each in found if each not in firm), None)
    return next((each for each in found if each in firm), found[0] if found else None)


async def _write(
    connection: Connection,
    seen: Sequence[tuple[Seller, Side | None]],
    ids: dict[Key | None, int],
    known: dict[Key, int],
    *,
    now: datetime,
) -> None:
    latest = {ids[seller_key(seller)]: (seller, side) for seller, side in seen}
    await execute(
        connection,
        "insert_due_renamed",
        ids=list(latest),
        names=[seller.name for seller, _ in latest.values()],
        sides=[side for _, side in latest.values()],
    )
    await execute(
        connection,
        "update_sellers",
        now=now,
        **columns(
            {
                "ids": seller_id,
                "names": seller.name,
                "urls": seller.url,
                "countries": seller.country,
                "sides": side,
            }
            for seller_id, (seller, side) in latest.items()
        ),
    )
    aliases = {(key, known[key]) for seller, _ in seen for key in _keys(seller)}
    learned = await _insert(connection, "insert_aliases", aliases, now=now)
    companies = {
        ((seller.marketplace, key.kind, key.value), ids[seller_key(seller)])
        for seller, _ in seen
        for key in seller.company
    }
    joined = await _insert(connection, "insert_company_aliases", companies, now=now)
    # Of one company count as one, wherever vendors are counted
    for (sibling,) in await fetch(connection, "find_siblings", sellers=joined):
        await execute(connection, "insert_due_moved", seller=sibling)
    for seller_id in joined:
        await execute(connection, "join_cases", sellers=[seller_id], now=now)
    if learned or joined:
        await execute(connection, "reopen_trail", sellers=sorted({*learned, *joined}))


async def _insert(connection: Connection, query: str, aliases: set[tuple[Key, int]], *, now: datetime) -> list[int]:
    """Write aliases of sellers, and return the sellers that some of them are new for."""
    keys = sorted(aliases)
    rows = await fetch(
        connection,
        query,
        now=now,
        marketplaces=[key[0] for key, _ in keys],
        kinds=[key[1] for key, _ in keys],
        values=[key[2] for key, _ in keys],
        sellers=[seller for _, seller in keys],
    )
    return sorted({seller for (seller,) in rows})
