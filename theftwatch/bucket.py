"""A bucket of an S3-compatible store as a place for files; keys and address come from the usual AWS_* variables."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from theftwatch.errors import FileStoreError, UsageError
from theftwatch.files import Held

if TYPE_CHECKING:
    from obstore.store import S3Store

#: How long a store that does not answer, or answers with a fault of its own, is asked again
_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, or what lies in it below a prefix. It writes a thing whole or not at all."""

    address: str
    _store: "S3Store"
    #: Where a person wrote the address, for errors
    _named_by: str

    def __str__(self) -> str:
        return self.address

    def write(self, name: str, data: bytes) -> None:
        """Write a thing, in place of what had the name.

        Raises FileStoreError, as all of these do, where the store is away or refuses.
        """
        import obstore

        with self._explained():
            # In one request: one of several parts would leave parts behind after a kill, which cost and nobody sees.
            obstore.put(self._store, name, data, use_multipart=False)

    def read(self, name: str) -> bytes:
        """Return a thing. Raises FileNotFoundError."""
        import obstore

        with self._explained():
            return bytes(obstore.get(self._store, name).bytes())

    def size(self, name: str) -> int | None:
        """Return how many bytes a thing has; None where it is not there."""
        import obstore

        try:
            with self._explained():
                return obstore.head(self._store, name)["size"]
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> bool:
        """Delete a thing, and return whether it was there."""
        import obstore

        there = self.size(name) is not None
        with self._explained():
            obstore.delete(self._store, name)
        return there

    def find(self, folder: str) -> Iterator[Held]:
        """Yield what lies directly in a folder, in any order."""
        import obstore

        with self._explained():
            for page in obstore.list(self._store, folder):
                for found in page:
                    yield Held(name=found["path"], byte_count=found["size"], written_at=found["last_modified"])

    def sweep(self, folder: str) -> int:  # noqa: ARG002  of every place
        """Delete nothing, as nothing is broken off here."""
        return 0

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the library says of a store that is away or refuses into an error that names the remedy."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as exc:
            if "NoSuchBucket" in str(exc):
                raise FileStoreError(f"{self}: there is no such bucket; make it, or mend {self._named_by}") from exc
            raise
        except (BaseError, OSError, ValueError) as exc:
            raise FileStoreError(
                f"{self}: {_first_line(cast('Exception', exc))}; check the store, and AWS_ENDPOINT_URL and the keys"
            ) from exc


def open_bucket(address: str, *, named_by: str = "the address") -> Bucket:
    """Return the bucket of an address such as `s3://bucket/prefix`; nothing is asked of it yet.

    `named_by` says what to mend where it leads nowhere. Raises UsageError for an address that names none, and where the
    library is not installed.
    """
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
        raise UsageError(
            f"{address!r} names no bucket; write s3://bucket or s3://bucket/prefix, keys as AWS_* settings"
        )
    try:
        from obstore.store import S3Store
    except ImportError as exc:
        raise UsageError(f"{address}: the package obstore is missing; `pip install theftwatch[s3]`") from exc
    try:
        # `Any`: the names of its options are typed one by one
        options: Any = {"allow_http": True, "timeout": timedelta(seconds=60), "connect_timeout": timedelta(seconds=10)}
        store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options=options,
            retry_config={"max_retries": 10, "retry_timeout": _PATIENCE},
        )
    except Exception as exc:  # the library's own, for a variable that it cannot use
        raise UsageError(f"{address}: {_first_line(exc)}; see docs/settings.md on AWS_*") from exc
    return Bucket(address.rstrip("/"), store, named_by)


def _first_line(exc: Exception) -> str:
    return next((line.strip() for line in str(exc).splitlines() if line.strip()), type(exc).__name__)[:300]
