"""What reports say, in words: numbers, moments, names, and what was done to a photo."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from theftwatch.match.transform import describe, transform_from_json

_MARKETPLACES = {"etsy": "Etsy", "artfire": "ArtFire", "alibaba": "Alibaba"}

#: Why a photo could not be compared, by the word that is stored
_REASONS = {
    "refused_by_robots": "robots.txt does not allow fetching it",
    "not_fetched": "could not be fetched",
    "too_large": "too large",
    "too_small": "too small, an icon",
    "too_narrow": "too narrow, a banner",
    "truncated": "the file is cut off",
    "corrupt": "the file is damaged",
    "not_an_image": "no image",
    "format": "a format that is not read",
    "flat": "too plain to be compared",
    "empty": "the file is empty",
    "unknown": "no reason noted",
}

_METHODS = {
    "exact": "same bytes",
    "phash": "perceptual hash, confirmed by local features",
    "features": "local features",
}

_EVENTS = {"listed": "listed", "archived": "archived", "review": "reviewed", "published": "put up"}


#: Why what is watched was not looked at in full, where its last visit is to blame
_VISITS = {
    "partial": "only some of its pages could be read",
    "blocked": "refused by the marketplace",
    "refused": "barred by robots.txt",
    "gone": "gone by its own address",
    "failed": "not fetched or not understood",
}

_RULES = {
    "placeholder": "a placeholder",
    "common": "shown by many vendors and several artisans",
    "banner": "the vendor’s banner",
    "text_panel": "a panel of text",
    "look_alike": "a look-alike, as a person said",
}

_RELATIONS = {
    "own_shop": "own shop",
    "licensee": "licensee",
    "reseller": "reseller",
    "common_supplier": "common supplier",
}

_REJECTIONS = {
    "look_alike": "a look-alike",
    "stock_photo": "a stock photo",
    "own_shop": "own shop",
    "licensed": "licensed",
    "other": "for another reason",
}

_OCCASIONS = {"found": "when it was found", "filing": "before filing", "removal": "after its removal"}

_CAPTURES = {
    "taken": "page, pictures and photos",
    "page_only": "page and photos, without a picture of it",
    "gone": "the page was gone",
    "blocked": "the marketplace did not show it",
    "refused": "robots.txt did not allow it",
    "failed": "it could not be reached",
}

_CAPTURED = {
    "page": "the page",
    "warc": "the answers as they came",
    "screenshot": "a picture of the page",
    "place": "a picture of the photo's place",
    "photo": "the photo",
    "recorded": "the photo as it was crawled before",
}


def capture_occasion(why: str) -> str:
    """Return on which occasion a capture was taken."""
    return _OCCASIONS.get(why, why)


def capture_state(state: str) -> str:
    """Return what came of a capture."""
    return _CAPTURES.get(state, state)


def captured_file(role: str) -> str:
    """Return what a file of a capture is."""
    return _CAPTURED.get(role, role)


def rejection(reason: str) -> str:
    """Return why a person rejected a finding."""
    return _REJECTIONS.get(reason, reason)


def suppression_rule(rule: str) -> str:
    """Return what a photo is, by the rule that suppresses it."""
    return _RULES.get(rule, rule)


def relation_kind(kind: str) -> str:
    """Return what a vendor is to an artisan."""
    return _RELATIONS.get(kind, kind)


def done_to_the_photo(method: str, transform: Mapping[str, Any] | None) -> str:
    """Return what was done to an original to make the suspect photo, such as "mirrored, resized to 60 %"."""
    if method == "exact":
        return "the same file, byte for byte"
    if not transform:
        return "what was done to it could not be told"
    return describe(transform_from_json(transform))


def grounds(explanation: str, done: str) -> str:
    """Return what a decision rests on, without what was done to the photo where the explanation starts with it."""
    return explanation.removeprefix(f"{done[:1].upper()}{done[1:]}: ")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as "1,204 photos"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def megabytes(byte_count: int) -> str:
    """Return a size on disk, such as "1,204.5 MB"."""
    return f"{byte_count / 1_000_000:,.1f} MB"


def moment(at: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def day(at: datetime) -> str:
    """Return the day of a moment, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def marketplace_name(code: str) -> str:
    """Return how a marketplace writes its name."""
    return _MARKETPLACES.get(code, code.capitalize())


def source_name(source: str) -> str:
    """Return how a date claim's source is called: a marketplace by its name, others as they stand."""
    return _MARKETPLACES.get(source, source)


def reason(word: str) -> str:
    """Return why a photo could not be compared."""
    if word.startswith("http_"):
        return f"the host answered {word.removeprefix('http_')}"
    return _REASONS.get(word, word.replace("_", " "))


def target_reason(because: str) -> str:
    """Return why what is watched was not looked at in full."""
    return _VISITS.get(because, because)


def visit_outcome(outcome: str) -> str:
    """Return how a visit to what is watched went."""
    return "it went well" if outcome == "ok" else _VISITS.get(outcome, outcome)


def method_name(method: str) -> str:
    """Return how a pair was found."""
    return _METHODS.get(method, method)


def event(kind: str) -> str:
    """Return what a date claim says to have happened."""
    return _EVENTS.get(kind, kind)


def web_address(url: str | None) -> str | None:
    """Return an address that a link may lead to; None for what is none, such as `javascript:`.

    Addresses come from pages that anyone may write.
    """
    if url is None or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.hostname else None


def shortened(line: str, most: int) -> str:
    """Return a line with so many letters at most, the last of them an ellipsis where some are left out."""
    return line if len(line) <= most else f"{line[: most - 1]}…"


def shortened_inside(line: str, most: int) -> str:
    """Return a line with so many letters at most, which keeps its end: the remedy stands there."""
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[: most - 1 - half]}…{line[-half:]}"


def one_line(text: str) -> str:
    """Return a text without what could steer a terminal or turn the direction of writing."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
