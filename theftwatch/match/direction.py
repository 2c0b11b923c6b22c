"""Who was first, by dates: claims as bounds, compared on known evidence.

No claim gives the moment a photo was made. Each bounds it: it existed *by* the day an archive captured it, and it was
in a listing *not before* the day that the listing was put up. Two bounds are compared, and the answer says by how much
they differ and which of them is the easier to doubt. A date in the metadata of a vendor's file is no claim, as vendors
write it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

type Strength = Literal["strong", "medium", "weak"]
type Direction = Literal["original_first", "suspect_first", "undecided"]
type Side = Literal["original", "suspect"]

#: What the program itself saw: true, but it says only when somebody looked
FIRST_SEEN = "first_seen"
#: Nearer than this two bounds do not tell who was first: days are given in local time, without a zone
MARGIN_MIN = timedelta(days=2)

_RANK = {"weak": 1, "medium": 2, "strong": 3}


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A bound on when a photo stood where it stands: not before `earliest_at`, by `latest_at` at the latest."""

    #: What happened: first_seen, listed, published, archived, review, dated, …
    kind: str
    source: str
    strength: Strength
    #: What it dates; a listing's date says nothing of a photo that was put into it later
    about: Literal["photo", "listing", "file"]
    earliest_at: datetime | None = None
    latest_at: datetime | None = None

    @property
    def firm(self) -> bool:
        """Whether it may decide: somebody besides us says so, and it would not be easy to forge."""
        return self.kind != FIRST_SEEN and self.strength != "weak"

    @property
    def rank(self) -> tuple[int, int]:
        """How hard it is to doubt: our own first sight least, then by strength, the photo's own date more."""
        return 0 if self.kind == FIRST_SEEN else _RANK[self.strength], self.about != "listing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """Who was first on known evidence, and what that rests on."""

    direction: Direction
    #: Time between the two bounds; None where undecided
    margin: timedelta | None = None
    #: The bounds that were compared
    original_claim: Claim | None = None
    suspect_claim: Claim | None = None
    #: The one of them that is the easier to doubt, in words
    weakest_link: str | None = None
    #: The cheapest proof that would settle it; None where it is settled
    missing_proof: str | None = None

    @property
    def margin_days(self) -> int | None:
        """Whole days of the margin."""
        return None if self.margin is None else self.margin.days


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What is known of when a photo stood in a listing, or lay among an artisan's files."""

    marketplace: str | None
    #: When the program first saw the photo there, or was given the file
    first_seen_at: datetime
    #: When the marketplace says the listing, and the photo, were put up
    listed_at: datetime | None = None
    published_at: datetime | None = None
    #: When the artisan says the file was made
    dated_at: datetime | None = None
    #: Whether the listing had been read in full before, without the photo
    joined_later: bool = False
    #: What others say of the listing, and of the bytes of the image
    listing_claims: tuple[Claim, ...] = ()
    image_claims: tuple[Claim, ...] = ()


def claims_of(place: Place) -> tuple[Claim, ...]:
    """Return every bound on when the photo stood there, the earliest first."""
    own: Literal["file", "photo"] = "file" if place.marketplace is None else "photo"
    claims = [Claim(kind=FIRST_SEEN, source="theftwatch", strength="weak", about=own, latest_at=place.first_seen_at)]
    if place.dated_at:
        # The artisan's word, which anybody can give; a timestamp or a publication makes more of it.
        claims.append(Claim(kind="dated", source="artisan", strength="weak", about="file", latest_at=place.dated_at))
    marketplace = place.marketplace or ""
    if place.published_at:
        claims.append(_moment("published", marketplace, "photo", place.published_at))
    of_listing = list(place.listing_claims)
    if place.listed_at:
        # Stored as a claim too, which says less.
        of_listing = [claim for claim in of_listing if (claim.kind, claim.source) != ("listed", marketplace)]
        of_listing.append(_moment("listed", marketplace, "listing", place.listed_at))
    claims += (claim for claim in of_listing if _covers_photo(claim, place))
    claims += (claim for claim in place.image_claims if claim.kind != "published")
    return tuple(sorted(claims, key=by_moment))


def resolve(original: Iterable[Claim], suspect: Iterable[Claim]) -> Resolution:
    """Say who was first on known evidence.

    A side is first where a firm claim shows it before anything that is known of the other, or where it was seen before
    the other side can have been there. Our own first sight on both sides therefore decides nothing.
    """
    originals, suspects = tuple(original), tuple(suspect)
    found = {
        "original_first": _earlier(originals, suspects),
        "suspect_first": _earlier(suspects, originals),
    }
    for direction, other in (("original_first", "suspect_first"), ("suspect_first", "original_first")):
        pair = found[direction]
        if pair is None or found[other] is not None:
            continue
        first, second, margin = pair
        names: tuple[Side, Side] = ("original", "suspect") if direction == "original_first" else ("suspect", "original")
        original_claim, suspect_claim = (first, second) if names[0] == "original" else (second, first)
        return Resolution(
            direction="original_first" if names[0] == "original" else "suspect_first",
            margin=margin,
            original_claim=original_claim,
            suspect_claim=suspect_claim,
            weakest_link=_weakest(first, names[0], second, names[1]),
        )
    original_by, suspect_by = _first_known(originals), _first_known(suspects)
    return Resolution(
        direction="undecided",
        original_claim=original_by,
        suspect_claim=suspect_by,
        weakest_link=_weakest(original_by, "original", suspect_by, "suspect") if original_by and suspect_by else None,
        missing_proof=_missing_proof(originals, suspect_by),
    )


def combine(resolutions: Sequence[Resolution]) -> Resolution:
    """Return the answer on several photos of one original and one suspect listing.

    One photo that is settled settles them, by its firmest proof; photos that contradict each other settle nothing.
    """
    decided = [each for each in resolutions if each.direction != "undecided"]
    if len({each.direction for each in decided}) > 1:
        first = decided[0]
        return Resolution(
            direction="undecided",
            original_claim=first.original_claim,
            suspect_claim=first.suspect_claim,
            weakest_link="the photos disagree: some are known earlier of the original, others of the suspect",
            missing_proof="a person who looks at which of the photos were copied",
        )
    return max(decided or resolutions, key=_firmness)


def in_words(claim: Claim) -> str:
    """Return a claim in words, such as "archived by 2014-05-02, says web.archive.org (strong)"."""
    bounds = []
    if claim.earliest_at:
        bounds.append(f"not before {_day(claim.earliest_at)}")
    if claim.latest_at:
        bounds.append(f"by {_day(claim.latest_at)}")
    if claim.kind == FIRST_SEEN:
        return f"first seen by us, so there {' and '.join(bounds)}"
    what = "the listing " if claim.about == "listing" else ""
    return f"{what}{claim.kind} {' and '.join(bounds)}, says {claim.source} ({claim.strength})"


def by_moment(claim: Claim) -> tuple[float, str, str]:
    """Return what claims are sorted by: the moment that they bound."""
    at = claim.latest_at or claim.earliest_at
    return at.timestamp() if at else 0.0, claim.kind, claim.source


def _moment(kind: str, source: str, about: Literal["photo", "listing"], at: datetime) -> Claim:
    return Claim(kind=kind, source=source, strength="medium", about=about, earliest_at=at, latest_at=at)


def _covers_photo(claim: Claim, place: Place) -> bool:
    """Return whether a claim on a listing says something of a photo in it: not where the photo came later."""
    if claim.latest_at is None:
        return True
    came_at = place.published_at or (place.first_seen_at if place.joined_later else None)
    return came_at is None or claim.latest_at >= came_at


def _first_known(claims: Sequence[Claim]) -> Claim | None:
    """Return the claim by which something is known the earliest, the firmer of equal ones."""
    bounded = [claim for claim in claims if claim.latest_at]
    return min(bounded, key=lambda claim: (claim.latest_at, *(-rank for rank in claim.rank)), default=None)


def _earlier(ones: Sequence[Claim], others: Sequence[Claim]) -> tuple[Claim, Claim, timedelta] | None:
    """Return the two bounds by which one side was first, and the time between them; None where none are."""
    found = []
    first_of_others = _first_known(others)
    latest_of_others = first_of_others.latest_at if first_of_others else None
    firm = _first_known([claim for claim in ones if claim.firm])
    if firm and firm.latest_at and first_of_others and latest_of_others:
        found.append((firm, first_of_others, latest_of_others - firm.latest_at))
    known = _first_known([claim for claim in ones if claim.firm or claim.kind == FIRST_SEEN])
    # A start after the other side is known to have been there is that of one place among several, and bounds nothing.
    starts = [
        claim
        for claim in others
        if claim.firm and claim.earliest_at and not (latest_of_others and claim.earliest_at > latest_of_others)
    ]
    if known and known.latest_at and starts:
        start = max(starts, key=lambda claim: (claim.earliest_at, claim.rank))
        assert start.earliest_at is not None
        found.append((known, start, start.earliest_at - known.latest_at))
    enough = [each for each in found if each[2] >= MARGIN_MIN]
    return max(enough, key=lambda each: (min(each[0].rank, each[1].rank), each[2]), default=None)


def _weakest(first: Claim, side: Side, second: Claim, other: Side) -> str:
    claim, whose = min(((first, side), (second, other)), key=lambda each: each[0].rank)
    return f"the {whose}: {in_words(claim)}"


def _missing_proof(originals: Sequence[Claim], suspect_by: Claim | None) -> str:
    before = f"from before {_day(suspect_by.latest_at)}" if suspect_by and suspect_by.latest_at else "of any kind"
    if all(claim.about == "file" for claim in originals):
        return f"a publication of the original {before}: its listing, or an archive’s capture of it"
    if any(claim.firm for claim in originals):
        return (
            f"an older date of the original {before}: an archive’s capture of its listing or photo, or another listing"
        )
    return f"an archive’s capture, or the marketplace’s own date, of the original’s listing {before}"


def _firmness(resolution: Resolution) -> tuple[tuple[int, int], timedelta]:
    claims = [claim for claim in (resolution.original_claim, resolution.suspect_claim) if claim]
    return min((claim.rank for claim in claims), default=(0, 0)), resolution.margin or timedelta(0)


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"
