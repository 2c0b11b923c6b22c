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
    """Pairs with their scores and whether they are right; a row of each array is a pair."""

    scores: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    claimed: npt.NDArray[np.bool_]
    #: The suspect of each pair, as its place in the truth
    suspect: npt.NDArray[np.int64]

    def __getitem__(self, chosen: npt.NDArray[np.bool_]) -> "_Ranking":
        return _Ranking(
            scores=self.scores[chosen],
            right=self.right[chosen],
            claimed=self.claimed[chosen],
            suspect=self.suspect[chosen],
        )


def score(truth: Sequence[Truth], pairs: Sequence[Pair], *, best_only: bool = False) -> Score:
    """Judge the pairs of a method; with `best_only`, of each suspect the pair of its highest score alone."""
    by_suspect = {each.suspect: each for each in truth}
    judged = [pair for pair in pairs if pair.original not in by_suspect[pair.suspect].open_originals]
    if best_only:
        judged = _best(judged)
    ranking = _ranked(truth, judged)
    precise = _threshold(ranking, lambda rights, wrongs: rights >= PRECISION * (rights + wrongs))
    faultless = _threshold(ranking, lambda _, wrongs: wrongs == 0)
    is_copy = np.array([bool(each.original) for each in truth], bool)

    def figures(part: npt.NDArray[np.bool_]) -> Figures:
        """Return the figures of the suspects of a part, ranked among the unrelated ones."""
        copies = int((part & is_copy).sum())
        mine = ranking[part[ranking.suspect]]
        found = mine[mine.right]
        among = ranking[(part | ~is_copy)[ranking.suspect]]
        return Figures(
            copies=copies,
            average_precision=_average_precision(among, copies),
            recall_at_precision=_share(int((found.scores >= precise).sum()), copies),
            recall_at_no_error=_share(int((found.scores >= faultless).sum()), copies),
            recall=_share(int(found.claimed.sum()), copies),
            wrong=int((mine.claimed & ~mine.right).sum()),
        )

    def parts(names: Sequence[str]) -> dict[str, Figures]:
        array = np.array(names)
        return {name: figures((array == name) & is_copy) for name in _in_order(truth, names)}

    wrong = [pair for pair, right in zip(judged, ranking.right, strict=True) if not right]
    wrong.sort(key=lambda pair: (-pair.score, pair.suspect, pair.original))
    found = set(ranking.suspect[ranking.claimed & ranking.right].tolist())
    return Score(
        overall=figures(np.ones(len(truth), bool)),
        families=parts([each.family for each in truth]),
        edits=parts([each.edit for each in truth]),
        wrong=[pair for pair in wrong if pair.claimed],
        first_wrong=wrong[:_FIRST_WRONG],
        missed=[each for place, each in enumerate(truth) if each.original and place not in found],
    )


def _in_order(truth: Sequence[Truth], names: Sequence[str]) -> list[str]:
    """Return the names that copies have, in the order of the edits."""
    order = {edit.name: place for place, edit in enumerate(EDITS)}
    named = [(order.get(each.edit, len(order)), name) for each, name in zip(truth, names, strict=True) if each.original]
    return list(dict.fromkeys(name for _, name in sorted(named)))


def average_precision(scores: Sequence[float], right: Sequence[bool], copies: int) -> float:
    """Return the mean over all copies of the precision at the threshold that finds them; 0 for those never found."""
    nothing = np.zeros(len(scores), np.int64)
    ranking = _Ranking(
        scores=np.array(scores, np.float64), right=np.array(right, bool), claimed=nothing > 0, suspect=nothing
    )
    return _average_precision(ranking, copies)


def _ranked(truth: Sequence[Truth], pairs: Sequence[Pair]) -> _Ranking:
    places = {each.suspect: place for place, each in enumerate(truth)}
    suspect = np.array([places[pair.suspect] for pair in pairs], np.int64)
    return _Ranking(
        scores=np.array([pair.score for pair in pairs], np.float64),
        right=np.array([truth[places[pair.suspect]].original == pair.original for pair in pairs], bool),
        claimed=np.array([pair.claimed for pair in pairs], bool),
        suspect=suspect,
    )


def _steps(ranking: _Ranking) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each score that occurs, highest first, with how many right and wrong pairs have it or a higher one."""
    values, where = np.unique(-ranking.scores, return_inverse=True)
    rights = np.bincount(where, ranking.right, len(values)).cumsum().astype(np.int64)
    wrongs = np.bincount(where, ~ranking.right, len(values)).cumsum().astype(np.int64)
    return -values, rights, wrongs


def _average_precision(ranking: _Ranking, copies: int) -> float:
    if not copies or not len(ranking.scores):
        return 0.0
    _, rights, wrongs = _steps(ranking)
    gained = np.diff(rights, prepend=0)
    return float((gained * rights / (rights + wrongs)).sum() / copies)


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


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
