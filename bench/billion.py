"""The arithmetic of a billion listings, from what was measured here: `python -m bench.billion` prints its tables.

Nothing of this size was run. docs/scaling.md shows these tables, and a test holds that it shows no other numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_LISTINGS, _PHOTOS_EACH, _ORIGINALS = 1_000_000_000, 3, 1_000_000
_PHOTOS = _LISTINGS * _PHOTOS_EACH
_MS_PER_HOUR = 3_600_000
_GB, _TB = 1e9, 1e12


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number that the arithmetic starts from."""

    what: str
    value: float
    unit: str
    #: The benchmark that measured it; empty where it is assumed
    bench: str = ""


FINGERPRINT = Figure(what="fingerprint of a photo, with the network", value=13.7, unit="ms", bench="fingerprint")
VERIFY = Figure(
    what="look-up of an unrelated photo, without the search and the network", value=45, unit="ms", bench="lookup"
)
PARTS = Figure(what="the network for its parts", value=9, unit="ms", bench="lookup")
BY_HASH = Figure(what="search of a hash among 1,000,000 originals in memory", value=0.21, unit="ms", bench="index")
BY_DESCRIPTOR = Figure(what="search of a descriptor there", value=1.45, unit="ms", bench="index")
INDEX = Figure(what="memory of that index", value=1146, unit="MB", bench="index")
POSTGRES = Figure(what="Postgres, for a photo fingerprinted and looked up anew", value=4.4, unit="ms", bench="rematch")
LISTING_ROWS = Figure(what="rows of a listing", value=334, unit="bytes", bench="bytes")
LISTING_INDEXES = Figure(what="their indexes", value=156, unit="bytes", bench="bytes")
PHOTO_ROWS = Figure(what="rows of a photo", value=739, unit="bytes", bench="bytes")
PHOTO_INDEXES = Figure(what="their indexes", value=911, unit="bytes", bench="bytes")
DESCRIPTOR_ROWS = Figure(what="rows of a descriptor", value=1494, unit="bytes", bench="bytes")
DESCRIPTOR_INDEXES = Figure(what="their indexes", value=450, unit="bytes", bench="bytes")
STORED = Figure(what="listings stored a second, in one stream", value=2700, unit="", bench="store")
LEASED = Figure(what="targets leased a second, by four jobs", value=9100, unit="", bench="leases")

HASHES_ASKED = Figure(what="hashes asked for a photo", value=1.3, unit="")
DESCRIPTORS_ASKED = Figure(what="descriptors asked for a photo, and stored of it", value=2.6, unit="")
PHOTO_FILE = Figure(what="file of a photo", value=150, unit="kB")
CORE_PRICE = Figure(what="an hour of a core", value=0.04, unit="dollars")
DISK_PRICE = Figure(what="a GB of fast disk for a month", value=0.08, unit="dollars")
OBJECT_PRICE = Figure(what="a GB of object store for a month", value=0.02, unit="dollars")
PARTITION_ROWS = Figure(what="rows of a partition", value=100_000_000, unit="")

MEASURED = (
    *(FINGERPRINT, VERIFY, PARTS, BY_HASH, BY_DESCRIPTOR, INDEX, POSTGRES, LISTING_ROWS, LISTING_INDEXES, PHOTO_ROWS),
    *(PHOTO_INDEXES, DESCRIPTOR_ROWS, DESCRIPTOR_INDEXES, STORED, LEASED),
)
ASSUMED = (HASHES_ASKED, DESCRIPTORS_ASKED, PHOTO_FILE, CORE_PRICE, DISK_PRICE, OBJECT_PRICE, PARTITION_ROWS)


def tables() -> Iterator[str]:
    """Yield the lines of three tables: what was measured, what is assumed, and what comes of it."""
    yield "| measured | | by |"
    yield "|---|---|---|"
    for figure in MEASURED:
        yield f"| {figure.what} | {_number(figure.value, figure.unit)} | `python -m bench {figure.bench}` |"
    yield ""
    yield "| assumed | |"
    yield "|---|---|"
    yield f"| listings, photos of each, all different, and originals | {_LISTINGS:,}, {_PHOTOS_EACH}, {_ORIGINALS:,} |"
    for figure in ASSUMED:
        yield f"| {figure.what} | {_number(figure.value, figure.unit)} |"
    yield ""
    yield "| calculated | from | comes to |"
    yield "|---|---|---|"
    yield from _computing()
    yield from _keeping()


def _computing() -> Iterator[str]:
    search_ms = HASHES_ASKED.value * BY_HASH.value + DESCRIPTORS_ASKED.value * BY_DESCRIPTOR.value
    steps = (
        ("fingerprinting all photos", FINGERPRINT.value),
        ("searching for them in memory", search_ms),
        ("the network for their parts", PARTS.value),
        ("verifying what is found", VERIFY.value),
    )
    for what, each_ms in steps:
        yield f"| {what} | {_PHOTOS:,} × {each_ms:.1f} ms | {_core_hours(each_ms)} |"
    worker_ms = sum(each_ms for _, each_ms in steps)
    yield f"| all of that | {_PHOTOS:,} × {worker_ms:.1f} ms | {_core_hours(worker_ms)} |"
    cores = 32
    days = _PHOTOS * POSTGRES.value / _MS_PER_HOUR / 24 / cores
    yield (
        f"| Postgres meanwhile | {_PHOTOS:,} × {POSTGRES.value:.1f} ms | {_core_hours(POSTGRES.value)}; "
        f"{days:.0f} days of a server of {cores} cores |"
    )
    workers = worker_ms / POSTGRES.value
    yield f"| workers to a core of Postgres | {worker_ms:.1f} : {POSTGRES.value:.1f} | {workers:.0f} |"
    yield f"| storing all listings, in one stream | {_LISTINGS:,} : {STORED.value:,.0f} a second | {_days(STORED)} |"
    yield f"| leasing each listing once | {_LISTINGS:,} : {LEASED.value:,.0f} a second | {_days(LEASED)} |"


def _keeping() -> Iterator[str]:
    descriptors = _PHOTOS * DESCRIPTORS_ASKED.value
    rows = _LISTINGS * LISTING_ROWS.value + _PHOTOS * PHOTO_ROWS.value + descriptors * DESCRIPTOR_ROWS.value
    indexes = _LISTINGS * LISTING_INDEXES.value + _PHOTOS * PHOTO_INDEXES.value
    indexes += descriptors * DESCRIPTOR_INDEXES.value
    files = _PHOTOS * PHOTO_FILE.value * 1000
    for what, how, size, price in (
        ("rows", "listings, photos, descriptors", rows, DISK_PRICE.value),
        ("their indexes", "the same, HNSW with them", indexes, DISK_PRICE.value),
        ("files", f"{_PHOTOS:,} × {PHOTO_FILE.value:.0f} kB", files, OBJECT_PRICE.value),
    ):
        yield f"| {what} | {how} | {size / _TB:.1f} TB, {size / _GB * price:,.0f} dollars a month |"
    partitions = _PHOTOS / PARTITION_ROWS.value
    how = f"{_PHOTOS:,} : {PARTITION_ROWS.value:,.0f}"
    yield f"| partitions of `listing_image`, by range of listing | {how} | {partitions:.0f} |"


def _core_hours(each_ms: float) -> str:
    hours = _PHOTOS * each_ms / _MS_PER_HOUR
    return f"{hours:,.0f} core-hours, {hours * CORE_PRICE.value:,.0f} dollars"


def _days(rate: Figure) -> str:
    return f"{_LISTINGS / rate.value / 86_400:.1f} days"


def _number(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value == int(value) else f"{value:g}"
    return f"{number} {unit}".rstrip()


if __name__ == "__main__":
    print("\n".join(tables()))
