"""Ranking by descriptor, the same for both places to search."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from theftwatch.images.descriptor import LENGTH
from theftwatch.images.process import prepare
from theftwatch.listing import Side
from theftwatch.match.candidates import Asked, Candidate

prepare()


def embedding_rows(stored: Iterable[bytes]) -> NDArray[np.float32]:
    """Return stored descriptors as the rows of an array."""
    return np.frombuffer(b"".join(stored), np.float16).reshape(-1, LENGTH).astype(np.float32)


def nearest(similarities: NDArray[np.float32], sha256s: Sequence[bytes], least: float, most: int) -> dict[bytes, float]:
    """Return the images with the greatest similarities, each once, and these; of equal ones those that sort first."""
    best: dict[bytes, float] = {}
    for sha256, similarity in zip(sha256s, similarities.tolist(), strict=True):
        if similarity >= least and similarity > best.get(sha256, -1.0):
            best[sha256] = similarity
    return {sha256: best[sha256] for sha256 in sorted(best, key=lambda sha256: (-best[sha256], sha256))[:most]}


def paired(asked: Asked, found: Mapping[bytes, float], side: Side) -> list[Candidate]:
    """Return an image asked about, in its role, with each of those found; never with itself."""
    return [
        Candidate(
            original=asked.sha256 if side == "original" else sha256,
            suspect=sha256 if side == "original" else asked.sha256,
            method="descriptor",
            similarity=similarity,
        )
        for sha256, similarity in found.items()
        if sha256 != asked.sha256
    ]
