"""Which listing or image an address names, on any marketplace."""

from theftwatch.pages import (
    alibaba_images,
    alibaba_urls,
    artfire_images,
    artfire_urls,
    etsy_api,
    etsy_images,
    etsy_urls,
)


def listing_key(url: str) -> tuple[str, str] | None:
    """Return the marketplace and the key there of the listing that an address, or a call, names; None for another."""
    if ref := etsy_urls.read_address(url).listing_ref or etsy_api.called_listing(url):
        return "etsy", ref
    if address := artfire_urls.read_listing_url(url):
        return "artfire", address.listing_ref
    if ref := alibaba_urls.listing_ref(url):
        return "alibaba", ref
    return None


def image_key(url: str) -> str | None:
    """Return the marketplace's key of the image that an address shows at whatever size; None for another address."""
    if alibaba := alibaba_images.read_image_url(url):
        return alibaba[1]
    if photo := etsy_images.find_photo(url):
        return photo.key
    artfire = artfire_images.read_image_url(url)
    return artfire.key if artfire else None
