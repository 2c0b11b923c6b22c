"""ArtFire's image addresses: which image one names, in which size.

Known from addresses of 2012 to 2018 found in public files, `<id>` being a listing's:

    old   static.artfire.com/uploads/product/<id % 10>/<id % 1000>/<id % 100000>/<id>/<id>/<size>/<name>.jpg
    new   static.artfire.com/uploads/mfs/items/<ab>/<cd>/<size>/<64 hex digits that begin with abcd>.jpg

Seen sizes are `default` and `large`. A third form, `…/products/<year>/<month>/<day>/…/<name>`, is known only from the
pattern by which a scraper of 2016 found dates; its sizes are not.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from theftwatch.listing import ListingImage

_FORMS = (
    re.compile(
        r"(?P<folder>/uploads/mfs/items/\w\w/\w\w/)(?P<size>[^/]+)(?P<file>/(?P<key>[0-9a-f]{64})\.\w+)", re.ASCII
    ),
    re.compile(
        r"(?P<folder>/uploads/product/(?:[0-9]+/){3}(?P<ref>[0-9]+)/(?P=ref)/)(?P<size>[^/]+)"
        r"(?P<file>/(?P<key>[^/]+)\.\w+)",
        re.ASCII,
    ),
    re.compile(r"(?P<folder>.*/products/[0-9]{4}/[0-9]{2}/[0-9]{2}/)(?:.*/)?(?P<key>[^/]+)\.\w+", re.ASCII),
)
_LARGE = "large"
# `xlarge` for the attribute `data-x-large` of 2016, whose addresses nobody kept
_SIZES = ("default", _LARGE, "xlarge")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageAddress:
    """An image in one of its sizes."""

    url: str
    #: The same in all sizes: the hex digits, or the listing and the name
    key: str
    #: Place among the known sizes; -1 for a size that is not known
    rank: int
    #: The same image in the largest size that is known
    large_url: str
    #: The listing that the address names
    listing_ref: str | None = None


def read_image_url(url: str) -> ImageAddress | None:
    """Return what an address says; None where it is no address of a listing's image."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return None
    if host != "artfire.com" and not host.endswith(".artfire.com"):
        return None
    found = next((found for form in _FORMS if (found := form.fullmatch(parts.path))), None)
    if not found:
        return None
    named = found.groupdict()
    size, ref = named.get("size"), named.get("ref")
    plain_size = re.sub("[-_]", "", size).lower() if size else None
    rank = _SIZES.index(plain_size) if plain_size in _SIZES else -1
    # Old captures name the port 80, and the scheme that the page had; the image is the same
    url = f"https://{host}{parts.path}"
    large = f"https://{host}{found['folder']}{_LARGE}{found['file']}" if size and rank < _SIZES.index(_LARGE) else url
    if ref:
        key = f"{ref}/{found['key']}"
    elif size:
        key = found["key"]
    else:
        key = f"{found['folder'].rpartition('/products/')[2]}{found['key']}"
    return ImageAddress(url=url, key=key, rank=rank, large_url=large, listing_ref=ref)


def listing_images(urls: Iterable[str], *, archived: bool) -> tuple[ListingImage, ...]:
    """Return the images that the addresses name, each once, in order, in the largest size.

    An archive holds only the sizes that a page named, so an archived page's images keep the largest named one.
    """
    largest: dict[str, ImageAddress] = {}
    for address in filter(None, map(read_image_url, urls)):
        known = largest.get(address.key)
        if known is None or address.rank > known.rank:
            largest[address.key] = address  # keeps the place of the first
    return tuple(
        ListingImage(url=address.url if archived else address.large_url, key=key, position=position)
        for position, (key, address) in enumerate(largest.items())
    )
