"""The replica as a real HTTP server on loopback: one port for all hosts, told apart by the Host header.

A marketplace that is down at some time of its days has a port of its own, where connections are refused then.

    python -m theftwatch.demo.replica --port 0 --log requests.jsonl

prints its address in one line and serves until it is interrupted.
"""

import argparse
import itertools
import json
import logging
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote

from theftwatch.clock import Clock, system_clock
from theftwatch.demo.addresses import host_map
from theftwatch.demo.answers import Answer, Request, Shelves, condensed
from theftwatch.demo.catalogue import Catalogue, load_catalogue
from theftwatch.demo.days import Days, TroubleKind, marketplace_of
from theftwatch.demo.door import Door
from theftwatch.demo.etsy_api import CallLimit
from theftwatch.demo.sites import answer
from theftwatch.demo.trouble import spoil

logger = logging.getLogger(__name__)

_ADDRESS = "127.0.0.1"
#: An idle connection is closed after this long, so that stopping need not wait for it
_IDLE_S = 30
#: Troubles in which a body does not come whole, and how long the longest keeps a connection
_BREAKS_IN = {TroubleKind.BROKEN_OFF, TroubleKind.DRIPPING, TroubleKind.RESET}
_LONGEST_S = 600


class Replica(ThreadingHTTPServer):
    """The server; `running_replica` starts and stops one."""

    daemon_threads = True
    # Tests start many replicas one after another on free ports
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, days: Days, port: int = 0, log: Path | None = None) -> None:
        super().__init__((_ADDRESS, port), _Handler)
        self.days = days
        #: What time it is on the marketplaces
        self.clock: Clock = system_clock
        self.limit = CallLimit()
        #: Of requests, as they come
        self.numbers = itertools.count(1)
        self.doors = {
            code: Door(_ADDRESS, is_shut=partial(self._is_down, code), take=self.process_request)
            for code in {trouble.marketplace for trouble in days.troubles if trouble.kind is TroubleKind.DOWN}
        }
        self._shelves = Shelves(days.first)
        self._lock = Lock()
        self._log = log

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """Return host and port, as a host map takes them."""
        return f"{_ADDRESS}:{self.port}"

    @property
    def host_map(self) -> dict[str, str]:
        """Return the host map that leads all marketplaces here."""
        mapped = host_map(self.port)
        for code, door in self.doors.items():
            mapped |= {host: at for host, at in host_map(door.port).items() if marketplace_of(host) == code}
        return mapped

    def show(self, catalogue: Catalogue) -> None:
        """Offer another catalogue from now on, whatever the time."""
        self.days = Days(catalogue)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong with a request, unless it is only that its client has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def shelves_at(self, moment: datetime) -> Shelves:
        """Return what is on offer at a moment."""
        catalogue = self.days.catalogue_at(moment)
        with self._lock:
            if self._shelves.catalogue is not catalogue:
                self._shelves = Shelves(catalogue)
            return self._shelves

    def _is_down(self, marketplace: str) -> bool:
        return self.days.trouble_of(marketplace, self.clock()) is TroubleKind.DOWN

    def write_log(self, request: Request, status: int | None, at: datetime, trouble: TroubleKind | None) -> None:
        """Add a line about one request to the log, if there is one; no status where no answer was given."""
        if self._log is None:
            return
        line = {
            "at": at.isoformat(),
            "host": request.host,
            "path": request.path,
            "query": request.query,
            "user_agent": request.headers.get("user-agent"),
            "status": status,
            "trouble": trouble,
        }
        with self._lock, self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


@contextmanager
def running_replica(
    catalogue: Catalogue | None = None, *, days: Days | None = None, port: int = 0, log: Path | None = None
) -> Iterator[Replica]:
    """Serve a catalogue, by default the one of the package, or what some days offer, while the context lasts."""
    replica = Replica(days or Days(catalogue or load_catalogue()), port, log)
    thread = Thread(target=replica.serve_forever, kwargs={"poll_interval": 0.05}, name="replica", daemon=True)
    thread.start()
    with ExitStack() as doors:
        for door in replica.doors.values():
            doors.enter_context(door)
        try:
            yield replica
        finally:
            replica.shutdown()
            replica.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Replica
    protocol_version = "HTTP/1.1"
    server_version = "replica"
    sys_version = ""
    timeout = _IDLE_S
    # Head and body go out together; without this the body would wait for the acknowledgement of the head
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer one request."""
        path, _, query = self.path.partition("?")
        request = Request(
            host=self.headers.get("Host", "").partition(":")[0].lower(),
            path=unquote(path),
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        now = self.server.clock()
        trouble = self.server.days.trouble_at(request.host, now, next(self.server.numbers))
        if trouble in {TroubleKind.SILENT, TroubleKind.DOWN, TroubleKind.STALLED}:
            self.server.write_log(request, None, now, trouble)
            self.close_connection = True
            if trouble is TroubleKind.STALLED:
                self._wait_for_end(_LONGEST_S)
            return
        try:
            found = condensed(request, answer(request, self.server.shelves_at(now), self.server.limit))
        except Exception:
            # A fault of the replica must look like one in the client's test too
            logger.exception("no answer to %s", request.url)
            found = Answer(status=HTTPStatus.INTERNAL_SERVER_ERROR, content_type="text/plain")
        spoiled = spoil(found, trouble) if trouble else found
        breaks = trouble in _BREAKS_IN and bool(found.body)
        self.server.write_log(request, spoiled.status, now, trouble if breaks or spoiled is not found else None)
        self._send(spoiled, trouble=trouble if breaks else None)

    do_HEAD = do_GET  # noqa: N815  the name that http.server looks for
    do_POST = do_GET  # noqa: N815  the same

    def log_message(self, *args: Any) -> None:
        """Keep quiet; the log of the replica is `write_log`."""

    def version_string(self) -> str:
        """Return no `Server` of our own where an answer brings one."""
        return self.server_version

    def _send(self, found: Answer, *, trouble: TroubleKind | None) -> None:
        """Send an answer, whose body does not come whole in trouble."""
        self.send_response_only(found.status)
        headers = {
            "Server": self.server_version,
            "Date": self.date_time_string(),
            "Content-Type": found.content_type,
            "Content-Length": str(len(found.body)),
            **found.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD" or found.status == HTTPStatus.NOT_MODIFIED:
            return
        if trouble is None:
            self.wfile.write(found.body)
            return
        self.close_connection = True
        if trouble is TroubleKind.DRIPPING:
            for byte in found.body[:_LONGEST_S]:
                self.wfile.write(bytes([byte]))
                if self._wait_for_end(1):
                    return
            return
        self.wfile.write(found.body[: len(found.body) // 2])
        if trouble is TroubleKind.RESET:
            # Closed so, a connection ends with a reset, not with a last word.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _wait_for_end(self, seconds: float) -> bool:
        """Wait until the client ends the connection, so long at most, and return whether it did."""
        ready, _, _ = select.select([self.connection], [], [], seconds)
        return bool(ready)


def main() -> None:
    """Serve the replica from the command line."""
    parser = argparse.ArgumentParser(prog="python -m theftwatch.demo.replica", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--log", type=Path, help="file to which a JSON line is added for each request")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Replica(Days(load_catalogue()), arguments.port, arguments.log) as replica:
        sys.stdout.write(f"http://{replica.address}\n")
        sys.stdout.flush()
        try:
            replica.serve_forever()
        except KeyboardInterrupt:
            logger.info("stopped")


if __name__ == "__main__":
    main()
