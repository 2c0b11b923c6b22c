"""The Internet Archive's addresses and index. The answers of the index are those of its own description."""

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theftwatch.errors import PageBlockedError, PageChangedError, PageError
from theftwatch.listing import DateClaim
from theftwatch.pages import archive

MOMENT = datetime(2016, 3, 11, 4, 5, 6, tzinfo=UTC)
PAGE = "https://www.artfire.com/ext/shop/product_view/DressXpress/12389222/decal"
PHOTO = "https://static.artfire.com/uploads/product/3/723/6723/9006723/9006723/large/cranes_6cc76787.jpg"

# https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server, "Resumption Key"
INDEX = """
[["urlkey","timestamp","original","mimetype","statuscode","digest","length"],
 ["org,archive)/", "19970126045828", "http://www.archive.org:80/", "text/html", "200", "Q4YULN754FHV2U6Q5JUT6Q2P57WEWNNY", "1415"],
 ["org,archive)/", "19971011050034", "http://www.archive.org:80/", "text/html", "200", "XAHDNHZ5P3GSSSNJ3DMEOJF7BMCCPZR3", "1402"],
 ["org,archive)/", "19980109140106", "http://archive.org:80/", "text/html", "200", "XAHDNHZ5P3GSSSNJ3DMEOJF7BMCCPZR3", "1402"],
 [],
 ["org%2Carchive%29%2F+19980109140106%21"]]
"""  # noqa: E501  as the archive writes it


def test_the_index_is_read_with_its_resume_key():
    answer = archive.read_index(INDEX)

    assert answer.captures[0] == archive.Capture(
        captured_at=datetime(1997, 1, 26, 4, 58, 28, tzinfo=UTC),
        original="http://www.archive.org:80/",
        status=200,
        mime_type="text/html",
        digest="Q4YULN754FHV2U6Q5JUT6Q2P57WEWNNY",
    )
    assert [capture.captured_at.year for capture in answer.captures] == [1997, 1997, 1998]
    assert answer.resume_key == "org%2Carchive%29%2F+19980109140106%21"


def test_the_last_answer_has_no_resume_key():
    assert archive.read_index('[["timestamp","original"],["19970126045828","http://a/"]]').resume_key is None


def test_no_capture_is_an_empty_list():
    assert archive.read_index("[]").captures == ()
    assert archive.read_index('[["urlkey","timestamp","original"]]').captures == ()


def test_a_repeated_capture_has_neither_status_nor_type():
    row = '["19970126045828", "http://a/", "-", "-", "-"]'
    (capture,) = archive.read_index(f'[["timestamp","original","mimetype","statuscode","digest"],{row}]').captures
    assert (capture.status, capture.mime_type, capture.digest) == (None, None, None)


def test_a_row_without_a_moment_is_left_out_and_logged(caplog):
    answer = archive.read_index(
        '[["timestamp","original"],["20180230000000","http://a/"],["20180228000000","http://b/"],["20180228000000"]]'
    )
    assert [capture.original for capture in answer.captures] == ["http://b/"]
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (
            "org.archive.util.io.RuntimeIOException: "
            "org.archive.wayback.exception.AdministrativeAccessControlException: Blocked Site Error\n",
            PageBlockedError,
            "excluded this site",
        ),
        ("<html><body><h1>429 Too Many Requests</h1></body></html>", PageBlockedError, "asked too often"),
        ("", PageChangedError, "no JSON"),
        ("<html>504 Gateway Time-out", PageChangedError, "no JSON"),
        ('[["timestamp","orig', PageChangedError, "no JSON"),
        ("[" * 100_000, PageChangedError, "no JSON"),
        ('{"error": "no"}', PageChangedError, "no list"),
        ('["timestamp"]', PageChangedError, "no list"),
        ('[["urlkey","length"],["a","1"]]', PageChangedError, "lack time or address"),
    ],
)
def test_an_answer_that_is_no_index_says_why(body, error, says):
    with pytest.raises(error, match=says):
        archive.read_index(body)


def test_the_index_of_one_address_asks_for_each_different_good_capture():
    query = parse_qs(urlsplit(archive.index_url(PAGE + "?a=1&b=2")).query)
    assert query["url"] == [PAGE + "?a=1&b=2"]
    assert query["output"] == ["json"]
    assert query["filter"] == ["statuscode:200"]
    assert query["collapse"] == ["digest"]
    assert "matchType" not in query


def test_the_index_of_a_shop_asks_for_the_first_capture_of_each_address():
    url = archive.index_url(
        "www.artfire.com/ext/shop/product_view/DressXpress/",
        prefix=True,
        earliest_at=datetime(2012, 1, 1, tzinfo=UTC),
        latest_at=datetime(2019, 12, 31, 23, 0, tzinfo=timezone(-timedelta(hours=7))),
        limit=50,
    )
    query = parse_qs(urlsplit(url).query)
    assert (query["matchType"], query["collapse"]) == (["prefix"], ["urlkey"])
    assert (query["from"], query["to"], query["limit"]) == (["20120101000000"], ["20200101060000"], ["50"])


def test_the_next_answer_of_the_index_has_its_key_as_the_index_wrote_it():
    url = archive.index_url(PAGE)
    second = archive.resumed_url(url, "org%2Carchive%29%2F+19980109140106%21")
    assert second == url + "&resumeKey=org%2Carchive%29%2F+19980109140106%21"
    assert archive.resumed_url(second, "b%21") == url + "&resumeKey=b%21"
    assert archive.is_index_url(second)
    assert not archive.is_index_url(PAGE)


@pytest.mark.parametrize(
    ("url", "original"),
    [
        (f"https://web.archive.org/web/20160311040506/{PAGE}", PAGE),
        (f"https://web.archive.org/web/20160311040506id_/{PAGE}?a=1#b", PAGE + "?a=1#b"),
        (f"http://web.archive.org:80/web/20160311040506im_/{PHOTO}", PHOTO),
        (f"//web.archive.org/web/20160311040506im_/{PHOTO}", PHOTO),
        (f"/web/20160311040506im_/{PHOTO}", PHOTO),
        ("/web/20160311040506/http:/www.artfire.com/browse/", "http://www.artfire.com/browse/"),
        ("/web/20160311040506/www.artfire.com/browse/", "http://www.artfire.com/browse/"),
        ("/web/20160311040506/HTTP://www.artfire.com:80/browse/", "http://www.artfire.com:80/browse/"),
    ],
)
def test_a_capture_is_read_from_each_form_of_its_address(url, original):
    capture = archive.read_capture_url(url)
    assert capture == archive.Capture(captured_at=MOMENT, original=original)
    assert archive.original_url(url) == original


@pytest.mark.parametrize(
    "url",
    [
        PAGE,
        f"https://web.archive.org/web/2016/{PAGE}",  # leads to the nearest capture, so it proves no time
        f"https://web.archive.org/web/20160311040506*/{PAGE}",  # the calendar
        f"https://web.archive.org/web/*/{PAGE}",
        f"https://web.archive.org/web/20160231040506/{PAGE}",  # 31 February
        f"https://web.archive.org/web/٢٠١٦٠٣١١٠٤٠٥٠٦/{PAGE}",
        f"https://web.archive.org.example/web/20160311040506/{PAGE}",
        "https://web.archive.org/web/20160311040506/",
        "https://web.archive.org/cdx/search/cdx?url=artfire.com",
        "",
    ],
)
def test_another_address_names_no_capture(url):
    assert archive.read_capture_url(url) is None
    assert archive.original_url(url) == url


@given(
    captured_at=st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    path=st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"])),
)
def test_the_address_of_a_capture_can_be_read_back(captured_at, path):
    capture = archive.Capture(captured_at=captured_at, original=f"https://www.artfire.com/{path}")
    assert archive.read_capture_url(capture.url) == capture


def test_a_capture_proves_that_something_existed_by_then_and_no_more():
    claim = archive.Capture(captured_at=MOMENT, original=PAGE).claim
    assert claim == DateClaim(kind="archived", source="web.archive.org", strength="strong", latest_at=MOMENT)


JSON_TEXT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["timestamp", "original"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
).map(json.dumps)


@given(st.text() | JSON_TEXT)
def test_any_answer_is_read_or_refused_by_name(body):
    with contextlib.suppress(PageError):
        assert isinstance(archive.read_index(body), archive.CaptureList)


@given(st.data())
def test_a_damaged_index_is_read_or_refused_by_name(data):
    start = data.draw(st.integers(0, len(INDEX)))
    end = data.draw(st.integers(start, len(INDEX)))
    with contextlib.suppress(PageError):
        answer = archive.read_index(INDEX[:start] + data.draw(st.text(max_size=8)) + INDEX[end:])
        assert len(answer.captures) <= 3
