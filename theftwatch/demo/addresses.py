"""Addresses as the marketplaces form them, and the hosts they stand on."""

import hashlib
import re
import unicodedata

#: Every host that the replica answers for; `*.host` covers all hosts below it
HOSTS = (
    "www.etsy.com",
    "i.etsystatic.com",
    "openapi.etsy.com",
    "www.artfire.com",
    "static.artfire.com",
    "web.archive.org",
    "api.flickr.com",
    "live.staticflickr.com",
    "*.alibaba.com",
    "*.alicdn.com",
)
PLACEHOLDER_URL = "https://img.alicdn.com/tfs/TB1S_7kkY5YBuNjSspoXXbeNFXa-700-700.jpg_350x350.jpg"
#: Words of a title that go into an Alibaba address
_SLUG_WORDS = 6


def host_map(port: int) -> dict[str, str]:
    """Return the host map that leads all marketplaces to the replica at `port` of this machine."""
    return dict.fromkeys(HOSTS, f"127.0.0.1:{port}")


def seller_url(marketplace: str, handle: str) -> str:
    """Return the address of a shop or of a vendor."""
    return {
        "etsy": f"https://www.etsy.com/shop/{handle}",
        "artfire": f"https://www.artfire.com/ext/shop/home/{handle}",
        "alibaba": f"https://{handle}.en.alibaba.com/",
    }[marketplace]


def listing_url(marketplace: str, handle: str, ref: str, title: str) -> str:
    """Return the address of a listing, with words of its title in it as the marketplace has them."""
    words = _words(title)
    return {
        "etsy": f"https://www.etsy.com/listing/{ref}/{'-'.join(words).lower()}",
        "artfire": f"https://www.artfire.com/ext/shop/product_view/{handle}/{ref}/{'_'.join(words).lower()}"
        "/handmade/clothing/accessories",
        "alibaba": f"https://www.alibaba.com/product-detail/{'-'.join(words[:_SLUG_WORDS])}_{ref}.html",
    }[marketplace]


def image_address(marketplace: str, uploader: str, picture: str) -> tuple[str, str]:
    """Return the address of an image at its original size, and the marketplace's own name of it.

    Both follow from who uploaded which picture, so they are the same in every run.
    """
    digest = hashlib.sha256(f"{marketplace}/{uploader}/{picture}".encode()).hexdigest()
    suffix = ".png" if picture.endswith(".png") else ".jpg"
    match marketplace:
        case "etsy":
            number = str(5_000_000_000 + int(digest[:7], 16))
            tail = f"il_fullxfull.{number}_{digest[10:14]}{suffix}"
            return f"https://i.etsystatic.com/{uploader}/r/il/{digest[20:26]}/{number}/{tail}", number
        case "artfire":
            # The folders are the first bytes of the name
            path = f"{digest[:2]}/{digest[2:4]}/large/{digest}{suffix}"
            return f"https://static.artfire.com/uploads/mfs/items/{path}", digest
        case _:
            key = f"H{digest[:32]}{digest[40].upper() if digest[40].isalpha() else 'p'}"
            return f"https://sc04.alicdn.com/kf/{key}{suffix}", key


def _words(title: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.findall(r"[A-Za-z0-9]+", plain.replace("'", ""))
