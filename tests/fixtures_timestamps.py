"""An authority that gives trusted timestamps, made with the `openssl` command and asked over real HTTP."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

import pytest

_CONFIGURATION = """
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
certs = {folder}/root.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = no
[signer]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
basicConstraints = CA:FALSE
"""


@dataclass
class TimestampAuthority:
    """A running authority; while it is down it answers 503."""

    folder: Path
    down: bool = False
    #: What was asked, in DER
    queries: list[bytes] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tsr"

    @property
    def certificate(self) -> Path:
        return self.folder / "root.pem"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "THEFTWATCH_TIMESTAMP_URL": self.url,
            "THEFTWATCH_TIMESTAMP_CERTIFICATE": str(self.certificate),
        }

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr", cwd=self.folder)
        return (self.folder / "reply.tsr").read_bytes()

    def certify(self, days: int) -> None:
        """Give the signer a certificate that runs out in so many days."""
        openssl(
            *("x509", "-req", "-in", "signer.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial"),
            *("-out", "signer.pem", "-days", str(days), "-extfile", "tsa.cnf", "-extensions", "signer"),
            cwd=self.folder,
        )


def openssl(*arguments: str, cwd: Path | None = None) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def verify_with_openssl(data: Path, token: Path, certificate: Path, at: datetime | None = None) -> None:
    """Have OpenSSL alone verify a token."""
    attime = () if at is None else ("-attime", str(int(at.timestamp())))
    told = openssl(
        *("ts", "-verify", "-data", str(data), "-in", str(token), "-CAfile", str(certificate), *attime),
    )
    assert "Verification: OK" in told


def _make(folder: Path) -> TimestampAuthority:
    (folder / "tsa.cnf").write_text(_CONFIGURATION.format(folder=folder))
    (folder / "serial").write_text("01\n")
    request = ("req", "-newkey", "rsa:2048", "-nodes")
    openssl(
        *request, "-x509", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root", "-days", "7300", cwd=folder
    )
    openssl(*request, "-keyout", "signer.key", "-out", "signer.csr", "-subj", "/CN=Signer", cwd=folder)
    authority = TimestampAuthority(folder)
    authority.certify(days=3650)
    return authority


@pytest.fixture(scope="session")
def authority_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.fail("no openssl command: apt-get install openssl")
    folder = tmp_path_factory.mktemp("authority")
    _make(folder)
    return folder


@pytest.fixture
def authority(authority_files, tmp_path) -> Iterator[TimestampAuthority]:
    """Return an authority of this test's own, which answers on loopback."""
    folder = tmp_path / "authority"
    shutil.copytree(authority_files, folder)
    (folder / "tsa.cnf").write_text(_CONFIGURATION.format(folder=folder))
    one = TimestampAuthority(folder)
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                one.queries.append(query)
                body = b"" if one.down else one.answer(query)
            self.send_response(503 if one.down else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield one
    server.shutdown()
    server.server_close()
    thread.join()
