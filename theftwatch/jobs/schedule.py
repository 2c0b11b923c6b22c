"""Giving nodes a job, where they have not got it yet.

A job is a spider with its arguments. scrapyd tells the arguments of jobs that wait, and not of those that run; so the
id of a job says what is asked for: `alibaba-20261126T0130`, and with arguments a few letters that stand for them.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from theftwatch.errors import NodeError, UsageError
from theftwatch.jobs.node import PROJECT, Job, Node, ask, list_jobs, log_url

_LETTERS = 6
#: What scrapyd takes for itself among the fields of a form
_RESERVED = ("project", "spider", "jobid", "priority", "setting", "_version", "_job", "_project", "_spider")
_ID = re.compile(r"[a-z_]+-[0-9]{8}T[0-9]{4,6}(-(?P<letters>[0-9a-f]{6}))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """What came of a job on a node."""

    node: str
    state: Literal["scheduled", "skipped", "failed"]
    #: One line
    detail: str


def schedule(
    nodes: Sequence[Node], spider: str, arguments: Mapping[str, str], *, now: datetime, on_all: bool = False
) -> list[Placed]:
    """Give a job to the node with the least to do, or to all, and return what came of it on each that was asked.

    Without `on_all` nothing is done where any node has the job already, waiting or running, and the next node is asked
    where one refuses. Raises UsageError for an argument that would mean something else to scrapyd.
    """
    for name in arguments:
        if name in _RESERVED:
            raise UsageError(f"-a {name}={arguments[name]}: no spider takes it; see docs/spiders.md")
    placed, listed = _list_all(nodes)
    if on_all:
        for node, jobs in listed:
            job = _find(jobs, spider, arguments)
            placed.append(_skipped(node, job) if job else _give(node, spider, arguments, jobs, now))
        return placed
    for node, jobs in listed:
        if job := _find(jobs, spider, arguments):
            return [*placed, _skipped(node, job)]
    for node, jobs in sorted(listed, key=lambda each: sum(job.state != "finished" for job in each[1])):
        placed.append(_give(node, spider, arguments, jobs, now))
        if placed[-1].state == "scheduled":
            break
    return placed


def _list_all(nodes: Sequence[Node]) -> tuple[list[Placed], list[tuple[Node, list[Job]]]]:
    """Return the nodes that failed, and the others with their jobs."""

    def look(node: Node) -> list[Job] | NodeError:
        try:
            return list_jobs(node)
        except NodeError as exc:
            return exc

    with ThreadPoolExecutor(len(nodes)) as threads:
        answers = list(zip(nodes, threads.map(look, nodes), strict=True))
    failed = [_failed(node, answer) for node, answer in answers if isinstance(answer, NodeError)]
    return failed, [(node, answer) for node, answer in answers if not isinstance(answer, NodeError)]


def _find(jobs: Sequence[Job], spider: str, arguments: Mapping[str, str]) -> Job | None:
    """Return a job that is the same and has not ended."""
    same = (job for job in jobs if job.state != "finished" and job.spider == spider and _is_same(job, arguments))
    return next(same, None)


def _is_same(job: Job, arguments: Mapping[str, str]) -> bool:
    if job.arguments is not None:
        return job.arguments == arguments
    found = _ID.fullmatch(job.id)
    # Of one that somebody else gave a name nothing is known.
    return found is not None and found["letters"] == _letters(arguments)


def _give(node: Node, spider: str, arguments: Mapping[str, str], jobs: Sequence[Job], now: datetime) -> Placed:
    job = job_id(spider, arguments, now=now, taken={job.id for job in jobs})
    try:
        ask(node, "schedule", {**arguments, "project": PROJECT, "spider": spider, "jobid": job})
    except NodeError as exc:
        return _failed(node, exc)
    return Placed(node=node.url, state="scheduled", detail=f"{job}; its log: {log_url(node, spider, job)}")


def job_id(spider: str, arguments: Mapping[str, str], *, now: datetime, taken: Collection[str] = ()) -> str:
    """Return the id of a job: its spider, the minute, and letters that stand for its arguments, if it has any.

    With the second where the id of the minute is taken: two jobs of one id would write into one log.
    """
    letters = _letters(arguments)
    of_minute, of_second = (
        "-".join(filter(None, [spider, f"{now.astimezone(UTC):{form}}", letters]))
        for form in ("%Y%m%dT%H%M", "%Y%m%dT%H%M%S")
    )
    return of_second if of_minute in taken else of_minute


def _letters(arguments: Mapping[str, str]) -> str | None:
    if not arguments:
        return None
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:_LETTERS]


def _skipped(node: Node, job: Job) -> Placed:
    state = "waits" if job.state == "pending" else "runs"
    return Placed(node=node.url, state="skipped", detail=f"the same job {state} there as {job.id}, so none is added")


def _failed(node: Node, error: NodeError) -> Placed:
    return Placed(node=node.url, state="failed", detail=f"{error.what}; {error.remedy}")
