"""A node: scrapyd on some machine, asked over its HTTP API."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import uuid4

from theftwatch.config import Settings
from theftwatch.errors import NodeError

#: What scrapyd calls us, in scrapy.cfg and where eggs are kept
PROJECT = "theftwatch"
#: Where scrapyd listens if nobody tells it otherwise
LOCAL = "http://127.0.0.1:6800"

#: scrapyd answers nobody while it looks through the spiders of a release, which takes seconds.
TIMEOUT_S = 60
_ANSWER_MAX_BYTES = 50_000_000
_UNAUTHORIZED = 401

type State = Literal["pending", "running", "finished"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """Where scrapyd listens, and as whom it is asked."""

    url: str
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as a node lists it."""

    id: str
    spider: str
    state: State
    #: None where scrapyd does not tell them, which is once a job is no longer pending
    arguments: Mapping[str, str] | None


def nodes_of(settings: Settings) -> tuple[Node, ...]:
    """Return the nodes of the settings; where these name none, the one of this machine."""
    password = settings.node_password.get_secret_value() if settings.node_password else ""
    authorization = None
    if settings.node_username:
        authorization = "Basic " + base64.b64encode(f"{settings.node_username}:{password}".encode()).decode()
    return tuple(Node(url=url, authorization=authorization) for url in settings.nodes or (LOCAL,))


def list_jobs(node: Node, *, timeout_s: float = TIMEOUT_S) -> list[Job]:
    """Return the jobs of ours that a node lists: those that wait, that run, and the last that ended.

    Raises NodeError.
    """
    answer = ask(node, "listjobs", timeout_s=timeout_s)
    states: tuple[State, ...] = ("pending", "running", "finished")
    return [
        Job(id=job["id"], spider=job["spider"], state=state, arguments=job.get("args"))
        for state in states
        for job in answer[state]
        if job["project"] == PROJECT
    ]


def machine_of(node: Node, *, timeout_s: float = TIMEOUT_S) -> str:
    """Return the machine of a node, by its own name: that of its runs, where scrapyd was not told another one.

    Raises NodeError.
    """
    return str(ask(node, "daemonstatus", timeout_s=timeout_s).get("node_name"))


def log_url(node: Node, spider: str, job: str) -> str:
    """Return where a node shows the log of a job."""
    return f"{node.url}/logs/{PROJECT}/{spider}/{job}.log"


def ask(
    node: Node,
    call: str,
    form: Mapping[str, str] | None = None,
    *,
    egg: bytes | None = None,
    timeout_s: float = TIMEOUT_S,
    **parameters: str,
) -> dict[str, Any]:
    """Ask a node, by POST where there is a form, and return its answer; an egg goes with the form.

    Raises NodeError where it does not answer, does not know us, or refuses.
    """
    request = urllib.request.Request(f"{node.url}/{call}.json?{urlencode(parameters)}")  # noqa: S310  checked by the settings
    if node.authorization:
        request.add_header("Authorization", node.authorization)
    if egg is not None:
        request.data, kind = _multipart(form or {}, egg)
        request.add_header("Content-Type", kind)
    elif form is not None:
        request.data = urlencode(form).encode()
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:  # noqa: S310  the same
            answer = json.loads(reply.read(_ANSWER_MAX_BYTES))
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code == _UNAUTHORIZED:
            remedy = (
                "give THEFTWATCH_NODE_USERNAME and THEFTWATCH_NODE_PASSWORD the values of its SCRAPYD_USERNAME and "
                "SCRAPYD_PASSWORD"
            )
            raise NodeError(node.url, "it does not know us", remedy) from exc
        raise NodeError(node.url, f"HTTP {exc.code}, as from no scrapyd", "check THEFTWATCH_NODES") from exc
    except (OSError, HTTPException) as exc:
        # URLError wraps what the system said
        reason = getattr(exc, "reason", None) or exc
        said = getattr(reason, "strerror", None) or reason
        remedy = "start scrapyd there, as by `systemctl start theftwatch-scrapyd`, or take it out of THEFTWATCH_NODES"
        raise NodeError(node.url, f"no answer ({said})", remedy) from exc
    except ValueError as exc:
        raise NodeError(node.url, "it answers, but not as scrapyd does", "check THEFTWATCH_NODES") from exc
    if not isinstance(answer, dict) or answer.get("status") != "ok":
        raise _refusal(node, answer)
    return answer


def _multipart(form: Mapping[str, str], egg: bytes) -> tuple[bytes, str]:
    """Return a form with an egg as the body of a request, and its content type."""
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="egg"; filename="{PROJECT}.egg"\r\n\r\n'.encode()
    body = b"".join([*parts, head, egg, f"\r\n--{boundary}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={boundary}"


def _refusal(node: Node, answer: object) -> NodeError:
    """Return what scrapyd says is wrong; where it passes a traceback on, the last line of that."""
    message = answer.get("message") if isinstance(answer, dict) else None
    lines = [line.strip() for line in str(message or "it refuses, and does not say why").splitlines() if line.strip()]
    if lines[-1] == f"project '{PROJECT}' not found":
        return NodeError(node.url, "no release of TheftWatch is there", "`theftwatch deploy` sends one")
    return NodeError(node.url, lines[-1], "the log of scrapyd there says more")
