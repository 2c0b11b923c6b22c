"""Lists of files with their digests, in one canonical form: the same content is always the same bytes."""

import json
from typing import Any


def canonical(content: Any) -> bytes:
    """Return JSON in the canonical form of RFC 8785, for texts, whole numbers, booleans, lists and objects.

    Raises TypeError for fractions, whose canonical form is not that of Python.
    """
    _check(content)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _check(content: Any) -> None:
    match content:
        case dict():
            for value in content.values():
                _check(value)
        case list():
            for value in content:
                _check(value)
        case None | bool() | int() | str():
            pass
        case _:
            raise TypeError(f"{content!r} has no place in a manifest")
