"""Reading amounts of money as pages of any language write them."""

import re
from decimal import Decimal, InvalidOperation

# Amounts beyond this are no prices but damage
_LIMIT = Decimal(10) ** 12

_NUMBER = re.compile(r"\d+(?:[.,'’\s]\d{3}(?!\d))*(?:[.,]\d+)?")

# Only signs that stand for one currency; a bare "kr" or "R" may be several. Longer signs are tried first.
_CURRENCY_OF_SIGN = {
    "US$": "USD",
    "CA$": "CAD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "SG$": "SGD",
    "MX$": "MXN",
    "NT$": "TWD",
    "R$": "BRL",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "₺": "TRY",
    "₹": "INR",
    "₪": "ILS",
    "₫": "VND",
    "₱": "PHP",
    "₴": "UAH",
    "zł": "PLN",
    "¥": "JPY",
}
_SIGN = "|".join(re.escape(sign) for sign in sorted(_CURRENCY_OF_SIGN, key=len, reverse=True))
# A sign before a number touches it, where a sign after a number may be followed by the next price
_PRICE = re.compile(
    rf"(?P<before>{_SIGN})\s*(?P<after>{_NUMBER.pattern})|(?P<first>{_NUMBER.pattern})\s*(?P<last>{_SIGN})(?!\d)"
)


def read_amount(value: object) -> Decimal | None:
    """Return a number, or the first number in a text, as an amount; None where there is none that can be a price.

    A text may group its thousands by point, comma, apostrophe or space. One separator before exactly three digits
    groups, since hardly a currency has three decimals.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return _within_limits(str(value))
    if isinstance(value, str) and (found := _NUMBER.search(value[:100])):
        return _within_limits(_plain(found.group()))
    return None


def read_price(text: str) -> tuple[Decimal | None, str | None]:
    """Return the first amount of a text that stands beside a currency sign, with its currency; else (None, None)."""
    found = _PRICE.search(text)
    if not found:
        return None, None
    sign = found["before"] or found["last"]
    return read_amount(found["after"] or found["first"]), _CURRENCY_OF_SIGN[sign]


def _plain(number: str) -> str:
    """Return a number with a decimal point at most, and nothing between its thousands."""
    head, separator, tail = _split_at_last_separator(number)
    groups = len(tail) == 3 and len(re.split(r"\D", head)[0]) <= 3 and head.strip("0") != ""
    other_separators = set(re.findall(r"[.,]", head)) - {separator}
    decimals = "" if not separator or (groups and not other_separators) else "."
    return re.sub(r"\D", "", head) + decimals + tail


def _split_at_last_separator(number: str) -> tuple[str, str, str]:
    last = max(number.rfind("."), number.rfind(","))
    return (number, "", "") if last < 0 else (number[:last], number[last], number[last + 1 :])


def _within_limits(number: str) -> Decimal | None:
    try:
        amount = Decimal(number)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < _LIMIT else None
