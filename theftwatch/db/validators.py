"""With what a page is asked for again, so that a host need not send what has not changed (RFC 9110, section 13)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

from theftwatch.db.queries import Connection, execute, fetch

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
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


async def find_validator(connection: Connection, url: str, *, now: datetime) -> Validator | None:
    """Return with what a page can be asked for; None where it has to be read."""
    rows = await fetch(connection, "find_validator", url=url, version=version("theftwatch"), since=now - READ_ANEW)
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
            version=version("theftwatch"),
            now=now,
        )


async def delete_old(connection: Connection, *, now: datetime) -> None:
    """Forget pages that have to be read anew."""
    await execute(connection, "delete_old_validators", since=now - READ_ANEW)
