"""Verification and decision: whether one picture is a copy of another, how surely, and why."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from theftwatch.images.agreement import Agreement
from theftwatch.images.align import Alignment, align, lay, moved
from theftwatch.images.descriptor import Descriptor
from theftwatch.images.features import LocalFeatures, mirror_features
from theftwatch.images.fingerprint import Fingerprint
from theftwatch.images.phash import VariantHash
from theftwatch.match.candidates import PART_SIMILARITY_MIN, RADIUS_BITS, VARIANTS
from theftwatch.match.measure import measure_transform
from theftwatch.match.picture import OriginalPicture, SuspectPicture
from theftwatch.match.transform import Size, Transform, describe

#: Counts up when the same pair may be decided otherwise
ALGORITHM_VERSION = 6

#: Scores from here on are a match; chosen so that no pair of different photos reaches it, see docs/recognition.md
MATCH_SCORE = 0.98
#: Scores from here on are worth a look
POSSIBLE_SCORE = 0.5
#: What one unit of each measure adds to the logarithm of the odds
_INTERCEPT, _PER_INLIERS, _PER_ERROR, _PER_SAME, _PER_OTHER = -10.63, 1.19, -1.47, 4.25, -1.77
#: More features than these do not agree by chance, so each further one says more, by this
_INLIERS_MANY, _PER_MORE_INLIERS = 50, 1.0
#: The same for two pictures that are laid over each other as they are, and the distance of their 256-bit hashes up to
#: which that is tried
_LAID_INTERCEPT, _LAID_PER_WHOLE, _LAID_PER_OTHER, _LAID_BITS = -5.62, -1.80, -1.31, 24
#: Few features, or a few blocks, may agree by chance; they are worth a look at most
_INLIERS_MIN, _INLIERS_FEW, _SHOWN_LITTLE, _BLOCKS_FEW, _DOUBTFUL_SCORE = 7, 10, 0.65, 6, 0.9
#: Near 64-bit hashes of pictures whose 256-bit hashes are farther apart than this are of a like layout, as drawn pieces
#: on white are, where the descriptors are not near either; copies whose contrast was evened out go up to 50 bits
_LAYOUT_BITS, _LAYOUT_SIMILARITY = 56, 0.6
#: Share of the original that is shown times the share of the suspect that it fills, below which it is a badge or strip
#: of text that both wear, and no photo, where so little of the original is shown; a small tile shows most of it
_LITTLE, _SHOWN_MOST = 0.085, 0.5
#: Scores from here on leave no doubt that a further look could remove
_SURE_SCORE = 0.99
#: Scores of a look below which a closer one finds nothing either: a chance agreement of a few points
_CLOSER_SCORE = 0.02
#: The same for a look at few features of both; of the copies of the tuning set that are found none was below 0.004
_TRACE_SCORE = 0.002
#: Cosine of the descriptors, of a whole suspect or of a part, from which a closer look is worth its time where one
#: found nothing at all: few features may all lie elsewhere, and a thin piece in a tile has hardly any
_NEAR_WHOLE, _NEAR_PART = 0.6, 0.45
#: The likeliest parts that an original is looked for in; no copy of the tuning set was in a later one
_PARTS_LOOKED_AT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The program's answer on a pair of images."""

    decision: Literal["match", "possible", "no_match", "unusable"]
    #: 0 to 1; MATCH_SCORE and POSSIBLE_SCORE are the thresholds
    score: float
    #: exact, phash (near hashes) or features (local features alone)
    method: str
    #: One plain sentence
    explanation: str
    #: What was done to the original; None where it was not found in the suspect
    transform: Transform | None = None
    #: Distance of the nearest 64-bit hashes
    distance_bits: int | None = None
    #: Correlation of gradients after alignment
    similarity: float | None = None
    inliers: int | None = None

    @property
    def settled(self) -> bool:
        """Return whether the suspect is the original and nothing else, so that its parts need not be asked about."""
        return is_settled(self.decision, self.transform.around if self.transform else None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
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


def is_settled(decision: str, around: str | None) -> bool:
    """Return whether a decision shows the original and nothing else in the suspect, given what is around it there."""
    return decision == "match" and around in ("nothing", "border")


def decide_exact() -> Decision:
    """Return the decision on two images of the same bytes."""
    whole = (0.0, 0.0, 1.0, 1.0)
    return Decision(
        decision="match",
        score=1.0,
        method="exact",
        explanation="The two files are the same, byte for byte.",
        transform=Transform(
            mirrored=False,
            scale=1.0,
            stretch=1.0,
            rotation_degrees=0.0,
            shown=1.0,
            crop=whole,
            place=whole,
            around="nothing",
            matrix=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        ),
        distance_bits=0,
        similarity=1.0,
    )


def decide_unusable(which: str, reason: str) -> Decision:
    """Return the decision on a pair of which one image cannot be compared."""
    return Decision(
        decision="unusable",
        score=0.0,
        method="none",
        explanation=f"The {which} image cannot be compared: {reason}.",
    )


def decide_prints(original: Fingerprint, suspect: Fingerprint) -> Decision | None:
    """Return the decision on two pictures of a like layout and nothing else, which need not be looked at."""
    if original.descriptor is None or suspect.descriptor is None:
        return None
    if _similarity(original.descriptor, suspect.descriptor) >= _LAYOUT_SIMILARITY:
        return None
    distance_bits = _hash_distance(original, suspect)
    if distance_bits > RADIUS_BITS or _long_distance(original, suspect) <= _LAYOUT_BITS:
        return None
    return Decision(
        decision="no_match",
        score=0.0,
        method="phash",
        explanation="No copy: the short hashes are near, but neither the long ones nor the descriptors.",
        distance_bits=distance_bits,
    )


def decide(original: OriginalPicture, suspect: SuspectPicture) -> Decision:
    """Decide whether the suspect picture shows the original or a part of it.

    The same pair always gets the same answer.
    """
    by_prints = decide_prints(original.fingerprint, suspect.fingerprint)
    if by_prints:
        return by_prints
    distance_bits = _hash_distance(original.fingerprint, suspect.fingerprint)
    by_hash = distance_bits <= RADIUS_BITS
    best: _Look | None = None
    for look in map(_doubted, _looks(original, suspect)):
        if best is None or look.score > best.score:
            best = look
        if best.score >= _SURE_SCORE:
            break
    score = round(best.score, 4) if best else 0.0
    decision = _decision(score)
    if best is None or decision == "no_match":
        transform = None
        explanation = f"No copy: {'the hashes are near, but ' if by_hash else ''}the pictures do not lie in each other."
    else:
        prints = original.fingerprint, suspect.fingerprint
        transform = measure_transform(
            best.alignment,
            best.size,
            best.suspect_size,
            ((prints[0].width_px, prints[0].height_px), (prints[1].width_px, prints[1].height_px)),
            suspect.small.grey,
        )
        explanation = _explain(transform, best.alignment, distance_bits)
    return Decision(
        decision=decision,
        score=score,
        method="phash" if by_hash or (best and not best.alignment.inliers) else "features",
        explanation=explanation,
        transform=transform,
        distance_bits=distance_bits,
        similarity=round(best.alignment.agreement.better, 4) if best else None,
        inliers=best.alignment.inliers or None if best else None,
    )


def _looks(original: OriginalPicture, suspect: SuspectPicture) -> Iterator[_Look]:
    """Yield how the original is found in the suspect, by looks that cost more and more."""
    laid = _laid(original, suspect)
    if laid and laid.score >= _SURE_SCORE:
        yield laid
    described, whole = original.fingerprint.descriptor, suspect.fingerprint.descriptor
    near = _similarity(described, whole) >= _NEAR_WHOLE
    first = _look(original.first_look, suspect.first_look)
    if _reaches(first, _TRACE_SCORE, near=near):
        first = _look(original.close_look, suspect.first_look)
        if first:
            yield first
    for index in _promising_parts(original, suspect, trace=_reaches(first, _CLOSER_SCORE, near=False)):
        # A small part at a small scale says whether a closer look is worth its time, and no more: it errs.
        quick, *_ = suspect.part_look(index, close=False)
        part_near = _similarity(described, suspect.parts[index].descriptor) >= _NEAR_PART
        if not _reaches(_look(original.first_look, quick), _TRACE_SCORE, near=part_near):
            continue
        if not _reaches(_look(original.close_look, quick), _CLOSER_SCORE, near=part_near):
            continue
        features, offset_px, size = suspect.part_look(index, close=True)
        look = _look(original.close_look, features)
        if look:
            yield _Look(alignment=moved(look.alignment, offset_px), size=look.size, suspect_size=size, score=look.score)
    # A pattern around a photo may have taken all the features of a first look at the suspect.
    if _reaches(first, _CLOSER_SCORE, near=near and suspect.first_look_is_full):
        close = _look(original.close_look, suspect.close_look)
        if close:
            yield close


def _reaches(look: _Look | None, least: float, *, near: bool) -> bool:
    """Tell whether a look is reason for a closer one; one that found nothing at all is where descriptors are near."""
    return look.score >= least if look else near


def _promising_parts(original: OriginalPicture, suspect: SuspectPicture, *, trace: bool) -> list[int]:
    """Return the parts of a suspect that may show the original, the likeliest first; without descriptors all may.

    With no trace of the original in the whole picture only those that are as near to it as the whole picture is.
    """
    described = original.fingerprint.descriptor
    if described is None:
        return list(range(len(suspect.parts)))
    whole = suspect.fingerprint.descriptor
    least = PART_SIMILARITY_MIN
    if whole is not None and not trace:
        least = max(least, float(whole.row @ described.row))
    similarities = [
        (float(part.descriptor.row @ described.row), index)
        for index, part in enumerate(suspect.parts)
        if part.descriptor is not None
    ]
    likeliest = sorted(similarities, reverse=True)[:_PARTS_LOOKED_AT]
    return [index for similarity, index in likeliest if similarity >= least]


def _laid(original: OriginalPicture, suspect: SuspectPicture) -> _Look | None:
    """Return how the pictures agree as they are, or one of them mirrored, where their long hashes say that they may.

    It tells copies that were kept whole, thin pieces that are blurred or small among them, and no other.
    """
    [seen] = (each for each in suspect.fingerprint.hashes if each.variant == "plain")
    near = {
        each.variant: _distance_256(each, seen)
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
    return _Look(
        alignment=alignment,
        size=(features.width_px, features.height_px),
        suspect_size=(suspect.small.width_px, suspect.small.height_px),
        score=_score_laid(alignment.agreement),
    )


def _look(original: LocalFeatures, suspect: LocalFeatures) -> _Look | None:
    alignment = align(original, suspect)
    if alignment is None:
        return None
    return _Look(
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


def _doubted(look: _Look) -> _Look:
    doubtful = look.area < _LITTLE and look.alignment.agreement.shown < _SHOWN_MOST
    return replace(look, score=min(look.score, _DOUBTFUL_SCORE)) if doubtful else look


def _score_laid(agreement: Agreement) -> float:
    """Return the same for pictures that are laid over each other as they are, by two measures."""
    sum_ = (
        _LAID_INTERCEPT
        + _LAID_PER_WHOLE * math.log(1.005 - agreement.whole)
        + _LAID_PER_OTHER * math.log(agreement.other_share + 0.03)
    )
    return 1 / (1 + math.exp(-sum_))


def _decision(score: float) -> Literal["match", "possible", "no_match"]:
    if score >= MATCH_SCORE:
        return "match"
    return "possible" if score >= POSSIBLE_SCORE else "no_match"


def _similarity(one: Descriptor | None, other: Descriptor | None) -> float:
    """Return the cosine of two descriptors; 0 where no network is in use."""
    return float(one.row @ other.row) if one and other else 0.0


def _hash_distance(original: Fingerprint, suspect: Fingerprint) -> int:
    """Return the distance of the nearest variants by their 64-bit hashes."""
    return min(_distance(one, other) for one, other in _compared(original, suspect))


def _long_distance(original: Fingerprint, suspect: Fingerprint) -> int:
    """Return the distance of the nearest variants by their 256-bit hashes."""
    return min(_distance_256(one, other) for one, other in _compared(original, suspect))


def _compared(original: Fingerprint, suspect: Fingerprint) -> Iterator[tuple[VariantHash, VariantHash]]:
    originals = (each for each in original.hashes if each.variant in VARIANTS["original"])
    suspects = [each for each in suspect.hashes if each.variant in VARIANTS["suspect"]]
    return product(originals, suspects)


def _distance(one: VariantHash, other: VariantHash) -> int:
    # Python's integers have no width: a negative difference is told by its low 64 bits.
    return ((one.hash ^ other.hash) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def _distance_256(one: VariantHash, other: VariantHash) -> int:
    return (int.from_bytes(one.hash_256) ^ int.from_bytes(other.hash_256)).bit_count()


def _explain(transform: Transform, alignment: Alignment, distance_bits: int) -> str:
    how = describe(transform)
    points = f"{alignment.inliers} local features agree to {alignment.error_px:.1f} pixels, and "
    return (
        f"{how[0].upper()}{how[1:]}: {points if alignment.inliers else ''}{round(alignment.agreement.better * 100)} %"
        f" of the outlines coincide; hash distance {distance_bits} of 64 bits."
    )
