"""The history of some days: what the record has to hold, told from the days themselves, and what it holds.

The record learns of a change when it next sees the listing's own page whole, and not before. So each change stands at
the first such visit after it, exactly; and what was overwritten between two visits stands nowhere. A list shows that a
listing is there, and a listing that is new; it adds the photos on a card, which are the first alone, or in a showroom
all, and has no say in the rest. Of the record only one thing is taken on trust, how a run says that it went: listings
are taken for gone by good runs alone.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.crawling import World
from theftwatch.db.runs import GONE_AT_LEAST
from theftwatch.demo.answers import Shelves
from theftwatch.demo.catalogue import PER_PAGE, TAKEN_DOWN, Catalogue, Offer, Picture, Served
from theftwatch.demo.days import Days, TroubleKind, marketplace_of
from theftwatch.pages.addresses import image_key, listing_key

#: A visit lasts so long at most, kills and all
VISIT = timedelta(hours=1)
_SHOWROOM = re.compile(r"/showroom/(.+)\.html")
_SENT, _ANSWERED, _NOT_THERE = 200, {200, 304}, {404, 410}

type Key = tuple[str, str]
#: Numbers of two visits
type Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A change as a `listing_event` has it, at one of the visits."""

    key: Key
    visit: int
    kind: str
    before: Any = None
    after: Any = None


@dataclass(slots=True)
class History:
    """All that is to be known of listings, by visit."""

    events: list[Event] = field(default_factory=list)
    #: At the end of each visit: title, price, state and photos of each listing
    states: list[dict[Key, tuple[Any, ...]]] = field(default_factory=list)
    #: First and last sight of listings, and of photos in them
    seen: dict[Key, Span] = field(default_factory=dict)
    shown: dict[tuple[Key, str], Span] = field(default_factory=dict)
    #: What was known of the latter at the end of each visit; of what has to be alone
    sights: list[dict[Key, dict[str, Span]]] = field(default_factory=list)


@dataclass(slots=True)
class Visits:
    """Who was answered what, visit by visit."""

    #: Listings that lists showed, and those of them that showrooms did
    listed: defaultdict[int, set[Key]] = field(default_factory=lambda: defaultdict(set))
    in_showroom: defaultdict[int, set[Key]] = field(default_factory=lambda: defaultdict(set))
    #: Those whose own pages were seen whole, and whose addresses said that nothing is there
    whole: defaultdict[int, set[Key]] = field(default_factory=lambda: defaultdict(set))
    not_there: defaultdict[int, set[Key]] = field(default_factory=lambda: defaultdict(set))
    #: By marketplace and key: the visit at which a photo was last sent, and what it was; no stored one is sent again
    fetched: dict[tuple[str, str], tuple[int, Picture]] = field(default_factory=dict)
    #: Marketplaces that were in trouble when they were asked, and those whose run went well
    troubled: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    good: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(slots=True)
class _Known:
    """A listing as the record is to have it."""

    offer: Offer
    photos: list[str]
    #: Whether its own page was seen, and not only cards
    complete: bool
    gone: bool = False
    #: Visits of good runs at which its address said that nothing is there, since it was seen last
    said: list[int] = field(default_factory=list)

    @property
    def state(self) -> str:
        return "gone" if self.gone else "live"


def read_visits(world: World, days: Days, asked_at: Sequence[datetime]) -> Visits:
    """Read what the replica noted of each request, and how runs went."""
    visits = Visits()
    shelves = [Shelves(days.catalogue_at(moment)) for moment in asked_at]
    for line in map(json.loads, (world.folder / "requests.jsonl").read_text().splitlines()):
        visit = visit_of(datetime.fromisoformat(line["at"]), asked_at)
        if line["trouble"]:
            visits.troubled[visit].add(str(marketplace_of(line["host"])))
        elif line["path"] != "/robots.txt":
            _read_answer(visits, visit, line, shelves[visit])
    for visit, moment in enumerate(asked_at):
        # Who is down notes nothing of those who ask.
        down = (trouble for trouble in days.troubles if trouble.kind is TroubleKind.DOWN)
        visits.troubled[visit].update(
            each.marketplace for each in down if each.starts_at < moment + VISIT and moment < each.ends_at
        )
    # A run that was killed is followed by another one in the same visit.
    for spider, outcome, started_at in world.rows("select spider, outcome, started_at from run order by id"):
        good = visits.good[visit_of(started_at, asked_at)]
        (good.add if outcome == "ok" else good.discard)(spider)
    return visits


def _read_answer(visits: Visits, visit: int, line: dict[str, Any], shelves: Shelves) -> None:
    """Read of one request what was shown, or that nothing was there."""
    url, marketplace = f"https://{line['host']}{line['path']}", str(marketplace_of(line["host"]))
    if photo := image_key(url):
        if line["status"] == _SENT and (shown := shelves.shown(marketplace, photo)):
            visits.fetched[marketplace, photo] = (visit, shown.picture)
    elif key := listing_key(url):
        offer = shelves.offer(*key)
        there = line["status"] in _ANSWERED and offer is not None and offer.served is Served.PAGE
        if line["status"] in _ANSWERED | _NOT_THERE:
            (visits.whole if there else visits.not_there)[visit].add(key)
    elif line["status"] in _ANSWERED:
        goods = set(_goods_on(line, shelves.catalogue))
        visits.listed[visit] |= goods
        if _SHOWROOM.fullmatch(line["path"]):
            visits.in_showroom[visit] |= goods


def expected_history(days: Days, asked_at: Sequence[datetime], visits: Visits) -> History:
    """Return what the record has to hold."""
    history, known = History(), dict[Key, _Known]()
    for visit, moment in enumerate(asked_at):
        offers = days.offers_at(moment)
        for key in visits.listed[visit]:
            photos = image_keys(offers[key], whole=key in visits.in_showroom[visit])
            history.events += _see_card(known, key, offers[key], photos, visit)
            _stretch(history.seen, key, visit)
            if not known[key].complete or any((key, photo) not in history.shown for photo in photos):
                for photo in photos:
                    _stretch(history.shown, (key, photo), visit)
        for key in visits.whole[visit]:
            history.events += _see_page(known, key, offers[key], visit)
            _stretch(history.seen, key, visit)
            for photo in image_keys(offers[key]):
                _stretch(history.shown, (key, photo), visit)
        for key in visits.not_there[visit] & known.keys() - visits.whole[visit] - visits.listed[visit]:
            one = known[key]
            if key[0] in visits.good[visit] and not one.gone:
                one.said.append(visit)
                if moment - asked_at[one.said[0]] >= GONE_AT_LEAST:
                    one.gone = True
                    history.events.append(Event(key=key, visit=visit, kind="state", before="live", after="gone"))
        history.sights.append(
            {key: {photo: history.shown[key, photo] for of, photo in history.shown if of == key} for key in known}
        )
        history.states.append(
            {key: (one.offer.listing.title, price(one.offer), one.state, one.photos) for key, one in known.items()}
        )
    history.events.sort(key=_order)
    return history


def recorded_history(world: World, asked_at: Sequence[datetime]) -> History:
    """Return what the record holds."""
    history = History()
    for marketplace, ref, kind, before, after, seen_at in world.rows(
        "select l.marketplace, l.listing_ref, e.kind, e.before, e.after, e.seen_at"
        " from listing_event e join listing l on l.id = e.listing"
    ):
        visit = visit_of(seen_at, asked_at)
        history.events.append(Event(key=(marketplace, ref), visit=visit, kind=kind, before=before, after=after))
    history.events.sort(key=_order)
    for moment in asked_at:
        rows = world.rows(
            "select marketplace, listing_ref, title, price_min::float, price_max::float, currency, state, image_keys"
            f" from analysis.listing_at('{moment + VISIT}')"
        )
        history.states.append({(row[0], row[1]): (row[2], list(row[3:6]), row[6], row[7]) for row in rows})
    for marketplace, ref, photo, *sights in world.rows(
        "select marketplace, listing_ref, null, first_seen_at, last_seen_at from listing union all"
        " select l.marketplace, l.listing_ref, li.image_key, li.first_seen_at, li.last_seen_at"
        " from listing_image li join listing l on l.id = li.listing"
    ):
        first, last = (visit_of(moment, asked_at) for moment in sights)
        if photo is None:
            history.seen[marketplace, ref] = (first, last)
        else:
            history.shown[(marketplace, ref), photo] = (first, last)
    return history


def differences(expected: History, recorded: History) -> Iterator[str]:
    """Say in which points what a record says of a moment is not what it has to be."""
    for what in ("seen", "shown"):
        yield from _unlike(what, getattr(expected, what), getattr(recorded, what))
    for visit, (wanted, found) in enumerate(zip(expected.states, recorded.states, strict=True)):
        yield from _unlike(f"state after visit {visit}", wanted, found)


def left_over[T](some: Iterable[T], others: Iterable[T]) -> list[T]:
    """Return those of some that others lack; what is there twice, and once among the others, is left once."""
    left = list(some)
    for each in others:
        if each in left:
            left.remove(each)
    return left


def false_gone(history: History, days: Days, asked_at: Sequence[datetime]) -> list[Event]:
    """Return what says that a listing is gone which was on offer in the six hours before."""
    found = []
    for event in history.events:
        if (event.kind, event.after) == ("state", "gone"):
            end = asked_at[event.visit]
            start = end - GONE_AT_LEAST
            moments = [start, *(change.at for change in days.changes if start < change.at <= end)]
            if any(days.offers_at(moment)[event.key].served not in TAKEN_DOWN for moment in moments):
                found.append(event)
    return found


def image_keys(offer: Offer, *, whole: bool = True) -> list[str]:
    """Return the photos of a listing as an event has them, or the first of them alone."""
    return sorted({image.key for image in offer.listing.images[: None if whole else 1]})


def price(offer: Offer) -> list[Any]:
    """Return the price of a listing as an event has it."""
    low, high = offer.listing.price_min, offer.listing.price_max
    assert low is not None
    assert high is not None
    return [float(low), float(high), offer.listing.currency]


def _see_card(known: dict[Key, _Known], key: Key, offer: Offer, photos: list[str], visit: int) -> Iterator[Event]:
    """Yield what is new by the card of a listing in a list, which shows these photos."""
    one = known.get(key)
    if one is None:
        known[key] = _Known(offer, photos, complete=False)
        yield Event(key=key, visit=visit, kind="first_seen")
        return
    if one.gone:
        yield Event(key=key, visit=visit, kind="state", before="gone", after="live")
    one.gone, one.said = False, []


def _see_page(known: dict[Key, _Known], key: Key, offer: Offer, visit: int) -> Iterator[Event]:
    """Yield what is new by the page of a listing."""
    before, known[key] = known.get(key), _Known(offer, image_keys(offer), complete=True)
    if before is None:
        yield Event(key=key, visit=visit, kind="first_seen")
        return
    for kind, old, new in (
        ("images", before.photos if before.complete else image_keys(offer), image_keys(offer)),
        ("price", price(before.offer), price(offer)),
        ("state", before.state, "live"),
        ("title", before.offer.listing.title, offer.listing.title),
    ):
        if old != new:
            yield Event(key=key, visit=visit, kind=kind, before=old, after=new)


def _stretch[T](spans: dict[T, Span], what: T, visit: int) -> None:
    spans[what] = (spans.get(what, (visit,))[0], visit)


def _goods_on(line: dict[str, Any], catalogue: Catalogue) -> Iterator[Key]:
    """Yield the listings on the page of a list that a request was for."""
    if showroom := _SHOWROOM.fullmatch(line["path"]):
        yield from (offer.key for offer in catalogue.in_showroom(showroom[1].split("-")))
    for seller in catalogue.sellers:
        at = f"{line['host']}{line['path']}".lower()
        if seller.handle.lower() in at and seller.seller.marketplace == marketplace_of(line["host"]):
            number = re.search(r"productlist-(\d+)|page=(\d+)", f"{line['path']}?{line['query']}")
            start = PER_PAGE[seller.seller.marketplace] * (int(number[1] or number[2]) - 1 if number else 0)
            for offer in catalogue.of_seller(seller)[start : start + PER_PAGE[seller.seller.marketplace]]:
                yield offer.key


def _unlike(what: str, expected: dict[Any, Any], recorded: dict[Any, Any]) -> Iterator[str]:
    for key in sorted(expected.keys() | recorded.keys()):
        wanted, found = expected.get(key), recorded.get(key)
        if wanted != found:
            yield f"{what} of {key}: {found} for {wanted}"


def visit_of(moment: datetime, asked_at: Iterable[datetime]) -> int:
    """Return the number of the visit that a moment lies in."""
    [visit] = [number for number, start in enumerate(asked_at) if start <= moment < start + VISIT]
    return visit


def _order(event: Event) -> tuple[Any, ...]:
    return event.key, event.visit, event.kind
