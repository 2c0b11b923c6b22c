"""What a person asks to be crawled again and again, in the person's own words: names, addresses, intervals."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from theftwatch.config import Settings
from theftwatch.db.queries import Connection, execute
from theftwatch.db.targets import Kind, Target, save_targets
from theftwatch.errors import UsageError
from theftwatch.pages import alibaba_urls, archive, artfire_urls, etsy_api, etsy_urls
from theftwatch.pages.addresses import listing_key

_ARTFIRE, _ALIBABA = "www.artfire.com", "www.alibaba.com"

#: What can be watched on a marketplace, with the host that is asked first; `{}` is the name of what is watched. An
#: address has its own host. A listing is given by its address.
KINDS: dict[str, dict[Kind, str | None]] = {
    "etsy": {"shop": "www.etsy.com", "search": "www.etsy.com", "url": None},
    "artfire": {"shop": _ARTFIRE, "archive": archive.HOST, "search": _ARTFIRE, "url": None},
    "alibaba": {"vendor": "{}.en.alibaba.com", "showroom": _ALIBABA, "search": _ALIBABA, "url": None},
}


def read_target(marketplace: str, kind: str, ref: str, *, every: timedelta, priority: int, reason: str) -> Target:
    """Return a target of what a person wrote.

    Raises UsageError.
    """
    kinds = KINDS.get(marketplace)
    if kinds is None:
        raise UsageError(f"{marketplace}: no marketplace of ours; known are {', '.join(KINDS)}")
    if kind not in kinds or not ref.strip():
        raise UsageError(f"{kind}={ref}: on {marketplace} can be watched: {', '.join(f'{each}=' for each in kinds)}")
    ref = ref.strip()
    if kind == "url" and not ref.startswith("https://"):
        raise UsageError(f"url={ref}: give an address with https://")
    key = listing_key(ref) if kind == "url" else None
    if key and key[0] != marketplace:
        raise UsageError(f"url={ref}: that is a listing on {key[0]}, not on {marketplace}")
    url = ref if key else None
    return Target(
        marketplace=marketplace,
        kind="listing" if key else kind,
        ref=key[1] if key else ref,
        url=url,
        every=every,
        priority=priority,
        reason=reason.strip() or "asked for",
    )


def read_address(address: str) -> tuple[str, Kind, str]:
    """Return marketplace, kind and ref, as `read_target` takes them, of the listing, shop or vendor at an address.

    Raises UsageError for any other address.
    """
    if not address.startswith(("http://", "https://")):
        address = f"https://{address}"
    if key := listing_key(address):
        return key[0], "url", f"https://{address.partition('://')[2]}"
    if shop := etsy_urls.read_address(address).shop_name:
        return "etsy", "shop", shop
    if shop := artfire_urls.read_shop_url(address):
        return "artfire", "shop", shop
    if vendor := alibaba_urls.subdomain(address):
        return "alibaba", "vendor", vendor
    raise UsageError(
        f"{address}: neither a listing nor a shop or vendor on Etsy, ArtFire or Alibaba; copy the address of one from "
        "the browser, or save the page and give that"
    )


def first_hosts(own: Settings) -> dict[str, dict[str, str]]:
    """Return which host is asked first, by marketplace and kind of target, as `KINDS` has it.

    With a key for it, Etsy is asked by its API.
    """
    hosts = {code: {str(kind): host for kind, host in kinds.items() if host} for code, kinds in KINDS.items()}
    if own.etsy_api_key:
        hosts["etsy"] = dict.fromkeys(hosts["etsy"], etsy_api.HOST)
    return hosts


async def watch(connection: Connection, targets: Sequence[Target], *, now: datetime) -> tuple[int, int]:
    """Add targets, in the caller's transaction; return how many are new, and how many were there and are changed."""
    await execute(connection, "lock_writes")
    return await save_targets(connection, targets, now=now)
