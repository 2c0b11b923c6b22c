"""What an artisan is told, as a text, as a page of a mail, and with pictures."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from itertools import groupby

from theftwatch.cases.clock import Portal, find_portal
from theftwatch.config import Settings
from theftwatch.db.queries import Connection, fetch_as
from theftwatch.evidence.archive import safe_name
from theftwatch.evidence.facts import Pair
from theftwatch.files import Files
from theftwatch.notices.picture import side_by_side
from theftwatch.notices.smtp import mail_address
from theftwatch.notices.untold import Affected, Untold
from theftwatch.reports import html, text
from theftwatch.reports.words import count, done_to_the_photo, marketplace_name, one_line, shortened

#: Of some 40 kB each: more, and mail servers and programs turn the mail away
_PICTURES_MAX = 20
_TITLE_MAX = 100
_CID_DOMAIN = "theftwatch.invalid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """What of the artisan's a listing shows."""

    title: str
    url: str | None
    #: Who was first by the dates known, in a sentence
    first: str
    #: What was done to its photos, each once
    done: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A suspect listing in a message."""

    number: int
    url: str
    title: str
    originals: tuple[Original, ...]
    #: Name of its picture among those of the message; None where there is none
    picture: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorPart:
    """The listings of one vendor in a message."""

    name: str
    marketplace: str
    copies: tuple[Copy, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """All that one message says."""

    subject: str
    text: str
    html: str
    #: JPEG files by name, each with the two photos of a pair
    pictures: dict[str, bytes]


async def compose(
    connection: Connection, affected: Affected, files: Files, *, settings: Settings, now: datetime
) -> Message:
    """Write the message to an artisan."""
    findings = [each.finding for each in affected.findings]
    pairs = await fetch_as(connection, Pair, "find_evidence_pairs", findings=findings)
    portals = [(name, await find_portal(connection, name)) for name in affected.marketplaces]
    vendors, pictures = await asyncio.to_thread(_parts, affected.findings, pairs, files)
    where = " and ".join(marketplace_name(name) for name in affected.marketplaces)
    said = {
        "artisan": affected.name,
        "vendors": vendors,
        "listings": affected.listings,
        "where": where,
        "portals": _known(portals),
        "by_report_button": [name for name, portal in portals if portal.code is None],
        "sender": settings.mail_from or settings.contact,
        "now": now,
        "cid_domain": _CID_DOMAIN,
    }
    return Message(
        subject=f"Photos of yours in {count(affected.listings, 'listing')} on {where}",
        text=text.environment("theftwatch.notices").get_template("notice.txt.j2").render(**said),
        html=html.environment("theftwatch.notices").get_template("notice.html.j2").render(**said),
        pictures=pictures,
    )


def as_mail(
    message: Message, *, sender: Address | None, recipient: Address, now: datetime, message_id: str
) -> EmailMessage:
    """Return a message as a mail; the sender may be left to the mail program of whoever sends it."""
    mail = EmailMessage()
    mail["Subject"] = one_line(message.subject)
    mail["To"] = recipient
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id
    if sender:
        mail["From"] = sender
        mail["List-Unsubscribe"] = f"<mailto:{sender.addr_spec}?subject=stop>"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    [_, page] = mail.iter_parts()
    assert isinstance(page, EmailMessage)
    for name, data in message.pictures.items():
        page.add_related(data, "image", "jpeg", cid=f"<{name}@{_CID_DOMAIN}>", filename=name, disposition="inline")
    return mail


def draft_name(notice: int, affected: Affected) -> str:
    """Return how the folder of a draft is called."""
    return f"{notice:04}-{safe_name(affected.name)}"


def draft_files(message: Message, affected: Affected, *, settings: Settings, now: datetime) -> dict[str, bytes]:
    """Return the files of a draft: the text, its pictures, and a mail where the artisan has a mail address."""
    files = {"notice.txt": f"{message.subject}\n\n{message.text}".encode()} | message.pictures
    if address := affected.address:
        sender = mail_address(settings.mail_from or "")
        mail = as_mail(message, sender=sender, recipient=address, now=now, message_id=make_msgid(domain=_CID_DOMAIN))
        mail["X-Unsent"] = "1"  # mail programs open it as a draft
        files["notice.eml"] = mail.as_bytes()
    return files


def _parts(
    findings: Sequence[Untold], pairs: Sequence[Pair], files: Files
) -> tuple[tuple[VendorPart, ...], dict[str, bytes]]:
    pictures: dict[str, bytes] = {}
    vendors: list[VendorPart] = []
    number = 0
    for (marketplace, vendor), of_vendor in groupby(findings, key=lambda each: (each.marketplace, each.vendor)):
        copies: list[Copy] = []
        for url, of_listing in groupby(of_vendor, key=lambda each: each.url):
            number += 1
            about = list(of_listing)
            shown = [pair for pair in pairs if pair.finding in {each.finding for each in about}]
            name = f"{number}.jpg"
            if shown and len(pictures) < _PICTURES_MAX:
                best = max(shown, key=lambda pair: pair.score)
                if picture := side_by_side(files, best.original_sha256, best.suspect_sha256):
                    pictures[name] = picture
            copies.append(
                Copy(
                    number=number,
                    url=one_line(url),
                    title=_short(about[0].title or "a listing without a title"),
                    originals=tuple(dict.fromkeys(_original(each, shown) for each in about)),
                    picture=name if name in pictures else None,
                )
            )
        vendors.append(VendorPart(name=_short(vendor), marketplace=marketplace, copies=tuple(copies)))
    return tuple(vendors), pictures


def _original(finding: Untold, pairs: Sequence[Pair]) -> Original:
    if finding.direction == "original_first" and finding.margin_days is not None:
        first = f"By the dates that are known, yours was there {count(finding.margin_days, 'day')} earlier."
    elif finding.missing_proof:
        first = f"Who was first is not settled. What would settle it: {finding.missing_proof}."
    else:
        first = "Who was first is not settled."
    return Original(
        title=_short(finding.original or "a photo of yours"),
        url=one_line(finding.original_url) if finding.original_url else None,
        first=one_line(first),
        done="; ".join(
            dict.fromkeys(
                done_to_the_photo(each.method, each.transform) for each in pairs if each.finding == finding.finding
            )
        ),
    )


def _known(portals: Sequence[tuple[str, Portal]]) -> list[Portal]:
    """Return the portals that are known, each once: one may serve several marketplaces."""
    return list({portal.code: portal for _, portal in portals if portal.code is not None}.values())


def _short(words: str) -> str:
    return shortened(one_line(words), _TITLE_MAX)
