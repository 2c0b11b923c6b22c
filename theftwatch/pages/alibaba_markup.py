"""What Alibaba's pages show once their scripts have run, for pages that were saved without the scripts.

Elements are found by attributes that the marketplace's own tests and statistics use (`data-testid`, `data-module-name`,
`data-ctrdot`), which outlive its class names.
"""

import re
from collections.abc import Iterator

from parsel import Selector, SelectorList

from theftwatch.listing import Listing, Seller
from theftwatch.pages.alibaba_images import listing_images, read_image_url
from theftwatch.pages.alibaba_prices import Price, read_currency, read_price, span
from theftwatch.pages.alibaba_sellers import MARKETPLACE, seller_of
from theftwatch.pages.alibaba_urls import listing_ref, listing_url, ref_of, subdomain
from theftwatch.pages.markup import attributes

# The main view, on desktop and mobile pages; the strip of thumbnails stands in where the view was not drawn
_VIEWS = (
    "//*[@data-testid='product-image-view']",
    "//*[@data-testid='product-image-carousel']",
    "//*[@data-module-name='module_main_image']",
)
_STRIP = "//*[@data-testid='product-image-list']//@style"
_DESCRIPTION = "//*[@data-module-name='module_description' or @data-module-name='module_structure_description']"
# Most telling first; the modules below stand once or twice on a page, with the same prices
_PRICES = (
    "//*[@data-testid='ladder-price' or @data-testid='ladder-prices']",
    "//*[@data-testid='product-price' or @data-module-name='module_price']",
)
_COMPANY = "[ancestor-or-self::*[contains(@data-module-name, 'company') or contains(@data-testid, 'company')]]"
_VENDOR_LINKS = (f"//a[contains(@href, '.alibaba.com')]{_COMPANY}", "//a[contains(@href, 'from=detail')]")
_COMPANY_TITLE = "//*[@data-testid='company-card-title']"
_HEAD = "//meta[@property='og:url']/@content | //link[@rel='canonical']/@href"
_OWN_NUMBER = re.compile(r"(?:descIframe\.html\?|from=detail&)(?:amp;)?productId=([0-9]{6,16})\b")
# A browser that saves a page puts its own file into `src` and leaves the true address in the others
_ADDRESS_ATTRIBUTES = ("data-src", "data-original", "data-lazy-src", "src")
_BACKGROUND = re.compile(r"background(?:-image)?\s*:[^;]*?url\(\s*[\"']?([^\"')]+)")


def read_rendered_listing(document: Selector, url: str) -> Listing | None:
    """Read the listing of a rendered product page; None where the page shows no photos of one."""
    images = listing_images(_photo_addresses(document))
    ref = listing_ref(url) or _own_number(document)
    if not images or not ref:
        return None
    price = _price(document)
    return Listing(
        marketplace=MARKETPLACE,
        listing_ref=ref,
        url=listing_url(ref, *document.xpath(_HEAD).getall(), url),
        title=_title(document),
        seller=_seller(document),
        price_min=price.minimum,
        price_max=price.maximum,
        currency=price.currency,
        images=listing_images([*(image.url for image in images), *html_images(document.xpath(_DESCRIPTION))]),
    )


def read_rendered_cards(document: Selector) -> Iterator[Listing]:
    """Yield the listings of a rendered search page, as far as its cards show them."""
    for card in document.xpath("//*[@data-ctrdot]"):
        ref = attributes(card)["data-ctrdot"].strip()
        links = card.xpath(".//a[@href]")
        own = [link for link in links if listing_ref(attributes(link)["href"]) == ref]
        # Advertisements lead through a counter; later links may hold the vendor's certificates
        photos = (listing_images(map(image_address, link.xpath(".//img"))) for link in own or links)
        images = next(filter(None, photos), ())
        if not ref_of(ref) or not (own or images):
            continue
        price = next(_shown_prices(card), Price())
        yield Listing(
            marketplace=MARKETPLACE,
            listing_ref=ref,
            url=listing_url(ref, *(attributes(link)["href"] for link in own)),
            title=next(filter(None, map(_text, [*card.xpath(".//h2"), *own])), None),
            seller=_vendor([link for link in links if subdomain(attributes(link)["href"])]),
            price_min=price.minimum,
            price_max=price.maximum,
            currency=price.currency,
            images=images,
            complete=False,
        )


def html_images(roots: Selector | SelectorList[Selector]) -> Iterator[str]:
    """Yield the addresses of the images below some elements, without those that lead to other listings."""
    for image in roots.xpath(".//img[not(ancestor::a[contains(@href, '/product')])]"):
        if address := image_address(image):
            yield address


def image_address(image: Selector) -> str | None:
    """Return the first address of an `img` that names an image of a vendor."""
    given = attributes(image)
    named = [given[name] for name in _ADDRESS_ATTRIBUTES if name in given]
    sources = [source.split()[0] for source in given.get("srcset", "").split(",") if source.strip()]
    return next((address for address in [*named, *sources] if read_image_url(address)), None)


def _photo_addresses(document: Selector) -> list[str]:
    for view in _VIEWS:
        # A video's picture is not a photo of its own
        shown = document.xpath(f"({view})[1]//img[not(ancestor::*[@role='group'][.//video])]")
        if found := [address for image in shown if (address := image_address(image))]:
            return found
    return _BACKGROUND.findall(" ".join(document.xpath(_STRIP).getall()))


def _own_number(document: Selector) -> str | None:
    """Return the listing's number from the frame of its description or the links to its vendor."""
    addresses = " ".join(document.xpath("//iframe/@src | //a/@href[contains(., 'from=detail')]").getall())
    found = _OWN_NUMBER.search(addresses)
    return found[1] if found else None


def _title(document: Selector) -> str | None:
    for heading in document.xpath("//h1"):
        if title := attributes(heading).get("title", "").strip() or _text(heading):
            return title
    return None


def _seller(document: Selector) -> Seller | None:
    links = [link for path in _VENDOR_LINKS for link in document.xpath(path) if subdomain(attributes(link)["href"])]
    return _vendor(links) or seller_of(name=document.xpath(f"string({_COMPANY_TITLE})").get())


def _vendor(links: list[Selector]) -> Seller | None:
    """Return the vendor of the first link, with the first name that a link to the same vendor shows."""
    vendor = subdomain(attributes(links[0])["href"]) if links else None
    same = [link for link in links if subdomain(attributes(link)["href"]) == vendor]
    # A single word is no company's name but a label, such as `Supplier`
    name = next((text for text in map(_text, same) if text and " " in text), None)
    return seller_of(name=name, addresses=tuple(attributes(link)["href"] for link in same))


def _price(document: Selector) -> Price:
    for path in _PRICES:
        for element in document.xpath(path):
            if price := span(_shown_prices(element)):
                return price
    return Price()


def _shown_prices(element: Selector) -> Iterator[Price]:
    """Yield the prices below an element, without that of a sample."""
    for text in element.xpath(".//text()[not(ancestor::*[contains(@data-testid, 'ample')])]").getall():
        if read_currency(text) and (price := read_price(text)):
            yield price


def _text(element: Selector) -> str | None:
    return " ".join(element.xpath("string()").get("").split()) or None
