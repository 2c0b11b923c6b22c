"""Descriptors like those of a marketplace's photos, drawn around those of real ones: few looks that many share.

A look is a mix of two real photos' descriptors, and a photo's descriptor one of its look, other real ones and chance.
So a real photo of something else finds neighbours among a million as it does among real photos: half of them at a
cosine of 0.34 and more, one in ten at 0.86 and more.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

type Rows = npt.NDArray[np.float32]

LENGTH = 512
_LOOKS = 1000
#: Share that the look has in a descriptor, and chance in the rest, by squared length
_LOOK_SHARE, _CHANCE_SHARE = 0.5, 0.3
#: Real photos mixed into a look, and into what is a photo's own
_LOOK_OF, _OWN_OF = 2, 4
_SEED = 67
#: Drawn at once; bounds memory
CHUNK = 20_000


def draw_descriptors(real: Rows, count: int) -> Iterator[npt.NDArray[np.float16]]:
    """Yield so many descriptors in chunks, the same each time; the first of a longer draw are those of a shorter."""
    random = np.random.default_rng(_SEED)
    looks = _mixed(real, _LOOKS, _LOOK_OF, random)
    frequency = 1 / np.arange(1, _LOOKS + 1)
    for start in range(0, count, CHUNK):
        look = looks[random.choice(_LOOKS, CHUNK, p=frequency / frequency.sum())]
        chance = _unit(random.standard_normal((CHUNK, LENGTH), np.float32))
        own = _blended(chance, _mixed(real, CHUNK, _OWN_OF, random), _CHANCE_SHARE)
        yield _blended(look, own, _LOOK_SHARE)[: count - start].astype(np.float16)


def _mixed(real: Rows, count: int, of: int, random: np.random.Generator) -> Rows:
    mixed = np.zeros((count, LENGTH), np.float32)
    for _ in range(of):
        mixed += random.standard_normal((count, 1), np.float32) * real[random.integers(0, len(real), count)]
    return _unit(mixed)


def _blended(one: Rows, other: Rows, share: float) -> Rows:
    return _unit(np.float32(share**0.5) * one + np.float32((1 - share) ** 0.5) * other)


def _unit(rows: Rows) -> Rows:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    unit: Rows = rows / np.maximum(lengths, np.float32(1e-9))
    return unit
