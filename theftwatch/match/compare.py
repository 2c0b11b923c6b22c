"""Comparing two files, without a database."""

from dataclasses import dataclass

from theftwatch.errors import UnusableImageError
from theftwatch.images.reading import estimate_jpeg_quality
from theftwatch.match.decide import Decision, decide, decide_exact, decide_unusable
from theftwatch.match.picture import read_original, read_suspect
from theftwatch.match.pixels import Look, Source, likelier_source


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What comparing two files came to."""

    decision: Decision
    #: Whose photo is the likelier source by its pixels, and why; nothing where it is no copy
    source: Source = "undecided"
    signs: tuple[str, ...] = ()


def compare_files(original: bytes, suspect: bytes) -> Comparison:
    """Decide whether the suspect file shows the original or a part of it, and which is the likelier source."""
    try:
        picture = read_original(original)
    except UnusableImageError as exc:
        return Comparison(decision=decide_unusable("original", str(exc)))
    try:
        other = read_suspect(suspect)
    except UnusableImageError as exc:
        return Comparison(decision=decide_unusable("suspect", str(exc)))
    decision = decide_exact() if original == suspect else decide(picture, other)
    if decision.transform is None or original == suspect:
        return Comparison(decision=decision)
    look = Look(
        method=decision.method,
        transform=decision.transform.as_json(),
        original_jpeg_quality=estimate_jpeg_quality(original),
        suspect_jpeg_quality=estimate_jpeg_quality(suspect),
    )
    source, signs = likelier_source([look])
    return Comparison(decision=decision, source=source, signs=signs)
