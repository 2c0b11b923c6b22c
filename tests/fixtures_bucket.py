"""A real S3-compatible server on loopback, SeaweedFS, with a bucket of each test's own."""

import uuid
from collections.abc import Iterator

import pytest

from bench.weed import running_weed
from theftwatch.bucket import open_bucket


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """Start a server for this test session and return the environment that leads to it."""
    with running_weed(tmp_path_factory.mktemp("weed")) as environment:
        yield environment


@pytest.fixture
def bucket(bucket_server, monkeypatch) -> str:
    """Return the address of a bucket of this test's own, which the environment gives the keys to."""
    for name, value in bucket_server.items():
        monkeypatch.setenv(name, value)
    address = f"s3://test-{uuid.uuid4().hex}/kept/files"
    open_bucket(address).write("first", b"")  # this makes the bucket
    open_bucket(address).delete("first")
    return address
