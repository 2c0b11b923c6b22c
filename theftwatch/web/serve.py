"""Serving an application from the process of a command."""

import socket

import uvicorn
from starlette.types import ASGIApp

from theftwatch.errors import UsageError


def listen(address: str, port: int) -> socket.socket:
    """Listen at a port of an address of this machine.

    Raises UsageError where that cannot be.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError as exc:
        raise UsageError(f"--port {port}: {exc.strerror} ({address}); one may run there; give another") from exc


async def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer until interrupted."""
    # Its own log would hold what people send.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5
    )
    await uvicorn.Server(config).serve(sockets=[listening])
