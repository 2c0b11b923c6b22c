"""Vendors as Alibaba's pages name them: by company id where a page shows it, always by subdomain where one is known."""

import re
from typing import Any

from theftwatch.listing import Alias, Seller
from theftwatch.pages.alibaba_urls import subdomain, vendor_url
from theftwatch.pages.embedded import text_of

MARKETPLACE = "alibaba"
_REF = re.compile(r"[1-9][0-9]{0,18}")


def seller_of(
    *, ref: Any = None, name: Any = None, country: Any = None, member: Any = None, addresses: tuple[Any, ...] = ()
) -> Seller | None:
    """Return a vendor from what a page says of it; None where that is nothing.

    `member` is the account that the vendor's company has its shops with. `addresses` are hosts or addresses of the
    vendor's own pages; the first that is one counts.
    """
    address = next((address for address in addresses if subdomain(address)), None)
    ref, name, country, member = text_of(ref), text_of(name), text_of(country), text_of(member)
    alias = subdomain(address)
    if not (ref or name or alias):
        return None
    return Seller(
        marketplace=MARKETPLACE,
        ref=ref if ref and _REF.fullmatch(ref) else None,
        name=name,
        url=vendor_url(address),
        country=country if country and len(country) == 2 and country.isupper() else None,
        aliases=(Alias(kind="subdomain", value=alias),) if alias else (),
        company=(Alias(kind="member_id", value=member),) if member and _REF.fullmatch(member) else (),
    )


def unique_sellers(sellers: list[Seller | None]) -> tuple[Seller, ...]:
    """Return the sellers in order, each once."""
    return tuple(dict.fromkeys(seller for seller in sellers if seller))
