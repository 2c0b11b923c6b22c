"""The nodes, each asked what it lists."""

from collections.abc import Iterator

from theftwatch.config import Settings
from theftwatch.doctor.check import Check
from theftwatch.jobs.look import look


def check_nodes(settings: Settings) -> Iterator[Check]:
    """Ask each node what it lists."""
    if not settings.nodes:
        detail = "THEFTWATCH_NODES is not set: crawls are started on this machine, by hand or by cron"
        yield Check(name="nodes", state="off", detail=detail, remedy="export THEFTWATCH_NODES=http://127.0.0.1:6800")
        return
    found = look(settings)
    for node in found:
        if node.trouble:
            yield Check(name="nodes", state="failed", detail=f"{node.url}: {node.trouble}", remedy=node.remedy)
    if well := [f"{node.url} ({node.release or 'no release'})" for node in found if not node.trouble]:
        yield Check(name="nodes", state="ok", detail=f"scrapyd answers at {', '.join(well)}")
