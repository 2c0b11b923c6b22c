"""Perceptual hashes of an image, of its mirror, and of what is inside its plain border."""

from dataclasses import dataclass
from typing import Literal

Variant = Literal["plain", "mirror", "trimmed", "trimmed_mirror"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantHash:
    """The hashes of one variant of an image."""

    variant: Variant
    #: 64 bits as a signed integer, bit i of the hash in band i mod 3 (22, 21 and 21 bits, band 0 highest)
    hash: int
    #: 256 bits
    hash_256: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """What is computed from an image for recognition."""

    format: str
    width_px: int
    height_px: int
    #: plain and mirror; trimmed and trimmed_mirror where the image has a plain border
    hashes: tuple[VariantHash, ...]


def fingerprint(data: bytes) -> Fingerprint:
    """Fingerprint an image.

    Raises UnusableImageError.
    """
    raise NotImplementedError
