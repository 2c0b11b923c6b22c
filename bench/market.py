"""A replica of any size, in a process of its own: vendors, each with as many listings, whose photos are all different.

python -m bench.market VENDORS LISTINGS PHOTOS LATENCY_S LOG

prints its address in one line, and answers each request after so many seconds.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from theftwatch.demo import addresses
from theftwatch.demo.catalogue import Catalogue, DemoSeller, Offer, SellerKind, Served, read_picture, show
from theftwatch.demo.days import Days
from theftwatch.demo.replica import Replica
from theftwatch.listing import Listing, Seller

#: Widths and heights to which photos are made smaller, so that no two files are the same
_SIDES_PX = range(260, 520)
_LISTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request that the replica answered."""

    host: str
    path: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """A running replica of drawn vendors."""

    port: int
    log: Path

    def take_requests(self, host: str = "") -> list[Asked]:
        """Return the requests since the last call, to all hosts whose names end so."""
        lines = self.log.read_text("utf-8").splitlines()
        self.log.write_text("")
        return [
            Asked(host=each["host"], path=each["path"], at=datetime.fromisoformat(each["at"]))
            for each in map(json.loads, lines)
            if each["host"].endswith(host)
        ]


@contextmanager
def running_market(folder: Path, *, vendors: int, listings: int, photos: int, latency_s: float = 0) -> Iterator[Market]:
    """Serve what `drawn_catalogue` draws, each answer after so many seconds."""
    log = folder / "requests.jsonl"
    log.write_text("")
    numbers = map(str, (vendors, listings, photos, latency_s))
    command = [sys.executable, "-m", "bench.market", *numbers, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Market(port=int(process.stdout.readline().rpartition(":")[2]), log=log)
        finally:
            process.terminate()


def settings_for(dsn: str, folder: Path, port: int, *, delay_s: float = 0) -> dict[str, str]:
    """Return the settings of a crawl of a replica, as the environment has them."""
    return {
        "THEFTWATCH_DSN": dsn,
        "THEFTWATCH_DATA_DIR": str(folder),
        "THEFTWATCH_HOST_MAP": ",".join(f"{host}={at}" for host, at in addresses.host_map(port).items()),
        "THEFTWATCH_DELAY_S": str(delay_s),
    }


def drawn_catalogue(vendors: int, listings: int, photos: int) -> Catalogue:
    """Return so many vendors, each with as many listings of as many photos."""
    folder = resources.files("theftwatch.demo").joinpath("photos")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".jpg"))
    sellers = [vendor(f"drawn{each}", 800_000_000 + each, f"Drawn {each} Co., Ltd.") for each in range(vendors)]
    offers = []
    for number, seller in enumerate(sellers):
        for index in range(number * listings, (number + 1) * listings):
            words = []
            for photo in range(index * photos, (index + 1) * photos):
                side, name = divmod(photo, len(names))
                words.append(f"resized-{_SIDES_PX[side % len(_SIDES_PX)]}={names[name]}")
            offers.append(
                offer(seller, 1_700_000_000_000 + index, f"Drawn thing number {index}", words, listed_at=_LISTED_AT)
            )
    return Catalogue(sellers=tuple(sellers), offers=tuple(offers))


def vendor(handle: str, member: int, name: str) -> DemoSeller:
    """Return a vendor of Alibaba."""
    url = addresses.seller_url("alibaba", handle)
    seller = Seller(marketplace="alibaba", ref=str(member), name=name, url=url)
    return DemoSeller(seller=seller, handle=handle, currency="USD", kind=SellerKind.SHOP, member=member)


def offer(owner: DemoSeller, ref: int, title: str, pictures: Iterable[str], listed_at: datetime | None = None) -> Offer:
    """Return an offer of a vendor with the pictures that some words name."""
    shown = show(owner, map(read_picture, pictures), None)
    listing = Listing(
        marketplace="alibaba",
        listing_ref=str(ref),
        url=addresses.listing_url("alibaba", owner.handle, str(ref), title),
        title=title,
        seller=owner.seller,
        price_min=Decimal(2),
        price_max=Decimal(3),
        currency="USD",
        listed_at=listed_at,
        images=tuple(each.image for each in shown if each.image),
    )
    return Offer(seller=owner, listing=listing, shown=shown, served=Served.PAGE)


class _SlowReplica(Replica):
    """Lets each answer wait, as a way of some length does; it waits where the request is logged."""

    latency_s: float

    def write_log(self, *args: Any) -> None:
        time.sleep(self.latency_s)
        super().write_log(*args)


def main() -> None:
    """Serve as the command line says."""
    *numbers, latency_s, log = sys.argv[1:]
    with _SlowReplica(Days(drawn_catalogue(*map(int, numbers))), 0, Path(log)) as replica:
        replica.latency_s = float(latency_s)
        sys.stdout.write(f"http://{replica.address}\n")
        sys.stdout.flush()
        replica.serve_forever()


if __name__ == "__main__":
    main()
