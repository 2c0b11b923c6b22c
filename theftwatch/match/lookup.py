"""Looking images up among those of the other role: search, verify, and search on while that finds copies."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from theftwatch.images.descriptor import Descriptor
from theftwatch.listing import Side
from theftwatch.match.candidates import Asked, Candidate, Candidates
from theftwatch.match.decide import Decision
from theftwatch.match.picture import Part
from theftwatch.match.search import Verifier

#: Neighbours by descriptor that are verified at first, for a whole image and for each part of one; twice as many as
#: before are asked for as long as some of the last ones are copies
_FIRST_NEIGHBOURS, _FIRST_PART_NEIGHBOURS = 5, 3
#: More copies of one image than a record should hold; ends the search whatever happens
_NEIGHBOURS_MAX = 20_000

type Pair = tuple[bytes, bytes]
#: A decision, and whether it leaves no need to ask about the suspect's parts
type Known = tuple[str, bool]
#: Returns what is known of candidates already
type FindDecided = Callable[[Sequence[Candidate]], Awaitable[Mapping[Pair, Known]]]


class Lookup:
    """One looking up of some images, in one role or in both; each pair is decided once."""

    def __init__(self, candidates: Candidates, verifier: Verifier, find_decided: FindDecided) -> None:
        self._candidates = candidates
        self._verifier = verifier
        self._find_decided = find_decided
        self._known: dict[Pair, Known] = {}
        self._settled: set[bytes] = set()
        #: What was decided now
        self.decided: list[tuple[Candidate, Decision]] = []
        #: Of the suspects whose whole picture left doubt, the parts that were asked about
        self.parts: dict[bytes, tuple[Part, ...]] = {}

    async def run(self, sha256s: Sequence[bytes], descriptors: Mapping[bytes, Descriptor], side: Side) -> None:
        """Look images up in one role, with the descriptors of those that have one."""
        await self._verify(await self._candidates.find_same(sha256s, side), side)
        described = [sha256 for sha256 in sha256s if sha256 in descriptors]
        whole = [Asked(sha256=sha256, descriptor=descriptors[sha256]) for sha256 in described]
        await self._search(whole, side, _FIRST_NEIGHBOURS)
        if side == "suspect":
            doubtful = [sha256 for sha256 in sha256s if sha256 not in self._settled]
            self.parts |= await self._verifier.parts(doubtful)
            parts = (
                Asked(sha256=sha256, descriptor=part.descriptor)
                for sha256 in doubtful
                for part in self.parts[sha256]
                if part.descriptor is not None
            )
            await self._search(parts, side, _FIRST_PART_NEIGHBOURS)

    async def _search(self, asked: Iterable[Asked], side: Side, most: int) -> None:
        """Verify the nearest neighbours, and go on with more of them where that finds copies."""
        asked = list(asked)
        seen: set[Pair] = set()
        while asked and most <= _NEIGHBOURS_MAX:
            found = await self._candidates.find_alike(asked, side, most)
            fresh = [candidate for candidate in found if candidate.pair not in seen]
            seen.update(candidate.pair for candidate in fresh)
            copied = await self._verify(fresh, side)
            asked = [each for each in asked if each.sha256 in copied]
            most *= 2

    async def _verify(self, candidates: Sequence[Candidate], side: Side) -> set[bytes]:
        """Decide what is new among candidates, and return the images asked about that a copy is known of."""
        new = [candidate for candidate in candidates if candidate.pair not in self._known]
        self._known |= await self._find_decided(new)
        new = [candidate for candidate in new if candidate.pair not in self._known]
        for candidate, decision in zip(new, await self._verifier.decide(new), strict=True):
            self.decided.append((candidate, decision))
            self._known[candidate.pair] = decision.decision, decision.settled
        self._settled.update(candidate.suspect for candidate in candidates if self._known[candidate.pair][1])
        return {
            candidate.original if side == "original" else candidate.suspect
            for candidate in candidates
            if self._known[candidate.pair][0] in ("match", "possible")
        }
