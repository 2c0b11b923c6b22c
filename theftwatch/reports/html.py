"""What all pages share: templates that escape, the words as filters, and the style sheet."""

import base64
import hashlib
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from theftwatch.reports import words


def environment(package: str, *, enable_async: bool = False) -> Environment:
    """Return the templates of a package, beside which those of the reports are found too."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("theftwatch.reports")]),
        autoescape=True,  # titles and names come from pages that anyone may write
        undefined=StrictUndefined,
        enable_async=enable_async,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        words.capture_occasion,
        words.capture_state,
        words.count,
        words.day,
        words.event,
        words.marketplace_name,
        words.method_name,
        words.moment,
        words.reason,
        words.source_name,
        words.target_reason,
        words.web_address,
    ):
        environment.filters[function.__name__] = function
    return environment


def style(more: str = "") -> dict[str, str]:
    """Return the style sheet with what a page adds to it, and the digest by which the page allows this one alone."""
    sheet = (resources.files("theftwatch.reports") / "templates/report.css").read_text("utf-8") + more
    digest = hashlib.sha256(sheet.encode()).digest()
    return {"style": sheet, "style_digest": "sha256-" + base64.b64encode(digest).decode("ascii")}
