"""JSON-LD as templates really write it."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsel import Selector

from theftwatch.pages.jsonld import (
    clean_text,
    find_blocks,
    find_products,
    has_type,
    item_products,
    load_blocks,
    load_json,
    read_product,
)

CUP = {"@type": "Product", "name": "Cup"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(CUP),
        json.dumps([CUP]),
        json.dumps([[CUP]]),
        json.dumps({"@context": "https://schema.org", "@graph": [CUP]}),
        '{"@type": "Product", "name": "Cup",}',
        '{"@type": ["Product",], "name": "Cup"}',
        '{"@type": "Product", "name": "Cup"};',
        '<!-- {"@type": "Product", "name": "Cup"} -->',
        '//<![CDATA[\n{"@type": "Product", "name": "Cup"}\n//]]>',
        "{&quot;@type&quot;: &quot;Product&quot;, &quot;name&quot;: &quot;Cup&quot;}",
    ],
)
def test_a_block_is_found_in_every_wrapping(text):
    page = Selector(f"<html><script type='application/ld+json; charset=utf-8'>{text}</script></html>")
    (block,) = find_blocks(page)
    assert has_type(block, "Product")
    assert block["name"] == "Cup"


def test_blocks_keep_their_order_and_broken_ones_are_left_out():
    texts = ['{"name": 1}', '{"name": ', "", '{"name": 2}', '"a string"']
    page = Selector("".join(f"<script type=application/ld+json>{text}</script>" for text in texts))
    assert [block["name"] for block in find_blocks(page)] == [1, 2]


def test_a_script_in_a_comment_is_not_read():
    assert find_blocks(Selector('<!-- <script type="application/ld+json">{"name": 1}</script> --><p>')) == ()


def test_control_characters_within_strings_are_kept():
    assert load_json('{"name": "a\nb\tc"}') == {"name": "a\nb\tc"}


def test_mending_leaves_commas_within_strings():
    assert load_json(r'{"name": "a,] \",} b",}') == {"name": 'a,] ",} b'}


def test_escapes_that_json_does_not_know_are_mended():
    assert load_json(r'{"name": "Odin\'s \\ \u00e9"}') == {"name": "Odin's \\ é"}


def test_the_graph_of_a_typed_object_is_read_beside_it():
    assert len(load_blocks('{"@type": "WebPage", "@graph": [{"@type": "Product"}]}')) == 2


@pytest.mark.parametrize("kind", ["Product", ["Thing", "Product"], "https://schema.org/Product", "schema:Product"])
def test_a_type_is_known_however_it_is_written(kind):
    assert has_type({"@type": kind}, "Product")
    assert not has_type({"@type": kind}, "Offer")


def test_products_are_found_beside_other_things_and_as_main_entity():
    page = {"@type": "ItemPage", "mainEntity": {"@type": "ProductGroup", "name": "Set"}}
    assert [each["name"] for each in find_products([CUP, {"@type": "BreadcrumbList"}, page])] == ["Cup", "Set"]


@pytest.mark.parametrize("text", ["Odin&#39;s", "Odin&amp;#39;s", "Odin's", " Odin's "])
def test_text_is_unescaped_twice(text):
    assert clean_text(text) == "Odin's"


@pytest.mark.parametrize(
    "image",
    [
        "https://host/a.jpg",
        ["https://host/a.jpg", "https://host/a.jpg", "", None, 7],
        {"@type": "ImageObject", "contentURL": "https://host/a.jpg", "thumbnail": "https://host/t.jpg"},
        [{"contentUrl": "https://host/a.jpg"}],
        [{"url": ["https://host/a.jpg"]}],
    ],
)
def test_images_are_read_from_every_form(image):
    assert read_product({"image": image}).images == ("https://host/a.jpg",)


@pytest.mark.parametrize(
    ("offers", "price_min", "price_max", "currency"),
    [
        ({"price": "70.00", "priceCurrency": "USD"}, "70", "70", "USD"),
        ({"price": 12.5, "priceCurrency": "eur"}, "12.5", "12.5", "EUR"),
        ({"lowPrice": "1.234,50", "highPrice": "1.300,00", "priceCurrency": "EUR"}, "1234.50", "1300", "EUR"),
        ([{"price": "9"}, {"price": "7", "priceCurrency": "GBP"}], "7", "9", "GBP"),
        ({"@type": "AggregateOffer", "offers": [{"price": "3"}, {"price": "4"}]}, "3", "4", None),
        ({"price": "49", "priceSpecification": {"price": "122"}, "priceCurrency": "USD"}, "49", "49", "USD"),
        ({"priceSpecification": [{"price": "8", "priceCurrency": "USD"}]}, "8", "8", "USD"),
        ({"price": "5", "priceCurrency": "US Dollar"}, "5", "5", None),
        ({"price": "on request"}, None, None, None),
        (["nothing"], None, None, None),
    ],
)
def test_offers_are_read_from_every_form(offers, price_min, price_max, currency):
    product = read_product({"offers": offers})
    assert product.price_min == (Decimal(price_min) if price_min else None)
    assert product.price_max == (Decimal(price_max) if price_max else None)
    assert product.currency == currency


@pytest.mark.parametrize("key", ["brand", "seller", "manufacturer"])
def test_the_brand_is_an_object_or_a_name(key):
    assert read_product({key: {"@type": "Brand", "name": "A &amp; B"}}).brand == "A & B"
    assert read_product({key: "A &amp; B"}).brand == "A & B"
    assert read_product({"offers": [{}, {"seller": {"name": "A"}}]}).brand == "A"


def test_the_sku_may_be_a_number():
    assert read_product({"sku": 949905096}).sku == "949905096"


def test_review_days_are_read_and_broken_ones_left_out():
    reviews = [{"datePublished": "2023-02-16T10:00:00Z"}, {"datePublished": "16.2.2023"}, {}, None]
    assert read_product({"review": reviews}).review_days == (date(2023, 2, 16),)


def test_an_item_list_is_read_with_and_without_list_items():
    wrapped = {"itemListElement": [{"@type": "ListItem", "item": CUP}, "nothing", {"@type": "Offer", "name": "x"}]}
    assert item_products(wrapped) == item_products({"itemListElement": CUP}) == (CUP,)


@given(st.text(alphabet=st.sampled_from('{}[],:"\\ \n1ae<!-/&;'), max_size=60))
def test_no_text_breaks_the_reader(text):
    assert isinstance(load_blocks(text), tuple)


def test_deep_nesting_and_huge_numbers_break_nothing():
    assert load_blocks("[" * 100_000) == ()
    assert load_blocks('{"sku": ' + "9" * 5000 + "}") == ()


KEYS = st.sampled_from(
    ["name", "url", "price", "offers", "@id", "@type", "image", "brand", "review", "itemListElement"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES))
def test_no_object_breaks_the_reader(block):
    product = read_product(block)
    assert product.price_min is None or product.price_min.is_finite()
    assert isinstance(item_products(block), tuple)
