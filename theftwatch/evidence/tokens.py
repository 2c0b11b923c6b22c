"""The timestamps that the record holds of files, each with the one that it renews."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from theftwatch.db.queries import Connection, fetch_as


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A timestamp of a file, or of the bytes of an older token that it renews."""

    sha256: bytes
    id: int
    #: The token that it was made over; None: the file itself
    renews: int | None
    token: bytes
    stamped_at: datetime
    expires_at: datetime
    authority: str
    #: What it leads to, in PEM
    certificates: str


async def find_tokens(connection: Connection, sha256s: Sequence[bytes]) -> dict[bytes, list[Token]]:
    """Return the timestamps of files by SHA-256, the oldest first; a file without one is left out."""
    found: dict[bytes, list[Token]] = defaultdict(list)
    for token in await fetch_as(connection, Token, "find_timestamps", sha256s=list(sha256s)):
        found[token.sha256].append(token)
    return found
