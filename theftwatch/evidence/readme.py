"""The text that explains a bundle to whoever opens it, and the commands that verify its timestamps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import theftwatch
from theftwatch.evidence.contents import Contents
from theftwatch.evidence.facts import Facts
from theftwatch.reports.words import count, moment, shortened

COMMANDS = "timestamps.txt"
#: Letters that are named as such of which there was no font
_UNDRAWN_MAX = 80

#: What may be in a bundle, in the order of a reader
_PARTS = (
    ("complaint", "complaint*.txt    the text of the complaint, and addresses*.txt its listings"),
    ("defence", "defence.txt       the text by which to ask for the listing back"),
    ("statement", "statement.*       the copyright claim statement: check, complete and sign it"),
    ("evidence", "evidence.*        the photos side by side, who was first, files, captures"),
    (
        "originals/",
        "originals/        the artisan's files with their timestamps (.tsr); photos of which no file was given",
    ),
    ("captures/", "captures/         the listings as they were: page, pictures, photos, manifest"),
    ("authorities/", "authorities/      certificates of the authorities that gave timestamps"),
    (COMMANDS, "timestamps.txt    for each timestamp the command that verifies it; `sh -e timestamps.txt` runs all"),
)


def readme(facts: Facts, contents: Contents, *, title: str, now: datetime, checks: Sequence[str]) -> str:
    """Return what a bundle holds, what the portal wants, what was left out, and how to verify it."""
    lines = [
        title,
        f"Prepared {moment(now)} by TheftWatch {theftwatch.__version__}. "
        "Nothing was filed or sent: a person does that.",
        "",
        *(line for begin, line in _PARTS if any(name.startswith(begin) for name in contents.members)),
        "manifest.json     every file of the bundle with its digest",
        "",
    ]
    if facts.portal:
        lines += [f"{facts.portal.name}, {facts.portal.url}, wants:", *(f"- {each}" for each in facts.portal.needs)]
        without = count(facts.portal.links_without_account_max, "address", "addresses")
        lines += [f"It takes {facts.portal.links_max} addresses a request; without an account there, {without}.", ""]
    if facts.not_given:
        lines += [f"The artisan gave {facts.not_given}; `theftwatch originals add` takes files in.", ""]
    if "evidence.pdf" not in contents.members:
        lines += [
            "There is no PDF, as no Chromium was found, or it is too large: print evidence.html from a browser.",
            "",
        ]
    if contents.undrawn:
        lines += [
            "Boxes stand in the PDF files for letters of which the machine had no font: "
            f"{shortened(contents.undrawn, _UNDRAWN_MAX)}",
            "The HTML files have them right.",
            "",
        ]
    if contents.left_out:
        lines.append("Left out:")
        lines += [f"- {each['name']} (SHA-256 {each['sha256']}): {each['why']}" for each in contents.left_out]
        lines.append("")
    lines += [
        "To verify it: `theftwatch evidence verify BUNDLE --certificate AUTHORITY.pem`, or with common tools,",
        *(f"  {check}" for check in checks),
        "",
    ]
    return "\n".join(lines)


def verifying_commands(timestamps: Sequence[dict[str, Any]]) -> str:
    """Return the commands that verify timestamps, each as of its own day; the names in them are safe in any shell."""
    return "".join(
        "openssl ts -verify"
        f" -attime {datetime.fromisoformat(each['at']).timestamp():.0f}"
        f" -data {each['file']} -in {each['token']} -CAfile {each['authority']}\n"
        for each in timestamps
    )
