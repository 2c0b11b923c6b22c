"""Later days of the marketplaces: what becomes of the goods, and when a marketplace is in trouble.

`draw.py` makes such days up; the replica shows them as its clock goes on. Together they are the truth that a record of
those days can be held against.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from theftwatch.demo.catalogue import Catalogue, Offer

_HOSTS = {"etsy": ("etsy.com", "etsystatic.com"), "artfire": ("artfire.com",), "alibaba": ("alibaba.com", "alicdn.com")}
#: Catalogues held at once; time goes on, and only a request that took long asks for the one before
_CATALOGUES = 4


class ChangeKind(StrEnum):
    """What can become of a listing."""

    PRICE = "price"
    TITLE = "title"
    PHOTO_ADDED = "photo added"
    PHOTO_DROPPED = "photo dropped"
    PHOTO_REPLACED = "photo replaced"  # by one at an address of its own
    PHOTO_SWAPPED = "photo swapped"  # for other bytes at the same address
    REMOVED = "removed"
    RETURNED = "returned"  # under the key that it had
    RELISTED = "relisted"  # under a new key, by the same seller or another one


class TroubleKind(StrEnum):
    """What can be the matter with a marketplace."""

    REFUSAL = "refusal"  # a captcha with status 403
    CAPTCHA = "captcha"  # a captcha with status 200
    HALF = "half a page"  # properly ended
    BROKEN_OFF = "broken off"  # the connection ends in the middle
    ERROR = "error"  # 503
    SILENT = "silent"  # the connection is taken and closed
    DOWN = "down"  # connections are refused
    STALLED = "stalled"  # the connection is taken, and nothing comes
    DRIPPING = "dripping"  # a byte a second
    RESET = "reset"  # by the host, in the middle of an answer
    HALF_IMAGE = "half an image"  # properly ended
    NO_IMAGE = "no image"  # a page with status 200 in the place of images


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What became of a listing."""

    at: datetime
    kind: ChangeKind
    #: As it is from then on
    offer: Offer
    #: The listing that it takes the place of, where it was listed anew
    of: Offer | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A time in which a marketplace does not answer as it should; of so many requests, the one whose turn it is."""

    kind: TroubleKind
    marketplace: str
    starts_at: datetime
    ends_at: datetime
    one_in: int = 1
    turn: int = 0


def marketplace_of(host: str) -> str | None:
    """Return whose a host is; None for one that is no marketplace's."""
    return next((code for code, domains in _HOSTS.items() if any(f".{host}".endswith(f".{d}") for d in domains)), None)


class Days:
    """What is on offer at any moment."""

    def __init__(self, first: Catalogue, changes: Iterable[Change] = (), troubles: Iterable[Trouble] = ()) -> None:
        self.first = first
        self.changes = tuple(sorted(changes, key=lambda change: change.at))
        self.troubles = tuple(troubles)
        self._moments = [change.at for change in self.changes]
        self._after = lru_cache(_CATALOGUES)(self._catalogue_after)

    def catalogue_at(self, moment: datetime) -> Catalogue:
        """Return all that is on offer at a moment; the same object until something changes."""
        return self._after(bisect_right(self._moments, moment))

    def offers_at(self, moment: datetime) -> dict[tuple[str, str], Offer]:
        """Return the listings by marketplace and key, those that were taken down by then among them."""
        return {offer.key: offer for offer in self.catalogue_at(moment).offers}

    def trouble_at(self, host: str, moment: datetime, number: int = 0) -> TroubleKind | None:
        """Return what is the matter with the marketplace of a host, for a request of this number."""
        return self.trouble_of(marketplace_of(host), moment, number)

    def trouble_of(self, marketplace: str | None, moment: datetime, number: int = 0) -> TroubleKind | None:
        """Return what is the matter with a marketplace, for a request of this number."""
        troubles = (one for one in self.troubles if one.marketplace == marketplace)
        return next(
            (one.kind for one in troubles if one.starts_at <= moment < one.ends_at and number % one.one_in == one.turn),
            None,
        )

    def _catalogue_after(self, count: int) -> Catalogue:
        offers = {offer.key: offer for offer in self.first.offers}
        offers.update((change.offer.key, change.offer) for change in self.changes[:count])
        return replace(self.first, offers=tuple(offers.values()))
