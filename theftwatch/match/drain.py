"""Working off the lookups that the store put down: search, verify, decide, write."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

from theftwatch.clock import Clock, system_clock
from theftwatch.config import settings
from theftwatch.db import store
from theftwatch.db.images import find_descriptors, replace_fingerprints, save_descriptors, save_local_features
from theftwatch.db.pool import Pool, connection_pool, reading
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.db.records import DecisionRecord, DescriptorRecord
from theftwatch.db.server import connect_dsn
from theftwatch.files import Files
from theftwatch.image_store import open_files
from theftwatch.images import FINGERPRINT_VERSION
from theftwatch.images.descriptor import Descriptor, model
from theftwatch.listing import Side
from theftwatch.match.candidates import Candidate, Candidates
from theftwatch.match.context import update_context
from theftwatch.match.database import DatabaseCandidates, DatabaseKnown, read_index
from theftwatch.match.decide import ALGORITHM_VERSION, Decision, is_settled
from theftwatch.match.index import Index
from theftwatch.match.lookup import Known, Lookup, Pair
from theftwatch.match.memory import MemoryCandidates
from theftwatch.match.search import Verifier
from theftwatch.match.workers import Threads

logger = logging.getLogger(__name__)

#: Lookups a transaction; bounds what a kill repeats, and the pairs held in memory
_BATCH = 64

#: What is done with all images before the next is begun: fingerprinting, then looking up in one role and in the other
type Step = Literal["fingerprint", "suspect", "original"]
#: Suspects first, so that originals are searched for in all their parts
_SIDES: tuple[Side, ...] = ("suspect", "original")
_STEPS: tuple[Step, ...] = ("fingerprint", *_SIDES)


@dataclass(frozen=True, slots=True)
class Span:
    """Images by their numbers in the record, both ends among them."""

    first: int
    last: int


_ALL = Span(0, 2**63 - 1)


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


class Helpers(Protocol):
    """Who does a whole record's steps: a drain by itself, or other processes by `Drain.work_off`."""

    def cut(self, span: Span) -> list[Span]:
        """Cut a span into as many as keep all of them busy to the end."""
        ...

    def work_off(self, step: Step, spans: Sequence[Span], originals: Index | None) -> AsyncIterator[Drained]:
        """Have a step done for spans, with the originals that suspects are looked up among; yield what came of each."""
        ...


class Drain:
    """Works off pending lookups; one process of a database at a time, so that no pair is verified twice at once."""

    def __init__(self, *, pool: Pool, files: Files, threads: Executor, clock: Clock) -> None:
        self._pool = pool
        self.files = files
        self._model = model()
        self._known = DatabaseKnown(pool, self._model)
        self._verifier = Verifier(
            loader=lambda sha256: partial(files.get, sha256), known=self._known, workers=Threads(threads)
        )
        self._candidates = DatabaseCandidates(pool, self._model)
        self._clock = clock

    async def run(
        self,
        *,
        wait: bool,
        progress: Callable[[Drained], None] | None = None,
        everything: bool = False,
        helpers: Helpers | None = None,
    ) -> Drained:
        """Work off all lookups that are pending, until none is, and bring up to date what the matches mean.

        With `everything`, what all matches mean, and not only what was noted as changed.
        Where another process is at it: with `wait`, wait for it and take what it left; else return at once.
        `helpers`, which may be this drain, do what is pending at the start as suits a whole record: suspects are looked
        up among all originals in memory, which costs less than asking the record for each, and which finds the same
        whatever came first. What came later is worked off one by one. What a helper did that was then lost is in the
        record, and not in the numbers returned.
        """
        done = Drained()
        async with self._pool.connection() as connection:
            # The lock belongs to the session, which outlives the transactions in between.
            await connection.set_autocommit(True)
            try:
                if not await _lock(connection, wait=wait):
                    return done
                show = progress or (lambda _: None)
                if helpers:
                    async with aclosing(self._have_done(connection, helpers)) as doing:
                        async for each in doing:
                            done += each
                            show(done)
                await self._fingerprint(_ALL)
                while batch := await _find_pending(connection, _SIDES, _ALL):
                    done += await self._look_up(*batch, self._candidates)
                    show(done)
                await update_context(connection, load=self.files.get, now=self._clock(), everything=everything)
                return done
            finally:
                # A lost connection has lost its lock too.
                if not connection.closed:
                    await execute(connection, "unlock_session")
                    await connection.set_autocommit(False)

    def cut(self, span: Span) -> list[Span]:
        """Leave a span as it is: this is one process."""
        return [span]

    async def work_off(self, step: Step, spans: Sequence[Span], originals: Index | None) -> AsyncGenerator[Drained]:
        """Do one step for the images of spans, for the process whose `run` this helps, and yield what came of it.

        Each span is leased from the record. Where a lost helper had it, its lease is waited for, and what it left is
        done. Suspects are looked up among the originals given.
        """
        candidates = MemoryCandidates(originals, self._known) if originals else self._candidates
        for span in spans:
            async with reading(self._pool) as connection:
                await execute(connection, "lock_span", first=span.first, last=span.last)
                try:
                    if step == "fingerprint":
                        await self._fingerprint(span)
                        continue
                    while batch := await _find_pending(connection, (step,), span):
                        yield await self._look_up(*batch, candidates)
                finally:
                    if not connection.closed:
                        await execute(connection, "unlock_session")

    async def _have_done(self, connection: Connection, helpers: Helpers) -> AsyncGenerator[Drained]:
        """Have helpers do all that is pending, step by step, and yield what came of it."""
        for step in _STEPS:
            sides = _SIDES if step == "fingerprint" else (step,)
            [(first, last)] = await fetch(connection, "find_pending_span", sides=list(sides))
            if first is not None:
                # Once for all of them, and only now that each original has its newest fingerprint
                originals = await self._read_originals() if step == "suspect" else None
                async for done in helpers.work_off(step, helpers.cut(Span(first, last)), originals):
                    yield done

    async def _read_originals(self) -> Index:
        async with self._pool.connection() as connection:
            return await read_index(connection, "original", self._model)

    async def _fingerprint(self, span: Span) -> None:
        """Fingerprint what waits and was done by another version or network: before anything is searched for.

        So what is found does not depend on what was fingerprinted first after an update, or after a network was
        switched on or changed.
        """
        first = span.first
        while rows := await self._fetch(
            "find_stale_fingerprints",
            first=first,
            last=span.last,
            fingerprint_version=FINGERPRINT_VERSION,
            model=self._model,
            most=_BATCH,
        ):
            images = await self._verifier.fingerprint([sha256 for _, sha256 in rows])
            async with self._pool.connection() as connection:
                await replace_fingerprints(connection, images)
            first = rows[-1][0] + 1

    async def _look_up(self, side: Side, sha256s: Sequence[bytes], candidates: Candidates) -> Drained:
        lookup = Lookup(candidates, self._verifier, self._find_decided)
        await lookup.run(sha256s, await self._find_descriptors(sha256s), side)
        descriptors = [
            DescriptorRecord(sha256=sha256, part=number, place=part.place, descriptor=part.descriptor)
            for sha256, parts in lookup.parts.items()
            for number, part in enumerate(parts, 1)
            if part.descriptor
        ]
        decided = [_record(candidate, decision) for candidate, decision in lookup.decided]
        async with self._pool.connection() as connection:
            await save_descriptors(connection, descriptors)
            await save_local_features(connection, self._verifier.take_new_looks())
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
        async with reading(self._pool) as connection:
            stored = await find_descriptors(connection, sha256s, self._model)
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
        async with reading(self._pool) as connection:
            return await fetch(connection, query, **parameters)


async def _find_pending(connection: Connection, sides: Sequence[Side], span: Span) -> tuple[Side, list[bytes]] | None:
    """Return lookups to be done in one role, in the first of these that has any."""
    for side in sides:
        rows = await fetch(connection, "find_pending_lookups", side=side, first=span.first, last=span.last, most=_BATCH)
        if rows:
            return side, [sha256 for (sha256,) in rows]
    return None


@asynccontextmanager
async def open_drain(threads: int) -> AsyncIterator[tuple[Drain, Pool]]:
    """Open the record and the image store of the settings, for working off with so many threads."""
    pool = connection_pool(await asyncio.to_thread(connect_dsn, settings()))
    with ThreadPoolExecutor(threads) as executor:
        async with pool:
            async with pool.connection() as connection:
                files = await open_files(connection, settings())
            yield Drain(pool=pool, files=files, threads=executor, clock=system_clock), pool


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
