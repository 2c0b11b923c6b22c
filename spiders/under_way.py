"""A target that is being crawled, from its lease to the visit that this comes to."""

from dataclasses import dataclass, field

from theftwatch.db.targets import Outcome, Visit
from theftwatch.db.validators import Validator


@dataclass(slots=True)
class UnderWay:
    """A leased target: how many of its requests and listings are not done, and what came of the others."""

    open: int = 1
    outcomes: set[Outcome] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    requests: int = 0
    host: str | None = None
    #: Whether a listing was passed on, as it is new or has changed
    changed: bool = False
    #: Whether all that was passed on is in the record, with all its images
    stored: bool = True
    validators: list[Validator] = field(default_factory=list)
    #: Pages that were shown to us, the listings on them, and how many there are by their own word
    pages: int = 0
    shown: set[str] = field(default_factory=set)
    expected: int | None = None

    def visit(self) -> Visit:
        """Return how it went."""
        return Visit(
            outcome=_sum_up(self.outcomes),
            changed=self.changed,
            requests=self.requests,
            host=self.host,
            pages=self.pages,
            listings_seen=len(self.shown),
            listings_expected=self.expected,
        )


def _sum_up(seen: set[Outcome]) -> Outcome:
    """Return how a target went whose pages went so: as they all did, else in part; but a refusal is told."""
    if "blocked" in seen:
        return "blocked"
    return next(iter(seen)) if len(seen) == 1 else ("partial" if seen else "ok")
