"""What a bundle says of an artisan's matter with a vendor."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from theftwatch.cases.clock import Portal
from theftwatch.evidence.certificate import ArtisanFile
from theftwatch.evidence.tokens import Token
from theftwatch.match.ledger import Dates


@dataclass(frozen=True, kw_only=True, slots=True)
class Artisan:
    """Who made the originals."""

    id: int
    name: str
    contact: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Vendor:
    """Who shows copies."""

    id: int
    marketplace: str
    seller_ref: str
    name: str | None
    url: str | None
    country: str | None

    @property
    def called(self) -> str:
        """What to call it."""
        return self.name or self.seller_ref


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """An original and a suspect listing, and what is known of them."""

    finding: int
    verdict: str | None
    judged_by: str | None
    judged_at: datetime | None
    proposable: bool
    not_proposable_because: str | None
    direction: str | None
    margin_days: int | None
    weakest_link: str | None
    missing_proof: str | None
    likelier_source: str | None
    pixel_reasons: list[str] | None
    original_kind: str
    original: str | None
    original_url: str | None
    original_marketplace: str | None
    suspect_title: str | None
    suspect_url: str
    suspect_state: str
    listing: int
    marketplace: str
    listing_ref: str
    vendor_id: int | None
    artisan_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two photos that match."""

    finding: int
    decision: str
    score: float
    method: str
    transform: dict[str, Any] | None
    explanation: str
    algorithm_version: int
    decided_at: datetime
    original_sha256: bytes
    original_kind: str
    original: str | None
    original_url: str | None
    original_image_url: str | None
    suspect_sha256: bytes
    suspect: str | None
    suspect_url: str
    suspect_image_url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFile:
    """A file of a capture."""

    capture: int
    name: str
    role: str
    sha256: bytes
    byte_count: int
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptCapture:
    """A capture of a suspect listing."""

    id: int
    listing: int
    why: str
    state: str
    detail: str | None
    url: str
    http_status: int | None
    taken_at: datetime
    manifest_sha256: bytes
    marketplace: str
    listing_ref: str

    @property
    def is_of_page(self) -> bool:
        """Whether the listing was there to be seen."""
        return self.state in ("taken", "page_only")


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that one bundle says."""

    artisan: Artisan
    #: Shops of one company in a complaint, and anybody's in a defence
    vendors: tuple[Vendor, ...]
    #: None where no portal is known that takes complaints about the marketplace
    portal: Portal | None
    findings: tuple[Finding, ...]
    pairs: tuple[Pair, ...]
    #: By finding
    dates: dict[int, Dates]
    files: tuple[ArtisanFile, ...]
    captures: tuple[KeptCapture, ...]
    #: By capture
    captured: dict[int, tuple[KeptFile, ...]]
    #: By SHA-256 of what they date
    tokens: dict[bytes, list[Token]]

    @property
    def vendor(self) -> str:
        """What to call the vendor of a complaint: its shops, where it has several."""
        return " and ".join(each.called for each in self.vendors)

    @property
    def marketplace(self) -> str:
        """The site that shows the copies of a complaint."""
        return self.findings[0].marketplace

    def vendor_of(self, finding: Finding) -> Vendor:
        """Return whose listing a finding is about."""
        return next(each for each in self.vendors if each.id == finding.vendor_id)

    @property
    def works(self) -> tuple[Finding, ...]:
        """The originals that were copied, each once, by a finding of it."""
        return tuple({(each.original, each.original_url): each for each in reversed(self.findings)}.values())[::-1]

    @property
    def not_given(self) -> str | None:
        """Which of the files that a portal wants the artisan did not give, in words."""
        kinds = {each.kind for each in self.files}
        lacking = [word for kind, word in (("original", "original file"), ("outtake", "out-take")) if kind not in kinds]
        return f"no {' and no '.join(lacking)}" if lacking else None

    @property
    def addresses(self) -> tuple[str, ...]:
        """The suspect listings, each once."""
        return tuple(dict.fromkeys(each.suspect_url for each in self.findings))

    @property
    def by_address(self) -> dict[str, tuple[Finding, ...]]:
        """The findings about each suspect listing, the one first by which the original is known to be the oldest."""
        return {
            url: tuple(sorted((each for each in self.findings if each.suspect_url == url), key=_firmness, reverse=True))
            for url in self.addresses
        }


def _firmness(finding: Finding) -> tuple[bool, int, bool]:
    return finding.direction == "original_first", finding.margin_days or 0, finding.original_kind == "listing"
