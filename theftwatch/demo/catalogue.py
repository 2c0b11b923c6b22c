"""What the replica of the marketplaces offers: sellers, listings, and how each of their pictures came about.

The values stand in `sellers.tsv` and `listings.tsv`, apart from how they are served, so that a later day of the
marketplaces is another catalogue: the same values with some replaced.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import resources

from theftwatch.demo import addresses
from theftwatch.listing import Listing, ListingImage, Seller

#: Goods on one page of an Etsy shop and of an Alibaba vendor's product list
PER_PAGE = {"etsy": 36, "artfire": 24, "alibaba": 16}
#: Goods on the one page of a showroom
_IN_SHOWROOM = 48


class SellerKind(StrEnum):
    """How a seller's goods can be reached."""

    SHOP = "shop"
    ARCHIVED = "archived"  # the marketplace has dropped it; the Internet Archive has it
    HURDLES = "hurdles"  # most of its pages are blocked, changed or gone
    CAPTURED = "captured"  # a real one, of which only captured pages are there


class Served(StrEnum):
    """What stands at the address of a listing."""

    PAGE = "page"
    SCRIPT = "script"  # a shell that shows nothing until its script has run
    CAPTCHA = "captcha"
    SLIDER = "slider"
    CHANGED = "changed"  # a page of its kind without the data
    GONE = "gone"  # 404, though lists still lead to it
    DELETED = "deleted"  # 404, and no list leads to it
    ENDED = "ended"  # 410, and no list leads to it
    UNAVAILABLE = "unavailable"  # a page, with status 200, that says that the goods are no longer there


#: What stands where a listing was that nobody offers any more
TAKEN_DOWN = frozenset({Served.GONE, Served.DELETED, Served.ENDED, Served.UNAVAILABLE})


class Edit(StrEnum):
    """What was done to a photo before it was shown."""

    NONE = "none"  # the seller's own photo
    EXACT = "exact"  # another seller's photo, byte for byte
    RECOMPRESSED = "recompressed"
    RESIZED = "resized"
    MIRRORED = "mirrored"
    PADDED = "padded"
    CROPPED = "cropped"
    LOGO = "logo"
    BANNER = "banner"
    COLLAGE = "collage"
    BROKEN = "broken"  # cut off in the middle of the file
    MISSING = "missing"  # its address answers 404
    DRAWN = "drawn"  # no photo: a size chart, a flat colour, the marketplace's placeholder


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """How the bytes of one image come about; `variant` is the size or manner of the edit."""

    edit: Edit
    photos: tuple[str, ...] = ()
    variant: str = ""

    @property
    def word(self) -> str:
        """Return the word that `read_picture` makes this picture of."""
        if self.edit is Edit.DRAWN:
            return self.variant
        manner = "-".join(filter(None, (self.edit.value if self.edit is not Edit.NONE else "", self.variant)))
        return "=".join(filter(None, (manner, "+".join(self.photos))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One picture in a listing; no `image` where a good reader leaves the picture out."""

    picture: Picture
    url: str
    image: ListingImage | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoSeller:
    """A seller, with the name that stands in its addresses and how its goods are reached."""

    seller: Seller
    handle: str
    currency: str
    kind: SellerKind
    #: Number of the account that it belongs to on Alibaba; shops of one company share it
    member: int

    @property
    def host(self) -> str:
        """Return the host of a vendor's own pages on Alibaba."""
        return f"{self.handle}.en.alibaba.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One listing: what its page says, the pictures in it, and what stands at its address."""

    seller: DemoSeller
    listing: Listing
    shown: tuple[Shown, ...]
    served: Served

    @property
    def key(self) -> tuple[str, str]:
        """Return marketplace and key of the listing."""
        return self.listing.marketplace, self.listing.listing_ref


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """All that is on offer at one moment."""

    sellers: tuple[DemoSeller, ...]
    offers: tuple[Offer, ...]

    def of_seller(self, seller: DemoSeller) -> tuple[Offer, ...]:
        """Return the offers that one seller's lists lead to, in their order; some may be gone."""
        hidden = TAKEN_DOWN - {Served.GONE}
        return tuple(offer for offer in self.offers if offer.seller == seller and offer.served not in hidden)

    def in_showroom(self, words: Iterable[str]) -> tuple[Offer, ...]:
        """Return the offers on Alibaba whose titles have two of the words, the most first."""
        found = {
            offer.key: len({*words} & {*(offer.listing.title or "").lower().split()})
            for offer in self.offers
            if offer.listing.marketplace == "alibaba" and offer.served not in TAKEN_DOWN
        }
        shown = (offer for offer in self.offers if found.get(offer.key, 0) > 1)
        return tuple(sorted(shown, key=lambda offer: -found[offer.key])[:_IN_SHOWROOM])


@cache
def load_catalogue() -> Catalogue:
    """Return the catalogue that comes with the package."""
    sellers = {row["key"]: _read_seller(row) for row in _read_rows("sellers.tsv")}
    offers = tuple(_read_offer(row, sellers[row["seller"]]) for row in _read_rows("listings.tsv"))
    return Catalogue(sellers=tuple(sellers.values()), offers=offers)


def _read_rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def _read_seller(row: dict[str, str]) -> DemoSeller:
    url = addresses.seller_url(row["marketplace"], row["handle"])
    seller = Seller(marketplace=row["marketplace"], ref=row["ref"], name=row["name"], url=url)
    member = int(row["ref"]) if row["ref"].isdecimal() else 0
    return DemoSeller(
        seller=seller, handle=row["handle"], currency=row["currency"], kind=SellerKind(row["kind"]), member=member
    )


def _read_offer(row: dict[str, str], owner: DemoSeller) -> Offer:
    marketplace = owner.seller.marketplace
    listed_at = datetime.fromisoformat(row["listed"]).replace(tzinfo=UTC) if row["listed"] else None
    shown = show(owner, [read_picture(word) for word in row["images"].split()], listed_at)
    low, _, high = row["price"].partition("-")
    listing = Listing(
        marketplace=marketplace,
        listing_ref=row["listing_ref"],
        url=addresses.listing_url(marketplace, owner.handle, row["listing_ref"], row["title"]),
        title=row["title"],
        seller=owner.seller,
        price_min=Decimal(low),
        price_max=Decimal(high or low),
        currency=owner.currency,
        listed_at=listed_at,
        images=tuple(one.image for one in shown if one.image),
    )
    return Offer(seller=owner, listing=listing, shown=shown, served=Served(row["served"]))


def show(owner: DemoSeller, pictures: Iterable[Picture], published_at: datetime | None) -> tuple[Shown, ...]:
    """Return pictures as a seller shows them in a listing, in order, each at the address of its own upload."""
    shown = []
    for position, picture in enumerate(pictures):
        uploader = owner.seller.ref or owner.handle
        url, key = addresses.image_address(owner.seller.marketplace, uploader, picture.word)
        image = ListingImage(url=url, key=key, position=position, published_at=published_at)
        # The placeholder stands for a photo that has not loaded: nobody's image
        is_placeholder = picture.variant == "placeholder"
        shown.append(
            Shown(
                picture=picture,
                url=addresses.PLACEHOLDER_URL if is_placeholder else url,
                image=None if is_placeholder else image,
            )
        )
    return tuple(shown)


def read_picture(word: str) -> Picture:
    """Return the picture that a word of `listings.tsv` names: `edit-variant=photo+photo`, `photo` or what is drawn."""
    manner, _, photos = word.rpartition("=")
    if not manner and "." not in photos:
        return Picture(edit=Edit.DRAWN, variant=photos)
    edit, _, variant = manner.partition("-")
    return Picture(edit=Edit(edit or Edit.NONE), photos=tuple(photos.split("+")), variant=variant)
