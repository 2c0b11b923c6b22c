"""Whom and what a person names on the command line: who does it, artisans, vendors, shops and listings."""

import getpass
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.match.relation import artisan_of
from theftwatch.reports.words import one_line

#: Of a name one is wanted, and two are too many
_TOLD_APART = 2


def person(by: str | None) -> str:
    """Return who does something: the name given, or that of the account.

    Raises UsageError for an empty name.
    """
    name = getpass.getuser() if by is None else by.strip()
    if not name:
        raise UsageError("--by is empty; give the name under which the record shall keep who did it")
    return name


async def find_artisan(connection: Connection, name: str) -> tuple[int, str]:
    """Return an artisan by name or by a shop; a shop that nobody named one for gets one.

    Raises UsageError where none or several go by it.
    """
    found = await fetch(connection, "find_artisan", name=name)
    if len(found) > 1:
        raise UsageError(f"{name}: several artisans go by this; give one of {_names(row[1] for row in found)}")
    if found:
        return found[0][0], found[0][1]
    shops = await fetch(connection, "find_sellers_named", name=name, side="original", most=_TOLD_APART)
    if len(shops) != 1:
        raise UsageError(
            f"{name}: {'several shops go' if shops else 'no artisan or shop goes'} by this; "
            "give a shop as marketplace/key, or take the artisan's photos in with `theftwatch originals add`"
        )
    return await artisan_of(connection, shops[0][0])


async def find_vendor(connection: Connection, name: str) -> tuple[int, str]:
    """Return a vendor by name, key or address, and what to call it.

    Raises UsageError where none or several go by it.
    """
    found = await fetch(connection, "find_sellers_named", name=name, side="suspect", most=_TOLD_APART)
    if len(found) != 1:
        raise UsageError(
            f"{name}: {'several vendors go' if found else 'no vendor goes'} by this; "
            "give its key as marketplace/key, which `theftwatch report --html` shows"
        )
    return found[0][0], found[0][3]


async def find_shop(connection: Connection, name: str) -> tuple[int, str, int | None]:
    """Return a seller of either side by name, key or address, what to call it, and the artisan whose it is.

    Raises UsageError where none or several go by it.
    """
    found = await fetch(connection, "find_sellers_named", name=name, side=None, most=_TOLD_APART)
    if len(found) != 1:
        raise UsageError(
            f"{name}: {'several sellers go' if found else 'no seller goes'} by this; give it as marketplace/key or by "
            "its address, which `theftwatch report --html` shows"
        )
    seller, _, _, called, owner = found[0]
    return int(seller), one_line(called), owner


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
