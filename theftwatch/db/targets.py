"""What is crawled again and again: targets, leased to the jobs that crawl them.

A lease ends by itself, so a job that was killed holds nothing up; its token keeps a job that comes too late from
changing what another one has taken over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from theftwatch.config import settings
from theftwatch.db.queries import Connection, columns, execute, fetch
from theftwatch.db.runs import GONE_AT_LEAST
from theftwatch.db.seen import card_of
from theftwatch.listing import Listing

Kind = Literal["shop", "vendor", "archive", "search", "showroom", "url", "listing"]
#: How a target went. refused: robots.txt bars it; gone: its address says that there is nothing
Outcome = Literal["ok", "partial", "blocked", "refused", "gone", "failed"]

#: How long a job may be silent before another one takes over what it has leased
LEASE = timedelta(minutes=10)
#: After which time a target that was not well comes again, doubled each time, up to its own interval
RETRY = timedelta(minutes=15)
#: How often listings are seen that a list led to, where the list is not seen more rarely
LISTING_EVERY = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Something to be crawled again and again, as a person asks for it."""

    marketplace: str
    kind: Kind
    #: The shop's name, the words, the listing's key; for a `url` the address
    ref: str
    #: Where it begins, for listings alone
    url: str | None = None
    every: timedelta
    #: 0 to 9, the higher first
    priority: int = 5
    reason: str


@dataclass(frozen=True, slots=True)
class Leased:
    """A target that this job may crawl now."""

    id: int
    kind: Kind
    ref: str
    #: Where it begins, for listings alone
    url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """How a leased target went."""

    outcome: Outcome
    #: Whether a listing of it said something new, or could not be stored whole
    changed: bool = True
    #: Pages asked for, and the host of the first
    requests: int = 0
    host: str | None = None
    #: Pages that were shown to us, unchanged ones among them
    pages: int = 0
    #: Listings that these showed, and how many there are by the list's own word
    listings_seen: int = 0
    listings_expected: int | None = None


async def save_targets(connection: Connection, targets: Sequence[Target], *, now: datetime) -> tuple[int, int]:
    """Add targets, due at once; return how many are new, and how many were there and are changed."""
    unique = {(each.marketplace, each.kind, each.ref): each for each in targets}
    if not unique:
        return 0, 0
    rows = await fetch(
        connection,
        "upsert_targets",
        now=now,
        **columns(
            {
                "marketplaces": each.marketplace,
                "kinds": each.kind,
                "refs": each.ref,
                "urls": each.url,
                "everys": each.every,
                "priorities": each.priority,
                "reasons": each.reason,
            }
            for each in unique.values()
        ),
    )
    new = sum(is_new for _, is_new in rows)
    return new, len(rows) - new


async def save_found(
    connection: Connection,
    listings: Mapping[str, str],
    cards: Mapping[str, Listing],
    *,
    found_on: int,
    reason: str,
    now: datetime,
) -> tuple[int, set[str]]:
    """Add the listings that a target's page led to, by key with their addresses, and compare the cards of those known.

    Those whose cards have changed become due. Returns how many are new, and the keys of those whose cards are to be
    stored, as the record lacks the listing or a photo on the card.
    """
    photos = [(ref, image.key) for ref, card in cards.items() for image in card.images]
    rows = await fetch(
        connection,
        "insert_found_targets",
        refs=list(listings),
        urls=list(listings.values()),
        cards=[card_of(cards[ref]) if ref in cards else None for ref in listings],
        photo_refs=[ref for ref, _ in photos],
        photo_keys=[key for _, key in photos],
        found_on=found_on,
        every=LISTING_EVERY,
        trail_most=settings().trail_targets,
        reason=reason,
        now=now,
    )
    return sum(is_new for _, is_new, _ in rows), {ref for ref, _, is_to_be_stored in rows if is_to_be_stored}


async def lease(
    connection: Connection, marketplace: str, *, token: UUID, run: int | None, most: int, now: datetime
) -> list[Leased]:
    """Take so many targets that are due; nobody else gets them until the lease runs out."""
    rows = await fetch(
        connection,
        "lease_targets",
        marketplace=marketplace,
        token=token,
        run=run,
        most=most,
        now=now,
        until=now + LEASE,
    )
    return [Leased(*row) for row in rows]


async def count_resting(connection: Connection, marketplace: str, *, now: datetime) -> tuple[int, datetime | None]:
    """Return how many targets are due on hosts that are left alone, and until when the last of these is."""
    [(count, until)] = await fetch(connection, "count_resting", marketplace=marketplace, now=now)
    return count, until


async def renew(connection: Connection, ids: Sequence[int], *, token: UUID, now: datetime) -> set[int]:
    """Put off the end of leases, and return those that still hold."""
    rows = await fetch(connection, "renew_leases", ids=list(ids), token=token, until=now + LEASE)
    return {target_id for (target_id,) in rows}


async def finish(connection: Connection, visits: Mapping[int, Visit], *, token: UUID, now: datetime) -> set[int]:
    """Note how targets went and when they are due again, and return those whose lease still held.

    Listings that a shop's or a vendor's list has come to leave out become due once.
    """
    if not visits:
        return set()
    rows = await fetch(
        connection,
        "finish_targets",
        ids=list(visits),
        token=token,
        now=now,
        **columns(
            {
                "outcomes": visit.outcome,
                "changed": visit.changed,
                "requests": visit.requests,
                "hosts": visit.host,
            }
            for visit in visits.values()
        ),
    )
    finished = {target_id for (target_id,) in rows}
    if not finished:
        return set()
    await execute(
        connection,
        "insert_visits",
        ids=list(finished),
        **columns(
            {
                "pages": visits[target_id].pages,
                "listings_seen": visits[target_id].listings_seen,
                "listings_expected": visits[target_id].listings_expected,
            }
            for target_id in finished
        ),
    )
    await execute(connection, "set_next_visits", ids=list(finished), now=now, retry=RETRY, gone=GONE_AT_LEAST)
    read = [target_id for target_id in finished if visits[target_id].outcome == "ok"]
    await execute(connection, "hurry_unlisted", ids=read, now=now)
    return finished


async def release(connection: Connection, hosts: Mapping[int, str | None], *, token: UUID, now: datetime) -> None:
    """Give back leases of which nothing was done, by target with the host that was to be asked.

    They are due since when they were, and so the first of their priority to be taken up again.
    """
    if hosts:
        await execute(connection, "release_targets", ids=list(hosts), hosts=list(hosts.values()), token=token, now=now)
