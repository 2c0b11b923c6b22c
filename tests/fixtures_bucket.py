"""A real S3-compatible server on loopback, SeaweedFS, with a bucket of each test's own."""

import json
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from theftwatch.bucket import open_bucket

_START_TIMEOUT_S = 60
_KEYS = {"accessKey": "tests", "secretKey": "only-of-tests"}
_IDENTITIES = {"identities": [{"name": "tests", "credentials": [_KEYS], "actions": ["Admin"]}]}


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory) -> Iterator[str]:
    """Start a server for this test session and return its address."""
    weed = Path(sys.executable).with_name("weed")
    folder = tmp_path_factory.mktemp("weed")
    (folder / "s3.json").write_text(json.dumps(_IDENTITIES))
    parts = ("master", "volume", "filer", "s3")
    ports = _free_ports(2 * len(parts))
    command = [str(weed), "-logtostderr=true", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{part}.port={ports[n]}" for n, part in enumerate(parts)]
    command += [f"-{part}.port.grpc={ports[n + len(parts)]}" for n, part in enumerate(parts)]
    command += ["-s3", f"-s3.config={folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"]
    command += ["-volume.max=0", "-master.volumeSizeLimitMB=64"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        _wait_for(ports[parts.index("s3")], server, folder / "log")
        yield f"http://127.0.0.1:{ports[parts.index('s3')]}"
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


@pytest.fixture
def bucket(bucket_server, monkeypatch) -> str:
    """Return the address of a bucket of this test's own, which the environment gives the keys to."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", _KEYS["accessKey"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", _KEYS["secretKey"])
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    address = f"s3://test-{uuid.uuid4().hex}/kept/files"
    open_bucket(address).write("first", b"")  # this makes the bucket
    open_bucket(address).delete("first")
    return address
