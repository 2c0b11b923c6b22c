"""What the program says to whoever types commands, in the words of the pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: What a command or an option is on the pages: in words, and the address that leads there, where there is one
_ON_PAGES = (
    (r"theftwatch finding (?:show|confirm) (\d+)", r"the page of finding \1", r"/findings/\1"),
    (r"theftwatch finding confirm", "a verdict on its page", None),
    (r"theftwatch finding list(?: --all)?", "the queue", "/queue"),
    (r"theftwatch case show (\d+)", r"the page of case \1", r"/cases/\1"),
    (r"theftwatch case list --all", "the list of all cases", "/cases?all=1"),
    (r"theftwatch case open", "“Open a case, or add to it” on the page of a finding", None),
    (r"theftwatch artisan list", "the list of artisans", "/artisans"),
    (r"theftwatch notice list(?: --all)?", "the page of the artisan", None),
    (r"theftwatch originals add", "“My photos” on the start", "/"),
    (r"theftwatch import", "“A page I saved” on the start", "/"),
    (r"theftwatch alarm acknowledge \d+", "tick it here", None),
    (r"--override", "the field on the page of the finding", None),
    (r"--after \d+", "the verdict once more", None),
    (r"--relation", "the relation", None),
    (r"--route report", "“by the listing’s report button”", None),
    (r"--listing", "only some of the listings ticked", None),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of a text: words, which may lead to a page, or a command that is no page's."""

    text: str
    address: str | None = None
    is_command: bool = False


def parts_of(text: str) -> list[Part]:
    """Return the parts of a text in which commands stand between backticks.

    Words of strangers may stand in it, so each part is to be escaped; an address is of these pages and of nothing else.
    """
    # a backtick without its partner is one that a stranger wrote
    *pairs, last = re.split(r"`([^`]*)`", text)
    parts = [part for words, command in zip(pairs[::2], pairs[1::2], strict=True) for part in _pair(words, command)]
    return [*parts, Part(text=last)]


def _pair(words: str, command: str) -> Iterator[Part]:
    yield Part(text=words)
    for pattern, on_page, address in _ON_PAGES:
        if found := re.fullmatch(pattern, command):
            yield Part(text=found.expand(on_page), address=None if address is None else found.expand(address))
            return
    yield Part(text=command, is_command=True)
