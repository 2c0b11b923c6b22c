"""Verification and decision: whether one picture is a copy of another, how surely, and why."""

import math
from dataclasses import dataclass
from typing import Literal

from theftwatch.images.decode import decode
from theftwatch.images.features import Alignment, LocalFeatures, align, local_features, mirror_features
from theftwatch.images.phash import Fingerprint, VariantHash, fingerprint
from theftwatch.match.candidates import ORIGINAL_VARIANTS, RADIUS_BITS, SUSPECT_VARIANTS
from theftwatch.match.transform import Transform, describe, read_transform

#: Counts up when the same pair may be decided otherwise
ALGORITHM_VERSION = 1

#: Scores from here on are a match; chosen so that no pair of different photos reaches it, see docs/recognition.md
MATCH_SCORE = 0.8
#: Scores from here on are worth a look
POSSIBLE_SCORE = 0.55

#: Strength of an alignment at which the score is 1 - 1/e. Of pairs found by local features alone, wrong ones were
#: measured up to a strength of 53 (two prints of one label), which this puts at MATCH_SCORE.
_STRENGTH_SCALE = 33.0
#: What agreeing hashes add to the strength: up to 24 of 256 bits apart no wrong pair was measured, from 52 on there are
#: more wrong ones than right ones
_HASH_BONUS = 40.0
_HASH_SURE_BITS = 24
_HASH_WORTHLESS_BITS = 52
#: Without this much of an alignment no hash counts: hashes can be made to collide, pictures cannot
_STRENGTH_MIN = 8.0

_SHORT_SIDE_PX = 360


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The program's answer on a pair of images."""

    decision: Literal["match", "possible", "no_match", "unusable"]
    #: 0 to 1; MATCH_SCORE and POSSIBLE_SCORE are the thresholds
    score: float
    #: exact, phash (hashes and local features) or features (local features alone)
    method: str
    #: One plain sentence
    explanation: str
    #: What was done to the original, as values; None where the original was not found in the suspect
    transform: dict[str, object] | None = None
    #: Distance of the nearest 64-bit hashes
    distance_bits: int | None = None
    #: Correlation of gradients after alignment
    similarity: float | None = None
    inliers: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What verification needs of an image."""

    fingerprint: Fingerprint
    features: LocalFeatures


def read_picture(data: bytes) -> Picture:
    """Fingerprint an image and find its local features.

    Raises UnusableImageError.
    """
    grey = decode(data, short_side_px=_SHORT_SIDE_PX).grey
    return Picture(fingerprint=fingerprint(data), features=local_features(grey))


def decide_exact() -> Decision:
    """Return the decision on two images of the same bytes."""
    return Decision(
        decision="match",
        score=1.0,
        method="exact",
        explanation="The two files are the same, byte for byte.",
        transform={"mirrored": False, "scale": 1.0, "rotation_degrees": 0.0, "shown": 1.0},
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


def decide(original: Picture, suspect: Picture) -> Decision:
    """Decide whether the suspect picture shows the original or a part of it.

    The same pair always gets the same answer.
    """
    distance_bits, distance_256_bits = _hash_distances(original.fingerprint, suspect.fingerprint)
    mirrored, alignment = _best_alignment(original.features, suspect.features)
    strength = alignment.strength if alignment else 0.0
    score = 1 - math.exp(-(strength + _hash_bonus(distance_256_bits, strength)) / _STRENGTH_SCALE)
    score = round(score, 4)
    decision = _decision(score)
    by_hash = distance_bits <= RADIUS_BITS
    if alignment is None or decision == "no_match":
        transform = None
        explanation = f"No copy: {'the hashes are near, but ' if by_hash else ''}the pictures do not lie in each other."
    else:
        transform = read_transform(
            alignment,
            original.features.grey,
            suspect.features.grey,
            (original.fingerprint.width_px, suspect.fingerprint.width_px),
            mirrored=mirrored,
        )
        explanation = _explain(transform, alignment, distance_bits)
    return Decision(
        decision=decision,
        score=score,
        method="phash" if by_hash else "features",
        explanation=explanation,
        transform=transform.as_json() if transform else None,
        distance_bits=distance_bits,
        similarity=round(alignment.agreement, 4) if alignment else None,
        inliers=alignment.inliers if alignment else None,
    )


def _decision(score: float) -> Literal["match", "possible", "no_match"]:
    if score >= MATCH_SCORE:
        return "match"
    return "possible" if score >= POSSIBLE_SCORE else "no_match"


def _hash_distances(original: Fingerprint, suspect: Fingerprint) -> tuple[int, int]:
    """Return the distances of the nearest variants, by the 64-bit and by the 256-bit hashes."""
    originals = [each for each in original.hashes if each.variant in ORIGINAL_VARIANTS]
    suspects = [each for each in suspect.hashes if each.variant in SUSPECT_VARIANTS]
    pairs = [(one, other) for one in originals for other in suspects]
    return min(_distance_64(*pair) for pair in pairs), min(_distance_256(*pair) for pair in pairs)


def _distance_64(one: VariantHash, other: VariantHash) -> int:
    # Python's integers have no width: a negative difference is told by its low 64 bits.
    return ((one.hash ^ other.hash) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def _distance_256(one: VariantHash, other: VariantHash) -> int:
    return (int.from_bytes(one.hash_256) ^ int.from_bytes(other.hash_256)).bit_count()


def _hash_bonus(distance_bits: int, strength: float) -> float:
    if strength < _STRENGTH_MIN:
        return 0.0
    span = _HASH_WORTHLESS_BITS - _HASH_SURE_BITS
    return _HASH_BONUS * min(1.0, max(0.0, (_HASH_WORTHLESS_BITS - distance_bits) / span))


def _best_alignment(original: LocalFeatures, suspect: LocalFeatures) -> tuple[bool, Alignment | None]:
    """Return whether the original lies in the suspect mirrored, and how; the plain form wins a draw."""
    plain = align(original, suspect)
    mirrored = align(mirror_features(original), suspect)
    if mirrored and (plain is None or mirrored.strength > plain.strength):
        return True, mirrored
    return False, plain


def _explain(transform: Transform, alignment: Alignment, distance_bits: int) -> str:
    how = describe(transform)
    return (
        f"{how[0].upper()}{how[1:]}: {alignment.inliers} local features agree, {round(alignment.agreement * 100)} % of"
        f" the outlines coincide, hash distance {distance_bits} of 64 bits."
    )
