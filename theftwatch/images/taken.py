"""When a file says that its photo was taken: by its EXIF, its XMP and its IPTC, each as a bound.

Whoever has a file can write what it says, so a claim of it is weak, and those of a vendor's file are none at all. A
camera's clock gives local time, mostly without saying where: the moment then lies within the zones that there are.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import IptcImagePlugin
from PIL.ImageFile import ImageFile

from theftwatch.images.decode import open_image
from theftwatch.listing import DateClaim

_EXIF_IFD = 0x8769
_TAKEN, _TAKEN_OFFSET = 0x9003, 0x9011  # DateTimeOriginal and OffsetTimeOriginal
_IPTC_DATE, _IPTC_TIME = (2, 55), (2, 60)
#: In the order in which they are looked for: when the photo was made, then when the file was
_XMP_NAMES = ("DateTimeOriginal", "DateCreated", "CreateDate")
_XMP_DEPTH_MAX = 8
_ZONES = (timedelta(hours=-12), timedelta(hours=14))
#: Before this no camera wrote such dates; the first moments of its calendar are those of a clock that was never set
_FIRST_YEAR = 1990
_NEVER_SET = {(2000, 1, 1), (1990, 1, 1), (2001, 1, 1)}
_MOMENT = re.compile(
    r"(\d{4})[:-](\d\d)[:-](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


def taken_claims(data: bytes, *, now: datetime) -> tuple[DateClaim, ...]:
    """Return what a file says of when its photo was taken, one claim a source at most; none for what is no image.

    Dates after `now` and those of a clock that was never set are left out.
    """
    try:
        opened = open_image(data)
    except Exception:  # whatever a hostile file makes fail, it only says nothing
        return ()
    claims = []
    for source, read in (("exif", _exif), ("xmp", _xmp), ("iptc", _iptc)):
        if bounds := _bounds(_read(opened, read), now):
            earliest_at, latest_at = bounds
            claims.append(
                DateClaim(kind="taken", source=source, strength="weak", earliest_at=earliest_at, latest_at=latest_at)
            )
    return tuple(claims)


def _read(opened: ImageFile, read: Callable[[ImageFile], str | None]) -> str:
    try:
        return read(opened) or ""
    except Exception:  # the same
        return ""


def _exif(opened: ImageFile) -> str | None:
    values = opened.getexif().get_ifd(_EXIF_IFD)
    taken = values.get(_TAKEN)
    return f"{taken}{values.get(_TAKEN_OFFSET) or ''}" if taken else None


def _xmp(opened: ImageFile) -> str | None:
    found = dict(_leaves(opened.getxmp(), _XMP_DEPTH_MAX))
    return next((found[name] for name in _XMP_NAMES if name in found), None)


def _leaves(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the texts in nested values with their names, to some depth."""
    pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for name, each in pairs:
        if isinstance(each, dict | list) and depth:
            yield from _leaves(each, depth - 1)
        elif isinstance(each, str) and name:
            yield name, each


def _iptc(opened: ImageFile) -> str | None:
    values = IptcImagePlugin.getiptcinfo(opened) or {}
    date, time = (_text(values.get(tag)) for tag in (_IPTC_DATE, _IPTC_TIME))
    if not re.fullmatch(r"\d{8}", date):
        return None
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return f"{day}T{time[:2]}:{time[2:4]}:{time[4:6]}{time[6:]}" if re.match(r"\d{6}", time) else day


def _text(value: object) -> str:
    one = value[0] if isinstance(value, list) and value else value
    return one.decode("ascii", "replace").strip("\0 ") if isinstance(one, bytes) else ""


def _bounds(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Return between which moments a date lies that may lack its time and its zone."""
    found = _MOMENT.fullmatch(text.strip("\0 "))
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    whole_day = found[4] is None
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        zones = _zones(found[7])
    except ValueError:
        return None
    if year < _FIRST_YEAR or ((year, month, day) in _NEVER_SET and hour == 0):
        return None
    lasted = timedelta(days=1) if whole_day else timedelta(0)
    earliest_at, latest_at = local - zones[1], local + lasted - zones[0]
    return (earliest_at, latest_at) if earliest_at <= now else None


def _zones(text: str | None) -> tuple[timedelta, timedelta]:
    """Return the least and the greatest offset that a time may have."""
    if text is None:
        return _ZONES
    offset = datetime.strptime(text.replace("Z", "+0000").replace(":", ""), "%z").utcoffset() or timedelta(0)
    return offset, offset
