"""What the first pipeline refuses and cleans."""

from dataclasses import replace
from decimal import Decimal

import pytest
from scrapy.exceptions import DropItem

from pipelines.validate import IMAGES_MAX, TEXT_MAX, ValidatePipeline
from theftwatch.listing import Alias, Listing, ListingImage, Seller


def listing(**changes) -> Listing:
    return Listing(**({"marketplace": "etsy", "listing_ref": "1", "url": "https://www.etsy.com/listing/1"} | changes))


def images(count: int, url: str = "https://i.etsystatic.com/{}.jpg") -> tuple[ListingImage, ...]:
    return tuple(ListingImage(url=url.format(n), key=str(n), position=n) for n in range(count))


@pytest.mark.parametrize(
    "bad",
    [
        listing(listing_ref=""),
        listing(listing_ref="9" * 501),
        listing(listing_ref="1\0"),
        listing(url="javascript:alert(1)"),
        listing(url="https://www.etsy.com/listing/1\0"),
        listing(url="https://www.etsy.com/listing/1/" + "a" * 2_083),
        listing(images=images(IMAGES_MAX + 1)),
    ],
)
def test_what_cannot_be_stored_is_dropped(bad):
    with pytest.raises(DropItem, match="etsy/"):
        ValidatePipeline().process_item(bad)


def test_hostile_text_is_cleaned():
    seller = Seller(marketplace="etsy", ref="7", name="\x1b[31mShop\x00\x9b")
    item = ValidatePipeline().process_item(listing(title="Ring\x00 \ud800\x07" + "x" * TEXT_MAX, seller=seller))
    assert item.title is not None
    assert item.title.startswith("Ring x")
    assert len(item.title) == TEXT_MAX
    assert item.seller is not None
    assert item.seller.name == "[31mShop"


def test_images_without_web_addresses_are_left_out():
    assert ValidatePipeline().process_item(listing(images=images(2, "file:///etc/{}"))).images == ()


def test_a_seller_keeps_what_an_index_can_hold():
    aliases = (Alias(kind="subdomain", value="a" * 501), Alias(kind="subdomain", value="lamps"))
    seller = Seller(marketplace="alibaba", ref="1\0", name="燈" * 999, url="javascript:x", aliases=aliases)
    kept = ValidatePipeline().process_item(listing(seller=seller)).seller
    assert kept == Seller(marketplace="alibaba", name="燈" * 333, aliases=aliases[1:])
    nobody = replace(seller, aliases=aliases[:1])
    assert ValidatePipeline().process_item(listing(seller=nobody)).seller is None


def test_prices_the_wrong_way_round_are_turned():
    item = ValidatePipeline().process_item(listing(price_min=Decimal(9), price_max=Decimal(3)))
    assert (item.price_min, item.price_max) == (Decimal(3), Decimal(9))
