"""Sharing a rematch among the workers of a real Ray cluster, one of which is killed midway."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import psycopg
import pytest

from bench.cluster import running_ray
from tests.record import Record
from tests.test_rematch import BATCHES, COPIES
from tests.waiting import wait_until
from theftwatch.files import Files
from theftwatch.match.drain import Drained, Span
from theftwatch.match.index import index_of
from theftwatch.match.share import Cluster, Terms

# not imported, as that takes every process of the tests a second
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: make test installs it")

_WAIT_S = 120


@pytest.fixture
def environment_of_all(dsn, tmp_path):
    set_here = {"THEFTWATCH_DSN": dsn, "THEFTWATCH_FILES": str(tmp_path / "files"), "PYTHONWARNINGS": "ignore"}
    return os.environ | set_here


@pytest.fixture
def cluster(environment_of_all):
    """Return a Ray cluster of two workers, whose disk takes nothing that does not fit into their memory."""
    with running_ray(2, environment_of_all | {"RAY_local_fs_capacity_threshold": "0"}) as cluster:
        yield cluster


def test_a_shared_rematch_gives_the_same_though_a_worker_is_lost(dsn, other_dsn, tmp_path, cluster, environment_of_all):
    record, alone = Record(dsn, Files(tmp_path / "files")), Record(other_dsn, Files(tmp_path / "other"))
    for each in (record, alone):
        for batch in BATCHES:
            each.save(*batch)
    alone.rematch()
    record.rows("with old as (update image set fingerprint_version = 0, width_px = 1 returning id) select from old")
    command = [sys.executable, "-m", "theftwatch", "rematch", "--ray", cluster.address]
    environment = environment_of_all | cluster.access

    with psycopg.connect(dsn) as held:
        # Nobody can write: each worker is held up with its first span before anything of it is stored.
        held.execute("select pg_advisory_xact_lock(hashtext('theftwatch writes'))")
        rematch = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'"
        wait_until(lambda: record.rows(waiting) == [(2,)])
        lost, _ = cluster.working()
        lost.kill()
        wait_until(lambda: not lost.is_running())
        assert record.rows("select count(*) from lookup where looked_up_at is not null") == [(0,)]
    out, err = rematch.communicate(timeout=_WAIT_S)
    assert rematch.returncode == 0, err
    [(images,)] = alone.rows("select count(*) from lookup")
    assert f"{images} photos compared" in out
    assert len(alone.matches()) == len(COPIES)
    assert record.digest() == alone.digest()
    assert record.compare() == Drained()

    other_network = subprocess.run(
        command, env=environment | {"THEFTWATCH_DESCRIPTOR": "off"}, capture_output=True, text=True
    )
    assert other_network.returncode == 1
    assert "network off" in other_network.stderr
    assert "give them the same THEFTWATCH_ settings" in other_network.stderr

    # Ray would try for twenty seconds. It looks for a token in the user's folder too.
    stranger = environment | {"RAY_NUM_REDIS_GET_RETRIES": "1", "HOME": str(tmp_path)}
    for token in ({"RAY_AUTH_TOKEN": "0" * 64}, {"RAY_AUTH_TOKEN": ""}):
        said = refusal(cluster, stranger | token)
        assert "the Ray cluster asks for a token, and was given none or another one" in said
        assert "set RAY_AUTH_MODE=token here and on all nodes, with its token in RAY_AUTH_TOKEN" in said

    too_much = refusal(cluster, environment)
    assert "the originals, 100 MB, fit neither into the memory" in too_much
    assert "give `ray start` more by `--object-store-memory BYTES`" in too_much


def refusal(cluster, environment):
    """Return what a process says that shares more originals with a cluster than fit."""
    code = "import sys\nfrom tests.test_share import share_too_much\nshare_too_much(*sys.argv[1:])"
    command = [sys.executable, "-c", code, cluster.host, str(cluster.port)]
    return subprocess.run(command, env=environment, capture_output=True, text=True).stderr


def share_too_much(host, port):
    """Share more originals than fit, which raises an error."""
    cluster = Cluster(host, int(port), Terms(version="", network=None, record=""))
    index = replace(index_of([]), sha256s=np.zeros((100 * 2**20 // 32, 32), np.uint8))

    async def main():
        async for _ in cluster.work_off("suspect", [Span(1, 1)], index):
            pass

    asyncio.run(main())
