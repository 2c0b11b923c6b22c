"""The letter to a vendor: drafted from the record, for a person to read, change and send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from theftwatch.cases.clock import find_portal
from theftwatch.cases.listings import TO_ASK, CaseListing, choose_to_accuse, find_case
from theftwatch.db.queries import Connection, fetch, fetch_as
from theftwatch.reports.text import environment
from theftwatch.reports.words import source_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """An original and the listing that shows it; fields as in the query `find_letter`."""

    listing: int
    url: str
    title: str | None
    original: str | None
    original_title: str | None
    original_marketplace: str | None
    #: The bound by which the original was first, as `claim_as_json` gives it
    original_claim: dict[str, Any] | None
    #: Photos of it that the listing shows
    pairs: int

    @property
    def since(self) -> str | None:
        """By when the original was there, and who says so; None where no claim says that."""
        latest_at = (self.original_claim or {}).get("latest_at")
        if latest_at is None or self.original_claim is None:
            return None
        return f"{_date(datetime.fromisoformat(latest_at))}, {_source(self.original_claim['source'])}"


async def draft_letter(connection: Connection, case: int, *, now: datetime, listings: Sequence[str] = ()) -> str:
    """Return the text of a letter on listings of a case: those named, or those that nothing was asked of yet.

    Raises UsageError where there is nothing to ask, or a listing on which no case may rest any more.
    """
    known = await find_case(connection, case)
    chosen: list[CaseListing] = await choose_to_accuse(connection, known, listings, TO_ASK)
    portal = await find_portal(connection, known.marketplace)
    keys = [each.case_listing_id for each in chosen]
    rows = await fetch_as(connection, Copied, "find_letter", case_listings=keys)
    [(artisan, contact, vendor)] = await fetch(connection, "find_parties", case=case, case_listings=keys)
    return (
        environment("theftwatch.cases")
        .get_template("letter.txt.j2")
        .render(
            artisan=artisan,
            contact=contact,
            vendor=vendor,
            marketplace=known.marketplace,
            portal=portal if portal.code else None,
            listings=[(url, list(copied)) for url, copied in groupby(rows, key=lambda row: row.url)],
            until=_date(portal.last_day_to_answer(now)),
            zone=portal.time_zone,
            now=now,
        )
    )


def _date(at: date) -> str:
    return f"{at.day} {at:%B %Y}"


def _source(source: str) -> str:
    return "by our own record" if source == "theftwatch" else f"as {source_name(source)} shows"
