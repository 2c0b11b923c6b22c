"""Amounts of money in the forms of several languages."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theftwatch.pages.money import read_amount, read_price


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("39.99", "39.99"),
        ("39,99", "39.99"),
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1 234,56 €", "1234.56"),
        ("1\u202f234,56", "1234.56"),
        ("1'234.50", "1234.50"),
        ("1,234", "1234"),
        ("1.234", "1234"),
        ("1.234.567", "1234567"),
        ("0.125", "0.125"),
        ("12345.678", "12345.678"),
        ("US$ 7", "7"),
        (40.63, "40.63"),
        (12, "12"),
        ("49.99000000000000198951966012828052043914794921875", "49.99000000000000198951966012828052043914794921875"),
    ],
)
def test_an_amount_is_read(value, amount):
    assert read_amount(value) == Decimal(amount)


@pytest.mark.parametrize("value", [None, True, "", "Sold", [], float("nan"), float("inf"), -3, 10**15, "9" * 99])
def test_what_is_no_price_gives_none(value):
    assert read_amount(value) is None


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("Cup for 2 $39.99 $49.99 (20% off)", "39.99", "USD"),
        ("CA$ 1,039.99", "1039.99", "CAD"),
        ("(1,532) 12,50 €", "12.50", "EUR"),
        ("₺ 1.250,00", "1250.00", "TRY"),
        ("12,50 € 15,00 €", "12.50", "EUR"),
        ("39,99 zł", "39.99", "PLN"),
    ],
)
def test_a_price_is_found_in_a_text_by_its_currency_sign(text, amount, currency):
    assert read_price(text) == (Decimal(amount), currency)


@pytest.mark.parametrize("text", ["", "Sold", "(1,532)", "12,50 kr", "$ free"])
def test_a_text_without_a_known_sign_has_no_price(text):
    assert read_price(text) == (None, None)


@given(st.text(alphabet="0123456789.,' $€\u00a0", max_size=40))
def test_no_text_breaks_the_reader(text):
    amount = read_amount(text)
    assert amount is None or amount >= 0
    read_price(text)
