"""Addresses of Etsy's images: which of them are photos of listings, and where their original size lies."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from theftwatch.listing import ListingImage

# https://i.etsystatic.com/<shop>/r/il/<hex>/<image>/il_794xN.<image>_<suffix>.jpg; in place of r/ there may be d/, or
# c/<width>/<height>/<x>/<y>/ for a crop. Only `il` are photos of listings: iap are buyers', iusa avatars, isla icons.
_CURRENT = re.compile(
    r"https?://[a-z0-9]+\.etsystatic\.com/(?P<shop>\d+)/(?:[a-z]|c/\d+/\d+/\d+/\d+)/il/(?P<folder>\w+)/(?P<image>\d+)"
    r"/il_\w+\.(?P=image)(?P<suffix>_\w+)?\.(?P<extension>[a-z]{3,4})",
    re.ASCII,
)
# https://img1.etsystatic.com/053/0/8391239/il_570xN.718377319_4nrz.jpg, until about 2017
_FORMER = re.compile(
    r"https?://(?P<host>[a-z0-9]+)\.etsystatic\.com/(?P<folder>\d{3}/\d)/(?P<shop>\d+)/il_\w+\.(?P<image>\d+)"
    r"(?P<suffix>_\w+)?\.(?P<extension>[a-z]{3,4})",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A photo of a listing."""

    #: The original size, up to 3000 px
    url: str
    #: Etsy's image id
    key: str
    #: The shop's id, which stands in the address of each of its photos
    shop_ref: str


def find_photo(text: str) -> Photo | None:
    """Return the first photo of a listing whose address stands in a text (an address, a srcset, a style)."""
    if "/il_" not in text:
        return None
    text = text.replace("\\/", "/")
    if found := _CURRENT.search(text):
        name = f"il_fullxfull.{found['image']}{found['suffix'] or ''}.{found['extension']}"
        url = f"https://i.etsystatic.com/{found['shop']}/r/il/{found['folder']}/{found['image']}/{name}"
    elif found := _FORMER.search(text):
        name = f"il_fullxfull.{found['image']}{found['suffix'] or ''}.{found['extension']}"
        url = f"https://{found['host']}.etsystatic.com/{found['folder']}/{found['shop']}/{name}"
    else:
        return None
    return Photo(url=url, key=found["image"], shop_ref=found["shop"])


def find_photos(texts: Iterable[str]) -> tuple[Photo, ...]:
    """Return the photos of several texts in their order, each once."""
    photos = (find_photo(text) for text in texts)
    return tuple({photo.key: photo for photo in photos if photo}.values())


def as_listing_images(photos: Iterable[Photo]) -> tuple[ListingImage, ...]:
    """Return photos as the images of a listing, numbered in their order."""
    return tuple(ListingImage(url=each.url, key=each.key, position=position) for position, each in enumerate(photos))
