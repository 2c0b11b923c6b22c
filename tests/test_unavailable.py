"""Pages that say themselves that a listing is gone: by their words and their data, and by both alone."""

import json
from typing import Any

import pytest

from tests.alibaba_pages import LISTING_URL, detail_page, product
from theftwatch.errors import PageBlockedError, PageChangedError, PageGoneError
from theftwatch.pages.addresses import listing_key
from theftwatch.pages.etsy_api import api_listing_url, batch_url
from theftwatch.pages.read import read_page

SENTENCE = "This product is no longer available."
ETSY_URL = "https://www.etsy.com/listing/1385245506/crown"


def alibaba(shown: str = SENTENCE, *, head: str = "", i18n: dict[str, str] | None = None, **changes: Any) -> str:
    data = {"product": product(**({"mediaItems": [], "tradeAvailable": False} | changes)), "i18n": i18n or {}}
    return f"<html>{head}<body>{detail_page({'globalData': data})}<div><h2>{shown}</h2></div></body></html>"


def etsy(shown: str = "Sorry, this item is unavailable.", *, availability: str = "https://schema.org/SoldOut") -> str:
    offers = {"@type": "AggregateOffer", "offers": [{"@type": "Offer", "availability": availability}]}
    block = {"@type": "Product", "url": ETSY_URL, "name": "Crown", "offers": offers}
    return f'<html><body><script type="application/ld+json">{json.dumps(block)}</script><p>{shown}</p></body></html>'


def test_words_and_data_together_say_that_a_product_is_gone():
    with pytest.raises(PageGoneError, match="no longer available"):
        read_page(alibaba(), LISTING_URL)
    with pytest.raises(PageGoneError):
        read_page(
            alibaba("هذا المنتج لم يعد متاحا.", i18n={"pc.detail.product.available.title": "هذا المنتج لم يعد متاحا."}),
            LISTING_URL,
        )


@pytest.mark.parametrize(
    "body",
    [
        alibaba("Brass lamp"),
        alibaba(f"{SENTENCE} Order the new one!"),
        alibaba("", head=f"<script>var text = '{SENTENCE}'</script>"),
        alibaba(tradeAvailable=True),
        alibaba(productId=1600000000002),
        "<html><body>" + SENTENCE + "</body></html>",
    ],
)
def test_either_alone_leaves_a_page_that_has_changed(body):
    with pytest.raises(PageChangedError):
        read_page(body, LISTING_URL)


def test_a_page_that_shows_photos_is_a_listing_whatever_it_says():
    page = read_page(alibaba(mediaItems=product()["mediaItems"]), LISTING_URL)
    assert [listing.listing_ref for listing in page.listings] == ["1600000000001"]


def test_a_block_is_a_block_whatever_stands_in_it():
    with pytest.raises(PageBlockedError):
        read_page(alibaba(head="<punish-component></punish-component>"), LISTING_URL)


def test_an_etsy_page_is_told_by_both_too():
    with pytest.raises(PageGoneError):
        read_page(etsy(), ETSY_URL)
    for body in (
        etsy(availability="https://schema.org/InStock"),
        etsy("Sorry, this item is sold out"),
        etsy("This shop is taking a short break."),
    ):
        with pytest.raises(PageChangedError):
            read_page(body, ETSY_URL)


def answer(*states: str) -> str:
    image = {
        "listing_image_id": 1,
        "rank": 1,
        "url_fullxfull": "https://i.etsystatic.com/1/r/il/abcdef/2/il_fullxfull.2_abcd.jpg",
    }
    entries = [{"listing_id": n, "state": state, "images": [image]} for n, state in enumerate(states, 1)]
    return json.dumps(entries[0] if len(entries) == 1 else {"count": len(entries), "results": entries})


@pytest.mark.parametrize("state", ["inactive", "expired", "removed", "edit"])
def test_the_state_of_the_api_says_it_alone(state):
    with pytest.raises(PageGoneError):
        read_page(answer(state), api_listing_url("1"))
    assert listing_key(api_listing_url("1")) == ("etsy", "1")


@pytest.mark.parametrize("state", ["active", "sold_out"])
def test_what_the_site_shows_is_there(state):
    page = read_page(answer(state), api_listing_url("1"))
    assert [listing.listing_ref for listing in page.listings] == ["1"]
    assert page.gone_urls == ()


def test_a_draft_says_nothing():
    page = read_page(answer("draft"), api_listing_url("1"))
    assert (page.listings, page.gone_urls) == ((), ())


def test_of_a_batch_each_listing_says_it_for_itself():
    page = read_page(answer("active", "removed", "draft"), batch_url(["1", "2", "3"]))
    assert [listing.listing_ref for listing in page.listings] == ["1"]
    assert page.gone_urls == ("https://www.etsy.com/listing/2",)
    assert listing_key(batch_url(["1", "2", "3"])) is None
