"""Verifying candidates: originals looked at once, pairs decided by workers, answered in order."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import batched
from typing import Protocol

from theftwatch.db.records import ImageRecord
from theftwatch.images.fingerprint import Fingerprint
from theftwatch.match.candidates import Candidate
from theftwatch.match.decide import Decision, decide_exact, decide_prints
from theftwatch.match.picture import Part
from theftwatch.match.pictures import Packed, Pictures, Recent, Source
from theftwatch.match.workers import Workers

#: Originals of which the looks are kept at hand, 90 kB each
_LOOKS_KEPT = 1024
#: Suspects in work at once; bounds memory, and keeps all workers busy
_IN_WORK = 16
#: Pairs of one suspect that a worker verifies at once: most have fewer, and for one with hundreds no worker waits
_PAIRS_AT_ONCE = 24


class Known(Protocol):
    """A place that knows what was computed of images before."""

    async def fingerprints(self, sha256s: Sequence[bytes]) -> Mapping[bytes, Fingerprint]:
        """Return the fingerprints of those images that have one."""
        ...

    async def looks(self, sha256s: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Return how those originals look that were looked at before, as `Looks.to_bytes` packs it."""
        ...


class Verifier:
    """Decides candidates; `loader` gives, for the SHA-256 of an image, what returns its bytes in any worker."""

    def __init__(self, *, loader: Callable[[bytes], Callable[[], bytes]], known: Known, workers: Workers) -> None:
        self._loader = loader
        self._known = known
        self._workers = workers
        self._looks: Recent[Packed] = Recent(_LOOKS_KEPT)
        #: Originals that a worker looks at for the first time
        self._looking: dict[bytes, asyncio.Task[Packed]] = {}
        self._new_looks: dict[bytes, bytes] = {}

    async def decide(self, candidates: Sequence[Candidate]) -> list[Decision]:
        """Return the decision on each candidate."""
        # The pairs of a suspect go to one worker, so that nothing of it is computed twice, unless they are very many.
        groups: dict[bytes, list[int]] = defaultdict(list)
        for index, candidate in enumerate(candidates):
            groups[candidate.suspect].append(index)
        decisions: dict[int, Decision] = {}
        for block in batched(groups, _IN_WORK, strict=False):
            asked = [index for suspect in block for index in groups[suspect]]
            prints = await self._known.fingerprints(
                sorted({sha256 for index in asked for sha256 in candidates[index].pair})
            )
            decisions |= {index: decision for index in asked if (decision := _decide_prints(candidates[index], prints))}
            looks = await self._recall({candidates[index].original for index in asked if index not in decisions})
            # The worker that has the suspect takes its first pairs; whoever takes further ones reads it anew.
            pieces = [
                (None if number else suspect, piece)
                for suspect in block
                for number, piece in enumerate(
                    batched((each for each in groups[suspect] if each not in decisions), _PAIRS_AT_ONCE, strict=False)
                )
            ]
            answers = await asyncio.gather(
                *(self._decide([candidates[index] for index in piece], prints, looks, key) for key, piece in pieces)
            )
            for (_, piece), answer in zip(pieces, answers, strict=True):
                decisions |= dict(zip(piece, answer, strict=True))
        return [decisions[index] for index in range(len(candidates))]

    async def parts(self, sha256s: Sequence[bytes]) -> dict[bytes, tuple[Part, ...]]:
        """Return the parts of suspects that may be photos of their own; of one that cannot be read, none."""
        found: dict[bytes, tuple[Part, ...]] = {}
        for start in range(0, len(sha256s), _IN_WORK):
            block = sha256s[start : start + _IN_WORK]
            prints = await self._known.fingerprints(block)
            parts = await asyncio.gather(
                *(self._workers.run(each, Pictures.parts, each, self._source(each, prints)) for each in block)
            )
            found |= dict(zip(block, parts, strict=True))
        return found

    async def fingerprint(self, sha256s: Sequence[bytes]) -> list[ImageRecord]:
        """Return what this version and the network in use say of those images whose bytes are there."""
        found = await asyncio.gather(
            *(self._workers.run(None, Pictures.fingerprint, self._source(each, {})) for each in sha256s)
        )
        return [each for each in found if each]

    def take_new_looks(self) -> dict[bytes, bytes]:
        """Return how originals look that were looked at, or more closely, since this was last asked."""
        taken, self._new_looks = self._new_looks, {}
        return taken

    async def _decide(
        self,
        candidates: Sequence[Candidate],
        prints: Mapping[bytes, Fingerprint],
        known: Mapping[bytes, Packed],
        key: bytes | None,
    ) -> tuple[Decision, ...]:
        """Decide pairs of one suspect by the worker of this key, given how originals look, as far as that is known."""
        sources = {sha256: self._source(sha256, prints) for candidate in candidates for sha256 in candidate.pair}
        originals = {candidate.original for candidate in candidates}
        looks = {sha256: known[sha256] for sha256 in originals & known.keys()}
        unseen = sorted(originals - known.keys())
        found = await asyncio.gather(*(self._look(each, sources[each]) for each in unseen))
        looks |= dict(zip(unseen, found, strict=True))
        answer = await self._workers.run(key, Pictures.decide, candidates, sources, looks)
        for sha256, packed in answer.looks.items():
            self._learn(sha256, packed)
        return answer.decisions

    async def _recall(self, originals: Set[bytes]) -> dict[bytes, Packed]:
        """Return how those originals look that were looked at before."""
        recalled = {sha256: packed for sha256 in originals if (packed := self._looks.get(sha256)) is not None}
        for sha256, packed in (await self._known.looks(sorted(originals - recalled.keys()))).items():
            self._looks.put(sha256, packed)
            recalled[sha256] = packed
        return recalled

    async def _look(self, sha256: bytes, source: Source) -> Packed:
        """Look at an original for the first time; one that several pairs wait for is looked at once."""
        known = self._looks.get(sha256)
        if known is not None:
            return known
        if sha256 not in self._looking:
            self._looking[sha256] = asyncio.create_task(self._workers.run(None, Pictures.look, sha256, source))
        try:
            packed = await self._looking[sha256]
        finally:
            self._looking.pop(sha256, None)
        if self._looks.get(sha256) is None:
            self._learn(sha256, packed)
        return packed

    def _learn(self, sha256: bytes, packed: Packed) -> None:
        self._looks.put(sha256, packed)
        # Those with a close look are longer, and are not given up for a first one that came later.
        if isinstance(packed, bytes) and len(packed) > len(self._new_looks.get(sha256, b"")):
            self._new_looks[sha256] = packed

    def _source(self, sha256: bytes, prints: Mapping[bytes, Fingerprint]) -> Source:
        return Source(load=self._loader(sha256), prints=prints.get(sha256))


def _decide_prints(candidate: Candidate, prints: Mapping[bytes, Fingerprint]) -> Decision | None:
    """Return the decision on a candidate, where it takes no look at the pictures."""
    if candidate.original == candidate.suspect:
        return decide_exact()
    if candidate.original in prints and candidate.suspect in prints:
        return decide_prints(prints[candidate.original], prints[candidate.suspect])
    return None
