"""Locating an original in a suspect: looks that cost more and more, and how sure each is that it sees a copy."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from theftwatch.images.agreement import Agreement
from theftwatch.images.align import Alignment, align, lay, moved
from theftwatch.images.descriptor import similarity
from theftwatch.images.features import LocalFeatures, mirror_features
from theftwatch.images.phash import distance_256
from theftwatch.match.candidates import PART_SIMILARITY_MIN
from theftwatch.match.picture import OriginalPicture, SuspectPicture
from theftwatch.match.transform import Size

#: What one unit of each measure adds to the logarithm of the odds
_INTERCEPT, _PER_INLIERS, _PER_ERROR, _PER_SAME, _PER_OTHER = -10.63, 1.19, -1.47, 4.25, -1.77
#: More features than these do not agree by chance, so each further one says more, by this
_INLIERS_MANY, _PER_MORE_INLIERS = 50, 1.0
#: The same for two pictures that are laid over each other as they are, and the distance of their 256-bit hashes up to
#: which that is tried
_LAID_INTERCEPT, _LAID_PER_WHOLE, _LAID_PER_OTHER, _LAID_BITS = -5.62, -1.80, -1.31, 24
#: Few features, or a few blocks, may agree by chance; they are worth a look at most
_INLIERS_MIN, _INLIERS_FEW, _SHOWN_LITTLE, _BLOCKS_FEW, _DOUBTFUL_SCORE = 7, 10, 0.65, 6, 0.9
#: Share of the original that is shown times the share of the suspect that it fills, below which it is a badge or strip
#: of text that both wear, and no photo, where so little of the original is shown; a small tile shows most of it
_LITTLE, _SHOWN_MOST = 0.085, 0.5
#: Share of the compared area that agreeing blocks are spread over below which they are such a strip or badge, where the
#: original shows more than this share elsewhere, and of the compared blocks fewer agree than all but a few
_SPREAD_LITTLE, _ASIDE_MOST, _SAME_MOST = 0.35, 0.04, 0.86
#: Scores from here on leave no doubt that a further look could remove
_SURE_SCORE = 0.99
#: Scores of a look below which a closer one finds nothing either: a chance agreement of a few points
_CLOSER_SCORE = 0.02
#: The same for a look at few features of both, and of a part; no copy that one found while tuning was below 0.0029,
#: or below 0.015 in a part. From the last on the trace in a part is clear
_TRACE_SCORE, _PART_TRACE_SCORE, _PART_CLEAR_SCORE = 0.002, 0.01, 0.1
#: Cosine of the descriptors from which a closer look is worth its time where one found nothing at all, as the features
#: that it compared lie elsewhere
_NEAR = 0.6
#: The likeliest parts that an original is looked for in; no copy of the tuning set was in a later one
_PARTS_LOOKED_AT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """An original as it was found in a suspect by one look, with the sizes of both as they were looked at."""

    alignment: Alignment
    size: Size
    suspect_size: Size
    score: float

    @property
    def area(self) -> float:
        """Return the share of the original that is shown times the share of the suspect that it fills."""
        shown, matrix = self.alignment.agreement.shown, self.alignment.matrix
        grown = abs(float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]))
        return shown**2 * grown * math.prod(self.size) / math.prod(self.suspect_size)


def locate(original: OriginalPicture, suspect: SuspectPicture) -> Located | None:
    """Return where the original, or a part of it, is in the suspect, as surely as any look tells; None where nowhere.

    The same pair always gets the same answer.
    """
    best: Located | None = None
    for look in map(_doubted, _looks(original, suspect)):
        if best is None or look.score > best.score:
            best = look
        if best.score >= _SURE_SCORE:
            break
    return best


def _looks(original: OriginalPicture, suspect: SuspectPicture) -> Iterator[Located]:
    """Yield where the original is in the suspect, by looks that cost more and more."""
    laid = _laid(original, suspect)
    if laid and laid.score >= _SURE_SCORE:
        yield laid
    first = _aligned(original.first_look, suspect.first_look)
    # A pattern around a photo may have taken all the features of a first look at the suspect.
    hidden = (
        first is None
        and similarity(original.fingerprint.descriptor, suspect.fingerprint.descriptor) >= _NEAR
        and suspect.is_pattern
    )
    if _reaches(first, _TRACE_SCORE) or hidden:
        first = _aligned(original.close_look, suspect.first_look)
        if first:
            yield first
    for index in _promising_parts(original, suspect, trace=_reaches(first, _CLOSER_SCORE)):
        look = _look_at_part(original, suspect, index)
        if look:
            yield look
    if _reaches(first, _CLOSER_SCORE) or (first is None and hidden):
        close = _aligned(original.close_look, suspect.close_look)
        if close:
            yield close


def _look_at_part(original: OriginalPicture, suspect: SuspectPicture, index: int) -> Located | None:
    """Return where the original is in a part of the suspect; None where a quick look gives no reason to look closer."""
    # A small part at a small scale says whether a closer look is worth its time, and no more: it errs.
    quick, *_ = suspect.part_look(index, close=False)
    trace = _aligned(original.first_look, quick)
    if not _reaches(trace, _PART_TRACE_SCORE):
        return None
    if not (_reaches(trace, _PART_CLEAR_SCORE) or _reaches(_aligned(original.close_look, quick), _CLOSER_SCORE)):
        return None
    features, offset_px, size = suspect.part_look(index, close=True)
    look = _aligned(original.close_look, features)
    return replace(look, alignment=moved(look.alignment, offset_px), suspect_size=size) if look else None


def _reaches(look: Located | None, least: float) -> bool:
    return look is not None and look.score >= least


def _promising_parts(original: OriginalPicture, suspect: SuspectPicture, *, trace: bool) -> list[int]:
    """Return the parts of a suspect that may show the original, the likeliest first; without descriptors all may.

    With no trace of the original in the whole picture only those that are as near to it as the whole picture is.
    """
    described = original.fingerprint.descriptor
    if described is None:
        return list(range(len(suspect.parts)))
    least = PART_SIMILARITY_MIN
    if not trace:
        least = max(least, similarity(suspect.fingerprint.descriptor, described))
    near = ((similarity(part.descriptor, described), index) for index, part in enumerate(suspect.parts))
    likeliest = sorted(near, reverse=True)[:_PARTS_LOOKED_AT]
    return [index for cosine, index in likeliest if cosine >= least]


def _laid(original: OriginalPicture, suspect: SuspectPicture) -> Located | None:
    """Return how the pictures agree as they are, or one of them mirrored, where their long hashes say that they may.

    It tells copies that were kept whole, thin pieces that are blurred or small among them, and no other.
    """
    [seen] = (each for each in suspect.fingerprint.hashes if each.variant == "plain")
    near = {
        each.variant: distance_256(each, seen)
        for each in original.fingerprint.hashes
        if each.variant in ("plain", "mirror")
    }
    variant = min(near, key=lambda name: (near[name], name != "plain"))
    if near[variant] > _LAID_BITS:
        return None
    features = original.first_look if variant == "plain" else mirror_features(original.first_look)
    alignment = lay(features, suspect.small)
    if alignment is None or alignment.agreement.blocks < _BLOCKS_FEW:
        return None
    return Located(
        alignment=alignment,
        size=(features.width_px, features.height_px),
        suspect_size=(suspect.small.width_px, suspect.small.height_px),
        score=_score_laid(alignment.agreement),
    )


def _aligned(original: LocalFeatures, suspect: LocalFeatures) -> Located | None:
    alignment = align(original, suspect)
    if alignment is None:
        return None
    return Located(
        alignment=alignment,
        size=(original.width_px, original.height_px),
        suspect_size=(suspect.width_px, suspect.height_px),
        score=score_alignment(alignment),
    )


def score_alignment(alignment: Alignment) -> float:
    """Return how surely an alignment is that of a copy, from 0 to 1: logistic regression on four of its measures.

    Fitted to the part of `bench/recognition` that is for tuning, with handmade jewellery; docs/recognition.md.
    """
    agreement = alignment.agreement
    sum_ = (
        _INTERCEPT
        + _PER_INLIERS * math.log(alignment.inliers)
        + _PER_MORE_INLIERS * max(0.0, math.log(alignment.inliers / _INLIERS_MANY))
        + _PER_ERROR * math.log(alignment.error_px + 0.05)
        + _PER_SAME * agreement.same_share
        + _PER_OTHER * math.log(agreement.other_share + 0.03)
    )
    score = 1 / (1 + math.exp(-sum_))
    inliers_min = _INLIERS_FEW if agreement.shown < _SHOWN_LITTLE else _INLIERS_MIN
    return min(score, _DOUBTFUL_SCORE) if alignment.inliers < inliers_min or agreement.blocks < _BLOCKS_FEW else score


def _doubted(look: Located) -> Located:
    agreement = look.alignment.agreement
    badge = look.area < _LITTLE and agreement.shown < _SHOWN_MOST
    gathered = agreement.spread < _SPREAD_LITTLE and agreement.same_share < _SAME_MOST
    strip = gathered and agreement.aside_share > _ASIDE_MOST
    return replace(look, score=min(look.score, _DOUBTFUL_SCORE)) if badge or strip else look


def _score_laid(agreement: Agreement) -> float:
    """Return the same for pictures that are laid over each other as they are, by two measures."""
    sum_ = (
        _LAID_INTERCEPT
        + _LAID_PER_WHOLE * math.log(1.005 - agreement.whole)
        + _LAID_PER_OTHER * math.log(agreement.other_share + 0.03)
    )
    return 1 / (1 + math.exp(-sum_))
