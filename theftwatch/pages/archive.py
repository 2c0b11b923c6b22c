"""The Internet Archive: addresses of captures, the index of them, and what a capture proves.

The index is described at https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server.

The archive answers the address of a capture with the nearest one that it has. An image on a captured page may so be
years older or younger than the page: the capture time is a claim on the listing, not on its images.
"""

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from theftwatch.errors import PageBlockedError, PageChangedError
from theftwatch.listing import DateClaim

logger = logging.getLogger(__name__)

HOST = "web.archive.org"
_INDEX = f"https://{HOST}/cdx/search/cdx"
_INDEX_URL = re.compile(rf"https?://{re.escape(HOST)}(?::[0-9]+)?/cdx/search/cdx\?", re.IGNORECASE)
_FIELDS = ("timestamp", "original", "mimetype", "statuscode", "digest")
_TIMESTAMP = "%Y%m%d%H%M%S"
# The archive also writes addresses without host (in its pages), with a flag after the timestamp (`im_` for an image),
# with one slash after the scheme and with no scheme. Fewer than 14 digits name no capture: they lead to the nearest.
_CAPTURE_URL = re.compile(
    rf"(?:(?:https?:)?//{re.escape(HOST)}(?::[0-9]+)?)?/web/(?P<timestamp>[0-9]{{14}})(?:[a-z]{{2}}_)?/(?P<original>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_REFUSALS = {
    "AccessControlException": "it has excluded this site",
    "has been excluded from the Wayback Machine": "it has excluded this address",
    "429 Too Many Requests": "it was asked too often",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """One taking of one address by the archive."""

    captured_at: datetime
    #: The address as it was captured; old ones name the port 80
    original: str
    #: HTTP status; None where the index does not say
    status: int | None = None
    mime_type: str | None = None
    #: SHA-1 of the body in base 32
    digest: str | None = None

    @property
    def url(self) -> str:
        """Return where the archive gives the captured bytes, unchanged."""
        return capture_url(self.captured_at, self.original)

    @property
    def claim(self) -> DateClaim:
        """Return what the capture proves: what it shows existed by then."""
        return DateClaim(kind="archived", latest_at=self.captured_at, source=HOST, strength="strong")


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureList:
    """One answer of the index."""

    captures: tuple[Capture, ...]
    #: Where the next answer begins, for `resumed_url`; None at the end
    resume_key: str | None = None


def index_url(
    url: str,
    *,
    prefix: bool = False,
    earliest_at: datetime | None = None,
    latest_at: datetime | None = None,
    limit: int = 1000,
) -> str:
    """Return the address of the index of the good captures of `url`, oldest first.

    With `prefix`, of all addresses that begin with `url`, and the first capture of each.
    """
    query = {
        "url": url,
        "output": "json",
        "fl": ",".join(_FIELDS),
        "filter": "statuscode:200",
        "collapse": "urlkey" if prefix else "digest",
        "limit": str(limit),
        "showResumeKey": "true",
    }
    if prefix:
        query["matchType"] = "prefix"
    if earliest_at:
        query["from"] = _timestamp(earliest_at)
    if latest_at:
        query["to"] = _timestamp(latest_at)
    return f"{_INDEX}?{urlencode(query)}"


def url_up_to(url: str, key: str) -> str:
    """Return an address up to the key in it, by which the index has all other forms of it; all of it without the key.

    Behind its key an address has what may change: the words of a title, the size of a picture, a query.
    """
    at = url.find(key)
    return url[: at + len(key)] if key and at >= 0 else url


def is_of_key(original: str, url: str, key: str) -> bool:
    """Return whether a captured address is one of `url`, whose key does not go on in it."""
    stem = _bare(url_up_to(url, key))
    rest = _bare(original).removeprefix(stem)
    return _bare(original).startswith(stem) and not re.match(r"\w", rest)


def is_index_url(url: str) -> bool:
    """Return whether an address is one of the index."""
    return bool(_INDEX_URL.match(url.strip()))


def resumed_url(url: str, resume_key: str) -> str:
    """Return the address of the answer that follows another answer of the index."""
    # The index gives the key percent-encoded
    return re.sub("&resumeKey=[^&#]*", "", url.strip()) + f"&resumeKey={resume_key}"


def read_index(body: str) -> CaptureList:
    """Read an answer of the index; no capture is an empty list.

    Raises PageBlockedError or PageChangedError.
    """
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as exc:
        check_refusal(body, _INDEX)
        raise PageChangedError(f"{_INDEX}: answered no JSON ({body[:60]!r}); ask again later") from exc
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise PageChangedError(f"{_INDEX}: answered no list of rows; mend theftwatch/pages/archive.py")
    if not rows:
        return CaptureList(captures=())

    header, *rows = rows
    columns = [str(name) for name in header]
    if not {"timestamp", "original"} <= set(columns):
        raise PageChangedError(f"{_INDEX}: columns {columns} lack time or address; mend theftwatch/pages/archive.py")
    resume_key = None
    # After the last capture: an empty row, then the key alone
    if [] in rows:
        end = rows.index([])
        rows, rest = rows[:end], rows[end + 1 :]
        resume_key = next((row[0] for row in rest if row and isinstance(row[0], str)), None)
    read = (_read_row(dict(zip(columns, row, strict=False))) for row in rows)
    return CaptureList(captures=tuple(capture for capture in read if capture), resume_key=resume_key)


def capture_url(captured_at: datetime, original: str) -> str:
    """Return where the archive gives the bytes that it took of `original` at that time, or nearest to it, unchanged."""
    return f"https://{HOST}/web/{_timestamp(captured_at)}id_/{original}"


def read_capture_url(url: str) -> Capture | None:
    """Return which capture an address of the archive names; None where it names none."""
    found = _CAPTURE_URL.fullmatch(url.strip())
    captured_at = found and _moment(found["timestamp"])
    if not found or not captured_at:
        return None
    return Capture(captured_at=captured_at, original=_with_scheme(found["original"]))


def original_url(url: str) -> str:
    """Return the address that an address of the archive stands for; another address is returned as it is."""
    capture = read_capture_url(url)
    return capture.original if capture else url


def check_refusal(body: str, url: str) -> None:
    """Raise PageBlockedError where the archive says that it does not show the page."""
    for mark, reason in _REFUSALS.items():
        if mark in body:
            raise PageBlockedError(f"{url}: the Internet Archive refused, {reason}; slow down or look elsewhere")


def _bare(url: str) -> str:
    """Return an address without what differs between captures of the same: scheme, port, `www.` and case."""
    return re.sub(r"^https?://(?:www\.)?([^/:]+)(?::\d+)?", r"\1", url.lower())


def _read_row(row: dict[str, object]) -> Capture | None:
    timestamp, original, status = row.get("timestamp"), row.get("original"), row.get("statuscode")
    captured_at = _moment(timestamp) if isinstance(timestamp, str) else None
    if captured_at is None or not isinstance(original, str) or not original:
        logger.warning("the archive's index has a row without time or address: %.200r", row)
        return None
    return Capture(
        captured_at=captured_at,
        original=original,
        status=int(status) if isinstance(status, str) and re.fullmatch("[1-5][0-9]{2}", status) else None,
        mime_type=_text(row.get("mimetype")),
        digest=_text(row.get("digest")),
    )


def _text(value: object) -> str | None:
    # `-` stands for what a record does not have
    return value if isinstance(value, str) and value not in {"", "-"} else None


def _moment(timestamp: str) -> datetime | None:
    """Return the UTC moment of 14 digits; None where there is no such moment."""
    if not re.fullmatch("[0-9]{14}", timestamp):
        return None
    try:
        return datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _timestamp(moment: datetime) -> str:
    # Not strftime: it writes years before 1000 with fewer than four digits
    return re.sub("[^0-9]", "", moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat())


def _with_scheme(original: str) -> str:
    scheme, colon, rest = original.partition(":/")
    if colon and scheme.lower() in {"http", "https"}:
        return f"{scheme.lower()}://{rest.lstrip('/')}"
    return f"http://{original.lstrip('/')}"
