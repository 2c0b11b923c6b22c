"""What a report is about: all of the record, or a vendor, an artisan, a time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from theftwatch.db.queries import Connection, fetch
from theftwatch.errors import UsageError
from theftwatch.reports.nearest import nearest
from theftwatch.reports.words import one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What a report is narrowed to; by default to nothing."""

    #: A name or key, as a person gave it, and the vendors that go by it
    vendor: str | None = None
    vendors: tuple[int, ...] | None = None
    #: A name or key, and the artisans and shops that go by it
    artisan: str | None = None
    artisans: tuple[int, ...] | None = None
    shops: tuple[int, ...] | None = None
    #: First and last day, in UTC
    since: date | None = None
    until: date | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What queries are given to narrow what they find."""
        return {
            "vendors": None if self.vendors is None else list(self.vendors),
            "artisans": None if self.artisans is None else list(self.artisans),
            "shops": None if self.shops is None else list(self.shops),
            "since": self.since and datetime.combine(self.since, time(), UTC),
            "before": self.until and datetime.combine(self.until + timedelta(days=1), time(), UTC),
        }

    @property
    def in_words(self) -> str:
        """What it is narrowed to, such as "photos of Ana, from 2026-11-01"; empty where it is about all."""
        parts = []
        if self.vendor is not None:
            parts.append(f"vendors that go by {one_line(self.vendor)}")
        if self.artisan is not None:
            parts.append(f"photos of {one_line(self.artisan)}")
        days = [f"from {self.since}"] if self.since else []
        days += [f"until {self.until}"] if self.until else []
        return ", ".join([*parts, " ".join(days)] if days else parts)


async def choose(
    connection: Connection,
    *,
    vendor: str | None = None,
    artisan: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Chosen:
    """Return what a report is narrowed to by names or keys, and by days in UTC, the last one included.

    Raises UsageError where nobody goes by a name, and for a time that ends before it begins.
    """
    if since and until and until < since:
        raise UsageError(f"--until {until} is before --since {since}; give the first day and the last one")
    vendors = artisans = shops = None
    if vendor is not None:
        vendors = await find_vendors_named(connection, vendor)
        if not vendors:
            near = await nearest(connection, vendor, side="suspect")
            raise UsageError(
                f"{vendor}: no vendor goes by this name or key; {near}`theftwatch report` shows those with matches"
            )
    if artisan is not None:
        artisans, shops = await find_artisans_and_shops(connection, artisan)
        if not artisans and not shops:
            near = await nearest(connection, artisan, side=None)
            raise UsageError(
                f"{artisan}: no artisan or shop goes by this name or key; {near}`theftwatch artisan list` shows them"
            )
    return Chosen(
        vendor=vendor,
        vendors=vendors,
        artisan=artisan,
        artisans=artisans,
        shops=shops,
        since=since,
        until=until,
    )


async def find_vendors_named(connection: Connection, name: str) -> tuple[int, ...]:
    """Return the vendors that go by a name, a key, an alias or an address."""
    rows = await fetch(connection, "find_sellers_named", name=name, side="suspect", most=None)
    return tuple(seller for seller, *_ in rows)


async def find_artisans_and_shops(connection: Connection, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the artisans of a name, and the shops that go by it, by a key, an alias or an address."""
    artisans = await fetch(connection, "find_artisans_named", name=name)
    shops = await fetch(connection, "find_sellers_named", name=name, side=None, most=None)
    return tuple(artisan for (artisan,) in artisans), tuple(shop for shop, *_ in shops)
