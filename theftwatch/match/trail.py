"""Where a match leads: the vendor's shop, its siblings' shops, and a showroom with the words of the matched listing.

A key of one company makes a sibling (`company_alias`). A name alone makes none, as vendors choose it, but the trail
leads to namesakes too: to look at a shop accuses nobody.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from theftwatch.db.queries import Connection, columns, fetch
from theftwatch.pages.searches import showroom_words

#: Steps from a match, the last of them
SHOP, SIBLING, SHOWROOM = 1, 2, 3
#: Marketplaces that have showrooms
_SHOWROOMS = ("alibaba",)
#: How often what a step leads to is seen, and how urgent that is
_EVERY = {SHOP: timedelta(days=1), SIBLING: timedelta(days=1), SHOWROOM: timedelta(days=14)}
_PRIORITY = {SHOP: 7, SIBLING: 6, SHOWROOM: 3}


@dataclass(frozen=True, slots=True)
class _Lead:
    """A match from which the trail leads on; fields as in the query `take_trail`."""

    match_id: int
    marketplace: str
    seller: int | None
    seller_name: str | None
    url: str
    title: str | None
    whose: str


async def follow_trail(connection: Connection, *, steps: int, most: int, now: datetime) -> list[str]:
    """Have watched what new matches lead to, in so many steps and targets a match; return the targets' names."""
    leads = [_Lead(*row) for row in await fetch(connection, "take_trail", now=now)]
    if not leads:
        return []
    shops: dict[int, list[tuple[str, str, str, str]]] = defaultdict(list)
    sellers = sorted({lead.seller for lead in leads if lead.seller is not None})
    for seller, *shop in await fetch(connection, "find_trail_shops", sellers=sellers):
        shops[seller].append(tuple(shop))
    targets = [
        target
        for lead in leads
        for target in _targets(lead, shops[lead.seller] if lead.seller is not None else [])
        if target["steps"] <= steps
    ]
    names = ("marketplaces", "kinds", "refs", "everys", "priorities", "reasons", "matches", "steps")
    rows = await fetch(connection, "insert_trail_targets", most=most, now=now, **columns(targets, *names))
    return [ref for (ref,) in rows]


def _targets(lead: _Lead, shops: list[tuple[str, str, str, str]]) -> list[dict[str, Any]]:
    shows = f"{lead.url} shows a photo of {lead.whose}"
    reasons = {
        "own": f"its listing {shows}",
        "company": f"of the same company as {lead.seller_name or 'a vendor'}, whose listing {shows}",
        "name": f"of the same name as {lead.seller_name}, whose listing {shows}",
    }
    targets = [
        _target(lead, SHOP if tie == "own" else SIBLING, marketplace, kind, ref, reasons[tie])
        for tie, marketplace, kind, ref in shops
    ]
    words = " ".join(showroom_words(lead.title or ""))
    if words and lead.marketplace in _SHOWROOMS:
        targets.append(
            _target(lead, SHOWROOM, lead.marketplace, "showroom", words, f"with words of a listing: {shows}")
        )
    return targets


def _target(lead: _Lead, step: int, marketplace: str, kind: str, ref: str, reason: str) -> dict[str, Any]:
    return {
        "marketplaces": marketplace,
        "kinds": kind,
        "refs": ref,
        "everys": _EVERY[step],
        "priorities": _PRIORITY[step],
        "reasons": reason,
        "matches": lead.match_id,
        "steps": step,
    }
