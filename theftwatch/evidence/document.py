"""The documents of a bundle: the evidence as a page, the statement to be signed, and the complaint as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from textwrap import fill
from typing import TYPE_CHECKING

from theftwatch.errors import UnusableImageError
from theftwatch.evidence.certificate import host
from theftwatch.evidence.facts import Facts, Finding, KeptCapture, Pair
from theftwatch.files import Files
from theftwatch.match.direction import in_words
from theftwatch.match.transform import transform_from_json
from theftwatch.reports.drawing import Drawing, draw
from theftwatch.reports.html import environment, style
from theftwatch.reports.preview import Preview, make_preview
from theftwatch.reports.words import count, marketplace_name, one_line

if TYPE_CHECKING:
    from theftwatch.evidence.dossier import Dossier

_WIDTH = 78


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPair:
    """A pair of photos with its pictures and its drawing; None where they cannot be made."""

    pair: Pair
    original: Preview | None
    suspect: Preview | None
    drawing: Drawing | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownCapture:
    """A capture with a picture of the photo's place, or of the page."""

    capture: KeptCapture
    folder: str
    preview: Preview | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DatedRow:
    """A line of the ledger."""

    at: datetime
    side: str
    what: str


def evidence_page(
    facts: Facts,
    files: Files,
    *,
    now: datetime,
    names: Mapping[bytes, str],
    folders: Mapping[int, str],
    side_px: int,
    title: str,
    lead: str,
    checks: Sequence[str],
) -> str:
    """Return the page of the evidence; `names` and `folders` say where files and captures lie in the bundle.

    `checks` are the commands that verify it. Pictures are `side_px` on their long side. Makes them, which takes the
    processor.
    """
    templates = environment("theftwatch.evidence")
    templates.filters["host"] = host
    return templates.get_template("evidence.html.j2").render(
        facts=facts,
        title=title,
        lead=lead,
        now=now,
        ledgers=[(findings[0], ledger(facts, findings)) for findings in facts.by_address.values()],
        pairs=[_shown_pair(pair, files, side_px) for pair in facts.pairs],
        captures=[_shown_capture(each, facts, files, folders, side_px) for each in facts.captures],
        names=names,
        checks=checks,
        **style(_sheet()),
    )


def statement_page(facts: Facts, *, now: datetime) -> str:
    """Return the copyright claim statement, filled from the record, to be checked and signed."""
    return (
        environment("theftwatch.evidence")
        .get_template("statement.html.j2")
        .render(facts=facts, now=now, **style(_sheet()))
    )


def dossier_page(dossier: "Dossier", *, now: datetime) -> str:
    """Return the page about a vendor and the artisans who agreed to be named."""
    return (
        environment("theftwatch.evidence")
        .get_template("dossier.html.j2")
        .render(dossier=dossier, now=now, **style(_sheet()))
    )


def complaint_text(facts: Facts, addresses: Sequence[str], *, part: int, parts: int) -> str:
    """Return the text of a complaint about some addresses, to be pasted into the portal's form."""
    vendor, artisan = one_line(facts.vendor), one_line(facts.artisan.name)
    of_parts = f", part {part} of {parts}" if parts > 1 else ""
    head = f"Copyright complaint{of_parts}: {artisan} about {vendor} on {marketplace_name(facts.marketplace)}"
    claim = (
        f"I am {artisan}, the author of the product photos named below. The listings named below show copies of them. "
        f"I have not permitted this to {vendor} or to anybody on their behalf."
    )
    listings = ["The listings, each with the work that it copies:"]
    for number, url in enumerate(addresses, 1):
        works = dict.fromkeys(_work(each) for each in facts.by_address[url])
        listings += [f"{number}. {one_line(url)}", *(f"   {work}" for work in works)]
    attached = _attached(facts, "a signed copyright claim statement")
    request = "I ask you to remove the photos, or the listings that show them."
    parts_of_text = (_wrapped(head), _wrapped(claim), "\n".join(listings), _wrapped(attached), request)
    return "\n\n".join(parts_of_text) + "\n"


def defence_text(facts: Facts, url: str) -> str:
    """Return the text by which an artisan whose listing was taken down shows that the photos are hers."""
    claim = (
        f"I am {one_line(facts.artisan.name)}, the author of the photos in my listing {one_line(url)}. They were found "
        "elsewhere too: these listings show copies of them, which I have not permitted."
    )
    listings = []
    for number, (address, findings) in enumerate(facts.by_address.items(), 1):
        whose = one_line(facts.vendor_of(findings[0]).called)
        margin = findings[0].margin_days if findings[0].direction == "original_first" else None
        known = "" if margin is None else f"; mine is known {count(margin, 'day')} earlier"
        listings.append(f"{number}. {one_line(address)} ({whose}){known}")
    attached = _attached(facts)
    request = "I ask you to restore my listing."
    return "\n\n".join((_wrapped(claim), "\n".join(listings), _wrapped(attached), request)) + "\n"


def ledger(facts: Facts, findings: Sequence[Finding]) -> list[DatedRow]:
    """Return what is known of when the photos of findings existed, on both sides, the earliest first."""
    known = [facts.dates[each.finding] for each in findings if each.finding in facts.dates]
    rows = {
        DatedRow(at=at, side=side, what=in_words(claim))
        for dates in known
        for side, claims in (("original", dates.original), ("suspect", dates.suspect))
        for claim in claims
        if (at := claim.latest_at or claim.earliest_at)
    }
    return sorted(rows, key=lambda row: (row.at, row.side, row.what))


def _wrapped(text: str) -> str:
    return fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)  # addresses stay whole


def _attached(facts: Facts, *others: str) -> str:
    """Return what goes with a text, in a sentence that names what is there and nothing else."""
    kinds = {each.kind for each in facts.files}
    things = [
        "the photos side by side with how one lies in the other",
        "the dates on which each is known to have existed, with the weakest of them named",
        *(["the original files"] if "original" in kinds else []),
        *(["out-takes of the same shoots"] if "outtake" in kinds else []),
        *(["captures of the listings"] if any(each.is_of_page for each in facts.captures) else []),
        *others,
    ]
    stamps = " and timestamps of trusted authorities" if any(facts.tokens.values()) else ""
    return f"Attached: {', '.join(things[:-1])} and {things[-1]}. Digests{stamps} stand beside the files."


def _work(finding: Finding) -> str:
    work = one_line(finding.original or "my photo")
    where = f", {one_line(finding.original_url)}" if finding.original_url else ""
    margin = "" if finding.margin_days is None else f", known {count(finding.margin_days, 'day')} earlier"
    return f"copies: {work}{where}{margin}"


def _shown_pair(pair: Pair, files: Files, side_px: int) -> ShownPair:
    original, suspect = (_preview(sha256, files, side_px) for sha256 in (pair.original_sha256, pair.suspect_sha256))
    drawing = None
    if original and suspect and pair.transform and pair.transform.get("matrix"):
        drawing = draw(transform_from_json(pair.transform), original.size, suspect.size)
    return ShownPair(pair=pair, original=original, suspect=suspect, drawing=drawing)


def _shown_capture(
    capture: KeptCapture, facts: Facts, files: Files, folders: Mapping[int, str], side_px: int
) -> ShownCapture:
    pictures = [each for each in facts.captured.get(capture.id, ()) if each.role in {"place", "screenshot"}]
    first = min(pictures, key=lambda each: (each.role != "place", each.name), default=None)
    preview = _preview(first.sha256, files, side_px) if first else None
    return ShownCapture(capture=capture, folder=folders[capture.id], preview=preview)


def _preview(sha256: bytes, files: Files, side_px: int) -> Preview | None:
    try:
        return make_preview(files.get(sha256), long_side_px=side_px)
    except (FileNotFoundError, UnusableImageError):  # the page says that nothing can be shown
        return None


def _sheet() -> str:
    return (resources.files("theftwatch.evidence") / "templates/evidence.css").read_text("utf-8")
