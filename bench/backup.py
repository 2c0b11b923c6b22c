"""A backup, the next one, and bringing it back, against pg_dump and cp; and the pace of an image store in a bucket."""

import asyncio
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from bench.database import Postgres, temporary_postgres
from bench.result import Goal, Measure, Result
from bench.store import listings
from bench.weed import running_weed
from theftwatch.backup.make import make_backup
from theftwatch.backup.restore import choose, restore
from theftwatch.bucket import Bucket, open_bucket
from theftwatch.clock import system_clock
from theftwatch.config import Settings
from theftwatch.db import cluster, store
from theftwatch.db.records import ListingRecord
from theftwatch.file_copy import AT_ONCE
from theftwatch.files import Files

SIZE = 2_000
QUICK_SIZE = 100
UNIT = "listings"

_PHOTO_BYTES = 100_000
#: Photos by which both ways to use a bucket take turns
_IN_A_ROW = 50
#: Listings saved in one transaction
_BATCH = 500
_NOW = datetime(2026, 11, 1, tzinfo=UTC)


def measure(size: int) -> Result:
    """Back up and bring back `size` listings with two photos each, both ways; put and get the photos in a bucket."""
    with (
        temporary_postgres() as postgres,
        tempfile.TemporaryDirectory(prefix="theftwatch-bench-") as name,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        folder = Path(name)
        own = _settings(postgres, folder, "full")
        photos = _fill(own, size)
        backups = folder / "backups"
        first_s, next_s = (_timed(partial(_back_up, own, backups, threads, day)) for day in (1, 2))
        plain_s = [_timed(partial(_dump_and_copy, own, folder / f"plain{number}")) for number in range(2)]
        other = _settings(postgres, folder, "restored")
        restore_s = _timed(partial(_bring_back, other, backups, threads))
        plain_restore_s = _timed(partial(_load_and_copy, postgres, folder / "plain0", folder / "copied"))
        with running_weed(folder / "weed") as environment, patch.dict(os.environ, environment):
            paces = _pace(photos)
    measures = [
        ("first backup", [first_s]),
        ("next backup, nothing new", [next_s]),
        ("pg_dump and cp", plain_s),
        ("restore", [restore_s]),
        ("pg_restore and cp", [plain_restore_s]),
    ]
    times = [Measure(name=name, values=values, unit="s") for name, values in measures]
    first, following, plain, back, plain_back = (each.median for each in times)
    bucket = [Measure(name=f"bucket: {name}", values=values, unit="photos/s") for name, values in paces.items()]
    put, plain_put, get, plain_get = (each.median for each in bucket)
    judged = size >= SIZE
    return Result(
        title=f"Backup and restore of {size:,} listings with {len(photos):,} photos of {_PHOTO_BYTES // 1000} kB",
        measures=[*times, *bucket],
        goals=[
            Goal(text="next backup / pg_dump and cp", ratio=following / plain, most=0.8, judged=judged),
            Goal(text="first backup / pg_dump and cp", ratio=first / plain, most=3, judged=judged),
            Goal(text="restore / pg_restore and cp", ratio=back / plain_back, most=3, judged=judged),
            Goal(text="putting into a bucket / by its library alone", ratio=put / plain_put, least=0.4, judged=judged),
            Goal(text="getting from it / by its library alone", ratio=get / plain_get, least=0.4, judged=judged),
        ],
        notes=[
            "Ours has each photo on disk, by its digest, and says what the record comes to; pg_dump and cp do neither.",
        ],
    )


def _settings(postgres: Postgres, folder: Path, database: str) -> Settings:
    return Settings(data_dir=folder / "data", database=database, dsn=SecretStr(postgres.clone(database)))


def _dsn(settings: Settings) -> str:
    assert settings.dsn is not None
    return settings.dsn.get_secret_value()


def _fill(settings: Settings, size: int) -> list[bytes]:
    """Save listings with photos that cannot be packed, and return these."""
    random, photos = np.random.default_rng(7), list[bytes]()
    files = Files(settings.files_dir)
    records = []
    for record in listings(size):
        own = [random.bytes(_PHOTO_BYTES) for _ in record.images]
        photos += own
        digests = [files.put(photo) for photo in own]
        records.append(_with_photos(record, digests))

    async def save() -> None:
        async with await psycopg.AsyncConnection.connect(_dsn(settings), autocommit=True) as connection:
            for start in range(0, len(records), _BATCH):
                await store.save_listings(connection, records[start : start + _BATCH], run=None, now=_NOW)

    asyncio.run(save())
    return photos


def _with_photos(record: ListingRecord, digests: Sequence[bytes]) -> ListingRecord:
    return replace(
        record,
        images=tuple(replace(each, sha256=sha256) for each, sha256 in zip(record.images, digests, strict=True)),
        new_images=tuple(
            replace(each, sha256=sha256, byte_count=_PHOTO_BYTES)
            for each, sha256 in zip(record.new_images, digests, strict=True)
        ),
    )


def _back_up(settings: Settings, backups: Path, threads: ThreadPoolExecutor, day: int) -> None:
    # Two backups of one second would have one name.
    clock = partial(_NOW.replace, day=day)
    asyncio.run(make_backup(settings, _dsn(settings), backups, threads, clock=clock, progress=lambda _: None))


def _bring_back(settings: Settings, backups: Path, threads: ThreadPoolExecutor) -> None:
    backup = choose(backups, None)
    asyncio.run(restore(settings, backups, backup, threads, clock=system_clock, progress=lambda _: None))


def _dump_and_copy(settings: Settings, folder: Path) -> None:
    folder.mkdir()
    _run("pg_dump", _dsn(settings), "--format=custom", "--compress=1", f"--file={folder / 'database.dump'}")
    subprocess.run(["cp", "-a", str(settings.files_dir), str(folder / "files")], check=True)


def _load_and_copy(postgres: Postgres, backup: Path, folder: Path) -> None:
    with psycopg.connect(postgres.superuser_dsn, autocommit=True) as connection:
        connection.execute("create database plain template template0")
    dsn = make_conninfo(postgres.superuser_dsn, dbname="plain")
    _run("pg_restore", dsn, "--no-owner", "--single-transaction", str(backup / "database.dump"))
    subprocess.run(["cp", "-a", str(backup / "files"), str(folder)], check=True)


def _run(program: str, dsn: str, *arguments: str) -> None:
    password = str(conninfo_to_dict(dsn)["password"])
    command = [str(cluster.find_programs(None) / program), f"--dbname={dsn}", *arguments]
    subprocess.run(command, env=os.environ | {"PGPASSWORD": password}, check=True, stdout=subprocess.DEVNULL)


def _pace(photos: Sequence[bytes]) -> dict[str, list[float]]:
    """Return how many photos a second go into a bucket and come from there, by the image store and by its library."""
    bucket = open_bucket("s3://bench/files")
    bucket.write("first", b"")  # this makes the bucket
    paces = defaultdict[str, list[float]](list)
    for start in range(0, len(photos), _IN_A_ROW):
        some = {f"plain/{start}-{number}": data for number, data in enumerate(photos[start : start + _IN_A_ROW])}
        for name, seconds in _turn(bucket, some).items():
            paces[name].append(len(some) / seconds)
    return paces


def _turn(bucket: Bucket, photos: Mapping[str, bytes]) -> dict[str, float]:
    """Return how many seconds each way takes for some photos, which the library knows by their names."""
    import obstore

    files, library, digests = Files(bucket), bucket._store, list[bytes]()
    return {
        "put": _timed(lambda: digests.extend(map(files.put, photos.values()))),
        "put by the library": _timed(lambda: [obstore.put(library, name, data) for name, data in photos.items()]),
        "get": _timed(lambda: [files.get(digest) for digest in digests]),
        "get by the library": _timed(lambda: [obstore.get(library, name).bytes() for name in photos]),
    }


def _timed(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s
