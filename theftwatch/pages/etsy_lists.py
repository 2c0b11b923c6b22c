"""Etsy's pages of many listings: shops, searches and sold items, each listing as the card that stands for it.

A card is known by `data-listing-id` or by the address it leads to, its photo by the form of the photo's address. Where
the page has an ItemList for search engines, that tells more, and of a shop it tells which cards are the shop's goods.

All listings are read, those called "Custom Order" or "Order Upgrade" too. They are no goods, but titles are free text
in any language ("Custom order for ... - New book" is one), and a listing left out wrongly would be missed in silence,
while an extra photo of the shop's own does no harm.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from parsel import Selector

from theftwatch.listing import Listing, Page, PageKind
from theftwatch.pages.etsy_images import Photo, find_photos
from theftwatch.pages.etsy_listing import make_listing, product_ref
from theftwatch.pages.etsy_urls import SITE, Address, absolute, as_ref, page_url, read_address, shop_seller
from theftwatch.pages.jsonld import Block, Product, clean_text, has_type, item_products, read_product
from theftwatch.pages.markup import attributes
from theftwatch.pages.money import read_price

# The icon of a shop, whose address holds the shop's id as its photos' do
_SHOP_ICON = re.compile(r"etsystatic\.com/(\d+)/\w+/is\w+/", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What stands for a listing in a list."""

    ref: str
    product: Product
    photo: Photo | None = None


def read_list_page(page: Selector, blocks: Sequence[Block], url: str, address: Address) -> Page | None:
    """Return what a shop, a search or a page of sold items says; None where it holds no list.

    A list may be empty: a shop without goods, or the page after the last.
    """
    listed, shown = _listed_cards(blocks), _shown_cards(page)
    if not listed and not shown and not _is_empty_list(page, blocks):
        return None
    next_page, last_page = _read_pager(page, url, address)
    if address.kind is PageKind.SEARCH:
        result = _page_of_cards(PageKind.SEARCH, _merge(shown, listed).values())
    else:
        result = _shop_page(page, listed, shown, address)
    return replace(result, next_page=next_page, last_page=last_page)


def read_item_lists(blocks: Sequence[Block]) -> Page | None:
    """Return what the ItemList objects of shops and searches say, without the pages; None where there is none."""
    cards = [list(_listed_cards([block]).values()) for block in blocks if has_type(block, "ItemList")]
    if not cards:
        return None
    of_one_shop_each = all(len({card.product.brand for card in group}) <= 1 for group in cards)
    kind = PageKind.SHOP if of_one_shop_each else PageKind.SEARCH
    return _page_of_cards(kind, (card for group in cards for card in group))


def _shop_page(page: Selector, listed: dict[str, Card], shown: dict[str, Card], address: Address) -> Page:
    """Return the page of a shop's goods.

    The goods are those of the ItemList, else all cards; the cards beside the list, such as featured ones, are links.
    Cards of other shops are neither.
    """
    cards = _merge(listed, shown)
    brands = (card.product.brand for card in listed.values())
    name = next(filter(None, brands), None) or _shop_name(page, address)
    ref = _shop_ref(page, cards.values())
    own = {key: card for key, card in cards.items() if not (ref and card.photo and card.photo.shop_ref != ref)}
    goods = [card for card in own.values() if card.ref in listed or not listed]
    shop = shop_seller(ref=ref, name=name)
    result = _page_of_cards(address.kind or PageKind.SHOP, goods)
    return replace(
        result,
        listings=tuple(replace(listing, seller=shop) for listing in result.listings),
        sellers=(shop,) if shop else (),
        listing_urls=tuple(_as_listing(card).url for card in own.values()),
        seller_urls=(shop.url,) if shop and shop.url else (),
    )


def _page_of_cards(kind: PageKind, cards: Iterable[Card]) -> Page:
    listings = tuple({card.ref: _as_listing(card) for card in cards}.values())
    sellers = tuple(dict.fromkeys(listing.seller for listing in listings if listing.seller))
    return Page(
        kind=kind,
        listings=listings,
        sellers=sellers,
        listing_urls=tuple(listing.url for listing in listings),
        seller_urls=tuple(dict.fromkeys(seller.url for seller in sellers if seller.url)),
    )


def _as_listing(card: Card) -> Listing:
    return make_listing(card.product, ref=card.ref, photos=[card.photo] if card.photo else [], complete=False)


def _listed_cards(blocks: Iterable[Block]) -> dict[str, Card]:
    """Return the cards of the ItemLists, by listing."""
    cards: dict[str, Card] = {}
    for item_list in blocks:
        for block in item_products(item_list) if has_type(item_list, "ItemList") else ():
            product = read_product(block)
            photo = next(iter(find_photos(product.images)), None)
            if ref := product_ref(product):
                cards.setdefault(ref, Card(ref=ref, product=product, photo=photo))
    return cards


def _shown_cards(page: Selector) -> dict[str, Card]:
    """Return the cards of the markup, by listing; of several cards of one listing, the first that has a photo."""
    cards: dict[str, Card] = {}
    # Links to listings outside such a mark stand in reviews too, so they count only where there is no mark
    links = page.xpath("//a[@data-listing-id or contains(@href, '/listing/')][ancestor-or-self::*[@data-listing-id]]")
    for link in links or page.xpath("//a[contains(@href, '/listing/')][.//img]"):
        href = read_address(absolute(SITE, attributes(link).get("href", "")))
        ref = as_ref(attributes(link).get("data-listing-id")) or href.listing_ref
        if ref and (ref not in cards or cards[ref].photo is None):
            cards[ref] = _read_card(link, ref)
    return cards


def _read_card(link: Selector, ref: str) -> Card:
    # A frame that broken markup leaves open holds the cards that follow it as well
    frame = next(iter(link.xpath("ancestor::*[@data-listing-id][1][@data-listing-id = $ref]", ref=ref)), None)
    closed = frame is not None and not frame.xpath("descendant::*[@data-listing-id != $ref][1]", ref=ref)
    card = frame if frame is not None and closed else link
    heading = card.xpath("normalize-space((.//h2 | .//h3 | .//h4)[1])").get()
    given = attributes(link)
    titles = (given.get("title"), heading, given.get("aria-label"), card.xpath(".//img/@alt").get())
    title = next(filter(None, map(clean_text, titles)), None)
    texts = (text for text in card.xpath(".//text()").getall() if clean_text(text) != title)
    price, currency = read_price("".join(texts))
    product = Product(name=title, price_min=price, price_max=price, currency=currency)
    photos = _photos_within(link) or _photos_within(card)
    return Card(ref=ref, product=product, photo=photos[0] if photos else None)


def _photos_within(element: Selector) -> tuple[Photo, ...]:
    return find_photos(element.xpath(".//@*[contains(., '/il_')]").getall())


def _merge(first: dict[str, Card], second: dict[str, Card]) -> dict[str, Card]:
    """Return the cards of both, each with what the first says of it, completed by the second."""
    return {ref: _complete(first.get(ref), second.get(ref)) for ref in first | second}


def _complete(card: Card | None, other: Card | None) -> Card:
    if card is None or other is None:
        (known,) = filter(None, (card, other))
        return known
    priced = card.product if card.product.price_min is not None else other.product
    product = replace(
        card.product,
        name=card.product.name or other.product.name,
        brand=card.product.brand or other.product.brand,
        price_min=priced.price_min,
        price_max=priced.price_max,
        currency=priced.currency,
    )
    return replace(card, product=product, photo=card.photo or other.photo)


def _shop_name(page: Selector, address: Address) -> str | None:
    """Return the shop's name, as the page writes it rather than as the address does."""
    addresses = page.xpath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content").getall()
    return next(filter(None, (read_address(each).shop_name for each in addresses)), address.shop_name)


def _shop_ref(page: Selector, cards: Iterable[Card]) -> str | None:
    icons = page.xpath("//meta[@property='og:image']/@content").re(_SHOP_ICON)
    refs = Counter(card.photo.shop_ref for card in cards if card.photo)
    return icons[0] if icons else next((ref for ref, _ in refs.most_common(1)), None)


def _is_empty_list(page: Selector, blocks: Iterable[Block]) -> bool:
    """Return whether a page is a list of nothing: it says that it is a list, and leads to no listing at all."""
    if page.xpath("//a[contains(@href, '/listing/')]"):
        return False
    addresses = page.xpath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content").getall()
    lists = (PageKind.SHOP, PageKind.SOLD, PageKind.SEARCH)
    return any(read_address(each).kind in lists for each in addresses) or any(
        has_type(block, "ItemList") and block.get("numberOfItems") == 0 for block in blocks
    )


def _read_pager(page: Selector, url: str, address: Address) -> tuple[str | None, int | None]:
    """Return the address of the next page and the number of the last one, each where the page leads there."""
    hrefs = page.xpath("//a[contains(@href, 'page=')]/@href | //link[@rel='next']/@href").getall()
    linked = (read_address(absolute(url, href)) for href in hrefs)
    numbers = {each.page_number for each in linked if _is_same_list(each, address)}
    following = address.page_number + 1
    next_page = page_url(address.base, following) if address.base and following in numbers else None
    return next_page, max(numbers | {address.page_number}) if numbers else None


def _is_same_list(one: Address, other: Address) -> bool:
    return one.kind is other.kind and (one.shop_name or "").lower() == (other.shop_name or "").lower()
