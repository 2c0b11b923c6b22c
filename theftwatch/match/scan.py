"""Comparing two folders of photos, without a database."""

import asyncio
import hashlib
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from theftwatch.errors import UnusableImageError
from theftwatch.images.fingerprint import Fingerprint, fingerprint
from theftwatch.match.candidates import VARIANTS, Candidate
from theftwatch.match.decide import Decision
from theftwatch.match.index import Indexed, index_of
from theftwatch.match.kept import LooksFile
from theftwatch.match.lookup import Lookup
from theftwatch.match.memory import MemoryCandidates
from theftwatch.match.pictures import Pictures
from theftwatch.match.routes import warn_of_descriptor
from theftwatch.match.search import Verifier
from theftwatch.match.workers import Workers

#: Files that are looked at; their first bytes decide whether they are images
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"})
#: Files read at once; suspects in one look-up, and look-ups in work at once, so that while the last pairs of one are
#: verified no worker waits
_BATCH, _LOOKED_UP, _LOOKUPS = 256, 16, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """The photos of a folder, by their SHA-256; a photo that is there twice is one."""

    root: Path
    paths: dict[bytes, list[Path]] = field(default_factory=lambda: defaultdict(list))
    prints: dict[bytes, Fingerprint] = field(default_factory=dict)
    #: Why files cannot be compared, by their paths below the folder
    unusable: dict[str, str] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        """Return the path of a file below the folder."""
        return path.relative_to(self.root).as_posix()

    def names(self, sha256: bytes) -> list[str]:
        """Return the paths of a photo below the folder."""
        return [self.name(path) for path in self.paths[sha256]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two files with the decision on them."""

    original: str
    suspect: str
    decision: Decision


async def read_folder(root: Path, workers: Workers, advance: Callable[[int], None] = lambda _: None) -> Folder:
    """Fingerprint the photos of a folder and of those below it; `advance` is told how many are done."""
    folder = Folder(root=root)
    files = list_photos(root)
    # In batches, so that no more than these are in memory at once.
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        results = await asyncio.gather(*(workers.run(None, _fingerprint, path) for path in batch))
        for path, (sha256, result) in zip(batch, results, strict=True):
            if isinstance(result, Fingerprint):
                folder.paths[sha256].append(path)
                folder.prints[sha256] = result
            else:
                folder.unusable[folder.name(path)] = result
        advance(len(batch))
    return folder


def list_photos(root: Path) -> list[Path]:
    """List the photos of a folder and of those below it, in the order of their names."""
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


async def scan(
    originals: Folder, suspects: Folder, workers: Workers, advance: Callable[[int], None] = lambda _: None
) -> AsyncGenerator[Pair]:
    """Yield every candidate pair with its decision, also those that are no match; log it where the network is off.

    `advance` is told of suspects that were looked up.
    """
    warn_of_descriptor()
    paths = {sha256: paths[0] for folder in (originals, suspects) for sha256, paths in folder.paths.items()}
    with LooksFile() as kept:
        known = _Known({**originals.prints, **suspects.prints}, kept)
        verifier = Verifier(loader=lambda sha256: paths[sha256].read_bytes, known=known, workers=workers)
        index = index_of(_indexed(*each) for each in originals.prints.items())
        candidates = MemoryCandidates(index, known)
        asked = sorted(suspects.prints, key=suspects.names)
        batches = [asked[start : start + _LOOKED_UP] for start in range(0, len(asked), _LOOKED_UP)]

        async def look_up(batch: Sequence[bytes]) -> Lookup:
            described = {sha256: each for sha256 in batch if (each := suspects.prints[sha256].descriptor)}
            lookup = Lookup(candidates, verifier, _nothing_decided)
            await lookup.run(batch, described, "suspect")
            kept.add(verifier.take_new_looks())
            advance(len(batch))
            return lookup

        async with aclosing(_in_order(map(look_up, batches), _LOOKUPS)) as lookups:
            async for lookup in lookups:
                for candidate, decision in sorted(lookup.decided, key=lambda pair: pair[0].pair):
                    for original in originals.names(candidate.original):
                        for suspect in suspects.names(candidate.suspect):
                            yield Pair(original=original, suspect=suspect, decision=decision)


async def _in_order[T](work: Iterable[Coroutine[None, None, T]], most: int) -> AsyncGenerator[T]:
    """Yield the results of work in its order, with so many in work at once."""
    tasks: deque[asyncio.Task[T]] = deque()
    try:
        for each in work:
            tasks.append(asyncio.create_task(each))
            if len(tasks) == most:
                yield await tasks.popleft()
        while tasks:
            yield await tasks.popleft()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was computed of the photos of both folders."""

    prints: dict[bytes, Fingerprint]
    kept: LooksFile

    async def fingerprints(self, sha256s: Sequence[bytes]) -> Mapping[bytes, Fingerprint]:
        return {sha256: self.prints[sha256] for sha256 in sha256s}

    async def looks(self, sha256s: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return self.kept.read(sha256s)


def _indexed(sha256: bytes, prints: Fingerprint) -> Indexed:
    return Indexed(
        sha256=sha256,
        hashes=[each.hash for each in prints.hashes if each.variant in VARIANTS["original"]],
        embedding=prints.descriptor.embedding if prints.descriptor else None,
    )


async def _nothing_decided(_: Sequence[Candidate]) -> dict[tuple[bytes, bytes], tuple[str, bool]]:
    return {}


def _fingerprint(_: Pictures, path: Path) -> tuple[bytes, Fingerprint | str]:
    try:
        data = path.read_bytes()
        return hashlib.sha256(data).digest(), fingerprint(data)
    except UnusableImageError as exc:
        return b"", exc.reason
    except OSError:
        return b"", "unreadable"
