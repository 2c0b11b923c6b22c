"""Web answers in a WARC file, as web archives keep them: each as it came, with its digest."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One answer to a request."""

    url: str
    #: When the answer had come
    at: datetime
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    #: As it came, still compressed where it was
    body: bytes


def write_warc(exchanges: Sequence[Exchange], *, software: str, user_agent: str) -> bytes:
    """Return a WARC file, compressed record by record, with one record for each answer."""
    file = io.BytesIO()
    writer = WARCWriter(file, gzip=True)
    information = {"software": software, "format": "WARC File Format 1.0", "http-header-user-agent": user_agent}
    writer.write_record(writer.create_warcinfo_record("capture.warc.gz", information))
    for each in exchanges:
        writer.write_record(
            writer.create_warc_record(
                each.url,
                "response",
                payload=io.BytesIO(each.body),
                http_headers=StatusAndHeaders(f"{each.status} {each.reason}", list(each.headers), protocol="HTTP/1.1"),
                warc_headers_dict={"WARC-Date": f"{each.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"},
            )
        )
    return file.getvalue()
