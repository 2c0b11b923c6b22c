"""What artisans have not been told: findings that a person confirmed and that still stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from email.headerregistry import Address
from itertools import groupby

from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.match.relation import artisan_of
from theftwatch.notices.smtp import mail_address


@dataclass(frozen=True, kw_only=True, slots=True)
class Untold:
    """A confirmed finding; fields as in `analysis.untold`."""

    finding: int
    verdict: int
    artisan_id: int
    artisan: str
    contact: str | None
    shop: str | None
    original_marketplace: str | None
    original: str | None
    original_url: str | None
    vendor: str
    marketplace: str
    url: str
    title: str | None
    direction: str | None
    margin_days: int | None
    missing_proof: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Affected:
    """An artisan, with all that is to be told at once."""

    id: int
    name: str
    contact: str | None
    findings: tuple[Untold, ...]

    @property
    def address(self) -> Address | None:
        """The artisan's mail address; None where there is no contact, or one of another kind."""
        return mail_address(self.contact or "")

    @property
    def listings(self) -> int:
        """How many suspect listings it is about."""
        return len({each.url for each in self.findings})

    @property
    def marketplaces(self) -> list[str]:
        """The sites that show them."""
        return sorted({each.marketplace for each in self.findings})

    @property
    def shops(self) -> list[tuple[str, str]]:
        """The artisan's shops that are copied, each with its marketplace."""
        return sorted(
            {
                (each.original_marketplace, each.shop)
                for each in self.findings
                if each.original_marketplace and each.shop
            }
        )


async def find_affected(connection: Connection, artisan: int | None = None) -> list[Affected]:
    """Return the artisans that there is something to tell, or one of them.

    In the caller's transaction. A shop that nobody named an artisan for gets one of the shop's name.
    """
    await execute(connection, "lock_writes")
    if artisan is None:
        for (shop,) in await fetch(connection, "find_shops_untold"):
            await artisan_of(connection, shop)
    return _by_artisan(await fetch_as(connection, Untold, "find_untold", artisan=artisan))


def _by_artisan(rows: Iterable[Untold]) -> list[Affected]:
    return [
        Affected(id=key, name=name, contact=contact, findings=tuple(findings))
        for (key, name, contact), findings in groupby(rows, key=lambda row: (row.artisan_id, row.artisan, row.contact))
    ]
