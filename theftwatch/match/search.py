"""Deciding candidates: pictures loaded once, verified in threads, answered in order."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from concurrent.futures import Executor
from threading import Lock

from theftwatch.errors import UnusableImageError
from theftwatch.match.candidates import Candidate
from theftwatch.match.decide import Decision, Picture, decide, decide_exact, decide_unusable, read_picture

logger = logging.getLogger(__name__)

#: Pictures kept ready, some 200 kB each; an original that many listings copied is read once
_PICTURES_KEPT = 512
#: Pairs in work at once; bounds memory, and keeps all threads busy
_IN_WORK = 32


class Verifier:
    """Decides candidates; `load` gives the bytes of an image by its SHA-256 and may be called from any thread."""

    def __init__(self, *, load: Callable[[bytes], bytes], threads: Executor) -> None:
        self._load = load
        self._threads = threads
        self._pictures: OrderedDict[Hashable, Picture | UnusableImageError] = OrderedDict()
        self._lock = Lock()

    async def decide(self, candidates: Sequence[Candidate]) -> AsyncIterator[tuple[Candidate, Decision]]:
        """Yield each candidate with its decision, in the order given."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(candidates), _IN_WORK):
            batch = candidates[start : start + _IN_WORK]
            work = [loop.run_in_executor(self._threads, self._decide, candidate) for candidate in batch]
            for candidate, decision in zip(batch, await asyncio.gather(*work), strict=True):
                yield candidate, decision

    def _decide(self, candidate: Candidate) -> Decision:
        if candidate.original == candidate.suspect:
            return decide_exact()
        pictures = []
        for which, sha256 in (("original", candidate.original), ("suspect", candidate.suspect)):
            picture = self._picture(sha256)
            if isinstance(picture, UnusableImageError):
                return decide_unusable(which, picture.reason)
            pictures.append(picture)
        try:
            return decide(*pictures)
        except Exception:
            # One hostile picture must not hold up the lookups of all others, now and at every later try.
            logger.exception("%s and %s cannot be compared", candidate.original.hex(), candidate.suspect.hex())
            return decide_unusable("suspect", "failed")

    def _picture(self, sha256: bytes) -> Picture | UnusableImageError:
        with self._lock:
            if sha256 in self._pictures:
                self._pictures.move_to_end(sha256)
                return self._pictures[sha256]
        # Two threads may read the same picture at once; that costs time and changes nothing.
        try:
            picture: Picture | UnusableImageError = read_picture(self._load(sha256))
        except FileNotFoundError as exc:
            picture = UnusableImageError("bytes_missing", f"the file {exc.filename} is not kept any more")
        except UnusableImageError as exc:
            picture = exc
        except Exception:
            logger.exception("image %s cannot be read", sha256.hex())
            picture = UnusableImageError("failed", "the image could not be read, see the log")
        with self._lock:
            self._pictures[sha256] = picture
            while len(self._pictures) > _PICTURES_KEPT:
                self._pictures.popitem(last=False)
        return picture
