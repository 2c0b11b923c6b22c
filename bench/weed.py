"""SeaweedFS, a real S3-compatible server, on loopback for as long as somebody asks it."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.ports import kept_port

_START_TIMEOUT_S = 60
_KEYS = {"accessKey": "tests", "secretKey": "only-of-tests"}
_IDENTITIES = {"identities": [{"name": "tests", "credentials": [_KEYS], "actions": ["Admin"]}]}


@contextmanager
def running_weed(folder: Path) -> Iterator[dict[str, str]]:
    """Start a server that keeps all in a folder, deleted at the end, and yield the environment that leads to it."""
    weed = Path(sys.executable).with_name("weed")
    folder.mkdir(exist_ok=True)
    (folder / "s3.json").write_text(json.dumps(_IDENTITIES))
    parts = ("master", "volume", "filer", "s3")
    with ExitStack() as kept:
        ports = [kept.enter_context(kept_port()) for _ in range(2 * len(parts))]
        command = [str(weed), "-logtostderr=true", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += [f"-{part}.port={ports[n]}" for n, part in enumerate(parts)]
        command += [f"-{part}.port.grpc={ports[n + len(parts)]}" for n, part in enumerate(parts)]
        command += ["-s3", f"-s3.config={folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"]
        command += ["-volume.max=0", "-master.volumeSizeLimitMB=64"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            _wait_for(ports[parts.index("s3")], server, folder / "log")
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports[parts.index('s3')]}",
                "AWS_ACCESS_KEY_ID": _KEYS["accessKey"],
                "AWS_SECRET_ACCESS_KEY": _KEYS["secretKey"],
                "AWS_REGION": "us-east-1",
            }
        finally:
            server.kill()  # it would take its time to say good-bye
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"SeaweedFS does not answer: {log.read_text()[-2000:]}")
