"""Which of the routes to candidates are on, and what switches on those that are off.

Exact bytes, perceptual hashes and verification need nothing but the program. The network needs its packages, and its
search an index, without which it reads all descriptors.
"""

import logging
from dataclasses import dataclass
from shlex import quote
from typing import Literal

from theftwatch.config import settings
from theftwatch.db.queries import Connection, fetch
from theftwatch.images.descriptor import model

logger = logging.getLogger(__name__)

_MIGRATE = "theftwatch db migrate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Off:
    """A route that is off."""

    #: What is off, why, and what that costs
    why: str
    #: The command that switches it on
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Routes:
    """The routes that may be off."""

    #: Name of the network in use, or off
    descriptor: str
    #: How its descriptors are searched in the database
    index: Literal["vector", "scan"]


def descriptor_off() -> Off | None:
    """Return why no network is in use; None where one is.

    Raises UsageError where the settings name a file that is no such network.
    """
    if model():
        return None
    cost = "copies that were cropped hard, put into a collage or pasted into another picture are not searched for"
    if settings().descriptor == "off":
        return Off(why=f"the network is off, by THEFTWATCH_DESCRIPTOR: {cost}", remedy="unset THEFTWATCH_DESCRIPTOR")
    return Off(why=f"the network is off, as its packages are not installed: {cost}", remedy="make setup")


def index_off(available: str | None, used: str | None, postgres: int, database: str, *, embedded: bool) -> Off:
    """Return why descriptors are searched without an index.

    `available` is the version of the extension `vector` that the server has, `used` that of this database, and
    `postgres` the server's own. The remedy is for the server's machine.
    """
    cost = "each search by the network reads all descriptors"
    if used or (available and embedded):
        return Off(why=f"the index of descriptors is missing: {cost}", remedy=_MIGRATE)
    # The owner of a database may not: Debian's extension is not trusted.
    create = f'sudo runuser -u postgres -- psql -d {quote(database)} -c "create extension vector"'
    if available:
        return Off(why=f"the extension vector is not in use in this database: {cost}", remedy=f"{create} && {_MIGRATE}")
    return Off(
        why=f"the server has no extension vector: {cost}",
        remedy=f"sudo apt-get install postgresql-{postgres}-pgvector && {create} && {_MIGRATE}",
    )


async def find_routes(connection: Connection) -> Routes:
    """Return which routes are on, for a look-up in the record."""
    [(by_index,)] = await fetch(connection, "has_descriptor_index")
    return Routes(descriptor=model() or "off", index="vector" if by_index else "scan")


async def warn_of_routes(connection: Connection) -> Routes:
    """Return which routes are on, for a look-up in the record, and log a line for each that is off."""
    routes = await find_routes(connection)
    if not warn_of_descriptor() and routes.index == "scan":
        [vector] = await fetch(connection, "find_vector")
        _warn(index_off(*vector, embedded=settings().dsn is None))
    return routes


def warn_of_descriptor() -> bool:
    """Return whether no network is in use, and log a line where that is so."""
    off = descriptor_off()
    if off:
        _warn(off)
    return off is not None


def _warn(off: Off) -> None:
    logger.warning("%s; `%s` mends that", off.why, off.remedy)
