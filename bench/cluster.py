"""A Ray cluster on this machine, for as long as it is needed."""

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.ports import kept_port

_STORE_BYTES = 80_000_000
_STOP_MAX_S = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RayCluster:
    """A running cluster: its first process, and where it answers."""

    process: psutil.Process
    host: str
    port: int
    #: What whoever asks it has in the environment
    access: Mapping[str, str]

    @property
    def address(self) -> str:
        """Return what `theftwatch rematch --ray` is given."""
        return f"{self.host}:{self.port}"

    def working(self) -> list[psutil.Process]:
        """Return the processes of those workers that have a span."""
        found = self.process.children(recursive=True)
        return [each for each in found if each.name().startswith("ray::_work_off")]


@contextmanager
def running_ray(workers: int, environment: Mapping[str, str]) -> Iterator[RayCluster]:
    """Run a cluster of some workers with an environment; whatever it started is ended with it."""
    # Else it depends on a file of the user's whether a token is asked for.
    access = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    # in a short path, as there are sockets in it
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats"),
        *("--include-dashboard=false", f"--num-cpus={workers}", "--node-ip-address=127.0.0.1"),
        *(f"--temp-dir={folder}", f"--object-store-memory={_STORE_BYTES}"),
    ]
    with (
        kept_port() as port,
        subprocess.Popen(
            [*command, f"--port={port}"],
            env={**environment, **access},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout
            assert any("Ray runtime started" in line for line in process.stdout), process.poll()
            yield RayCluster(process=psutil.Process(process.pid), host="127.0.0.1", port=port, access=access)
        finally:
            started = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            for each in psutil.wait_procs(started, timeout=_STOP_MAX_S)[1]:
                each.kill()
    shutil.rmtree(folder, ignore_errors=True)
