"""Whom and what a person names on the command line: who does it, artisans, vendors, shops and listings."""

import getpass
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.listing import Side
from theftwatch.match.relation import artisan_of
from theftwatch.reports.nearest import nearest
from theftwatch.reports.words import one_line

#: Of a name one is wanted; of too many some are told
_TOLD_APART = 3


def person(by: str | None) -> str:
    """Return who does something: the name given, or that of the account.

    Raises UsageError for an empty name.
    """
    name = getpass.getuser() if by is None else by.strip()
    if not name:
        raise UsageError("--by is empty; give the name under which the record shall keep who did it")
    return name


async def find_artisan(connection: Connection, name: str) -> tuple[int, str]:
    """Return an artisan by name or by a shop, and write nothing.

    Raises UsageError where none or several go by it, and for a shop that nobody named an artisan for.
    """
    if known := await _known_artisan(connection, name):
        return known
    _, marketplace, ref, *_ = await _one_shop(connection, name)
    shop = f"{marketplace}/{ref}"
    raise UsageError(
        f"{name}: no artisan is entered for this shop; `theftwatch seller link {shop} {shop}` enters one of its name"
    )


async def find_or_make_artisan(connection: Connection, name: str) -> tuple[int, str]:
    """Return an artisan by name or by a shop, for what is to be written; a shop that nobody named one for gets one.

    Raises UsageError where none or several go by it.
    """
    if known := await _known_artisan(connection, name):
        return known
    seller, *_ = await _one_shop(connection, name)
    return await artisan_of(connection, seller)


async def _known_artisan(connection: Connection, name: str) -> tuple[int, str] | None:
    found = await fetch(connection, "find_artisan", name=name)
    if len(found) > 1:
        raise UsageError(f"{name}: several artisans go by this; give one of {_names(row[1] for row in found)}")
    return (found[0][0], found[0][1]) if found else None


async def _one_shop(connection: Connection, name: str) -> tuple[Any, ...]:
    remedy = "; or take the artisan's photos in with `theftwatch originals add`"
    return await _one_seller(connection, name, "artisan or shop", side="original", remedy=remedy)


async def find_vendor(connection: Connection, name: str) -> tuple[int, str]:
    """Return a vendor by name, key or address, and what to call it.

    Raises UsageError where none or several go by it.
    """
    seller, _, _, called, _ = await _one_seller(connection, name, "vendor", side="suspect")
    return int(seller), str(called)


async def find_shop(connection: Connection, name: str) -> tuple[int, str, int | None]:
    """Return a seller of either side by name, key or address, what to call it, and the artisan whose it is.

    Raises UsageError where none or several go by it.
    """
    seller, _, _, called, owner = await _one_seller(connection, name, "seller", side=None)
    return int(seller), one_line(called), owner


async def _one_seller(
    connection: Connection, name: str, kind: str, *, side: Side | None, remedy: str = ""
) -> tuple[Any, ...]:
    """Return the one seller of a side, or with None of both, that goes by a name, as `find_sellers_named` does."""
    found = await fetch(connection, "find_sellers_named", name=name, side=side, most=_TOLD_APART)
    if not found:
        near = await nearest(connection, name, side=side)
        raise UsageError(
            f"{name}: no {kind} goes by this; {near}give its address, or its key as marketplace/key, which "
            f"`theftwatch report --html` shows{remedy}"
        )
    if len(found) > 1:
        keys = _names(f"{marketplace}/{ref}" for _, marketplace, ref, *_ in found)
        raise UsageError(f"{name}: several go by this; give one by its key, such as {keys}")
    return found[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A listing as the record has it."""

    id: int
    marketplace: str
    listing_ref: str
    url: str
    title: str | None
    seller: str | None
    listed_at: datetime | None
    first_seen_at: datetime
    complete: bool


async def find_listing(connection: Connection, name: str) -> Listing:
    """Return the listing that goes by a name: its address, or marketplace/key, or its key alone.

    Raises UsageError where none or several do.
    """
    found = await fetch_as(connection, Listing, "find_listing", name=name)
    if not found:
        raise UsageError(f"{name}: no such listing in the record; give its address as stored, or marketplace/key")
    if len(found) > 1:
        raise UsageError(f"{name}: listings of several marketplaces have this key; give marketplace/key")
    return found[0]


def _names(names: Iterable[str]) -> str:
    return ", ".join(one_line(name) for name in names)
