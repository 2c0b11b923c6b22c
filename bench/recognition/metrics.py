"""What a method's scores are worth: figures over all pairs of all suspects ranked together.

As in the Image Similarity Challenge (Douze and others, "The 2021 Image Similarity Dataset and Challenge",
arXiv 2106.09672): one ranking, so a score has to mean the same for every suspect. Pairs of one score enter it
together, since no threshold can part them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.recognition.build import Truth
from bench.recognition.edits import EDITS

#: Precision at which recall is told
PRECISION = 0.99
_FIRST_WRONG = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A suspect and an original, with how surely they are one photo, and whether the method calls them a match."""

    suspect: str
    original: str
    score: float
    claimed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The figures of some suspects; shares from 0 to 1."""

    copies: int
    average_precision: float
    recall_at_precision: float
    recall_at_no_error: float
    #: At the method's own threshold
    recall: float
    wrong: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The figures of a method, over all suspects, and of each family and edit.

    Where a threshold is meant it is the one of all suspects; average precision alone is that of the copies of one edit
    or family among all pairs of unrelated suspects.
    """

    overall: Figures
    families: Mapping[str, Figures]
    edits: Mapping[str, Figures]
    #: The pairs claimed wrongly, highest score first
    wrong: Sequence[Pair]
    #: The wrong pairs of the highest scores, claimed or not: each is to be looked at before a figure is believed
    first_wrong: Sequence[Pair]
    #: The copies whose original was not claimed
    missed: Sequence[Truth]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ranking:
    """Pairs that are right or wrong, with their scores, and the number of copies that could be found."""

    scores: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    copies: int


def score(truth: Sequence[Truth], pairs: Sequence[Pair], *, best_only: bool = False) -> Score:
    """Judge the pairs of a method; with `best_only`, of each suspect the pair of its highest score alone."""
    by_suspect = {each.suspect: each for each in truth}
    judged = [pair for pair in pairs if pair.original not in by_suspect[pair.suspect].open_originals]
    if best_only:
        judged = _best(judged)
    right = [by_suspect[pair.suspect].original == pair.original for pair in judged]
    everything = _ranking(judged, right, truth)
    precise = _threshold(everything, lambda rights, wrongs: rights >= PRECISION * (rights + wrongs))
    faultless = _threshold(everything, lambda _, wrongs: wrongs == 0)

    def figures(part: Sequence[Truth], among: Sequence[Truth]) -> Figures:
        names, wider = {each.suspect for each in part}, {each.suspect for each in among}
        mine = [(pair, true) for pair, true in zip(judged, right, strict=True) if pair.suspect in names]
        copies = sum(bool(each.original) for each in part)
        found = [pair for pair, true in mine if true]
        near = [(pair, true) for pair, true in zip(judged, right, strict=True) if pair.suspect in wider]
        return Figures(
            copies=copies,
            average_precision=_average_precision(_ranking([p for p, _ in near], [true for _, true in near], part)),
            recall_at_precision=_share(sum(pair.score >= precise for pair in found), copies),
            recall_at_no_error=_share(sum(pair.score >= faultless for pair in found), copies),
            recall=_share(sum(pair.claimed for pair in found), copies),
            wrong=sum(pair.claimed for pair, true in mine if not true),
        )

    order = [edit.name for edit in EDITS]
    copies, unrelated = ([each for each in truth if bool(each.original) is is_copy] for is_copy in (True, False))
    wrong = [pair for pair, true in zip(judged, right, strict=True) if not true]
    wrong.sort(key=lambda pair: (-pair.score, pair.suspect, pair.original))
    claimed = {pair.suspect for pair, true in zip(judged, right, strict=True) if pair.claimed and true}
    copies.sort(
        key=lambda each: (order.index(each.edit) if each.edit in order else len(order), each.edit, each.suspect)
    )
    by_family, by_edit = (_split(copies, key) for key in (lambda each: each.family, lambda each: each.edit))
    return Score(
        overall=figures(truth, truth),
        families={name: figures(part, [*part, *unrelated]) for name, part in by_family.items()},
        edits={name: figures(part, [*part, *unrelated]) for name, part in by_edit.items()},
        wrong=[pair for pair in wrong if pair.claimed],
        first_wrong=wrong[:_FIRST_WRONG],
        missed=[each for each in copies if each.suspect not in claimed],
    )


def average_precision(scores: Sequence[float], right: Sequence[bool], copies: int) -> float:
    """Return the mean over all copies of the precision at the threshold that finds them; 0 for those never found."""
    return _average_precision(_Ranking(scores=np.array(scores, float), right=np.array(right, bool), copies=copies))


def _ranking(pairs: Sequence[Pair], right: Sequence[bool], truth: Sequence[Truth]) -> _Ranking:
    return _Ranking(
        scores=np.array([pair.score for pair in pairs], np.float64),
        right=np.array(right, bool),
        copies=sum(bool(each.original) for each in truth),
    )


def _steps(ranking: _Ranking) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each score that occurs, highest first, with how many right and wrong pairs have it or a higher one."""
    values, where = np.unique(-ranking.scores, return_inverse=True)
    rights = np.bincount(where, ranking.right, len(values)).cumsum().astype(np.int64)
    wrongs = np.bincount(where, ~ranking.right, len(values)).cumsum().astype(np.int64)
    return -values, rights, wrongs


def _average_precision(ranking: _Ranking) -> float:
    if not ranking.copies or not len(ranking.scores):
        return 0.0
    _, rights, wrongs = _steps(ranking)
    gained = np.diff(rights, prepend=0)
    return float((gained * rights / (rights + wrongs)).sum() / ranking.copies)


def _threshold(ranking: _Ranking, allowed: Callable[[int, int], bool]) -> float:
    """Return the lowest score at which the pairs from there on are allowed."""
    if not len(ranking.scores):
        return float("inf")
    values, rights, wrongs = _steps(ranking)
    fit = [v for v, r, w in zip(values.tolist(), rights.tolist(), wrongs.tolist(), strict=True) if allowed(r, w)]
    return min(fit, default=float("inf"))


def _best(pairs: Sequence[Pair]) -> list[Pair]:
    """Return each suspect's pair of the highest score; of several, the one whose original's name comes first."""
    best: dict[str, Pair] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.suspect, -pair.score, pair.original)):
        best.setdefault(pair.suspect, pair)
    return list(best.values())


def _split(truth: Sequence[Truth], key: Callable[[Truth], str]) -> dict[str, list[Truth]]:
    parts: dict[str, list[Truth]] = {}
    for each in truth:
        parts.setdefault(key(each), []).append(each)
    return parts


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
