"""The way to one marketplace of the replica, which is shut while that is down."""

import logging
import socket
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

logger = logging.getLogger(__name__)

#: How often it is looked whether the door is to be open
_LOOK_S = 0.02
_BACKLOG = 128


class Door(Thread):
    """A port of this machine that takes connections and passes them on, or refuses them all; a context manager."""

    def __init__(
        self, address: str, *, is_shut: Callable[[], bool], take: Callable[[socket.socket, Any], None]
    ) -> None:
        super().__init__(name="door", daemon=True)
        self._is_shut, self._take = is_shut, take
        self._closed = Event()
        # Bound for as long as this lives, so that while it is shut nobody else is given the port.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind((address, 0))
        self._at: tuple[str, int] = self._held.getsockname()

    @property
    def port(self) -> int:
        """Return the port, which stays the same."""
        return self._at[1]

    def run(self) -> None:
        """Take connections while the door is open."""
        while not self._closed.is_set():
            if self._is_shut():
                time.sleep(_LOOK_S)
                continue
            try:
                listening = socket.create_server(self._at, backlog=_BACKLOG)
            except OSError:
                logger.debug("port %d is in use for a moment", self.port)
                time.sleep(_LOOK_S)
                continue
            with listening:
                listening.settimeout(_LOOK_S)
                while not self._closed.is_set() and not self._is_shut():
                    try:
                        self._take(*listening.accept())
                    except TimeoutError:
                        continue

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        self.join()
        self._held.close()
