import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsel import Selector

from theftwatch.pages.embedded import dig, items_of, module_data, named_values, text_of, values_of

DATA = {"id": 1, "text": 'a "quoted" {brace} and </b>', "list": [{"x": 1}]}
PLAIN = json.dumps(DATA)


@pytest.mark.parametrize(
    "page",
    [
        f"<script>window.pageData = {PLAIN};</script>",
        f"<script>window.pageData={PLAIN}</script>",
        f"<script>var pageData\n=\n{PLAIN};var other = 1</script>",
        f"<script>window['pageData'] = {PLAIN}</script>",
        f"<script>window.state._x.pageData = {PLAIN}</script>",
        f'<script type="application/json">{{"props": {{"pageData": {PLAIN}}}}}</script>',
        f"<script>pageData = JSON.parse({json.dumps(PLAIN)})</script>",
        f"<script>window.__INITIAL_DATA__ = {json.dumps(json.dumps({'a': {'pageData': DATA}}))}</script>",
        '<div data-state="{&quot;pageData&quot;:' + PLAIN.replace("&", "&amp;").replace('"', "&quot;") + '}"></div>',
        f"<script>if (window.pageData == 1) {{}} pageData = null; pageData = {{x; pageData = {PLAIN}</script>",
    ],
)
def test_data_is_found_by_its_name(page):
    assert list(named_values(page, "pageData")) == [DATA]


@pytest.mark.parametrize(
    "page",
    [
        "",
        f"<script>window.otherpageData = {PLAIN}</script>",
        f"<script>window.pageDataOfOthers = {PLAIN}</script>",
        "<script>pageData = 'text'; pageData = 12; pageData = [</script>",
        f"<script>pageData = {PLAIN[:-5]}",
        "pageData = " + "[" * 200_000,
        'pageData = "' + "\\" * 1001,
    ],
)
def test_what_is_no_such_data_is_skipped(page):
    assert list(named_values(page, "pageData")) == []


def test_control_characters_inside_strings_do_no_harm():
    assert list(named_values('pageData = {"a": "one\n\ttwo"}', "pageData")) == [{"a": "one\n\ttwo"}]


@pytest.mark.parametrize("piece", ["pageData=[", 'pageData="', '\\"pageData\\":[', "pageData=JSON.parse("])
def test_a_hostile_page_takes_no_more_than_a_moment(piece):
    began = time.process_time()
    assert list(named_values(piece * 100_000, "pageData")) == []
    assert time.process_time() - began < 2


def test_values_are_found_at_any_depth_in_order():
    deep: Any = {"k": {"n": 1}}
    for _ in range(5000):
        deep = {"a": [deep]}
    assert list(values_of([{"k": [1]}, deep, {"k": "text"}], "k")) == [[1], {"n": 1}]


@pytest.mark.parametrize(
    "attribute",
    [
        "'" + quote(PLAIN) + "'",
        '"' + quote(PLAIN) + '"',
        "'" + PLAIN.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;") + "'",
        "'" + quote(PLAIN, safe=" ") + "'",
    ],
)
def test_module_data_is_decoded(attribute):
    document = Selector(f"<div module-name='list'\nmodule-data={attribute}></div><div module-data='%7B'></div>")
    assert list(module_data(document)) == [("list", DATA)]


def test_paths_that_break_off_give_nothing():
    assert dig({"a": {"b": 1}}, "a", "b") == 1
    assert dig({"a": [1]}, "a", "b") is None
    assert dig(None, "a") is None
    assert items_of({"a": [{"b": 1}, 2, None]}, "a") == [{"b": 1}]
    assert items_of({"a": "text"}, "a") == []


def test_text_can_be_stored():
    assert text_of(None, " ", True, 12) == "12"
    assert text_of("\ud800a\x00b ") == "ab"
    assert text_of({}, []) is None


@given(st.text(alphabet='pageData={}[]":\\ 1', max_size=60))
def test_any_text_is_read_without_an_error(text):
    for value in named_values(text, "pageData"):
        assert isinstance(value, dict | list)
