"""What a case may rest on: findings that a person confirmed, that no relation covers, and whose original was first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from theftwatch.db.queries import Connection, fetch_as
from theftwatch.db.sellers import company_of
from theftwatch.reports.words import day


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """A finding between an artisan and a vendor; fields as in the query `find_case_findings`."""

    finding: int
    listing: int
    marketplace: str
    url: str
    verdict: str | None
    needs_look_because: str | None
    relation: str | None
    direction: str | None
    not_proposable_because: str | None
    removed_at: datetime | None
    case_listing: int | None
    override_reason: str | None
    is_ground: bool

    def barrier(self, override: str | None) -> str | None:
        """Return why no case may rest on it; None where it may.

        `override` is a person's reason to take it in where a relation covers it, or the original is not known to have
        been first. Nothing overrides that a person has to confirm it, and that its photos count and are there.
        """
        if self.verdict != "confirmed":
            return "no person has confirmed it; `theftwatch finding confirm` does"
        if (because := self.needs_look_because) is not None:
            return f"it needs a look first ({because}); see `theftwatch finding show {self.finding}`"
        if self.removed_at is not None:
            return f"its photos were removed by {day(self.removed_at)}"
        if self.not_proposable_because in ("dropped", "suppressed"):
            return f"its photos do not count any more ({self.not_proposable_because})"
        if override is not None or self.override_reason is not None or self.not_proposable_because is None:
            return None
        if self.relation is not None:
            return f"a relation covers it ({self.relation.replace('_', ' ')}); `--override` takes it in, with a reason"
        return (
            f"the original is not known to have been first ({self.direction}), see `theftwatch finding show "
            f"{self.finding}`; `--override` takes it in, with a reason"
        )


async def find_grounds(connection: Connection, artisan: int, seller: int, case: int | None) -> list[Ground]:
    """Return the findings between an artisan and a vendor's shops, with what their case rests on already."""
    sellers = await company_of(connection, seller)
    return await fetch_as(connection, Ground, "find_case_findings", artisan=artisan, sellers=sellers, case=case)


def barrier_to_all(grounds: Iterable[Ground]) -> str | None:
    """Return why no case may rest on any of several findings; None where it may rest on one."""
    barriers = [each.barrier(None) for each in grounds]
    if None in barriers:
        return None
    return barriers[0] if barriers else "its findings are no longer between this artisan and this vendor"
