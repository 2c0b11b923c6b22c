"""How the nodes stand: what each of them lists, and which release it runs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from theftwatch.config import Settings
from theftwatch.errors import NodeError
from theftwatch.jobs.node import Node, list_jobs, machine_of, nodes_of
from theftwatch.jobs.release import find_release

# A person waits for it, and a node that looks through a release answers in this time mostly.
_TIMEOUT_S = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeState:
    """What a node lists, or why it does not."""

    url: str
    #: Its name of its machine; None where it does not answer
    machine: str | None = None
    running: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    #: The newest that was deployed, or that it runs its checkout
    release: str | None = None
    #: What is wrong with it, and the remedy
    trouble: str | None = None
    remedy: str | None = None


def look(settings: Settings) -> list[NodeState]:
    """Return how the nodes stand that the settings name; they are asked side by side."""
    if not settings.nodes:
        return []
    nodes = nodes_of(settings)
    with ThreadPoolExecutor(len(nodes)) as threads:
        return list(threads.map(_look, nodes))


def _look(node: Node) -> NodeState:
    try:
        jobs = list_jobs(node, timeout_s=_TIMEOUT_S)
        release = find_release(node, timeout_s=_TIMEOUT_S)
        machine = machine_of(node, timeout_s=_TIMEOUT_S)
    except NodeError as exc:
        return NodeState(url=node.url, trouble=exc.what, remedy=exc.remedy)
    return NodeState(
        url=node.url,
        machine=machine,
        running=tuple(job.id for job in jobs if job.state == "running"),
        waiting=tuple(job.id for job in jobs if job.state == "pending"),
        release=release,
    )
