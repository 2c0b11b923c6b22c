"""What became of copied photos over some days: what the record has to hold of it, and what it holds.

Which images match is taken on trust, as other tests see to that. When photos count as removed, and where they were seen
again, is told from the days and from who was answered what.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from tests.crawling import World
from tests.history import History, Key, Span, Visits, visit_of
from theftwatch.db.runs import GONE_AT_LEAST
from theftwatch.demo.catalogue import Picture
from theftwatch.demo.days import Days
from theftwatch.demo.photos import picture_bytes

#: A file of the artisan's by its name, or a listing
type Original = str | Key
_FINDING = "s.marketplace, s.listing_ref, file.name, o.marketplace, o.listing_ref"
_OF_FINDING = (
    "join finding f on f.id = r.finding join listing s on s.id = f.suspect_listing"
    " left join listing o on o.id = f.original_listing left join original_file file on file.id = f.original_file"
)

#: A photo by its key, and the digest of the original that it is a copy of
type Copy = tuple[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """A time, by visits, in which a listing showed no copy of an original any more."""

    original: Original
    suspect: Key
    how: str
    last_shown: int
    missed: int
    removed: int
    shown_again: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Relisting:
    """A listing in which copies were seen again that had been removed."""

    original: Original
    suspect: Key
    missed: int
    place: str
    listing: Key
    visit: int


type Fate = Removal | Relisting


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies:
    """Which photos are copies of what, as far as the record can know."""

    visits: Visits
    #: As it has to be
    history: History
    #: Files that the artisan gave, by name
    files: Mapping[str, Picture]
    #: Digests of images that match, the original's first
    matches: frozenset[tuple[bytes, bytes]]

    def findings(self) -> Iterator[tuple[Original, Key]]:
        """Yield originals with the listings that ever showed copies of them."""
        suspects = [key for key in self.history.seen if key[0] == "alibaba"]
        originals: list[Original] = [*self.files, *(key for key in self.history.seen if key[0] != "alibaba")]
        last = len(self.history.sights) - 1
        yield from ((one, suspect) for one in originals for suspect in suspects if self.sights(one, suspect, last))

    def sights(self, original: Original, suspect: Key, visit: int) -> dict[Copy, Span]:
        """Return when a listing was seen to show which copies of an original, by the end of a visit."""
        images = (
            {_digest(self.files[original])}
            if isinstance(original, str)
            else set(self._images(original, visit).values())
        )
        return {
            (photo, image): self.history.sights[visit][suspect][photo]
            for photo, copy in self._images(suspect, visit).items()
            for image in images
            if (image, copy) in self.matches
        }

    def _images(self, listing: Key, visit: int) -> dict[str, bytes]:
        """Return the digests of a listing's photos that were stored by the end of a visit."""
        fetched = self.visits.fetched
        places = ((photo, (listing[0], photo)) for photo in self.history.sights[visit].get(listing, ()))
        return {
            photo: _digest(fetched[place][1])
            for photo, place in places
            if place in fetched and fetched[place][0] <= visit
        }


def expected_fates(days: Days, asked_at: Sequence[datetime], copies: Copies) -> list[Fate]:
    """Return what the record has to hold."""
    findings = list(copies.findings())
    sellers = {offer.key: offer.seller.seller.ref for offer in days.offers_at(asked_at[-1]).values()}
    removals = [removal for finding in findings for removal in _removals(*finding, asked_at, copies)]
    relistings = (
        _relisting(removal, suspect, copies)
        for removal in removals
        for original, suspect in findings
        if original == removal.original and sellers[suspect] == sellers[removal.suspect]
    )
    return [*removals, *filter(None, relistings)]


def recorded_fates(world: World, asked_at: Sequence[datetime]) -> list[Fate]:
    """Return what the record holds."""
    removals = world.rows(
        f"select how, last_shown_at, missed_at, removed_at, shown_again_at, {_FINDING} from removal r {_OF_FINDING}"
    )
    relistings = world.rows(
        f"select place, l.marketplace, l.listing_ref, missed_at, relisted_at, {_FINDING} from relisting"
        f" join removal r on r.id = removal join listing l on l.id = relisting.listing {_OF_FINDING}"
    )
    return [
        *(
            Removal(
                original=_original(*original),
                suspect=(marketplace, suspect),
                how=how,
                last_shown=visit_of(last_shown_at, asked_at),
                missed=visit_of(missed_at, asked_at),
                removed=visit_of(removed_at, asked_at),
                shown_again=visit_of(again_at, asked_at) if again_at else None,
            )
            for how, last_shown_at, missed_at, removed_at, again_at, marketplace, suspect, *original in removals
        ),
        *(
            Relisting(
                original=_original(*original),
                suspect=(marketplace, suspect),
                missed=visit_of(missed_at, asked_at),
                place=place,
                listing=(code, listing),
                visit=visit_of(relisted_at, asked_at),
            )
            for place, code, listing, missed_at, relisted_at, marketplace, suspect, *original in relistings
        ),
    ]


def recorded_matches(world: World) -> frozenset[tuple[bytes, bytes]]:
    """Return the digests of images that match, the original's first."""
    return frozenset(
        world.rows(
            "select o.sha256, s.sha256 from match join image o on o.id = original_image"
            " join image s on s.id = suspect_image where decision <> 'no_match'"
        )
    )


def _removals(original: Original, suspect: Key, asked_at: Sequence[datetime], copies: Copies) -> Iterator[Removal]:
    """Yield the times in which copies were not to be seen in a listing."""
    visits = copies.visits
    missed: dict[int, str] = {}
    now: Removal | None = None
    for visit, moment in enumerate(asked_at):
        sights = copies.sights(original, suspect, visit)
        if not sights:
            continue
        *_, photos = copies.history.states[visit][suspect]
        shown = [span for (photo, _), span in sights.items() if photo in photos]
        last_shown = max(last for _, last in sights.values())
        is_whole, is_listed = suspect in visits.whole[visit], suspect in visits.listed[visit]
        if now is not None:
            if is_whole and shown:
                since = [first if first > now.last_shown else last for first, last in shown if last > now.last_shown]
                yield replace(now, shown_again=min(since))
                now, missed = None, {}
            continue
        # A listing that is seen is not gone, and a copy that is seen is not missed.
        voids = {"gone": visit if is_whole or is_listed else -1, "photo": last_shown}
        missed = {at: how for at, how in missed.items() if at > voids[how]}
        if suspect[0] not in visits.good[visit]:
            continue
        if is_whole and not shown:
            missed[visit] = "photo"
        elif suspect in visits.not_there[visit] and not (is_whole or is_listed):
            missed[visit] = "gone"
        else:
            continue
        first = min(missed)
        if moment - asked_at[first] >= GONE_AT_LEAST:
            now = Removal(
                original=original,
                suspect=suspect,
                how=missed[visit],
                last_shown=last_shown,
                missed=first,
                removed=visit,
            )
    if now is not None:
        yield now


def _relisting(removal: Removal, listing: Key, copies: Copies) -> Relisting | None:
    """Return where the copies of a removal were seen again, if they were in this listing of the seller."""
    last = len(copies.history.sights) - 1
    if listing == removal.suspect:
        place, visit = "same_listing", removal.shown_again
    else:
        images = {image for _, image in copies.sights(removal.original, removal.suspect, last)}
        sights = copies.sights(removal.original, listing, last).items()
        place, visit = "same_vendor", min((first for (_, image), (first, _) in sights if image in images), default=None)
        if visit is not None and not removal.missed <= visit < (removal.shown_again or last + 1):
            visit = None
    if visit is None:
        return None
    return Relisting(
        original=removal.original,
        suspect=removal.suspect,
        missed=removal.missed,
        place=place,
        listing=listing,
        visit=visit,
    )


def _original(file: str | None, marketplace: str, listing_ref: str) -> Original:
    return file or (marketplace, listing_ref)


def _digest(picture: Picture) -> bytes:
    return sha256(picture_bytes(picture)).digest()
