"""Etsy's Open API v3, against the description that Etsy publishes of it, cut to what we use."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theftwatch.errors import (
    PageBlockedError,
    PageChangedError,
    PageError,
    TheftWatchError,
    UnknownPageError,
    UsageError,
)
from theftwatch.listing import PageKind
from theftwatch.pages import etsy_api
from theftwatch.pages.etsy import read_page

SAMPLES = Path(__file__).parent / "samples" / "etsy"
DESCRIPTION = json.loads((SAMPLES / "api" / "oas_3.0.0_2026-08_trimmed.json").read_text())
SCHEMAS = DESCRIPTION["components"]["schemas"]
ANSWERS = ["api_v3_shops", "api_v3_active", "api_v3_batch", "api_v3_listing"]
BATCH_URL = f"{etsy_api.BASE_URL}/listings/batch?listing_ids=1&includes=Images,Shop"


def described_call(url):
    """Return the description of a call; fail for an address that is none."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == DESCRIPTION["servers"][0]["url"]
    templates = {
        template: "".join(
            r"\d+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", template)
        )
        for template in DESCRIPTION["paths"]
    }
    # A path without a parameter goes before one with
    (found,) = [template for template, pattern in templates.items() if re.fullmatch(pattern, parts.path)]
    return DESCRIPTION["paths"][found]["get"]


KINDS: dict[str, type] = {"object": dict, "array": list, "integer": int, "string": str, "boolean": bool}


def problems(value, schema, place):
    """Yield where a value departs from a schema, and where it has what the schema does not describe."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if value is None and schema.get("nullable"):
        return
    if "oneOf" in schema:
        yield from problems(value, schema["oneOf"][0], place)
    elif type(value) is not KINDS[schema["type"]]:
        yield f"{place}: {value!r} is no {schema['type']}"
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from problems(inner, schema["items"], f"{place}.{position}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            described = schema["properties"].get(name)
            yield from (
                problems(inner, described, f"{place}.{name}") if described else [f"{place}.{name}: not described"]
            )
    elif value not in schema.get("enum", [value]) or ("minimum" in schema and value < schema["minimum"]):
        yield f"{place}: {value!r} is out of range"


@pytest.mark.parametrize("case", ANSWERS)
def test_our_answers_are_as_described(case):
    url = json.loads((SAMPLES / case / "meta.json").read_text())["url"]
    schema = described_call(url)["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(problems(json.loads((SAMPLES / case / "page.json").read_text()), schema, case)) == []


def test_a_departure_from_the_description_is_found():
    answer = json.loads((SAMPLES / "api_v3_listing" / "page.json").read_text())
    answer |= {"state": "gone", "listing_id": "7", "invented": 1}
    found = list(problems(answer, {"$ref": "#/components/schemas/ShopListingWithAssociations"}, "listing"))
    assert [line.partition(":")[0] for line in found] == ["listing.listing_id", "listing.state", "listing.invented"]


@pytest.mark.parametrize(
    ("url", "operation"),
    [
        (etsy_api.shop_by_name_url("GowaDesign"), "findShops"),
        (etsy_api.active_listings_url("28732980", offset=200), "findAllActiveListingsByShop"),
        (etsy_api.batch_url(["1", "2"]), "getListingsByListingIds"),
        (etsy_api.api_listing_url("1385245506"), "getListing"),
    ],
)
def test_our_calls_are_as_described(url, operation):
    call = described_call(url)
    assert call["operationId"] == operation
    schemas = {each["name"]: each["schema"] for each in call["parameters"] if each["in"] == "query"}
    given_values = dict(parse_qsl(urlsplit(url).query))
    assert {each["name"] for each in call["parameters"] if each["in"] == "query" and each.get("required")} <= set(
        given_values
    )
    for name, value in given_values.items():
        schema = schemas[name]
        assert set(value.split(",")) <= set(schema.get("items", {}).get("enum", value.split(",")))
        if schema["type"] == "integer":
            assert schema.get("minimum", 0) <= int(value) <= schema.get("maximum", 10**9)


def test_the_key_goes_where_the_description_says():
    scheme = DESCRIPTION["components"]["securitySchemes"]["api_key"]
    assert scheme["in"] == "header"
    assert etsy_api.key_header(" abc123:secret\n") == {scheme["name"]: "abc123:secret"}


@pytest.mark.parametrize("key", ["", "abc123", "abc123:", ":secret", "abc 123:secret", "abc123:sec\r\nret"])
def test_a_key_that_etsy_would_refuse_is_refused_first_and_not_shown(key):
    with pytest.raises(UsageError) as caught:
        etsy_api.key_header(key)
    assert not key.strip() or key.strip() not in str(caught.value)


def test_a_batch_holds_one_to_a_hundred_listings_each_once():
    assert "listing_ids=1,2&" in etsy_api.batch_url(["1", "2", "1"])
    etsy_api.batch_url(str(number) for number in range(100))
    for refs in ([], [str(number) for number in range(101)]):
        with pytest.raises(ValueError, match="batch"):
            etsy_api.batch_url(refs)


def test_a_shop_name_is_escaped():
    assert etsy_api.shop_by_name_url("a&b=c d").endswith("/shops?shop_name=a%26b%3Dc+d")


@pytest.mark.parametrize(
    ("url", "count", "following"),
    [
        (etsy_api.active_listings_url("5"), 101, etsy_api.active_listings_url("5", offset=100)),
        (etsy_api.active_listings_url("5", offset=100), 201, etsy_api.active_listings_url("5", offset=200)),
        (etsy_api.active_listings_url("5"), 100, None),
        (etsy_api.active_listings_url("5"), None, None),
        ("https://openapi.etsy.com/v3/application/listings/active", 26, None),
    ],
)
def test_the_next_page_begins_after_this_one(url, count, following):
    if "?" not in url:
        following = url + "?offset=25"
    assert etsy_api.next_url(url, count) == following


def test_limits_are_read_in_any_case_and_in_both_spellings():
    limits = etsy_api.read_limits(
        {
            "X-Limit-Per-Second": "10",
            "x-remaining-this-secon": "9",
            "X-Limit-Per-Day": "10000",
            "x-remaining-today": "0",
        }
    )
    assert limits == etsy_api.ApiLimits(per_second=10, remaining_this_second=9, per_day=10000, remaining_today=0)
    assert etsy_api.read_limits({"Retry-After": "1.5", "x-remaining-this-second": "0"}).retry_after_s == 1.5


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({}, 1.0),
        ({"x-limit-per-second": "10"}, 0.1),
        ({"x-limit-per-second": "10", "x-remaining-this-second": "0"}, 1.0),
        ({"x-limit-per-second": "10", "retry-after": "30"}, 30.0),
        ({"x-limit-per-second": "0", "retry-after": "tomorrow"}, 1.0),
    ],
)
def test_the_pause_is_what_the_limits_ask_for(headers, pause_s):
    assert etsy_api.read_limits(headers).pause_s == pause_s


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (403, "Invalid API key: should be in the format 'keystring:shared_secret'.", UsageError),
        (403, "Shared secret is required in x-api-key header", UsageError),
        (401, "", UsageError),
        (403, "You do not have access to this resource", PageBlockedError),
        (429, "Exceeded per second rate limit", PageBlockedError),
        (429, "", PageBlockedError),
        (404, "Could not find a Shop with shop_id = 5", UnknownPageError),
        (400, "Expected int value for 'listing_ids'", PageChangedError),
        (500, "The server encountered an internal error", PageError),
    ],
)
def test_a_refusal_names_what_etsy_said_and_the_remedy(status, message, error):
    refusal = etsy_api.read_refusal(status, json.dumps({"error": message}))
    assert type(refusal) is error
    assert message[:30] in str(refusal)
    assert str(status) in str(refusal)


def test_an_answer_that_is_only_the_refusal_is_no_page():
    with pytest.raises(PageBlockedError, match="per second"):
        read_page('{"error":"Exceeded per second rate limit"}', BATCH_URL)
    with pytest.raises(PageBlockedError, match="THEFTWATCH_ETSY_API_KEY"):
        read_page('{"error":"Invalid API key: should be in the format"}', BATCH_URL)
    with pytest.raises(UnknownPageError):
        read_page('{"error":"Resource not found"}', BATCH_URL)


@given(st.integers(100, 599), st.text(max_size=40))
def test_no_answer_breaks_the_reading_of_refusals(status, body):
    assert isinstance(etsy_api.read_refusal(status, body), TheftWatchError)


def entry(**values):
    return {"listing_id": 7, "shop_id": 55, "title": "Cup", "state": "active", **values}


@pytest.mark.parametrize("state", ["inactive", "draft", "expired", "removed", "edit"])
def test_a_listing_that_the_site_does_not_show_is_left_out(state):
    body = json.dumps({"count": 2, "results": [entry(), entry(listing_id=8, state=state)]})
    assert [listing.listing_ref for listing in read_page(body, BATCH_URL).listings] == ["7"]


@pytest.mark.parametrize(
    ("price", "expected", "currency"),
    [
        ({"amount": 1999, "divisor": 100, "currency_code": "USD"}, "19.99", "USD"),
        ({"amount": 1999, "divisor": 1, "currency_code": "JPY"}, "1999", "JPY"),
        ({"amount": 1999, "divisor": 0, "currency_code": "USD"}, None, "USD"),
        ({"amount": None, "divisor": 100, "currency_code": 5}, None, None),
        ({}, None, None),
        (None, None, None),
    ],
)
def test_a_price_is_its_amount_over_its_divisor(price, expected, currency):
    (listing,) = read_page(json.dumps(entry(price=price)), BATCH_URL).listings
    assert listing.price_min == (Decimal(expected) if expected else None)
    assert listing.currency == currency


def test_dates_are_moments_and_nonsense_is_none():
    (listing,) = read_page(json.dumps(entry(original_creation_timestamp=1_000_000_000)), BATCH_URL).listings
    assert listing.listed_at == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    for nonsense in (None, 0, -5, 10**18, "1000000000", 1.5):
        (listing,) = read_page(json.dumps(entry(original_creation_timestamp=nonsense)), BATCH_URL).listings
        assert listing.listed_at is None


@pytest.mark.parametrize("results", ["[]", "[null]"])
def test_an_empty_list_is_the_end_of_it(results):
    page = read_page(f'{{"count":0,"results":{results}}}', etsy_api.active_listings_url("5"))
    assert (page.kind, page.listings, page.next_page) == (PageKind.SHOP, (), None)
    assert read_page(f'{{"count":0,"results":{results}}}', etsy_api.shop_by_name_url("x")).sellers == ()


def test_an_answer_of_another_call_is_not_taken_for_listings():
    image = {"listing_id": 7, "listing_image_id": 9, "rank": 1}
    for body in (image, {"count": 1, "results": [image]}, {"count": 1, "results": [{"receipt_id": 1}]}):
        with pytest.raises(PageError):
            read_page(json.dumps(body), f"{etsy_api.BASE_URL}/listings/7/images")
