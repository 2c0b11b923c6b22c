"""What the first pipeline refuses and cleans."""

from decimal import Decimal

import pytest
from scrapy.exceptions import DropItem

from pipelines.validate import IMAGES_MAX, TEXT_MAX, ValidatePipeline
from theftwatch.listing import Listing, ListingImage, Seller


def listing(**changes) -> Listing:
    return Listing(**({"marketplace": "etsy", "listing_ref": "1", "url": "https://www.etsy.com/listing/1"} | changes))


def images(count: int, url: str = "https://i.etsystatic.com/{}.jpg") -> tuple[ListingImage, ...]:
    return tuple(ListingImage(url=url.format(n), key=str(n), position=n) for n in range(count))


@pytest.mark.parametrize(
    "bad",
    [listing(listing_ref=""), listing(url="javascript:alert(1)"), listing(images=images(IMAGES_MAX + 1))],
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


def test_prices_the_wrong_way_round_are_turned():
    item = ValidatePipeline().process_item(listing(price_min=Decimal(9), price_max=Decimal(3)))
    assert (item.price_min, item.price_max) == (Decimal(3), Decimal(9))
