"""Alibaba's image addresses: the original behind a size, and the key that names the image on all hosts.

    sc04.alicdn.com/kf/<key>.jpg_960x960q80.jpg          s.alicdn.com/@sc04/kf/<key>.jpg_300x300.jpg
    sc04.alicdn.com/kf/<key>/<words of the title>.jpg    sc04.alicdn.com/kf/<key>/<member id>/<key>.jpg_Q75.jpg

One key was seen under several hosts, always as the same image.
"""

import re
from collections.abc import Iterable
from typing import Any

from theftwatch.listing import ListingImage
from theftwatch.pages.alibaba_urls import split

_HOSTS = ("alicdn.com", "aliimg.com")
_TYPE = r"\.(?:jpe?g|png|gif|webp|bmp)"
# What follows the first file type is a size, quality or format: `_300x300.jpg`, `_Q75.jpg`, `_.webp`
_SIZED = re.compile(rf"(.+?{_TYPE})(?:[_@!].*)?", re.IGNORECASE)
_KEYED = re.compile(r"(?:/@\w+)?/kf/([^/]+)")
# Drawn by Alibaba itself: the attributes tab of the thumbnail strip, the mark of hot variants, two supplier badges
_ICONS = frozenset(
    {
        "Hcf709c539e4a4b658f806a0cdeb7fac9V",
        "Hd58a2101f24141a0ae490d8f57a0c169c",
        "H58367af07b91408ab045a753e6b0c41av",
        "H8cf5283295154125b8a7aca5c7974cfep",
    }
)


def read_image_url(address: Any) -> tuple[str, str] | None:
    """Return address of the original and key of an image that a vendor uploaded.

    None for anything else. Alibaba's own pictures, among them the placeholder of photos not yet loaded, lie outside
    `/kf/` (`/tfs/`, `/imgextra/`), but for some icons.
    """
    parts = split(address)
    host = (parts.hostname or "") if parts else ""
    path = parts.path if parts else ""
    keyed = _KEYED.match(path)
    if not keyed or not any(host == domain or host.endswith("." + domain) for domain in _HOSTS):
        return None
    key = re.sub(rf"{_TYPE}(?:[_@!].*)?$", "", keyed[1], flags=re.IGNORECASE)
    sized = _SIZED.fullmatch(path)
    if key in _ICONS or (not sized and "." in path.rpartition("/")[2]):
        return None
    return f"https://{host}{sized[1] if sized else path}", key


def listing_images(addresses: Iterable[Any]) -> tuple[ListingImage, ...]:
    """Return the images that the addresses name, each once, in order."""
    urls: dict[str, str] = {}
    for url, key in filter(None, map(read_image_url, addresses)):
        urls.setdefault(key, url)
    return tuple(ListingImage(url=url, key=key, position=position) for position, (key, url) in enumerate(urls.items()))
