"""The figures of the recognition benchmark, on cases small enough to count by hand."""

import pytest

from bench.recognition.build import Truth
from bench.recognition.metrics import Pair, average_precision, score

TRUTH = [
    Truth(suspect="s1", original="a", edit="mirror", family="mirror"),
    Truth(suspect="s2", original="b", edit="mirror", family="mirror", open_originals=("b-again",)),
    Truth(suspect="s3", original="c", edit="border", family="pad"),
    Truth(suspect="s4", original="", edit="plain", family="plain"),
]


def pair(suspect, original, value, *, claimed=False):
    return Pair(suspect=suspect, original=original, score=value, claimed=claimed)


def test_average_precision_by_hand():
    # Right, wrong, right; a third copy is never found: (1/1 + 2/3) / 3
    assert average_precision([0.9, 0.8, 0.7], [True, False, True], 3) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision([0.9, 0.8], [True, True], 2) == 1
    assert average_precision([], [], 2) == 0
    assert average_precision([0.5], [False], 1) == 0


def test_pairs_of_one_score_enter_the_ranking_together_in_whatever_order_they_come():
    # At the only threshold two of three pairs are right, so each copy is found at a precision of 2/3.
    assert average_precision([1, 1, 1], [True, False, True], 2) == pytest.approx(2 / 3)
    assert average_precision([1, 1, 1], [False, True, True], 2) == pytest.approx(2 / 3)


def test_recall_counts_copies_above_the_highest_wrong_pair():
    found = score(TRUTH, [pair("s1", "a", 0.9), pair("s4", "a", 0.8), pair("s2", "b", 0.7), pair("s3", "c", 0.6)])
    assert found.overall.copies == 3
    assert found.overall.recall_at_no_error == pytest.approx(1 / 3)
    assert found.overall.recall_at_precision == pytest.approx(1 / 3)
    assert found.overall.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert [(each.suspect, each.original) for each in found.first_wrong] == [("s4", "a")]


def test_a_copy_of_the_highest_wrong_score_is_not_found_without_error():
    found = score(TRUTH, [pair("s1", "a", 0.8), pair("s4", "a", 0.8)])
    assert found.overall.recall_at_no_error == 0


def test_precision_of_099_allows_one_wrong_pair_in_a_hundred():
    truth = [Truth(suspect=f"s{n}", original=f"o{n}", edit="mirror", family="mirror") for n in range(100)]
    pairs = [pair(f"s{n}", f"o{n}", 1 - n / 1000) for n in range(100)]
    wrong = pair("s0", "o1", 0.9995)
    assert score(truth, [*pairs, wrong]).overall.recall_at_precision == 1
    assert score(truth, [*pairs, wrong]).overall.recall_at_no_error == pytest.approx(0.01)
    assert score(truth, [*pairs[:98], wrong]).overall.recall_at_precision == pytest.approx(0.01)


def test_the_own_threshold_of_a_method_is_what_it_claims():
    found = score(
        TRUTH,
        [
            pair("s1", "a", 0.9, claimed=True),
            pair("s1", "b", 0.85, claimed=True),
            pair("s4", "c", 0.6, claimed=True),
            pair("s3", "c", 0.5),
        ],
    )
    assert found.overall.recall == pytest.approx(1 / 3)
    assert found.overall.wrong == 2
    assert [(each.suspect, each.original) for each in found.wrong] == [("s1", "b"), ("s4", "c")]
    assert [each.suspect for each in found.missed] == ["s2", "s3"]
    assert (found.families["mirror"].recall, found.families["mirror"].wrong) == (0.5, 1)
    assert found.families["pad"].recall == 0


def test_a_pair_within_a_group_is_neither_right_nor_wrong():
    alone = score(TRUTH, [pair("s2", "b", 0.7)])
    both = score(TRUTH, [pair("s2", "b-again", 0.9, claimed=True), pair("s2", "b", 0.7)])
    assert both.overall == alone.overall
    assert not both.wrong
    assert score(TRUTH, [pair("s1", "b-again", 0.9, claimed=True)]).overall.wrong == 1


def test_an_edit_is_ranked_among_all_unrelated_photos_but_not_among_other_edits():
    found = score(TRUTH, [pair("s3", "a", 0.95), pair("s4", "a", 0.9), pair("s1", "a", 0.8), pair("s2", "b", 0.7)])
    assert found.edits["mirror"].average_precision == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_with_the_best_pair_alone_a_suspect_has_one():
    pairs = [pair("s1", "b", 0.9, claimed=True), pair("s1", "a", 0.9, claimed=True), pair("s4", "c", 0.2)]
    found = score(TRUTH, pairs, best_only=True)
    # Of equal scores the original whose name comes first
    assert found.overall.recall == pytest.approx(1 / 3)
    assert found.overall.wrong == 0
    assert score(TRUTH, pairs).overall.wrong == 1


def test_a_method_that_finds_nothing():
    found = score(TRUTH, [])
    assert found.overall.average_precision == found.overall.recall_at_no_error == found.overall.recall == 0
    assert len(found.missed) == 3
