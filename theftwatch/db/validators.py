"""With what pages and images are asked for again, so that hosts need not send what has not changed (RFC 9110, 13)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import theftwatch
from theftwatch.db.queries import Connection, columns, execute, fetch

#: A page that was not read for so long is read anew, whatever its host says of it
READ_ANEW = timedelta(weeks=13)


@dataclass(frozen=True, kw_only=True, slots=True)
class Validator:
    """What a host gave with a page that was read, and what the page led to."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    #: The marketplace's keys of the listings that it shows
    listing_refs: tuple[str, ...] = ()
    #: Addresses of the pages that it leads to: the next one of a list, the list of a profile
    leads_to: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that ask for the page only if it has changed."""
        return _conditions(self.etag, self.last_modified)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageValidator:
    """What a host gave with an image that is asked for again."""

    url: str
    sha256: bytes
    etag: str | None = None
    last_modified: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that ask for the image only if it has changed."""
        return _conditions(self.etag, self.last_modified)


async def find_validator(connection: Connection, url: str, *, target: int, now: datetime) -> Validator | None:
    """Return with what a page of a target can be asked for; None where it has to be read."""
    rows = await fetch(
        connection, "find_validator", url=url, target=target, version=theftwatch.__version__, since=now - READ_ANEW
    )
    for address, etag, last_modified, listing_refs, leads_to in rows:
        return Validator(
            url=address,
            etag=etag,
            last_modified=last_modified,
            listing_refs=tuple(listing_refs),
            leads_to=tuple(leads_to),
        )
    return None


async def save(connection: Connection, validators: Sequence[Validator], *, now: datetime) -> None:
    """Keep what hosts gave with pages that were read now."""
    for validator in {each.url: each for each in validators}.values():
        await execute(
            connection,
            "upsert_validator",
            url=validator.url,
            etag=validator.etag,
            last_modified=validator.last_modified,
            listing_refs=list(validator.listing_refs),
            leads_to=list(validator.leads_to),
            version=theftwatch.__version__,
            now=now,
        )


async def find_image_validator(connection: Connection, url: str) -> ImageValidator | None:
    """Return with what an image can be asked for; None where it has to be sent."""
    for sha256, etag, last_modified in await fetch(connection, "find_image_validator", url=url):
        return ImageValidator(url=url, sha256=sha256, etag=etag, last_modified=last_modified)
    return None


async def save_images(connection: Connection, validators: Iterable[ImageValidator], *, damaged: Sequence[str]) -> None:
    """Keep what hosts gave with images that are stored; of those that are unusable for such a reason, nothing."""
    unique = {each.url: each for each in validators}.values()
    if unique:
        await execute(
            connection,
            "upsert_image_validators",
            damaged=list(damaged),
            **columns(
                {
                    "urls": each.url,
                    "sha256s": each.sha256,
                    "etags": each.etag,
                    "last_modified": each.last_modified,
                }
                for each in unique
            ),
        )


async def delete_old(connection: Connection, *, now: datetime) -> None:
    """Forget pages that have to be read anew."""
    await execute(connection, "delete_old_validators", since=now - READ_ANEW)


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in headers.items() if value}
