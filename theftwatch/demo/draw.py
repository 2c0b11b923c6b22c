"""Makes days of the marketplaces up from a seed: the same days for the same seed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

from theftwatch.demo import addresses
from theftwatch.demo.catalogue import Catalogue, DemoSeller, Edit, Offer, Picture, Served, Shown, show
from theftwatch.demo.days import Change, ChangeKind, Days, Trouble, TroubleKind

#: What sellers make of a photo to have another one
_MANNERS = (
    (Edit.RESIZED, "350"),
    (Edit.RESIZED, "720"),
    (Edit.MIRRORED, ""),
    (Edit.PADDED, "border"),
    (Edit.PADDED, "square"),
    (Edit.CROPPED, ""),
    (Edit.RECOMPRESSED, ""),
)
#: What sellers leave behind who take goods down
_WAYS_OUT = (Served.DELETED, Served.ENDED, Served.UNAVAILABLE)
_NO_PHOTO = frozenset({Edit.DRAWN, Edit.BROKEN, Edit.MISSING})
#: What can be the matter with a marketplace on such days
TROUBLES = (
    TroubleKind.REFUSAL,
    TroubleKind.CAPTCHA,
    TroubleKind.HALF,
    TroubleKind.BROKEN_OFF,
    TroubleKind.ERROR,
    TroubleKind.SILENT,
    TroubleKind.DOWN,
)
_HOUR = timedelta(hours=1)
_CENT = Decimal("0.01")
_PHOTOS_MAX = 5
#: New keys begin so far above those of the catalogue
_KEYS_ABOVE = 5_000
#: A seller keeps so many goods at least
_GOODS_MIN = 3


def draw_days(
    first: Catalogue, asked_at: Sequence[datetime], *, seed: int, changes: int = 4, trouble_share: float = 0.3
) -> Days:
    """Return days on which so many things change between any two moments at which somebody comes to ask.

    For an hour after such a moment nothing changes, so that all that is seen in it was so at one time. Troubles last an
    hour and meet such a moment, the first excepted, or begin in the seconds after it: what no one notices is none.
    """
    draw = _Draw(first, Random(seed))  # noqa: S311  no secret
    told = [
        change
        for before, after in pairwise(asked_at)
        for moment in draw.moments(before + _HOUR, after, changes)
        if (change := draw.change(moment))
    ]
    marketplaces = sorted({offer.listing.marketplace for offer in first.offers})
    return Days(first, told, draw.troubles(marketplaces, asked_at[1:], trouble_share))


class _Draw:
    """What is on offer while the days are made up, and the chances."""

    def __init__(self, first: Catalogue, random: Random) -> None:
        self._random = random
        self._offers = {offer.key: offer for offer in first.offers}
        self._keys = {
            code: max(int(ref) for of, ref in self._offers if of == code) + _KEYS_ABOVE
            for code in {offer.key[0] for offer in first.offers}
        }
        self._kinds = self._dealt(tuple(ChangeKind))
        self._troubles = self._dealt(TROUBLES)
        self._relisted = set[tuple[str, str]]()

    def moments(self, start: datetime, end: datetime, count: int) -> list[datetime]:
        return sorted(start + self._random.random() * (end - start) for _ in range(count))

    def change(self, at: datetime) -> Change | None:
        """Return one thing that happens, of a kind that has not happened for longest; None where nothing could."""
        kind = next(self._kinds)
        taken_down = kind in {ChangeKind.RETURNED, ChangeKind.RELISTED}
        can = [
            offer
            for offer in self._offers.values()
            if (offer.served in _WAYS_OUT if taken_down else offer.served is Served.PAGE)
            and not any(picture.edit in _NO_PHOTO for picture in _pictures(offer))
        ]
        self._random.shuffle(can)
        for offer in can:
            after = _CHANGES[kind](self, offer)
            if after is not None:
                self._offers[after.key] = after
                return Change(at=at, kind=kind, offer=after, of=offer if kind is ChangeKind.RELISTED else None)
        return None

    def troubles(self, marketplaces: Sequence[str], asked_at: Iterable[datetime], share: float) -> Iterator[Trouble]:
        for moment in asked_at:
            for marketplace in marketplaces:
                if self._random.random() < share:
                    amid = self._random.random() < 0.5
                    start = timedelta(seconds=self._random.uniform(0, 3)) if amid else -self._random.random() * _HOUR
                    yield Trouble(
                        kind=next(self._troubles),
                        marketplace=marketplace,
                        starts_at=moment + start,
                        ends_at=moment + start + _HOUR,
                    )

    def price(self, offer: Offer) -> Offer | None:
        factor = Decimal(self._random.choice((70, 80, 90, 110, 125))) / 100
        low, high = offer.listing.price_min, offer.listing.price_max
        assert low is not None
        assert high is not None
        return _with(offer, price_min=(low * factor).quantize(_CENT), price_max=(high * factor).quantize(_CENT))

    def title(self, offer: Offer) -> Offer | None:
        title = f"{(offer.listing.title or '').partition(' - batch ')[0]} - batch {self._random.randrange(10_000)}"
        marketplace, ref = offer.key
        return _with(offer, title=title, url=addresses.listing_url(marketplace, offer.seller.handle, ref, title))

    def photo_added(self, offer: Offer) -> Offer | None:
        new = self._new_picture(offer)
        if new is None or len(offer.shown) >= _PHOTOS_MAX:
            return None
        return _showing(offer, [*_pictures(offer), new])

    def photo_dropped(self, offer: Offer) -> Offer | None:
        pictures = _pictures(offer)
        if len(pictures) < 2:
            return None
        del pictures[self._random.randrange(len(pictures))]
        return _showing(offer, pictures)

    def photo_replaced(self, offer: Offer) -> Offer | None:
        new, pictures = self._new_picture(offer), _pictures(offer)
        if new is None:
            return None
        pictures[self._random.randrange(len(pictures))] = new
        return _showing(offer, pictures)

    def photo_swapped(self, offer: Offer) -> Offer | None:
        new, shown = self._new_picture(offer), list(offer.shown)
        if new is None:
            return None
        position = self._random.randrange(len(shown))
        shown[position] = replace(shown[position], picture=new)
        return replace(offer, shown=tuple(shown))

    def removed(self, offer: Offer) -> Offer | None:
        left = [one for one in self._offers.values() if one.seller == offer.seller and one.served is Served.PAGE]
        if len(left) <= _GOODS_MIN:
            return None
        self._relisted.discard(offer.key)
        return replace(offer, served=self._random.choice(_WAYS_OUT))

    def returned(self, offer: Offer) -> Offer | None:
        return replace(offer, served=Served.PAGE)

    def relisted(self, offer: Offer) -> Offer | None:
        """Return the goods under a new key; half of them with edited photos, and half at another seller's."""
        if offer.key in self._relisted:
            return None
        self._relisted.add(offer.key)
        marketplace, _ = offer.key
        owner = self._random.choice((offer.seller, self._random.choice(self._sellers(marketplace))))
        pictures = _pictures(offer)
        if self._random.random() < 0.5:
            pictures = [self._edited(picture) for picture in pictures]
        self._keys[marketplace] += 1
        ref = str(self._keys[marketplace])
        title = offer.listing.title or ""
        anew = _with(
            replace(offer, seller=owner, served=Served.PAGE),
            listing_ref=ref,
            seller=owner.seller,
            url=addresses.listing_url(marketplace, owner.handle, ref, title),
        )
        return _showing(anew, pictures)

    def _sellers(self, marketplace: str) -> list[DemoSeller]:
        found = {one.seller.handle: one.seller for one in self._offers.values() if one.key[0] == marketplace}
        return [found[handle] for handle in sorted(found)]

    def _edited(self, picture: Picture) -> Picture:
        if len(picture.photos) != 1:
            return picture
        edit, variant = self._random.choice(_MANNERS)
        return Picture(edit=edit, photos=picture.photos, variant=variant)

    def _new_picture(self, offer: Offer) -> Picture | None:
        """Return a picture made of one of a listing's photos that its seller shows nowhere."""
        known = {picture for one in self._offers.values() if one.seller == offer.seller for picture in _pictures(one)}
        photos = sorted({photo for picture in _pictures(offer) for photo in picture.photos})
        new = [
            picture
            for photo in photos
            for edit, variant in _MANNERS
            if (picture := Picture(edit=edit, photos=(photo,), variant=variant)) not in known
        ]
        return self._random.choice(new) if new else None

    def _dealt[T](self, cards: tuple[T, ...]) -> Iterator[T]:
        """Yield cards for ever, all of them before any comes again."""
        while True:
            yield from self._random.sample(cards, len(cards))


def _pictures(offer: Offer) -> list[Picture]:
    return [shown.picture for shown in offer.shown]


def _with(offer: Offer, **values: object) -> Offer:
    return replace(offer, listing=replace(offer.listing, **values))  # type: ignore[arg-type]  # fields of a listing


def _showing(offer: Offer, pictures: Iterable[Picture]) -> Offer:
    """Return an offer with other pictures; one that it had shown before keeps the address that it has."""
    shown: tuple[Shown, ...] = show(offer.seller, pictures, offer.listing.listed_at)
    return _with(replace(offer, shown=shown), images=tuple(one.image for one in shown if one.image))


_CHANGES: dict[ChangeKind, Callable[[_Draw, Offer], Offer | None]] = {
    ChangeKind.PRICE: _Draw.price,
    ChangeKind.TITLE: _Draw.title,
    ChangeKind.PHOTO_ADDED: _Draw.photo_added,
    ChangeKind.PHOTO_DROPPED: _Draw.photo_dropped,
    ChangeKind.PHOTO_REPLACED: _Draw.photo_replaced,
    ChangeKind.PHOTO_SWAPPED: _Draw.photo_swapped,
    ChangeKind.REMOVED: _Draw.removed,
    ChangeKind.RETURNED: _Draw.returned,
    ChangeKind.RELISTED: _Draw.relisted,
}
