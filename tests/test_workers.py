"""Workers: who does which task, and what becomes of processes when one of them, or their parent, is gone."""

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.edits import photo_paths
from tests.waiting import AMPLE_S, wait_until
from theftwatch.errors import WorkerError
from theftwatch.match.pictures import Pictures
from theftwatch.match.workers import Processes, Threads


def process_of(_: Pictures) -> int:
    return os.getpid()


def pictures_of(pictures: Pictures) -> int:
    return id(pictures)


def end(_: Pictures) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_one_key_asks_for_one_process_does_and_others_share_the_rest():
    async def ask(workers: Processes) -> tuple[set[int], set[int]]:
        keyed = {await workers.run(b"one", process_of) for _ in range(5)}
        free = await asyncio.gather(*(workers.run(None, process_of) for _ in range(8)))
        return keyed, set(free)

    with Processes(2) as workers:
        keyed, free = asyncio.run(ask(workers))
    assert len(keyed) == 1
    assert len(free) == min(2, os.cpu_count() or 1)
    assert keyed <= free
    assert os.getpid() not in free


def test_threads_share_the_pictures_that_they_have_and_each_process_keeps_its_own():
    async def ask(workers: Threads | Processes) -> set[int]:
        return {await workers.run(None, pictures_of) for _ in range(5)}

    with ThreadPoolExecutor(2) as threads, Processes(1) as workers:
        assert len(asyncio.run(ask(Threads(threads)))) == 1
        assert len(asyncio.run(ask(workers))) == 1


def test_a_process_that_was_killed_is_told_of_with_the_remedy():
    with Processes(1) as workers, pytest.raises(WorkerError, match="set THEFTWATCH_WORKERS to fewer"):
        asyncio.run(workers.run(None, end))


@pytest.fixture
def scan(tmp_path):
    """Start a scan that takes a while, and return it once its workers are there."""
    for name in ("originals", "suspects"):
        (tmp_path / name).mkdir()
        for path in photo_paths():
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "theftwatch", "scan", tmp_path / "originals", tmp_path / "suspects"]
    started = subprocess.Popen(
        [*command, "--out", tmp_path / "pairs.jsonl"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    parent = psutil.Process(started.pid)
    wait_until(
        lambda: any("spawn_main" in " ".join(each.cmdline()) for each in parent.children(recursive=True)), started
    )
    yield started
    started.kill()
    started.communicate()


def test_workers_end_when_the_command_is_killed(scan):
    workers = psutil.Process(scan.pid).children(recursive=True)
    scan.send_signal(signal.SIGKILL)
    scan.wait()
    _, alive = psutil.wait_procs(workers, timeout=AMPLE_S)
    assert not alive


def test_ctrl_c_ends_a_scan_in_silence_with_its_workers(scan, tmp_path):
    workers = psutil.Process(scan.pid).children(recursive=True)
    os.killpg(scan.pid, signal.SIGINT)
    _, told = scan.communicate(timeout=AMPLE_S)
    assert scan.returncode == 130
    assert "Traceback" not in told
    _, alive = psutil.wait_procs(workers, timeout=AMPLE_S)
    assert not alive
    assert not (tmp_path / "pairs.jsonl").exists()
