"""Working off the lookups that the store put down: search, verify, decide, write."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from theftwatch.clock import Clock
from theftwatch.db import store
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.db.records import DecisionRecord
from theftwatch.files import Files
from theftwatch.listing import Side
from theftwatch.match.candidates import Candidate
from theftwatch.match.database import DatabaseCandidates
from theftwatch.match.decide import ALGORITHM_VERSION, Decision
from theftwatch.match.search import Verifier

logger = logging.getLogger(__name__)

#: Lookups a transaction; bounds what a kill repeats, and the pairs held in memory
_BATCH = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Drained:
    """What one working-off came to."""

    looked_up: int = 0
    matches: int = 0
    possible: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        return Drained(
            looked_up=self.looked_up + other.looked_up,
            matches=self.matches + other.matches,
            possible=self.possible + other.possible,
        )


class Drain:
    """Works off pending lookups; one process of a database at a time, so that no pair is verified twice at once."""

    def __init__(self, *, pool: store.Pool, files: Files, threads: Executor, clock: Clock) -> None:
        self._pool = pool
        self._candidates = DatabaseCandidates(pool)
        self._verifier = Verifier(load=files.get, threads=threads)
        self._clock = clock

    async def run(self, *, wait: bool, progress: Callable[[Drained], None] | None = None) -> Drained:
        """Work off all lookups that are pending, until none is.

        Where another process is at it: with `wait`, wait for it and take what it left; else return at once.
        """
        done = Drained()
        async with self._pool.connection() as connection:
            # The lock belongs to the session, which outlives the transactions in between.
            await connection.set_autocommit(True)
            try:
                if not await _lock(connection, wait=wait):
                    return done
                while batch := await fetch(connection, "find_pending_lookups", most=_BATCH):
                    done += await self._work_off([(sha256, side) for side, sha256 in batch])
                    if progress:
                        progress(done)
                return done
            finally:
                # A lost connection has lost its lock too.
                if not connection.closed:
                    await execute(connection, "unlock_drain")
                    await connection.set_autocommit(False)

    async def _work_off(self, lookups: Sequence[tuple[bytes, Side]]) -> Drained:
        candidates: dict[tuple[bytes, bytes], Candidate] = {}
        for side in ("original", "suspect"):
            asked = [sha256 for sha256, role in lookups if role == side]
            if asked:
                found = await self._candidates.find(asked, side)
                candidates |= {(candidate.original, candidate.suspect): candidate for candidate in found}
        fresh = await self._undecided(list(candidates.values()))
        decided = [_record(candidate, decision) async for candidate, decision in self._verifier.decide(fresh)]
        async with self._pool.connection() as connection:
            await store.save_decisions(
                connection, decided, lookups, algorithm_version=ALGORITHM_VERSION, now=self._clock()
            )
        return Drained(
            looked_up=len(lookups),
            matches=sum(each.decision == "match" for each in decided),
            possible=sum(each.decision == "possible" for each in decided),
        )

    async def _undecided(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Leave out pairs that this version decided when the other image of the pair was looked up."""
        async with self._pool.connection() as connection:
            rows = await fetch(
                connection,
                "find_decided",
                originals=[candidate.original for candidate in candidates],
                suspects=[candidate.suspect for candidate in candidates],
                algorithm_version=ALGORITHM_VERSION,
            )
        known = set(rows)
        return [candidate for candidate in candidates if (candidate.original, candidate.suspect) not in known]


async def _lock(connection: Connection, *, wait: bool) -> bool:
    if wait:
        await execute(connection, "lock_drain")
        return True
    [(locked,)] = await fetch(connection, "try_lock_drain")
    return bool(locked)


def _record(candidate: Candidate, decision: Decision) -> DecisionRecord:
    return DecisionRecord(
        original=candidate.original,
        suspect=candidate.suspect,
        # An image that cannot be compared after all is no match; why stands with the image.
        decision="no_match" if decision.decision == "unusable" else decision.decision,
        score=decision.score,
        method=decision.method,
        explanation=decision.explanation,
        transform=decision.transform,
        distance_bits=decision.distance_bits,
        similarity=decision.similarity,
        inliers=decision.inliers,
    )
