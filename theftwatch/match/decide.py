"""Decision: whether one picture is a copy of another, how surely, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from theftwatch.images.align import Alignment
from theftwatch.images.descriptor import similarity
from theftwatch.images.fingerprint import Fingerprint
from theftwatch.images.phash import VariantHash, distance, distance_256
from theftwatch.match.candidates import RADIUS_BITS, VARIANTS
from theftwatch.match.locate import locate
from theftwatch.match.measure import measure_transform
from theftwatch.match.picture import OriginalPicture, SuspectPicture
from theftwatch.match.transform import Transform, describe

#: Counts up when the same pair may be decided otherwise
ALGORITHM_VERSION = 9

#: Scores from here on are a match; chosen so that no pair of different photos reaches it, see docs/recognition.md
MATCH_SCORE = 0.98
#: Scores from here on are worth a look
POSSIBLE_SCORE = 0.5
#: Near 64-bit hashes of pictures whose 256-bit hashes are farther apart than this are of a like layout, as drawn pieces
#: on white are, where the descriptors are not near either; copies whose contrast was evened out go up to 50 bits
_LAYOUT_BITS, _LAYOUT_SIMILARITY = 56, 0.6


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
    if similarity(original.descriptor, suspect.descriptor) >= _LAYOUT_SIMILARITY:
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
    best = locate(original, suspect)
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


def _decision(score: float) -> Literal["match", "possible", "no_match"]:
    if score >= MATCH_SCORE:
        return "match"
    return "possible" if score >= POSSIBLE_SCORE else "no_match"


def _hash_distance(original: Fingerprint, suspect: Fingerprint) -> int:
    """Return the distance of the nearest variants by their 64-bit hashes."""
    return min(distance(one, other) for one, other in _compared(original, suspect))


def _long_distance(original: Fingerprint, suspect: Fingerprint) -> int:
    """Return the distance of the nearest variants by their 256-bit hashes."""
    return min(distance_256(one, other) for one, other in _compared(original, suspect))


def _compared(original: Fingerprint, suspect: Fingerprint) -> Iterator[tuple[VariantHash, VariantHash]]:
    originals = (each for each in original.hashes if each.variant in VARIANTS["original"])
    suspects = [each for each in suspect.hashes if each.variant in VARIANTS["suspect"]]
    return product(originals, suspects)


def _explain(transform: Transform, alignment: Alignment, distance_bits: int) -> str:
    how = describe(transform)
    points = f"{alignment.inliers} local features agree to {alignment.error_px:.1f} pixels, and "
    return (
        f"{how[0].upper()}{how[1:]}: {points if alignment.inliers else ''}{round(alignment.agreement.better * 100)} %"
        f" of the outlines coincide; hash distance {distance_bits} of 64 bits."
    )
