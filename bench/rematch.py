"""A whole record fingerprinted and compared anew: by one process, and by one and two workers of a Ray cluster."""

import asyncio
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.cluster import RayCluster, running_ray
from bench.database import Postgres, temporary_postgres
from bench.process import Meter, clean_environment, run_python
from bench.recognition.build import build
from bench.recognition.photos import committed_photos
from bench.recognition.routes import store_originals, store_suspects
from bench.result import Goal, Measure, Result
from theftwatch.db.digest import digest_record
from theftwatch.db.pool import connection_pool
from theftwatch.files import Files
from theftwatch.match.scan import list_photos

SIZE = 200
QUICK_SIZE = 20
UNIT = "suspects' photos"

_WORKERS = (1, 2)
#: Leaves the record as another version would have, with nothing worked out of originals but what it must have
_MAKE_STALE = "update image set fingerprint_version = 0; delete from local_features"


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What one rematch took, and what the record was then."""

    wall_s: float
    #: Of the command and the workers, and of Postgres
    own_s: float
    postgres_s: float
    digest: str

    @property
    def cpu_s(self) -> float:
        """Return the processor time of all of it."""
        return self.own_s + self.postgres_s


def measure(size: int) -> Result:
    """Fingerprint and compare `size` suspects, half of them copies, and their originals, three times."""
    with temporary_postgres() as postgres, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = asyncio.run(_store(postgres, folder, max(2, size // 2)))
        alone = _rematch(postgres, folder)
        shared: list[Done] = []
        for workers in _WORKERS:
            environment = clean_environment() | _settings(postgres, folder)
            with running_ray(workers, environment) as cluster:
                shared.append(_rematch(postgres, folder, cluster))
    one, two = shared
    judged = size >= SIZE
    return Result(
        title=f"A rematch of {images:,} photos, each fingerprinted and looked up anew",
        notes=["With starting the command, and the workers' processes; processor time is theirs and Postgres'."],
        measures=[
            Measure(name=f"{name}: {what}", values=[value], unit="s")
            for name, done in (("alone", alone), ("Ray, one worker", one), ("Ray, two workers", two))
            for what, value in (
                ("processor time", done.own_s),
                ("Postgres'", done.postgres_s),
                ("by the clock", done.wall_s),
            )
        ],
        goals=[
            Goal(
                text="records that differ from the one made alone",
                ratio=sum(done.digest != alone.digest for done in shared),
                most=0,
            ),
            Goal(text="processor time, one worker / alone", ratio=one.cpu_s / alone.cpu_s, most=1.5, judged=judged),
            Goal(text="processor time, two workers / one", ratio=two.cpu_s / one.cpu_s, most=1.2, judged=judged),
            Goal(text="by the clock, one worker / two", ratio=one.wall_s / two.wall_s, least=1.6, judged=judged),
        ],
    )


async def _store(postgres: Postgres, folder: Path, copies: int) -> int:
    """Store originals and suspects, and return how many photos there are."""
    build(folder / "set", committed_photos(), "report", copies)
    files = Files(folder / "files")
    photos = [list_photos(folder / "set" / side) for side in ("originals", "suspects")]
    with ThreadPoolExecutor() as threads:
        async with connection_pool(postgres.dsn) as pool:
            await store_originals(pool, files, photos[0], threads)
            await store_suspects(pool, files, photos[1], threads)
    return sum(map(len, photos))


def _settings(postgres: Postgres, folder: Path) -> dict[str, str]:
    return {"THEFTWATCH_DSN": postgres.dsn, "THEFTWATCH_FILES": str(folder / "files"), "THEFTWATCH_WORKERS": "1"}


def _rematch(postgres: Postgres, folder: Path, cluster: RayCluster | None = None) -> Done:
    """Run the command on a record that another version fingerprinted.

    Raises CalledProcessError where it fails.
    """
    with psycopg.connect(postgres.dsn) as connection:
        connection.execute(_MAKE_STALE)
    started_s = time.perf_counter()
    options = ["--ray", cluster.address] if cluster else []
    access = cluster.access if cluster else {}
    with Meter(postgres.process) as server, Meter(*([cluster.process] if cluster else [])) as workers:
        run = run_python(["-m", "theftwatch", "rematch", *options], **_settings(postgres, folder), **access)
    return Done(
        wall_s=time.perf_counter() - started_s,
        own_s=run.cpu_s + workers.cpu_s,
        postgres_s=server.cpu_s,
        digest=asyncio.run(_digest(postgres)),
    )


async def _digest(postgres: Postgres) -> str:
    async with connection_pool(postgres.dsn) as pool, pool.connection() as connection:
        return await digest_record(connection)
