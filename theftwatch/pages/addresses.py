"""Which listing an address names, on any marketplace."""

from theftwatch.pages import alibaba_urls, artfire_urls, etsy_api, etsy_urls


def listing_key(url: str) -> tuple[str, str] | None:
    """Return the marketplace and the key there of the listing that an address, or a call, names; None for another."""
    if ref := etsy_urls.read_address(url).listing_ref or etsy_api.called_listing(url):
        return "etsy", ref
    if address := artfire_urls.read_listing_url(url):
        return "artfire", address.listing_ref
    if ref := alibaba_urls.listing_ref(url):
        return "alibaba", ref
    return None
