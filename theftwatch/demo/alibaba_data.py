"""The data blocks of Alibaba's pages, as they were captured."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from theftwatch.demo.catalogue import PER_PAGE, DemoSeller, Offer, Shown
from theftwatch.listing import Listing

# Alibaba shows prices in the visitor's currency; the capture was taken from Nigeria
_SHOWN_RATE = Decimal("1511.56")
_ORDER_SIZES = ((2, 29), (30, 299), (300, -1))  # -1: and more
_LIST_FORMAT = "/productlist-{0}.html?filter=all&sortType=modified-desc"


def photo_urls(offer: Offer) -> list[str]:
    """Return the addresses of the photos at the top of a listing's page."""
    return [shown.url for shown in offer.shown if not _is_below(shown)]


def price_ladder(listing: Listing) -> list[dict[str, Any]]:
    """Return the price of each size of order, the dearest first."""
    low, high = listing.price_min or Decimal(0), listing.price_max or Decimal(0)
    steps = []
    for dollars, (least, most) in zip((high, (low + high) / 2, low), _ORDER_SIZES, strict=True):
        cents = dollars.quantize(Decimal("0.01"))
        span = f"{least}-{most}" if most > 0 else f"≥{least}"
        shown = f"{cents * _SHOWN_RATE:,.0f}"
        steps.append({"dollars": cents, "shown": shown, "least": least, "most": most, "span": span})
    return steps


def detail(offer: Offer) -> dict[str, Any]:
    """Return what a listing's page has as `window.detailData`."""
    below = [
        {"type": "image", "url": shown.url, "width": 800, "height": 800, "href": ""}
        for shown in offer.shown
        if _is_below(shown)
    ]
    texts = [{"type": "text", "text": "Soft fabric, comfortable to wear in all seasons."}]
    return {
        "devData": {},
        "globalData": {
            "buyer": {"coreCountry": False, "shippingToCountry": "NG"},
            "global": {"language": "en", "ipCountry": "NG", "productPriceCurrencySimpleName": "US $"},
            "product": _product(offer),
            "seller": _seller(offer),
            "seo": {"domainName": "www.alibaba.com", "isLandingFromSEO": False},
            "trade": {"tradeInfo": {"quantityUnitStr": "pieces", "tradePriceType": "FOB"}},
        },
        "hierarchy": {"structure": {}},
        "metaData": {"pageId": "p1", "protocolVersion": "1"},
        "nodeMap": {
            "module_title": {"moduleName": "Title", "nodeType": "Module", "privateData": {}},
            "module_description": {
                "moduleName": "Description",
                "nodeType": "Module",
                "privateData": {
                    "titleLabel": "Product Description",
                    "productDescription": {"details": texts + below},
                    "sizeChart": {"details": [], "title": "Size Chart"},
                },
            },
        },
    }


def product_list(vendor: DemoSeller, listings: Sequence[Listing], total: int, page_number: int) -> dict[str, str]:
    """Return the two data attributes of one page of a product list, percent-encoded JSON both."""
    identity = _identity(vendor)
    groups = {"groups": [{"children": [], "name": "Ungrouped", "id": 0, "url": "/productgrouplist-0/Ungrouped.html"}]}
    products = {
        "allUrl": "/productlist.html",
        "pageNavView": {
            "formatString": _LIST_FORMAT,
            "displayTotalLines": total,
            "firstPageUrl": _LIST_FORMAT.format(1),
            "totalLines": total,
            "currentPage": page_number,
            "pageLines": PER_PAGE["alibaba"],
            "listLength": 7,
        },
        "productList": [_card(listing) for listing in listings],
    }
    return {
        "groups_data": _module(identity, "productGroups", groups),
        "products_data": _module(identity, "productListPc", products),
    }


def showroom(offers: Sequence[Offer]) -> dict[str, Any]:
    """Return what a showroom has as `window._PAGE_DATA_`, by the names that a public reader of 2026 looks for."""
    items = [{"itemType": "normal", "offer": _offer(offer)} for offer in offers]
    return {"offerResultData": {"itemInfoList": items, "totalCount": len(items)}}


def profile(vendor: DemoSeller) -> dict[str, str]:
    """Return the two data attributes of a company profile; the goods in it come later, by a script."""
    identity = _identity(vendor)
    sign = {
        "companyName": vendor.seller.name,
        "companyLogoFileUrl": "//sc04.alicdn.com/kf/H639f4328709546f6a950d10ca0e0cb671.png",
        "companyId": {"fieldName": "companyId", "value": int(vendor.seller.ref or 0)},
    }
    return {
        "sign_data": _module(identity, "shopSign", sign),
        "goods_data": _module(identity, "cpProduct", None),
    }


def _identity(vendor: DemoSeller) -> dict[str, Any]:
    """Return what every module of a vendor's pages says of the vendor."""
    return {
        "templateType": "official",
        "bizCode": "icbu-esite",
        "lang": "en",
        "esiteSubDomain": {"fieldName": "esiteSubDomain", "value": vendor.host},
        "companyId": int(vendor.seller.ref or 0),
        "aliMemberId": vendor.member,
    }


def _is_below(shown: Shown) -> bool:
    """Return whether a picture stands in the description below, as vendors' size charts do."""
    return shown.picture.variant == "size-chart"


def _product(offer: Offer) -> dict[str, Any]:
    photos = photo_urls(offer)
    ladder = [
        {
            "dollarPrice": float(step["dollars"]),
            "formatPrice": f"₦{step['shown']}",
            "max": step["most"],
            "min": step["least"],
            "price": float(step["dollars"] * _SHOWN_RATE),
        }
        for step in price_ladder(offer.listing)
    ]
    return {
        "mediaItems": [_media_item(url) for url in photos],
        "moq": _ORDER_SIZES[0][0],
        "price": {
            "batchNum": 1,
            "currencyRule": {"currencyPattern": "₦{0}", "decimalPoint": ".", "rate": float(_SHOWN_RATE)},
            "productLadderPrices": ladder,
            "saleType": "normal",
            "unit": "piece",
            "unitEven": "pieces",
        },
        "productId": int(offer.listing.listing_ref),
        "productIsMarketGoods": True,
        "sku": {"skuAttrs": [_colours(photos[0])]},
        "subject": offer.listing.title,
    }


def _seller(offer: Offer) -> dict[str, Any]:
    home = f"https://{offer.seller.host}"
    return {
        "accountPortraitImage": {"original": "https://sc04.alicdn.com/kf/HTB1Go.7XErrK1RkSne1q6ArVVXaP.jpg"},
        "aliMemberId": offer.seller.member,
        "companyBusinessType": "Trading Company",
        "companyId": int(offer.seller.seller.ref or 0),
        "companyLogoFileUrlSmall": "https://sc04.alicdn.com/kf/HTB1TUZ8XjnuK1RkSmFPq6AuzFXa9.jpg_80x80.jpg",
        "companyName": offer.seller.seller.name,
        "companyProfileUrl": f"{home}/company_profile.html",
        "feedbackUrl": f"{home}/company_profile/feedback.html",
        "homeUrl": f"{home}/index.html?from=detail&productId={offer.listing.listing_ref}",
        "subDomain": offer.seller.host,
    }


def _media_item(url: str) -> dict[str, Any]:
    sizes = {"normal": f"{url}_120x120.jpg", "small": f"{url}_350x350.jpg", "thumb": f"{url}_50x50.jpg"}
    return {
        "bizType": "Product",
        "group": "photos",
        "imageUrl": {"big": url, **sizes},
        "selectedAction": "freeblockAction://selectMainImage",
        "type": "image",
    }


def _colours(photo: str) -> dict[str, Any]:
    """Return the choice of colours; its picture is a photo of the listing once more."""
    colour = {
        "hotIconUrl": "https://sc01.alicdn.com/kf/Hd58a2101f24141a0ae490d8f57a0c169c.png",
        "largeImage": f"{photo}_250x250.jpg",
        "name": "As shown",
        "originImage": photo,
        "smallImage": f"{photo}_100x100.jpg",
        "type": "IMAGE",
    }
    return {"id": 191288010, "name": "Color", "type": "IMAGE", "values": [colour]}


def _card(listing: Listing) -> dict[str, Any]:
    key, _, suffix = listing.images[0].url.removeprefix("https:").rpartition(".")
    words = listing.url.rpartition("/")[2].rpartition("_")[0]
    original = f"{key}/{words}.{suffix}"
    sizes = {f"x{side}": f"{original}_{side}x{side}.jpg" for side in (50, 120, 220, 350)}
    return {
        "currencyType": "US",
        "subject": listing.title,
        "moq": f"{_ORDER_SIZES[0][0]} pieces",
        "id": int(listing.listing_ref),
        "priceFrom": str(listing.price_min),
        "currencySymbol": "$",
        "url": listing.url,
        "fobPrice": f"US${listing.price_min}-{listing.price_max} / piece",
        "imageUrls": {"original": original, **sizes},
    }


def _offer(offer: Offer) -> dict[str, Any]:
    listing = offer.listing
    photos = [url.removeprefix("https:") + "_300x300.jpg" for url in photo_urls(offer)]
    return {
        "id": int(listing.listing_ref),
        "information": {
            "enPureTitle": listing.title,
            "title": listing.title,
            "productUrl": listing.url.removeprefix("https:"),
        },
        "image": {"mainImage": photos[0], "multiImage": photos},
        "lowerPrice": f"${listing.price_min}",
        "upperPrice": f"${listing.price_max}",
        "tradePrice": {
            "price": f"${listing.price_min} - ${listing.price_max}",
            "minOrder": f"{_ORDER_SIZES[0][0]} pieces",
        },
        "supplier": {"supplierName": offer.seller.seller.name, "supplierHref": f"https://{offer.seller.host}"},
    }


def _module(identity: dict[str, Any], name: str, data: dict[str, Any] | None) -> str:
    return quote(json.dumps({"gdc": identity, "mds": {"moduleData": {"data": data}, "moduleName": name}}), safe="")
