"""Pictures that are compared: loaded once, looked at once, and kept while pairs of them are decided.

A worker has pictures of its own. What goes to one and comes back is plain: it may be another process.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from theftwatch.db.records import ImageRecord, image_record
from theftwatch.errors import UnusableImageError
from theftwatch.images.fingerprint import Fingerprint, fingerprint
from theftwatch.images.looks import Looks
from theftwatch.match.candidates import Candidate
from theftwatch.match.decide import Decision, decide, decide_unusable
from theftwatch.match.picture import OriginalPicture, Part, SuspectPicture, find_first_looks

logger = logging.getLogger(__name__)

#: Pictures kept ready: originals take 150 kB each, suspects up to 3 MB; as many as are looked up at once, by one worker
_ORIGINALS_KEPT, _SUSPECTS_KEPT = 256, 128

#: Looks at an original as they are stored, or the reason why there can be none
type Packed = bytes | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where an image is, and what is known of it."""

    #: Returns its bytes; raises FileNotFoundError where they are gone
    load: Callable[[], bytes]
    #: None where it is not known yet
    prints: Fingerprint | None

    def fingerprint(self) -> Fingerprint:
        """Return its fingerprint; raises UnusableImageError, and what `load` raises, where that is not known yet."""
        return self.prints or fingerprint(self.load())


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The decisions on some pairs, and how those originals look at which that took a closer look."""

    decisions: tuple[Decision, ...]
    looks: dict[bytes, bytes]


class Pictures:
    """The pictures of one worker; several threads may use them at once."""

    def __init__(self) -> None:
        self._originals: Recent[OriginalPicture] = Recent(_ORIGINALS_KEPT)
        self._suspects: Recent[SuspectPicture | UnusableImageError] = Recent(_SUSPECTS_KEPT)

    def decide(
        self, candidates: Sequence[Candidate], sources: Mapping[bytes, Source], looks: Mapping[bytes, Packed]
    ) -> Answer:
        """Decide pairs, given how their originals look."""
        originals = {sha256: self._original(sha256, sources[sha256], packed) for sha256, packed in looks.items()}
        decisions = tuple(self._decide(each, sources, originals[each.original]) for each in candidates)
        learned = {
            sha256: picture.looks.to_bytes()
            for sha256, packed in looks.items()
            if isinstance(picture := originals[sha256], OriginalPicture)
            and picture.looks.close
            and isinstance(packed, bytes)
            and not Looks.are_close(packed)
        }
        return Answer(decisions=decisions, looks=learned)

    def look(self, sha256: bytes, source: Source) -> Packed:
        """Look at an original for the first time."""
        found = _attempt(sha256, lambda: find_first_looks(source.load()).to_bytes())
        return found.reason if isinstance(found, UnusableImageError) else found

    def parts(self, sha256: bytes, source: Source) -> tuple[Part, ...]:
        """Return the parts of a suspect that may be photos of their own; of one that cannot be read, none."""
        suspect = self._suspect(sha256, source)
        if isinstance(suspect, UnusableImageError):
            return ()
        try:
            return suspect.parts
        except Exception:
            logger.exception("the parts of image %s cannot be found", sha256.hex())
            return ()

    def fingerprint(self, source: Source) -> ImageRecord | None:
        """Return what this version and the network in use say of an image; None where its bytes are gone."""
        try:
            return image_record(source.load())
        except FileNotFoundError:
            return None

    def _decide(
        self, candidate: Candidate, sources: Mapping[bytes, Source], original: OriginalPicture | UnusableImageError
    ) -> Decision:
        if isinstance(original, UnusableImageError):
            return decide_unusable("original", original.reason)
        suspect = self._suspect(candidate.suspect, sources[candidate.suspect])
        if isinstance(suspect, UnusableImageError):
            return decide_unusable("suspect", suspect.reason)
        try:
            return decide(original, suspect)
        except FileNotFoundError:
            # An original whose bytes are gone, at which nobody looked closely before
            return decide_unusable("original", "bytes_missing")
        except Exception:
            # One hostile picture must not hold up the lookups of all others, now and at every later try.
            logger.exception("%s and %s cannot be compared", candidate.original.hex(), candidate.suspect.hex())
            return decide_unusable("suspect", "failed")

    def _original(self, sha256: bytes, source: Source, looks: Packed) -> OriginalPicture | UnusableImageError:
        if isinstance(looks, str):
            return UnusableImageError(looks, looks)
        kept = self._originals.get(sha256)
        if kept and (kept.looks.close or not Looks.are_close(looks)):
            return kept
        found = _attempt(sha256, lambda: OriginalPicture(source.fingerprint(), Looks.from_bytes(looks), source.load))
        if isinstance(found, OriginalPicture):
            self._originals.put(sha256, found)
        return found

    def _suspect(self, sha256: bytes, source: Source) -> SuspectPicture | UnusableImageError:
        kept = self._suspects.get(sha256)
        if kept:
            return kept
        # Two threads may read the same picture at once; that costs time and changes nothing.
        found = _attempt(sha256, lambda: SuspectPicture(source.fingerprint(), source.load()))
        self._suspects.put(sha256, found)
        return found


class Recent[T]:
    """What was used last, by SHA-256; several threads may use it at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, T] = OrderedDict()
        self._lock = Lock()

    def get(self, sha256: bytes) -> T | None:
        """Return what is kept under that; None where nothing is."""
        with self._lock:
            if sha256 in self._kept:
                self._kept.move_to_end(sha256)
            return self._kept.get(sha256)

    def put(self, sha256: bytes, value: T) -> None:
        """Keep something, in place of what was used longest ago."""
        with self._lock:
            self._kept[sha256] = value
            self._kept.move_to_end(sha256)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def _attempt[T](sha256: bytes, read: Callable[[], T]) -> T | UnusableImageError:
    """Return what can be read of an image, or why it cannot be compared."""
    try:
        return read()
    except FileNotFoundError as exc:
        return UnusableImageError("bytes_missing", f"the file {exc.filename} is not kept any more")
    except UnusableImageError as exc:
        return exc
    except Exception:
        logger.exception("image %s cannot be read", sha256.hex())
        return UnusableImageError("failed", "the image could not be read, see the log")
