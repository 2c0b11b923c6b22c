"""Looks at originals that are kept in a file while two folders are compared."""

import hashlib
from dataclasses import replace

import pytest

from tests.edits import photo_paths
from theftwatch.images.looks import Looks
from theftwatch.match.kept import LooksFile
from theftwatch.match.picture import find_first_looks


@pytest.fixture(scope="module")
def photos():
    return [path.read_bytes() for path in photo_paths()[:3]]


@pytest.fixture(scope="module")
def looks(photos):
    return {hashlib.sha256(data).digest(): find_first_looks(data).to_bytes() for data in photos}


def test_looks_are_read_as_they_were_kept(looks):
    first, *others = looks
    with LooksFile() as kept:
        kept.add({first: looks[first]})
        kept.add(looks)
        found = kept.read([b"unknown", *others, first])
    assert found == looks


def test_more_looks_take_the_place_of_fewer_and_never_the_other_way(looks):
    sha256, fewer = next(iter(looks.items()))
    first = Looks.from_bytes(fewer)
    more = replace(first, close=first.first).to_bytes()
    with LooksFile() as kept:
        for each in (fewer, more, fewer):
            kept.add({sha256: each})
        [found] = kept.read([sha256]).values()
    assert found == more


def test_what_is_beyond_its_room_is_not_kept(looks, monkeypatch):
    monkeypatch.setattr("theftwatch.match.kept._BYTES_MAX", 1)
    with LooksFile() as kept:
        kept.add(looks)
        assert list(kept.read(looks)) == list(looks)[:1]
