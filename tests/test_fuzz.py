"""Spoiled bytes have a clear outcome: they are read, or refused by an error that names the remedy."""

import io
import os
import re
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import READERS, read, seeds
from tests.fuzz.spoil import spoiled
from theftwatch.errors import UnknownPageError, UsageError
from theftwatch.evidence.verify import verify_bundle
from theftwatch.pages.read import read_page

#: Of all readers together
CASES = int(os.environ.get("THEFTWATCH_DRILL_CASES", "300"))
#: What strangers hand in most; the others have the rest
SHARES = {"page": 0.35, "image": 0.15}


def cases_of(name: str) -> int:
    return round(CASES * SHARES.get(name, (1 - sum(SHARES.values())) / (len(READERS) - len(SHARES))))


@pytest.mark.parametrize("name", READERS)
def test_samples_are_read(name):
    assert any(read(name, data) for data in seeds(name))


@pytest.mark.drill
@pytest.mark.parametrize("name", READERS)
def test_spoiled_bytes_are_read_or_refused(name):
    """The same 300 in every test, others in every drill."""

    @settings(
        max_examples=cases_of(name),
        database=None,
        derandomize="THEFTWATCH_DRILL_CASES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def check(data):
        read(name, data.draw(spoiled(seeds(name))))

    check()


def test_a_timestamp_with_a_byte_wrong_anywhere_is_read_or_refused():
    [token] = seeds("token")
    for place in range(0, len(token), 7):
        read("token", token[:place] + bytes([token[place] ^ 0xF1]) + token[place + 1 :])


@pytest.mark.parametrize("odd", ["\0", "\x1b", "\u202e", "\ud800"])
def test_an_address_that_no_database_holds_is_none(odd):
    with pytest.raises(UnknownPageError, match="control characters"):
        read_page("<html></html>", f"https://www.etsy.com/listing/1/a{odd}")


def packed(**claimed: int) -> bytearray:
    """Return a bundle as a file, whose directory says something else of its manifest, at these places of the entry."""
    [whole] = seeds("bundle")
    data, entry = bytearray(whole), whole.rindex(b"PK\x01\x02", 0, whole.rindex(b"manifest.json"))
    for place, value in claimed.items():
        at, form = {"flags": (8, "<H"), "method": (10, "<H"), "size": (24, "<I"), "offset": (42, "<I")}[place]
        struct.pack_into(form, data, entry + at, value)
    return data


@pytest.mark.parametrize("claimed", [{"flags": 1}, {"method": 99}, {"size": 99}, {"offset": 0}, {"offset": 2**32 - 2}])
def test_a_bundle_with_a_damaged_directory_is_refused(claimed):
    assert not read("bundle", bytes(packed(**claimed)))


def test_a_bundle_that_unpacks_to_anything_is_refused_unread(tmp_path):
    path, [whole] = tmp_path / "bomb.zip", seeds("bundle")
    data = bytearray(whole)
    for entry in re.finditer(rb"PK\x01\x02", whole):
        struct.pack_into("<I", data, entry.start() + 24, 2**32 - 2)
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"unpacks to [\d,]{14} bytes; no bundle has more"):
        list(verify_bundle(path, None))


@pytest.mark.parametrize(
    "manifest", [b"[" * 100_000, b'{"a":' * 100_000, b'{"format":"\\ud800"}', b"[]", b"1e5", b"\xff", b""]
)
def test_a_manifest_that_is_none_is_refused(manifest):
    assert not read("manifest", manifest)


def test_each_of_many_strange_names_is_told(tmp_path):
    buffer = io.BytesIO(seeds("bundle")[0])
    with zipfile.ZipFile(buffer, "a") as bundle:
        for number in range(3_000):
            bundle.writestr(f"{number}", b"")
    path = tmp_path / "many.zip"
    path.write_bytes(buffer.getvalue())
    told = [result.text for result in verify_bundle(path, None) if not result.ok]
    assert len([text for text in told if "not in its manifest" in text]) == 3_000
