"""Pages of Alibaba for tests: the saved ones, and small ones around given data."""

import json
import re
from pathlib import Path
from typing import Any

from w3lib.encoding import html_to_unicode

from theftwatch.listing import Listing, PageKind
from theftwatch.pages.alibaba import read_page

SAMPLES = Path(__file__).parent / "samples" / "alibaba"
CASES = sorted(meta.parent.name for meta in SAMPLES.glob("*/meta.json"))

LISTING_URL = "https://www.alibaba.com/product-detail/Brass-Lamp_1600000000001.html"
SEARCH_URL = "https://www.alibaba.com/trade/search?SearchText=brass+lamp"
VENDOR_URL = "https://lamps.en.alibaba.com/productlist.html"

KEYS = [f"H{letter * 32}" for letter in "abc"]
PHOTOS = [f"https://sc04.alicdn.com/kf/{key}.jpg" for key in KEYS]


def sample(name: str) -> tuple[str, str]:
    """Return a saved page and its address."""
    folder = SAMPLES / name
    (file,) = folder.glob("page.*")
    return html_to_unicode(None, file.read_bytes())[1], json.loads((folder / "meta.json").read_text())["url"]


def only(body: str, url: str = LISTING_URL) -> Listing:
    """Return the listing of a product page."""
    page = read_page(body, url)
    assert page.kind is PageKind.LISTING
    (listing,) = page.listings
    return listing


def keys(listing: Listing) -> list[str]:
    return [image.key for image in listing.images]


def without_scripts(body: str) -> str:
    return re.sub(r"<script\b.*?</script>", "", body, flags=re.DOTALL | re.IGNORECASE)


def product(**changes: Any) -> dict[str, Any]:
    """Return the data of a product with three photos."""
    media = [{"type": "image", "imageUrl": {"big": photo, "small": photo + "_350x350.jpg"}} for photo in PHOTOS]
    return {"productId": 1600000000001, "subject": "Brass  Lamp &amp; Shade", "mediaItems": media} | changes


def detail_page(data: Any) -> str:
    return f"<html><script>window.detailData = {json.dumps(data)};</script></html>"


def search_page(result: Any) -> str:
    return f"<script>window.__page__data_sse10._offer_list = {json.dumps({'offerResultData': result})}</script>"


def vendor_page(data: Any) -> str:
    """Return a vendor's page with the data in a module, as plain JSON in an attribute."""
    common = {"companyId": 291477804, "esiteSubDomain": {"value": "lamps.en.alibaba.com"}}
    module = json.dumps({"gdc": common, "mds": {"moduleData": {"data": data}}})
    attribute = module.replace("&", "&amp;").replace("'", "&#39;")
    return (
        "<title>All products - Lamps Ltd.</title>"
        f"<div module-name='icbu-pc-productListPc' module-data='{attribute}'></div>"
    )


def paging(page: Any, total: Any = 40, pattern: Any = "/productlist-{0}.html?filter=all") -> dict[str, Any]:
    """Return the paging of a product list of 16 products a page."""
    return {"currentPage": page, "totalLines": total, "pageLines": 16, "formatString": pattern}
