"""scrapyd as a test runs it, with its own program and its own port, and asks it over HTTP."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.parse
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ports import kept_port

START_MAX_S = 120
JOB_MAX_S = 120
#: It lists the spiders of a project in a process of its own, and answers nobody meanwhile
ANSWER_MAX_S = 120
PAUSE_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Scrapyd:
    """A running scrapyd, by its HTTP API."""

    url: str
    process: subprocess.Popen[bytes]
    #: User and password, with a colon in between
    login: str

    def get(self, call: str, **parameters: str) -> dict[str, Any]:
        return self._ask(f"{self.url}/{call}.json?{urllib.parse.urlencode(parameters)}")

    def post(self, call: str, **parameters: str) -> dict[str, Any]:
        return self._ask(f"{self.url}/{call}.json", urllib.parse.urlencode(parameters).encode())

    def crawl(self, spider: str, **arguments: str) -> str:
        """Schedule a job, wait for its end and return its id."""
        job = str(self.post("schedule", project="theftwatch", spider=spider, **arguments)["jobid"])
        self.wait(job)
        return job

    def wait(self, job: str, state: str = "finished") -> None:
        """Wait until a job has come to a state, or has passed it."""
        states = ["pending", "running", "finished"]
        deadline = time.monotonic() + JOB_MAX_S
        while states.index(str(self.get("status", job=job)["currstate"])) < states.index(state):
            assert time.monotonic() < deadline, self.get("listjobs")
            time.sleep(PAUSE_S)

    def versions(self) -> list[str]:
        versions: list[str] = self.get("listversions", project="theftwatch")["versions"]
        return versions

    def log(self, spider: str, job: str) -> str:
        return self._read(f"{self.url}/logs/theftwatch/{spider}/{job}.log").decode()

    def _ask(self, url: str, data: bytes | None = None) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._read(url, data))
        assert said["status"] == "ok", said
        return said

    def _read(self, url: str, data: bytes | None = None) -> bytes:
        login = base64.b64encode(self.login.encode()).decode()
        request = urllib.request.Request(url, data, headers={"Authorization": f"Basic {login}"})
        with urllib.request.urlopen(request, timeout=ANSWER_MAX_S) as answer:
            return bytes(answer.read())


@contextmanager
def running_scrapyd(
    folder: Path, environment: dict[str, str], *, config: str | None = None, python: Path = Path(sys.executable)
) -> Iterator[Scrapyd]:
    """Run scrapyd in a folder, with the settings that are there or that `config` gives.

    Whatever runs in its group is ended with it, as it leaves its jobs behind.
    """
    if config is not None:
        (folder / "scrapyd.conf").write_text(f"[scrapyd]\n{config}\n")
    log = folder / "scrapyd.log"
    with kept_port() as port:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [python, "-m", "scrapyd", "--pidfile="],
                cwd=folder,
                env=environment | {"SCRAPYD_HTTP_PORT": str(port)},
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        try:
            _wait_until_it_listens(process, port, log)
            login = f"{environment.get('SCRAPYD_USERNAME', '')}:{environment.get('SCRAPYD_PASSWORD', '')}"
            yield Scrapyd(url=f"http://127.0.0.1:{port}", process=process, login=login)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_MAX_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(PAUSE_S)
        else:
            return


def python_without_theftwatch(folder: Path) -> Path:
    """Return a Python that has the packages of this one and not the program itself, as on a node without a checkout."""
    venv.create(folder, symlinks=True)
    ours, its = (Path(sysconfig.get_path("purelib", vars={"base": str(base)})) for base in (sys.prefix, folder))
    for entry in ours.iterdir():
        if not entry.name.lower().startswith(("theftwatch", "__editable__")) and not (its / entry.name).exists():
            (its / entry.name).symlink_to(entry)
    return folder / "bin/python"
