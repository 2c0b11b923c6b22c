"""Looking images up among those of the other role: search, verify, and search on while that finds copies."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from theftwatch.images.descriptor import Descriptor
from theftwatch.listing import Side
from theftwatch.match.candidates import PART_SIMILARITY_MIN, Asked, Candidate, Candidates, ordered
from theftwatch.match.decide import Decision
from theftwatch.match.picture import Part
from theftwatch.match.search import Verifier


@dataclass(frozen=True, kw_only=True, slots=True)
class _Least:
    """How many neighbours by descriptor are verified at least, the nearest first, or fewer where the next are farther.

    As long as there are copies among them, twice as many as up to the last copy, and one fewer more than at least.
    """

    neighbours: int
    #: Cosine below which a neighbour is far, and how many are verified at least where the others are
    far: float
    if_far: int


#: For a whole image, since one that shows an original among other things is found by its parts, and for each part
_WHOLE, _PART = _Least(neighbours=4, far=0.35, if_far=2), _Least(neighbours=2, far=0.5, if_far=1)
#: Where the original that is nearest to a suspect was not copied, others below this share of its similarity were not
#: either: in the tuning set those that were are from 0.93 on, but for those that parts find
_NEAR_NEAREST = 0.85
#: A suspect that is an original and nothing else shows another only where that is the same photo. So of its neighbours
#: only those twice as many are verified, as long as the next is as near as this share of what the nearest is
_LIKE_NEAREST = 0.4
#: More copies of one image than a record should hold; ends the search whatever happens
_NEIGHBOURS_MAX = 20_000

type Pair = tuple[bytes, bytes]
#: A decision, and whether it leaves no need to ask about the suspect's parts
type Known = tuple[str, bool]
#: An image or part asked about, candidates with it, the nearest first, and how many of them are to be verified
type _Search = tuple[Asked, list[Candidate], int]
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
        await self._verify(await self._candidates.find_same(sha256s, side))
        described = [sha256 for sha256 in sha256s if sha256 in descriptors]
        whole = [Asked(sha256=sha256, descriptor=descriptors[sha256]) for sha256 in described]
        await self._search(whole, side, _WHOLE)
        if side == "suspect":
            doubtful = [sha256 for sha256 in sha256s if sha256 not in self._settled]
            self.parts |= await self._verifier.parts(doubtful)
            parts = (
                Asked(sha256=sha256, descriptor=part.descriptor, similarity_min=PART_SIMILARITY_MIN)
                for sha256 in doubtful
                for part in self.parts[sha256]
                if part.descriptor is not None
            )
            await self._search(parts, side, _PART)

    async def _search(self, asked: Iterable[Asked], side: Side, least: _Least) -> None:
        """Verify the nearest neighbour, then others, and go on with more of them where that finds copies."""
        searches: list[_Search] = [(each, [], 1) for each in asked]
        while searches:
            searches = await self._reach(searches, side, least.neighbours)
            copied = await self._verify(ordered(each for _, near, reach in searches for each in near[:reach]))
            settled = self._settled if side == "suspect" else set[bytes]()
            searches = [
                (each, near, farther)
                for each, near, reach in searches
                if (farther := _farther(near, reach, copied, least, side, settled=each.sha256 in settled)) > reach
            ]

    async def _reach(self, searches: Sequence[_Search], side: Side, least: int) -> list[_Search]:
        """Have those searches go as far as they are to reach that do not yet."""
        short = [(each, reach) for each, near, reach in searches if len(near) < reach]
        most = max((reach for _, reach in short), default=0)
        found = iter(await self._candidates.find_alike([each for each, _ in short], side, max(most, least)))
        return [(each, next(found) if len(near) < reach else near, reach) for each, near, reach in searches]

    async def _verify(self, candidates: Sequence[Candidate]) -> set[Pair]:
        """Decide what is new among candidates, and return those pairs that are copies."""
        new = [candidate for candidate in candidates if candidate.pair not in self._known]
        self._known |= await self._find_decided(new)
        new = [candidate for candidate in new if candidate.pair not in self._known]
        for candidate, decision in zip(new, await self._verifier.decide(new), strict=True):
            self.decided.append((candidate, decision))
            self._known[candidate.pair] = decision.decision, decision.settled
        self._settled.update(candidate.suspect for candidate in candidates if self._known[candidate.pair][1])
        return {each.pair for each in candidates if self._known[each.pair][0] in ("match", "possible")}


def _farther(
    near: Sequence[Candidate], reach: int, copied: set[Pair], least: _Least, side: Side, *, settled: bool
) -> int:
    """Return how many of the nearest are to be verified, given how many were and which of these are copies."""
    if settled and reach < len(near) and near[reach].similarity < _LIKE_NEAREST * near[0].similarity:
        return reach
    last = max((place for place, each in enumerate(near[:reach], 1) if each.pair in copied), default=0)
    nearest = near[: least.neighbours]
    close = sum(each.similarity >= least.far for each in nearest)
    wanted = 1 if settled else max(close, least.if_far)
    if side == "suspect" and not last:
        wanted = min(wanted, sum(each.similarity >= _NEAR_NEAREST * near[0].similarity for each in nearest))
    return min(max(2 * last + wanted - 1, wanted), _NEIGHBOURS_MAX)
