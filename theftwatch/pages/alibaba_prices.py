"""Prices as Alibaba shows them to visitors of any country: `US $1.50-$2.80`, `1.234,56 €`, `1,132,159-1,222,853 NGN`.

Which currency a page shows follows from the visitor's address; where a page also gives dollars, its reader takes those.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from theftwatch.pages.money import read_amount

# Signs as browsers print them (Unicode CLDR). Alibaba marks other dollars by letters, so a bare $ is the US one; a bare
# ¥ may be the Japanese or the Chinese and stays unsaid. Longer signs stand before those that they contain.
_SIGNS = {
    "US$": "USD",
    "US $": "USD",
    "AU$": "AUD",
    "CA$": "CAD",
    "CL$": "CLP",
    "HK$": "HKD",
    "MX$": "MXN",
    "NT$": "TWD",
    "NZ$": "NZD",
    "SG$": "SGD",
    "A$": "AUD",
    "C$": "CAD",
    "R$": "BRL",
    "S$": "SGD",
    "CN¥": "CNY",
    "JP¥": "JPY",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "₦": "NGN",
    "GH₵": "GHS",
    "₵": "GHS",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₴": "UAH",
    "₫": "VND",
    "₱": "PHP",
    "₪": "ILS",
    "฿": "THB",
    "₸": "KZT",
    "zł": "PLN",
    "Kč": "CZK",
}
_CODES = (
    "AED ARS AUD AZN BDT BGN BHD BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DOP DZD EGP EUR GBP GEL GHS GTQ "
    "HKD HUF IDR ILS INR JOD JPY KES KRW KWD KZT LKR MAD MXN MYR NGN NOK NZD OMR PEN PHP PKR PLN QAR RON "
    "RSD RUB SAR SEK SGD THB TND TRY TWD TZS UAH UGX USD UYU VND XAF XOF ZAR ZMW"
)
_CURRENCY = re.compile("|".join(map(re.escape, _SIGNS)) + rf"|(?<![A-Za-z])(?:{_CODES.replace(' ', '|')})(?![A-Za-z])")
# A space parts thousands only before exactly three digits
_NUMBER = r"\d{1,3}(?:[\s’']\d{3})+(?!\d)(?:[.,]\d+)?|\d[\d.,]*"
_SPAN = re.compile(rf"({_NUMBER})(?:\s*[-–—~]\s*({_NUMBER}))?")
# Marks of writing direction stand between sign and number in Arabic and Hebrew pages
_PLAIN_SIGNS = str.maketrans("٫٬", ".,", "\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What an offer costs, from the lowest to the highest of its prices; false where nothing is known of it."""

    minimum: Decimal | None = None
    #: None where the page tells the lowest alone
    maximum: Decimal | None = None
    currency: str | None = None

    def __bool__(self) -> bool:
        return self.minimum is not None


def price_of(amounts: Iterable[Any], currency: str | None) -> Price:
    """Return what the amounts span, so far as they are prices."""
    found = [amount for value in amounts if (amount := read_amount(value))]
    return Price(minimum=min(found), maximum=max(found), currency=currency) if found else Price()


def read_price(text: Any) -> Price:
    """Return the first price of a text, or the span of prices that it begins with."""
    if not isinstance(text, str):
        return Price()
    text = text[:200].translate(_PLAIN_SIGNS)
    found = _SPAN.search(_CURRENCY.sub(" ", text))
    return price_of(filter(None, found.groups()), read_currency(text)) if found else Price()


def read_currency(text: str) -> str | None:
    """Return the ISO 4217 code of the first currency that a text names; None where it names none for certain."""
    found = _CURRENCY.search(text)
    return _SIGNS.get(found[0], found[0]) if found else None


def span(prices: Iterable[Price]) -> Price:
    """Return what the prices in the first one's currency span."""
    known = [price for price in prices if price]
    same = [price for price in known if price.currency == known[0].currency]
    return price_of(
        [each for price in same for each in (price.minimum, price.maximum)], same[0].currency if same else None
    )
