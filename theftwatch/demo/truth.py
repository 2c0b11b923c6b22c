"""Which pictures on the suspect side are copies of which originals, and how well a search found them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from theftwatch.demo.catalogue import Catalogue, Edit, Offer, Served, Shown

_ORIGINAL_SIDE = ("etsy", "artfire")
#: Pictures that nobody can compare
_UNUSABLE = (Edit.BROKEN, Edit.MISSING, Edit.DRAWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePlace:
    """An image in a listing, by the names that the marketplace gives them."""

    marketplace: str
    listing_ref: str
    image_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """An original's image and a suspect's."""

    original: ImagePlace
    suspect: ImagePlace


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Of the copies of one kind of edit: how many were found, and the pairs that were not."""

    edit: Edit
    found: int
    missed: tuple[Pair, ...]

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.found + len(self.missed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What a search found of the truth, and what it found besides."""

    tallies: tuple[Tally, ...]
    false_matches: tuple[Pair, ...]

    @property
    def found(self) -> int:
        """Return how many copies were found, of all kinds."""
        return sum(tally.found for tally in self.tallies)

    @property
    def total(self) -> int:
        """Return how many copies there are, of all kinds."""
        return sum(tally.total for tally in self.tallies)


def true_pairs(catalogue: Catalogue, *, with_scripts: bool = False) -> dict[Pair, Edit]:
    """Return every copy that stands on a page which can be read, with what was done to the photo.

    A page that needs scripts counts only `with_scripts`. A photo that two shops show is the original twice.
    """
    originals: dict[str, list[ImagePlace]] = {}
    for place, shown in _places(catalogue, with_scripts, original=True):
        originals.setdefault(shown.picture.photos[0], []).append(place)
    return {
        Pair(original=original, suspect=suspect): shown.picture.edit
        for suspect, shown in _places(catalogue, with_scripts, original=False)
        for photo in shown.picture.photos
        for original in originals.get(photo, [])
    }


def score(found: Iterable[Pair], catalogue: Catalogue, *, with_scripts: bool = False) -> Score:
    """Compare the pairs that a search found with the truth; a pair given twice counts once."""
    truth = true_pairs(catalogue, with_scripts=with_scripts)
    pairs = set(found)
    hits = Counter(edit for pair, edit in truth.items() if pair in pairs)
    missed = {edit: tuple(pair for pair, its in truth.items() if its is edit and pair not in pairs) for edit in Edit}
    tallies = (Tally(edit=edit, found=hits[edit], missed=missed[edit]) for edit in Edit)
    return Score(
        tallies=tuple(tally for tally in tallies if tally.total),
        false_matches=tuple(sorted(pairs - truth.keys(), key=repr)),
    )


def _places(catalogue: Catalogue, with_scripts: bool, *, original: bool) -> Iterator[tuple[ImagePlace, Shown]]:
    readable = {Served.PAGE, Served.SCRIPT} if with_scripts else {Served.PAGE}
    for offer in catalogue.offers:
        if (offer.listing.marketplace in _ORIGINAL_SIDE) is original and offer.served in readable:
            yield from _places_of(offer)


def _places_of(offer: Offer) -> Iterator[tuple[ImagePlace, Shown]]:
    for shown in offer.shown:
        if shown.image and shown.picture.edit not in _UNUSABLE:
            listing = offer.listing
            yield (
                ImagePlace(marketplace=listing.marketplace, listing_ref=listing.listing_ref, image_key=shown.image.key),
                shown,
            )
