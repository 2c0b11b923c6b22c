"""Ranking by descriptor, the same for both places to search."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.descriptor import LENGTH
from theftwatch.listing import Side
from theftwatch.match.candidates import SIMILARITY_MIN, Asked, Candidate

type Found = tuple[bytes, NDArray[np.float32]]


def embedding_rows(stored: Iterable[bytes]) -> NDArray[np.float32]:
    """Return stored descriptors as the rows of an array."""
    return np.frombuffer(b"".join(stored), np.float16).reshape(-1, LENGTH).astype(np.float32)


def nearest(similarities: NDArray[np.float32], sha256s: Sequence[bytes], most: int) -> list[bytes]:
    """Return the images with the greatest similarities, each once; of equal ones those that sort first."""
    best: dict[bytes, float] = {}
    for sha256, similarity in zip(sha256s, similarities.tolist(), strict=True):
        if similarity >= SIMILARITY_MIN and similarity > best.get(sha256, -1.0):
            best[sha256] = similarity
    return sorted(best, key=lambda sha256: (-best[sha256], sha256))[:most]


def paired(asked: Asked, found: Iterable[bytes], side: Side) -> Iterable[Candidate]:
    """Yield an image asked about, in its role, with each of those found; never with itself."""
    for sha256 in found:
        if sha256 != asked.sha256:
            original, suspect = (asked.sha256, sha256) if side == "original" else (sha256, asked.sha256)
            yield Candidate(original=original, suspect=suspect, method="descriptor")


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates by pair, each pair once."""
    unique = {candidate.pair: candidate for candidate in candidates}
    return [unique[pair] for pair in sorted(unique)]
