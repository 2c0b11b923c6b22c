"""Releases: the program as an egg, and getting it onto nodes."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import theftwatch
from theftwatch.errors import NodeError, UsageError
from theftwatch.jobs.node import PROJECT, TIMEOUT_S, Node, ask

#: In place of a release's name: what scrapyd found in the folder where it was started
CHECKOUT = "its checkout"


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A version of the program, packed."""

    #: Later ones sort behind, as scrapyd takes the last for the newest
    name: str
    egg: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """What came of a release on a node."""

    node: str
    is_well: bool
    #: One line
    detail: str


def pack(*, now: datetime) -> Release:
    """Pack the checkout that this program runs from.

    The name holds the moment, so that a release of last month that is deployed again is the newest. Raises UsageError
    where the program does not run from a checkout, and where its packing fails.
    """
    checkout = Path(theftwatch.__file__).parents[1]
    if not (checkout / "setup.py").is_file():
        raise UsageError(f"{checkout} is no checkout, and an egg is packed from one; run the program of a checkout")
    return Release(name=f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{_commit(checkout)}", egg=_build_egg(checkout))


def _commit(checkout: Path) -> str:
    """Return which commit a checkout is at, as scrapyd takes it; without git, the version of the program."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  ours
    except (OSError, subprocess.CalledProcessError):
        told = theftwatch.__version__
    return re.sub(r"[^A-Za-z0-9_-]", "_", told)


def _build_egg(checkout: Path) -> bytes:
    # All that it writes goes elsewhere: the checkout may belong to somebody else, or two may pack it at once.
    with tempfile.TemporaryDirectory(prefix="theftwatch-egg-") as folder:
        command = [
            *(sys.executable, "setup.py", "-q", "egg_info", "--egg-base", folder),
            *("build", "--build-base", f"{folder}/build"),
            *("bdist_egg", "--bdist-dir", f"{folder}/bdist", "--dist-dir", f"{folder}/dist"),
        ]
        done = subprocess.run(  # noqa: S603  ours
            command, cwd=checkout, capture_output=True, text=True, check=False
        )
        eggs = list(Path(folder, "dist").glob("*.egg"))
        if done.returncode or len(eggs) != 1:
            said = done.stderr.strip().splitlines() or ["it gave no egg"]
            raise UsageError(f"{checkout} cannot be packed: {said[-1]}; `make setup` there puts the tools right")
        return eggs[0].read_bytes()


def find_release(node: Node, *, timeout_s: float = TIMEOUT_S) -> str | None:
    """Return the newest release of a node, CHECKOUT where it runs that, or None where it has nothing of ours.

    Raises NodeError.
    """
    versions = ask(node, "listversions", timeout_s=timeout_s, project=PROJECT)["versions"]
    if versions:
        return str(versions[-1])
    # What is found in its folder comes before any egg, and is known without one.
    return CHECKOUT if PROJECT in ask(node, "listprojects", timeout_s=timeout_s)["projects"] else None


def deploy(nodes: Sequence[Node], release: Release) -> Iterator[Deployed]:
    """Send a release to nodes, one after another, and yield what came of it on each."""
    for node in nodes:
        try:
            detail = _send(node, release)
        except NodeError as exc:
            yield Deployed(node=node.url, is_well=False, detail=f"{exc.what}; {exc.remedy}")
        else:
            yield Deployed(node=node.url, is_well=True, detail=detail)


def _send(node: Node, release: Release) -> str:
    if find_release(node) == CHECKOUT:
        return "scrapyd was started in a checkout, and runs that; bring it up to date there, with git and `make setup`"
    answer = ask(node, "addversion", {"project": PROJECT, "version": release.name}, egg=release.egg)
    newest = find_release(node)
    if newest != release.name:
        raise NodeError(
            node.url,
            f"it takes {newest} for newer and runs that",
            f"delete it: curl {node.url}/delversion.json -d project={PROJECT} -d version={newest}",
        )
    return f"{release.name} with {answer['spiders']} spiders; the next job runs it"
