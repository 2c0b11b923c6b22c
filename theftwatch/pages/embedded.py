"""JSON inside pages: what scripts and attributes carry, cut out by a JSON decoder, never by counting braces.

A page names its data in many ways (`window.detailData = {…}`, `var detailData={…}`, `"detailData": {…}` inside another
object, `JSON.parse("…")`), so data is found by its name alone, wherever it stands. All functions skip what is broken.
"""

import html
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from parsel import Selector

from theftwatch.pages.markup import attributes

# Pages hold raw line breaks inside strings
_DECODER = json.JSONDecoder(strict=False)
_ASSIGNED = re.compile(r"(?:\\?[\"'])?\]?\s*[:=]\s*")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_COUNT = re.compile(r"[0-9]{1,9}")
_WORD = re.compile(r"[\w$]")
# A page that repeats a name more often is broken, and each broken place costs a reading to its end
_MOST_PLACES = 100


def named_values(body: str, name: str) -> Iterator[Any]:
    """Yield the objects and lists that a page gives this name, in page order."""
    decoded_until = 0
    for start in islice(_places(body, name), _MOST_PLACES):
        assigned = _ASSIGNED.match(body, start + len(name))
        if not assigned or start < decoded_until:
            continue
        if body.endswith('\\"', 0, start):  # the name stands inside a string that holds JSON
            value, decoded_until = _decode(body, _opening_quote(body, start - 2))
            yield from values_of(value, name)
        else:
            value, decoded_until = _decode(body, assigned.end())
            if value is not None:
                yield value
    if f"&quot;{name}&quot;" in body:  # an attribute that holds JSON
        yield from named_values(html.unescape(body), name)


def values_of(data: Any, name: str) -> Iterator[Any]:
    """Yield the objects and lists under this key, however deep they lie in the data."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found = value.get(name)
            if isinstance(found, dict | list):
                yield found
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def module_data(document: Selector) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and data of each element with a `module-data` attribute, which is JSON, URL-encoded or plain."""
    for element in document.xpath("//*[@module-data]"):
        attribute = attributes(element)["module-data"].strip()
        data, _ = _decode(attribute, 0)
        if data is None:
            data, _ = _decode(unquote(attribute), 0)
        if isinstance(data, dict):
            yield attributes(element).get("module-name", ""), data


def dig(data: Any, *path: str) -> Any:
    """Return the value that lies under a path of keys; None where the path breaks off."""
    for key in path:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def items_of(data: Any, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list that lies under a path of keys; empty where there is no list."""
    found = dig(data, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text_of(*values: Any) -> str | None:
    """Return the first value that is text or a number and not blank, as text that can be stored."""
    for value in values:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            text = storable(str(value)).strip()
            if text:
                return text
    return None


def plain_text_of(*values: Any) -> str | None:
    """Return the first value that is text, as it reads on the page: without tags and character references."""
    texts = (html.unescape(_TAG.sub("", text)).strip() for value in values if (text := text_of(value)))
    return next(filter(None, map(text_of, texts)), None)


def count_of(value: Any) -> int:
    """Return a whole number that is a count; 0 for anything else."""
    text = text_of(value)
    return int(text) if text and _COUNT.fullmatch(text) else 0


def storable(text: str) -> str:
    """Return a text without NUL and half surrogate pairs, which JSON can spell but no parser and no database takes."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def _places(body: str, name: str) -> Iterator[int]:
    """Yield where a name stands that is not the end of a longer one."""
    place = body.find(name)
    while place >= 0:
        if not (place and _WORD.match(body, place - 1)):
            yield place
        place = body.find(name, place + len(name))


def _decode(text: str, start: int) -> tuple[Any, int]:
    """Return the object or list at a position and where it ends; (None, start) where none can be read.

    A string there, bare or given to JSON.parse, is read as JSON itself.
    """
    at = start + len("JSON.parse(") if text.startswith("JSON.parse(", start) else start
    if text[at : at + 1] not in ("{", "[", '"'):
        return None, start
    try:
        value, end = _DECODER.raw_decode(text, at)
        if isinstance(value, str):
            value = _DECODER.decode(value)
    except (ValueError, RecursionError):
        return None, start
    return (value, end) if isinstance(value, dict | list) else (None, start)


def _opening_quote(text: str, before: int) -> int:
    """Return where the string opens that holds the escaped quote at `before`."""
    quote = text.rfind('"', 0, before)
    while quote > 0 and text[quote - 1] == "\\":
        quote = text.rfind('"', 0, quote)
    return max(quote, 0)
