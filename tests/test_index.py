"""The index in memory: it finds what comparing with every image finds, and is the same in whatever order they come."""

import pickle

import numpy as np
import pytest

from bench.hashes import asked_hashes, near, stored_hashes
from theftwatch.images.descriptor import LENGTH
from theftwatch.match import cells
from theftwatch.match.bands import bands_of
from theftwatch.match.candidates import RADIUS_BITS
from theftwatch.match.cells import Cells, cells_of
from theftwatch.match.index import Index, Indexed, index_of


def descriptors(count, seed=1):
    return np.random.default_rng(seed).standard_normal((count, LENGTH), np.float32)


def found(stored: Cells, rows, most):
    return [dict(zip(owners.tolist(), cosines.tolist(), strict=True)) for owners, cosines in stored.nearest(rows, most)]


def nearest_of_all(stored, row, most):
    differing = ((stored > 0) != (row > 0)).sum(axis=1)
    return set(np.argsort(differing, kind="stable")[:most].tolist())


def test_all_near_hashes_are_found():
    stored = stored_hashes(3000)
    asked = asked_hashes(stored, 80).tolist()
    # Two images share each hash.
    bands = bands_of([*stored.tolist(), *stored.tolist()], range(6000))
    place = {value: number for number, value in enumerate(stored.tolist())}
    expected = [[place[each] for each in near(stored, query, RADIUS_BITS)] for query in asked]
    assert [sorted(images) for images in bands.near(asked)] == [
        sorted([*each, *(number + 3000 for number in each)]) for each in expected
    ]
    assert any(expected)
    assert bands.near([]) == []
    assert bands_of([], []).near(asked[:2]) == [set(), set()]


def test_the_nearest_signs_are_found_and_told_with_their_cosine(monkeypatch):
    stored = descriptors(2500).astype(np.float16)
    stored[7] = stored[3]
    rows = np.concatenate([descriptors(5, seed=2), stored[:3].astype(np.float32)])
    # in many cells, and few at a time
    monkeypatch.setattr(cells, "_CELL", 50)
    monkeypatch.setattr(cells, "_KEPT_AT_ONCE", 5000)
    made = cells_of(stored, np.arange(2500, dtype=np.int32))
    assert len(made.middles) == 50
    for most in (1, 30, 3000):
        for row, images in zip(rows, found(made, rows, most), strict=True):
            assert set(images) == nearest_of_all(stored, row, most)
            cosines = {image: float(stored[image].astype(np.float32) @ row) for image in images}
            assert images == pytest.approx(cosines, abs=1e-3)


def test_only_the_nearest_cells_are_read(monkeypatch):
    monkeypatch.setattr(cells, "_CELL", 50)
    monkeypatch.setattr(cells, "_READ", 4)
    centres = descriptors(40)
    stored = (centres.repeat(50, axis=0) + 0.3 * descriptors(2000, seed=3)).astype(np.float16)
    made = cells_of(stored, np.arange(2000, dtype=np.int32))
    found_own = [set(each) >= {50 * n} for n, each in enumerate(found(made, stored[::50].astype(np.float32), 10))]
    assert all(found_own)
    assert all(len(each) < 2000 for each in found(made, centres, 2000))


def test_nothing_is_found_where_nothing_is_stored():
    empty = index_of([])
    assert empty.holding([bytes(32)]) == set()
    assert found(empty.cells, descriptors(2), 5) == [{}, {}]
    without = index_of([Indexed(sha256=bytes(32), hashes=[1], embedding=None)])
    assert without.holding([bytes(32), b"1" * 32]) == {bytes(32)}
    assert found(without.cells, descriptors(2), 5) == [{}, {}]


def test_an_index_is_the_same_in_any_order_and_in_another_process():
    rows = descriptors(40).astype(np.float16)
    images = [
        Indexed(sha256=bytes([n]) * 32, hashes=[n, -n], embedding=row.tobytes() if n % 3 else None)
        for n, row in enumerate(rows)
    ]
    one, other = index_of(images), index_of(reversed(images))
    assert pickle.dumps(one) == pickle.dumps(other)
    copy: Index = pickle.loads(pickle.dumps(one))
    assert copy.holding([bytes([5]) * 32, bytes([99]) * 32]) == {bytes([5]) * 32}
    assert copy.byte_count == one.byte_count > rows.nbytes // 2
