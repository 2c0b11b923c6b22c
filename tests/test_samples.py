"""One sweep over the saved pages: each must read as the expectation beside it says (see tests/samples/README.md)."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from w3lib.encoding import html_to_unicode

from theftwatch import errors
from theftwatch.pages.read import read_page

SAMPLES = Path(__file__).parent / "samples"
CASES = sorted(meta.parent for meta in SAMPLES.glob("*/*/meta.json"))
ERRORS = {
    "blocked": errors.PageBlockedError,
    "unknown": errors.UnknownPageError,
    "changed": errors.PageChangedError,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(SAMPLES)))
def test_sample_reads_as_expected(case):
    meta = json.loads((case / "meta.json").read_text())
    expected = json.loads((case / "expected.json").read_text())
    body = sample_body(case)

    if "error" in expected:
        with pytest.raises(ERRORS[expected["error"]]) as caught:
            read_page(body, meta["url"])
        # A subclass of the error would have another exit code, so the class itself counts
        assert type(caught.value) is ERRORS[expected["error"]]
    else:
        page = read_page(body, meta["url"])
        assert "kind" in expected, "an expectation names at least the kind of page"
        assert list(differences(expected, page, "page")) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(SAMPLES)))
def test_sample_says_where_it_is_from(case):
    meta = json.loads((case / "meta.json").read_text())
    assert {"url", "source", "captured", "kind"} <= meta.keys()
    assert all(isinstance(value, str) and value for value in meta.values())


def test_every_folder_is_a_whole_case():
    pages = {page.parent for page in SAMPLES.glob("*/*/page.*")}
    assert pages == set(CASES) == {file.parent for file in SAMPLES.glob("*/*/expected.json")}
    assert CASES


@pytest.mark.parametrize(
    ("expected", "actual", "where"),
    [
        ({"kind": "shop"}, {"kind": "listing"}, "page.kind"),
        ({"urls": {"count": 2}}, {"urls": ("a",)}, "page.urls.count"),
        ({"urls": {"-1": "b"}}, {"urls": ("b", "a")}, "page.urls.-1"),
        ({"urls": {"3": "b"}}, {"urls": ("b", "a")}, "page.urls.3"),
        ({"urls": ["a"]}, {"urls": ("a", "b")}, "page.urls.count"),
        ({"price": "4.30"}, {"price": Decimal("4.3")}, None),
        ({"price": "4.30"}, {"price": Decimal("4.31")}, "page.price"),
        ({"price": "4.30"}, {"price": None}, "page.price"),
        ({"title": None}, {"title": ""}, "page.title"),
        ({"url": "https://a"}, {"name": "https://a"}, "page.url"),
    ],
)
def test_a_difference_is_found_and_named(expected, actual, where):
    found = list(differences(expected, actual, "page"))
    assert [line.partition(":")[0] for line in found] == ([where] if where else [])


def sample_body(case: Path) -> str:
    """Return the saved page as text, decoded as `theftwatch extract` does."""
    (file,) = case.glob("page.*")
    return html_to_unicode(None, file.read_bytes())[1]


def differences(expected: Any, actual: Any, path: str) -> Iterator[str]:
    """Yield a line for each value of `expected` that `actual` does not have."""
    if isinstance(expected, dict) and isinstance(actual, tuple):
        yield from _differences_by_position(expected, actual, path)
    elif isinstance(expected, dict):
        for name, value in expected.items():
            yield from differences(value, _field(actual, name), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(actual, tuple):
        yield from differences(len(expected), len(actual), f"{path}.count")
        for position, (value, found) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(value, found, f"{path}.{position}")
    elif not _equal(expected, actual):
        yield f"{path}: expected {expected!r}, read {actual!r}"


def _differences_by_position(expected: dict[str, Any], actual: tuple[Any, ...], path: str) -> Iterator[str]:
    for name, value in expected.items():
        if name == "count":
            yield from differences(value, len(actual), f"{path}.count")
        elif -len(actual) <= int(name) < len(actual):
            yield from differences(value, actual[int(name)], f"{path}.{name}")
        else:
            yield f"{path}.{name}: expected {value!r}, but there are only {len(actual)}"


def _field(actual: Any, name: str) -> Any:
    return actual.get(name, "(missing)") if isinstance(actual, dict) else getattr(actual, name, "(missing)")


def _equal(expected: Any, actual: Any) -> bool:
    if isinstance(actual, Decimal) and isinstance(expected, str):
        return Decimal(expected) == actual
    if hasattr(actual, "isoformat"):
        return bool(expected == actual.isoformat())
    same_type = type(expected) is type(actual) or isinstance(actual, str)
    return same_type and bool(expected == actual)
