"""Trusted timestamps (RFC 3161): asking an authority for one, and verifying it.

An authority signs the digest of a file together with the moment. Whoever holds file, token and the authority's
certificate can check it, with this module or with `openssl ts -verify` alone.
"""

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from http.client import HTTPException
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)

from theftwatch.config import Settings
from theftwatch.errors import TimestampError, UsageError

_TIMEOUT_S = 30
_REPLY_MAX_BYTES = 1_000_000
_CONTEXT_0 = 0xA0


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """Who is asked for timestamps, and the certificates in PEM that its timestamps have to lead to."""

    url: str
    certificates: str
    user_agent: str

    @property
    def name(self) -> str:
        """Its host, by which pages and claims call it."""
        return urlsplit(self.url).hostname or self.url


@dataclass(frozen=True, kw_only=True, slots=True)
class Timestamp:
    """A verified timestamp."""

    #: The authority's whole reply, as it came
    token: bytes
    #: By when the file existed
    at: datetime
    #: When the first of the token's certificates runs out: until then it should be renewed
    expires_at: datetime


def authority_of(settings: Settings) -> Authority | None:
    """Return the authority of the settings; None where there is none.

    Raises UsageError where the certificate cannot be used.
    """
    if settings.timestamp_url is None:
        return None
    path = settings.timestamp_certificate
    if path is None:
        raise UsageError(
            "THEFTWATCH_TIMESTAMP_CERTIFICATE is not set, and timestamps are verified as they come: "
            "name a PEM file with the authority's root certificate"
        )
    try:
        text = path.read_text("ascii")
        read_certificates(text)
    except (OSError, ValueError) as exc:
        raise UsageError(
            f"THEFTWATCH_TIMESTAMP_CERTIFICATE: {path}: {exc}; name a PEM file with the authority's root certificate"
        ) from exc
    return Authority(url=settings.timestamp_url, certificates=text, user_agent=settings.user_agent)


def read_certificates(text: str) -> list[Certificate]:
    """Read certificates in PEM.

    Raises ValueError where there is none.
    """
    return load_pem_x509_certificates(text.encode())


def ask(authority: Authority, data: bytes) -> Timestamp:
    """Have an authority date some bytes; it learns their SHA-256 and nothing else.

    Raises TimestampError where it gives no timestamp, or one that does not verify.
    """
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    reply = _post(authority, request.as_bytes())
    response = _decode(reply)
    if response.status:
        why = "; ".join(response.status_string) or "no reason given"
        raise TimestampError(f"{authority.url} refuses (status {response.status}): {why}")
    _verify(VerifierBuilder.from_request(request), response, data, read_certificates(authority.certificates))
    return _timestamp(reply, response)


def verify(token: bytes, data: bytes, certificates: list[Certificate]) -> Timestamp:
    """Verify that a token dates some bytes and leads to one of the certificates.

    They have to be valid at the token's own moment, whatever the day is today. Raises TimestampError.
    """
    response = _decode(token)
    _verify(VerifierBuilder(), response, data, certificates)
    return _timestamp(token, response)


class _Unled(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: none keeps the query, and one may lead anywhere."""

    def redirect_request(self, *_: object) -> None:
        """Have the answer count as it is."""


def _post(authority: Authority, query: bytes) -> bytes:
    request = urllib.request.Request(  # noqa: S310  the settings allow http and https alone
        authority.url,
        data=query,
        headers={
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
            "User-Agent": authority.user_agent,
        },
    )
    try:
        with urllib.request.build_opener(_Unled).open(request, timeout=_TIMEOUT_S) as reply:
            body: bytes = reply.read(_REPLY_MAX_BYTES)
            return body
    except urllib.error.HTTPError as exc:
        exc.close()
        raise TimestampError(f"{authority.url} answers {exc.code} {exc.reason}") from exc
    except (OSError, HTTPException) as exc:
        raise TimestampError(f"{authority.url} cannot be reached: {getattr(exc, 'reason', None) or exc}") from exc


def _decode(reply: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(_in_order(reply))
    except Exception as exc:  # a decoder given hostile bytes may raise anything
        raise TimestampError("the reply is no timestamp (RFC 3161)") from exc


def _verify(builder: VerifierBuilder, response: TimeStampResponse, data: bytes, roots: list[Certificate]) -> None:
    verifier = reduce(VerifierBuilder.add_root_certificate, _unique(roots), builder).build()
    try:
        verifier.verify_message(response, data)
    except Exception as exc:  # as above: parts of it are decoded only now
        raise TimestampError(f"the timestamp does not verify: {exc}") from exc


def _unique(certificates: list[Certificate]) -> list[Certificate]:
    return list(dict.fromkeys(certificates))


def _timestamp(token: bytes, response: TimeStampResponse) -> Timestamp:
    try:
        runs_out = [load_der_x509_certificate(each).not_valid_after_utc for each in response.signed_data.certificates]
        return Timestamp(token=token, at=response.tst_info.gen_time, expires_at=min(runs_out))
    except Exception as exc:  # as above
        raise TimestampError(f"the timestamp cannot be read: {exc}") from exc


def _in_order(reply: bytes) -> bytes:
    """Return a reply whose certificates stand in the order of DER.

    Many authorities send the signer's first. The list is outside of what is signed, but the decoder insists.
    """
    status, *token = _children(reply, _span(reply, 0))
    del status
    signed_data = _children(reply, _children(reply, _children(reply, token[0])[1])[0]) if token else []
    listed = next((each for each in signed_data if reply[each[0]] == _CONTEXT_0), None)
    if listed is None:
        return reply
    certificates = _children(reply, listed)
    in_order = b"".join(sorted(reply[start:end] for start, _, end in certificates))
    return reply[: listed[1]] + in_order + reply[listed[2] :]


type _Span = tuple[int, int, int]


def _span(data: bytes, start: int) -> _Span:
    """Return where the DER element at `start` begins, where its content does, and where it ends."""
    length, begin = data[start + 1], start + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[start + 2 : begin])
    if begin + length > len(data):
        raise ValueError("an element ends after the data")
    return start, begin, begin + length


def _children(data: bytes, span: _Span) -> list[_Span]:
    return list(_walk(data, span))


def _walk(data: bytes, span: _Span) -> Iterator[_Span]:
    _, at, end = span
    while at < end:
        child = _span(data, at)
        yield child
        at = child[2]
