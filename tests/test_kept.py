"""Local features that are kept in a file while two folders are compared."""

import hashlib

import numpy as np
import pytest

from tests.edits import photo_paths
from theftwatch.match.kept import FeatureFile
from theftwatch.match.picture import find_original_features


@pytest.fixture(scope="module")
def photos():
    return [path.read_bytes() for path in photo_paths()[:3]]


def test_features_are_read_as_they_were_kept(photos):
    features = {hashlib.sha256(data).digest(): find_original_features(data) for data in photos}
    first, *others = features
    with FeatureFile() as kept:
        kept.add({first: features[first]})
        kept.add(features)
        found = kept.read([b"unknown", *others, first])
    assert found.keys() == features.keys()
    for sha256, each in found.items():
        assert np.array_equal(each.points, features[sha256].points)
        assert np.array_equal(each.descriptors, features[sha256].descriptors)
        assert np.array_equal(each.grey, features[sha256].grey)


def test_what_is_beyond_its_room_is_not_kept(photos, monkeypatch):
    monkeypatch.setattr("theftwatch.match.kept._BYTES_MAX", 1)
    features = {hashlib.sha256(data).digest(): find_original_features(data) for data in photos}
    with FeatureFile() as kept:
        kept.add(features)
        assert list(kept.read(features)) == list(features)[:1]
