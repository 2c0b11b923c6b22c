"""Verifying candidates: pictures loaded once, compared in threads, answered in order."""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import batched
from queue import SimpleQueue
from threading import Lock
from typing import Protocol

from theftwatch.db.records import ImageRecord, image_record
from theftwatch.errors import UnusableImageError
from theftwatch.images.fingerprint import Fingerprint, fingerprint
from theftwatch.images.looks import Looks
from theftwatch.match.candidates import Candidate
from theftwatch.match.decide import Decision, decide, decide_exact, decide_prints, decide_unusable
from theftwatch.match.picture import OriginalPicture, Part, SuspectPicture, find_first_looks

logger = logging.getLogger(__name__)

#: Pictures kept ready: originals take 150 kB each, suspects up to 3 MB
_ORIGINALS_KEPT, _SUSPECTS_KEPT = 1024, 96
#: Suspects in work at once; bounds memory, and keeps all threads busy
_IN_WORK = 16
#: Pairs of one suspect that a thread verifies at once: most have fewer, and for one with hundreds no thread waits
_PAIRS_AT_ONCE = 24

type Read[T] = T | UnusableImageError


class Known(Protocol):
    """A place that knows what was computed of images before."""

    async def fingerprints(self, sha256s: Sequence[bytes]) -> Mapping[bytes, Fingerprint]:
        """Return the fingerprints of those images that have one."""
        ...

    async def looks(self, sha256s: Sequence[bytes]) -> Mapping[bytes, Looks]:
        """Return how those originals look that were looked at before."""
        ...


class Verifier:
    """Decides candidates; `load` gives the bytes of an image by its SHA-256 and may be called from any thread."""

    def __init__(self, *, load: Callable[[bytes], bytes], known: Known, threads: Executor) -> None:
        self._load = load
        self._known = known
        self._threads = threads
        self._originals: _Kept[OriginalPicture] = _Kept(_ORIGINALS_KEPT)
        self._suspects: _Kept[SuspectPicture] = _Kept(_SUSPECTS_KEPT)
        self._new_looks: SimpleQueue[tuple[bytes, Looks]] = SimpleQueue()

    async def decide(self, candidates: Sequence[Candidate]) -> list[Decision]:
        """Return the decision on each candidate."""
        # The pairs of a suspect go to one thread, so that nothing of it is computed twice, unless they are very many.
        groups: dict[bytes, list[int]] = defaultdict(list)
        for index, candidate in enumerate(candidates):
            groups[candidate.suspect].append(index)
        decisions: dict[int, Decision] = {}
        suspects = list(groups)
        for start in range(0, len(suspects), _IN_WORK):
            block = [groups[suspect] for suspect in suspects[start : start + _IN_WORK]]
            asked = [index for indices in block for index in indices]
            prints = await self._known.fingerprints(
                sorted({sha256 for index in asked for sha256 in candidates[index].pair})
            )
            decisions |= {index: decision for index in asked if (decision := _decide_prints(candidates[index], prints))}
            undecided = ((index for index in indices if index not in decisions) for indices in block)
            looked_at = [piece for indices in undecided for piece in batched(indices, _PAIRS_AT_ONCE, strict=False)]
            chosen = [[candidates[index] for index in indices] for indices in looked_at]
            originals = {candidate.original for group in chosen for candidate in group}
            looks = await self._known.looks(sorted(originals - self._originals.keys()))
            answers = await asyncio.gather(*(self._run(self._decide, group, prints, looks) for group in chosen))
            for indices, answer in zip(looked_at, answers, strict=True):
                decisions |= dict(zip(indices, answer, strict=True))
        return [decisions[index] for index in range(len(candidates))]

    async def parts(self, sha256s: Sequence[bytes]) -> dict[bytes, tuple[Part, ...]]:
        """Return the parts of suspects that may be photos of their own; of one that cannot be read, none."""
        found: dict[bytes, tuple[Part, ...]] = {}
        for start in range(0, len(sha256s), _IN_WORK):
            block = sha256s[start : start + _IN_WORK]
            prints = await self._known.fingerprints(sorted(set(block) - self._suspects.keys()))
            parts = await asyncio.gather(*(self._run(self._parts, sha256, prints) for sha256 in block))
            found |= dict(zip(block, parts, strict=True))
        return found

    async def fingerprint(self, sha256s: Sequence[bytes]) -> list[ImageRecord]:
        """Return what this version and the network in use say of those images whose bytes are there."""
        found = await asyncio.gather(*(self._run(self._fingerprint, sha256) for sha256 in sha256s))
        return [each for each in found if each]

    def take_new_looks(self) -> dict[bytes, Looks]:
        """Return how originals look that were looked at, or more closely, since this was last asked."""
        taken: dict[bytes, Looks] = {}
        for sha256, looks in (self._new_looks.get_nowait() for _ in range(self._new_looks.qsize())):
            # Threads that looked at the same original put what they found here in any order.
            if looks.close or sha256 not in taken:
                taken[sha256] = looks
        return taken

    async def _run[*Ts, T](self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _decide(
        self,
        candidates: Sequence[Candidate],
        prints: Mapping[bytes, Fingerprint],
        looks: Mapping[bytes, Looks],
    ) -> list[Decision]:
        return [self._decide_one(candidate, prints, looks) for candidate in candidates]

    def _decide_one(
        self, candidate: Candidate, prints: Mapping[bytes, Fingerprint], looks: Mapping[bytes, Looks]
    ) -> Decision:
        original = self._originals.get(candidate.original, lambda sha256: self._read_original(sha256, prints, looks))
        if isinstance(original, UnusableImageError):
            return decide_unusable("original", original.reason)
        suspect = self._suspects.get(candidate.suspect, lambda sha256: self._read_suspect(sha256, prints))
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

    def _parts(self, sha256: bytes, prints: Mapping[bytes, Fingerprint]) -> tuple[Part, ...]:
        suspect = self._suspects.get(sha256, lambda sha256: self._read_suspect(sha256, prints))
        if isinstance(suspect, UnusableImageError):
            return ()
        try:
            return suspect.parts
        except Exception:
            logger.exception("the parts of image %s cannot be found", sha256.hex())
            return ()

    def _fingerprint(self, sha256: bytes) -> ImageRecord | None:
        try:
            return image_record(self._load(sha256))
        except FileNotFoundError:
            return None

    def _read_original(
        self, sha256: bytes, prints: Mapping[bytes, Fingerprint], looks: Mapping[bytes, Looks]
    ) -> OriginalPicture:
        def load() -> bytes:
            return self._load(sha256)

        def learn(found: Looks) -> None:
            self._new_looks.put((sha256, found))

        if sha256 in prints and sha256 in looks:
            return OriginalPicture(prints[sha256], looks[sha256], load, learn)
        data = load()
        found = find_first_looks(data)
        learn(found)
        return OriginalPicture(prints.get(sha256) or fingerprint(data), found, load, learn)

    def _read_suspect(self, sha256: bytes, prints: Mapping[bytes, Fingerprint]) -> SuspectPicture:
        data = self._load(sha256)
        return SuspectPicture(prints.get(sha256) or fingerprint(data), data)


def _decide_prints(candidate: Candidate, prints: Mapping[bytes, Fingerprint]) -> Decision | None:
    """Return the decision on a candidate, where it takes no look at the pictures."""
    if candidate.original == candidate.suspect:
        return decide_exact()
    if candidate.original in prints and candidate.suspect in prints:
        return decide_prints(prints[candidate.original], prints[candidate.suspect])
    return None


class _Kept[T]:
    """The pictures used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pictures: OrderedDict[bytes, Read[T]] = OrderedDict()
        self._lock = Lock()

    def keys(self) -> set[bytes]:
        with self._lock:
            return set(self._pictures)

    def get(self, sha256: bytes, read: Callable[[bytes], T]) -> Read[T]:
        """Return a picture, or why it cannot be compared; read where it is not kept."""
        with self._lock:
            if sha256 in self._pictures:
                self._pictures.move_to_end(sha256)
                return self._pictures[sha256]
        # Two threads may read the same picture at once; that costs time and changes nothing.
        picture: Read[T]
        try:
            picture = read(sha256)
        except FileNotFoundError as exc:
            picture = UnusableImageError("bytes_missing", f"the file {exc.filename} is not kept any more")
        except UnusableImageError as exc:
            picture = exc
        except Exception:
            logger.exception("image %s cannot be read", sha256.hex())
            picture = UnusableImageError("failed", "the image could not be read, see the log")
        with self._lock:
            self._pictures[sha256] = picture
            while len(self._pictures) > self._most:
                self._pictures.popitem(last=False)
        return picture
