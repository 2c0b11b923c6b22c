"""Hashes like those of a marketplace's photos: few looks that many photos share, and photos that many listings copy.

A photo is drawn as the coefficients of its cosine transform, whose signs against their median are its hash, as they are
of a real photo. Neighbouring coefficients go together, the first one is always set, and a copy's are those of its photo
with a little noise. A search by three bands has to look at four to five times as many hashes as among random numbers.
"""

import math

import numpy as np
import numpy.typing as npt

type Hashes = npt.NDArray[np.int64]
type _Coefficients = npt.NDArray[np.float32]

_SIDE = 8
_BITS = _SIDE * _SIDE
#: Kinds of photo, such as a ring on white, each half as frequent as the one of half its number
_LOOKS = 1000
#: Share of a coefficient's variance that its look explains
_LOOK_SHARE = 0.4
#: Copies of one photo, at most
_COPIES_MAX = 200
_ZIPF = 2.1
#: How far an edit moves coefficients, as a share of their spread: recompression, resizing, a slight crop
_EDITS = (0.1, 0.2, 0.4)
_LOOKS_SEED, _STORED_SEED, _ASKED_SEED = 64, 65, 66
#: Drawn at once; bounds memory
_CHUNK = 100_000


def stored_hashes(count: int) -> Hashes:
    """Return different hashes in an order of chance, as the record stores them."""
    random = np.random.default_rng(_STORED_SEED)
    found = np.empty(0, np.int64)
    while (missing := count - len(found)) > 0:
        # As many as are missing at least, since sorting out those met before takes longer the more there are.
        found = np.union1d(found, np.concatenate([_stored_chunk(random) for _ in range(-(-missing // _CHUNK))]))
    return random.permutation(found)[:count]


def _stored_chunk(random: np.random.Generator) -> Hashes:
    copies = np.minimum(random.zipf(_ZIPF, _CHUNK), _COPIES_MAX)
    photos = _photos(int(np.searchsorted(np.cumsum(copies), _CHUNK)) + 1, random)
    shown = np.repeat(np.arange(len(photos)), copies[: len(photos)])[:_CHUNK]
    noise = random.choice(_EDITS, _CHUNK).astype(np.float32)[:, None]
    return _hashes(photos[shown] + noise * random.standard_normal((_CHUNK, _BITS), np.float32))


def asked_hashes(stored: Hashes, count: int) -> Hashes:
    """Return hashes to search for: by turns a new photo, and a stored one with up to twelve bits changed."""
    random = np.random.default_rng(_ASKED_SEED)
    asked = _hashes(_photos(count, random))
    for index in range(1, count, 2):
        bits = random.choice(_BITS, random.integers(13), replace=False)
        changed = sum(1 << int(bit) for bit in bits)
        asked[index] = random.choice(stored) ^ np.uint64(changed).view(np.int64)
    return asked


def near(stored: Hashes, query: int, radius_bits: int) -> dict[int, int]:
    """Return all stored hashes within a distance, with their distances, by looking at each one."""
    distances = np.bitwise_count((stored ^ np.int64(query)).view(np.uint64))
    return {int(stored[index]): int(distances[index]) for index in np.flatnonzero(distances <= radius_bits)}


def _photos(count: int, random: np.random.Generator) -> _Coefficients:
    frequency = 1 / np.arange(1, _LOOKS + 1)
    looks = _fields(_LOOKS, np.random.default_rng(_LOOKS_SEED))
    look = looks[random.choice(_LOOKS, count, p=frequency / frequency.sum())]
    mixed: _Coefficients = math.sqrt(_LOOK_SHARE) * look + math.sqrt(1 - _LOOK_SHARE) * _fields(count, random)
    return mixed


def _fields(count: int, random: np.random.Generator) -> _Coefficients:
    fields = random.standard_normal((count, _SIDE, _SIDE), np.float32)
    fields[:, :, 1:] += fields[:, :, :-1].copy()
    fields[:, 1:, :] += fields[:, :-1, :].copy()
    return fields.reshape(count, _BITS)


def _hashes(coefficients: _Coefficients) -> Hashes:
    bits = coefficients > np.median(coefficients, axis=1, keepdims=True)
    bits[:, 0] = True
    interleaved = np.concatenate([bits[:, band::3] for band in range(3)], axis=1)
    return np.packbits(interleaved, axis=1).view(">i8").ravel().astype(np.int64)
