"""The JSON-LD of Etsy's pages, as it was captured, and Etsy's ways to write a date and a size."""

import html
from collections.abc import Sequence
from typing import Any

from theftwatch.listing import Listing, ListingImage, Seller


def product(listing: Listing, shop: Seller) -> dict[str, Any]:
    """Return the Product of a listing's page."""
    # Etsy escapes the text of its JSON-LD for HTML too
    name = html.escape(listing.title or "")
    photos = [
        {
            "@type": "ImageObject",
            "@context": "https://schema.org",
            "author": shop.name,
            "contentURL": image.url,
            "description": None,
            "thumbnail": sized_url(image, "340x270"),
        }
        for image in listing.images
    ]
    return {
        "@type": "Product",
        "@context": "https://schema.org",
        "url": listing.url,
        "name": name,
        "sku": listing.listing_ref,
        "gtin": "n/a",
        "description": f"{name}\n\nMade to order.",
        # A single photo stands there as its bare address
        "image": photos if len(photos) > 1 else listing.images[0].url,
        "category": "Clothing",
        "brand": {"@type": "Brand", "@context": "https://schema.org", "name": shop.name},
        "logo": f"https://i.etsystatic.com/{shop.ref}/r/isla/9d8f37/76713680/isla_500x500.76713680_ay722l3a.jpg",
        "offers": _offer(listing),
    }


def item_list(listings: Sequence[Listing], shop: Seller, total: int) -> dict[str, Any]:
    """Return the ItemList of one page of a shop that has `total` listings."""
    items = [
        {
            "@type": "ListItem",
            "position": position,
            "item": {
                "@type": "Product",
                "image": listing.images[0].url,
                "name": html.escape(listing.title or ""),
                "url": listing.url,
                "brand": {"@type": "Brand", "name": shop.name},
                "offers": _offer(listing),
            },
        }
        for position, listing in enumerate(listings, 1)
    ]
    return {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "itemListElement": items,
        "numberOfItems": total,
    }


def sized_url(image: ListingImage, size: str) -> str:
    """Return the address of an image in another size, such as `340x270`."""
    return image.url.replace("il_fullxfull.", f"il_{size}.")


def listed_on(listing: Listing) -> str:
    """Return the day of a listing as Etsy's page has it, such as `Feb 3, 2026`; empty where it is not known."""
    day = listing.listed_at
    return f"{day:%b} {day.day}, {day.year}" if day else ""


def _offer(listing: Listing) -> dict[str, Any]:
    common = {"priceCurrency": listing.currency, "availability": "https://schema.org/InStock"}
    if listing.price_min == listing.price_max:
        return {"@type": "Offer", "price": str(listing.price_min), **common}
    prices = {"lowPrice": str(listing.price_min), "highPrice": str(listing.price_max)}
    return {"@type": "AggregateOffer", "offerCount": 4, **prices, **common}
