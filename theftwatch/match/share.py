"""Sharing the working-off of lookups among the workers of a Ray cluster.

Ray only starts the workers and gives a lost one's span to another. What is pending, who has which span and what came of
it is in the record, and the worker's code is the same that works off without Ray.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from theftwatch import __version__
from theftwatch.db.queries import Connection, fetch
from theftwatch.errors import NodeError, TheftWatchError, UsageError
from theftwatch.images.descriptor import model
from theftwatch.match.drain import Drained, Span, Step, open_drain
from theftwatch.match.index import Index

#: Spans a worker, so that one with hard pictures does not leave the others idle at the end
_SPANS_EACH = 8
#: Images a span at most; bounds what is done in one go, and so what a lost worker's successor has to wait for
_SPAN_MAX = 4096
#: How many workers may be lost at one span; after these it is the span
_TRIES = 4

_CONNECT_TIMEOUT_S = 10

_GO_ON = "mend that, then go on by `theftwatch rematch --pending --ray`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What has to be the same for all workers, or the record would be a mixture."""

    version: str
    #: Name of the network in use
    network: str | None
    #: Id of the image store, which is that of its database
    record: str

    def __str__(self) -> str:
        return f"version {self.version}, network {self.network or 'off'} and record {self.record}"


async def terms_of(connection: Connection) -> Terms:
    """Return the terms of this process, with the record at a connection."""
    [(record, _)] = await fetch(connection, "find_image_store")
    return Terms(version=__version__, network=model(), record=record)


class Cluster:
    """The workers of a Ray cluster, one a processor; each node has this program and the settings of this one."""

    def __init__(self, host: str, port: int, terms: Terms) -> None:
        """Join the cluster whose head has this address, for work on these terms.

        Raises UsageError where Ray is not installed, NodeError where no cluster answers or none of its nodes has a
        processor.
        """
        address = f"{host}:{port}"
        # Whoever starts a cluster decides what it tells its makers; this program starts none and tells nothing.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as exc:
            raise UsageError(
                "--ray: the package ray is missing; install theftwatch with the extra `ray`, or compare without it"
            ) from exc
        try:
            # Ray itself would try for minutes where nobody answers.
            socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S).close()
            ray.init(address, log_to_driver=False, logging_level="warning")
        except (OSError, OverflowError, RuntimeError, ValueError, ray.exceptions.AuthenticationError) as exc:
            if "AuthenticationError" in f"{type(exc).__name__} {exc.__cause__}":
                raise NodeError(
                    address,
                    "the Ray cluster asks for a token, and was given none or another one",
                    "set RAY_AUTH_MODE=token here and on all nodes, with its token in RAY_AUTH_TOKEN",
                ) from exc
            raise NodeError(
                address, f"no Ray cluster answers ({exc})", "start one by `ray start --head`, see docs/scaling.md"
            ) from exc
        self._address = address
        self._terms = terms
        self._ray = ray
        self._workers = int(ray.cluster_resources().get("CPU", 0))
        if not self._workers:
            raise NodeError(address, "the Ray cluster has no processor", "add a node by `ray start --address`")

    def cut(self, span: Span) -> list[Span]:
        """Cut a span into as many as keep all workers busy to the end."""
        images = span.last - span.first + 1
        size = min(-(-images // (self._workers * _SPANS_EACH)), _SPAN_MAX)
        return [Span(first, min(first + size - 1, span.last)) for first in range(span.first, span.last + 1, size)]

    async def work_off(self, step: Step, spans: Sequence[Span], originals: Index | None) -> AsyncIterator[Drained]:
        """Have a step done for spans, each by one worker, and yield what came of each.

        The originals are put into the memory that the workers of a node share, once on each node.

        Raises NodeError where a worker cannot do it, or where several were lost at one span.
        """
        task = self._ray.remote(_work_off).options(num_cpus=1, max_retries=_TRIES - 1)
        try:
            shared = self._ray.put(originals)
            under_way = [task.remote(step, span, shared, self._terms) for span in spans]
            for done in asyncio.as_completed([asyncio.wrap_future(each.future()) for each in under_way]):
                yield await done
        except (self._ray.exceptions.ObjectStoreFullError, self._ray.exceptions.OutOfDiskError) as exc:
            # What does not fit into that memory Ray puts on the disk, until this is nearly full.
            size = f"{originals.byte_count / 2**20:.0f} MB" if originals else "nothing"
            what = f"the originals, {size}, fit neither into the memory that its workers share nor on its disk"
            raise NodeError(self._address, what, "give `ray start` more by `--object-store-memory BYTES`") from exc
        except self._ray.exceptions.RayTaskError as exc:
            if isinstance(exc.cause, TheftWatchError):
                raise NodeError(self._address, f"a worker: {exc.cause}", _GO_ON) from exc
            raise
        except self._ray.exceptions.RayError as exc:
            what = f"{_TRIES} workers were lost at one span ({type(exc).__name__})"
            raise NodeError(self._address, what, f"Ray's log says why; {_GO_ON}") from exc


def _work_off(step: Step, span: Span, originals: Index | None, terms: Terms) -> Drained:
    """Do one step for a span, in a process of a node's."""

    async def main() -> Drained:
        async with open_drain(1) as (drain, pool):
            async with pool.connection() as connection:
                own = await terms_of(connection)
            if own != terms:
                raise UsageError(
                    f"it has {own}, and the command {terms}; install the same version on all nodes, "
                    "and give them the same THEFTWATCH_ settings"
                )
            done = Drained()
            async for each in drain.work_off(step, [span], originals):
                done += each
            return done

    return asyncio.run(main())
