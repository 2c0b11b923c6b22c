"""What the handlers of the review page share: their context, forms, and pages from templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from theftwatch.clock import Clock
from theftwatch.db.pool import Pool, reading
from theftwatch.files import Files
from theftwatch.match.context import update_context
from theftwatch.reports import words
from theftwatch.reports.findings import LOOKS
from theftwatch.reports.html import environment
from theftwatch.web.accounts import Role
from theftwatch.web.crawling import Crawling
from theftwatch.web.inbox import Inbox
from theftwatch.web.said import parts_of

#: A note that a person wrote is far smaller
_FORM_MAX_BYTES = 256 * 1024
_FIELDS_MAX = 2000
#: Of a key; more do not fit into the database's numbers
_DIGITS_MAX = 18


#: What became of something that was sent
_TITLES = {"waiting": "Received", "importing": "Being taken in", "done": "Taken in", "failed": "Not taken in"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What the handlers work with."""

    pool: Pool
    files: Files
    #: Where what people send is kept until it is in the record
    inbox: Inbox
    #: By which crawls are started that people ask for
    crawling: Crawling
    clock: Clock
    #: Under whose name verdicts are kept while there are no accounts; None where there have to be some
    by: str | None
    #: The host that people reach by TLS; None where there is none
    secure_host: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who looks."""

    name: str
    role: Role
    #: Whether the person signed in, and so can sign out
    signed_in: bool


def context_of(request: Request) -> Context:
    """Return what the handlers work with."""
    context: Context = request.app.state.context
    return context


def person_of(request: Request) -> Person:
    """Return who asks."""
    person: Person = request.state.person
    return person


def reviewer_of(request: Request) -> str:
    """Return the name of who judges; refuse one who may only look."""
    person = person_of(request)
    if person.role != "reviewer":
        raise HTTPException(403, "You may look, and not judge; a reviewer's account may do both.")
    return person.name


async def form_of(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form in their order; a name may stand more than once."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _FORM_MAX_BYTES:
            raise HTTPException(413, "The form is too large; shorten the note.")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict")
    except ValueError as exc:
        raise HTTPException(400, "The form could not be read; send it again.") from exc


def key_of(text: str) -> int | None:
    """Return the key of a row that an address or a form gives; None for what is none."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS_MAX else None


def sentence(says: object) -> str:
    """Return what an error says, as a sentence."""
    text = str(says)
    return f"{text[:1].upper()}{text[1:]}."


async def bring_up_to_date(context: Context) -> None:
    """Work out what verdicts, relations and the time that went by change."""
    async with reading(context.pool) as connection:
        await update_context(connection, load=context.files.get, now=context.clock())


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page from a template."""
    person: Person | None = getattr(request.state, "person", None)
    shared: Mapping[str, Any] = {"person": person, "path": request.url.path}
    text = _templates().get_template(template).render(**shared, **values)
    return HTMLResponse(text, status_code=status)


def told(request: Request, status: int, says: str) -> Response:
    """Return a page that says what is wrong and what to do."""
    return page(request, "told.html.j2", status=status, says=says)


@cache
def _templates() -> Environment:
    templates = environment("theftwatch.web")
    templates.filters["parts_of"] = parts_of
    templates.filters["done"] = words.done_to_the_photo
    templates.filters["rejection"] = words.rejection
    templates.filters["relation_kind"] = words.relation_kind
    templates.filters["suppression_rule"] = words.suppression_rule
    templates.filters["visit_outcome"] = words.visit_outcome
    templates.globals["looks"] = LOOKS
    templates.globals["titles"] = _TITLES
    return templates
