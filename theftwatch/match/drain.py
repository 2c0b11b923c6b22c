"""Working off the lookups that the store put down: search, verify, decide, write."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from theftwatch.clock import Clock
from theftwatch.db import store
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.db.records import DecisionRecord, DescriptorRecord, whole_descriptor
from theftwatch.files import Files
from theftwatch.images.descriptor import Descriptor, model
from theftwatch.listing import Side
from theftwatch.match.candidates import Candidate
from theftwatch.match.context import update_context
from theftwatch.match.database import DatabaseCandidates, DatabaseKnown
from theftwatch.match.decide import ALGORITHM_VERSION, Decision, is_settled
from theftwatch.match.lookup import Known, Lookup, Pair
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
        self.files = files
        self._model = model()
        self._verifier = Verifier(load=files.get, known=DatabaseKnown(pool, self._model), threads=threads)
        self._candidates = DatabaseCandidates(pool, self._model)
        self._clock = clock

    async def run(
        self, *, wait: bool, progress: Callable[[Drained], None] | None = None, everything: bool = False
    ) -> Drained:
        """Work off all lookups that are pending, until none is, and bring up to date what the matches mean.

        With `everything`, what all matches mean, and not only what was noted as changed.
        Where another process is at it: with `wait`, wait for it and take what it left; else return at once.
        """
        done = Drained()
        async with self._pool.connection() as connection:
            # The lock belongs to the session, which outlives the transactions in between.
            await connection.set_autocommit(True)
            try:
                if not await _lock(connection, wait=wait):
                    return done
                await self._describe()
                while batch := await _find_pending(connection):
                    done += await self._work_off(*batch)
                    if progress:
                        progress(done)
                await update_context(connection, load=self.files.get, now=self._clock(), everything=everything)
                return done
            finally:
                # A lost connection has lost its lock too.
                if not connection.closed:
                    await execute(connection, "unlock_drain")
                    await connection.set_autocommit(False)

    async def _describe(self) -> None:
        """Have the network in use describe what waits, where that has not been done: before anything is searched for.

        So what is found does not depend on what was described first, after the network was switched on or changed.
        """
        after = 0
        while self._model and (
            rows := await self._fetch("find_undescribed", after=after, model=self._model, most=_BATCH)
        ):
            described = await self._verifier.describe([sha256 for _, sha256 in rows])
            async with self._pool.connection() as connection:
                await store.save_descriptors(connection, [whole_descriptor(*each) for each in described.items()])
            after = rows[-1][0]

    async def _work_off(self, side: Side, sha256s: Sequence[bytes]) -> Drained:
        lookup = Lookup(self._candidates, self._verifier, self._find_decided)
        await lookup.run(sha256s, await self._find_descriptors(sha256s), side)
        descriptors = [
            DescriptorRecord(sha256=sha256, part=number, place=part.place, descriptor=part.descriptor)
            for sha256, parts in lookup.parts.items()
            for number, part in enumerate(parts, 1)
            if part.descriptor
        ]
        decided = [_record(candidate, decision) for candidate, decision in lookup.decided]
        features = {sha256: each.to_bytes() for sha256, each in self._verifier.take_new_features().items()}
        async with self._pool.connection() as connection:
            await store.save_descriptors(connection, descriptors)
            await store.save_local_features(connection, features)
            await store.save_decisions(
                connection,
                decided,
                [(sha256, side) for sha256 in sha256s],
                algorithm_version=ALGORITHM_VERSION,
                now=self._clock(),
            )
        return Drained(
            looked_up=len(sha256s),
            matches=sum(each.decision == "match" for each in decided),
            possible=sum(each.decision == "possible" for each in decided),
        )

    async def _find_descriptors(self, sha256s: Sequence[bytes]) -> dict[bytes, Descriptor]:
        """Return the descriptors of images by the network in use; of one whose bytes are gone there is none."""
        if self._model is None:
            return {}
        async with store.reading(self._pool) as connection:
            stored = await store.find_descriptors(connection, sha256s, self._model)
        return {sha256: Descriptor(model=self._model, embedding=embedding) for sha256, embedding in stored.items()}

    async def _find_decided(self, candidates: Sequence[Candidate]) -> dict[Pair, Known]:
        """Return what this version decided when the other image of a pair was looked up."""
        rows = await self._fetch(
            "find_decided",
            originals=[candidate.original for candidate in candidates],
            suspects=[candidate.suspect for candidate in candidates],
            algorithm_version=ALGORITHM_VERSION,
        )
        return {
            (original, suspect): (decision, is_settled(decision, around))
            for original, suspect, decision, around in rows
        }

    async def _fetch(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        async with store.reading(self._pool) as connection:
            return await fetch(connection, query, **parameters)


async def _find_pending(connection: Connection) -> tuple[Side, list[bytes]] | None:
    """Return lookups to be done in one role; suspects first, so that originals are searched for in all their parts."""
    sides: tuple[Side, ...] = ("suspect", "original")
    for side in sides:
        if rows := await fetch(connection, "find_pending_lookups", side=side, most=_BATCH):
            return side, [sha256 for (sha256,) in rows]
    return None


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
        transform=decision.transform.as_json() if decision.transform else None,
        distance_bits=decision.distance_bits,
        similarity=decision.similarity,
        inliers=decision.inliers,
    )
