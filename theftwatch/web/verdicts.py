"""Verdicts from the page: on one finding, or on those of one vendor that were shown together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theftwatch.db.pool import reading
from theftwatch.db.queries import fetch
from theftwatch.errors import ConflictError, UsageError
from theftwatch.match.verdict import (
    Reason,
    Seen,
    Verdict,
    give_verdict,
    relate_judged,
    suppress_judged,
    undo_verdict,
)
from theftwatch.web.finding import show
from theftwatch.web.pages import context_of, form_of, key_of, page, reviewer_of, sentence
from theftwatch.web.queue import Filters, find_cards, find_page

_SUPPRESSIONS = ("placeholder", "common", "banner", "text_panel")
_RELATIONS = ("own_shop", "licensee", "reseller", "common_supplier")
#: Findings of a vendor that are judged at once: as many as a person can have looked at
BULK_MAX = 100
#: Why a verdict is not taken: it is not about what stands there, or it is none that can be given
_REFUSALS = (ConflictError, UsageError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a form says."""

    verdict: Verdict
    reason: Reason | None
    note: str | None
    suppress: str | None
    relation: str | None

    @classmethod
    def read(cls, fields: dict[str, str]) -> "Judgement":
        """Read what a form says; refuse what no form of ours sends."""
        reason = fields.get("reason") or None
        verdict = "rejected" if reason else fields.get("verdict", "")
        suppress, relation = fields.get("suppress") or None, fields.get("relation") or None
        if (
            verdict not in get_args(Verdict)
            or reason not in (None, *get_args(Reason))
            or suppress not in (None, *_SUPPRESSIONS)
            or relation not in (None, *_RELATIONS)
        ):
            raise HTTPException(400, "That is no verdict; choose one of those on the page.")
        if verdict != "rejected":
            suppress = relation = None
        return cls(
            verdict=verdict,  # type: ignore[arg-type]  # checked above
            reason=reason,  # type: ignore[arg-type]
            note=fields.get("note", "").strip() or None,
            suppress=suppress,
            relation=relation,
        )


async def _judge(request: Request) -> Response:
    finding = request.path_params["finding"]
    by = reviewer_of(request)
    fields = dict(await form_of(request))
    filters = Filters.read(fields | {"verdict": fields.get("shown", "")})
    try:
        await _give(request, [_read_seen(fields.get("seen", ""))], Judgement.read(fields), by=by)
    except _REFUSALS as exc:
        return await show(request, finding, filters, status=_status_of(exc), says=sentence(exc))
    async with reading(context_of(request).pool) as connection:
        following = await find_page(connection, filters, after=finding, most=1) or await find_page(
            connection, filters, most=1
        )
    if following and following != [finding]:
        return RedirectResponse(f"/findings/{following[0]}{filters.query(done=finding)}", status_code=303)
    return RedirectResponse(f"/queue{filters.query(done=finding)}", status_code=303)


async def _undo(request: Request) -> Response:
    finding = request.path_params["finding"]
    by = reviewer_of(request)
    fields = dict(await form_of(request))
    filters = Filters.read(fields | {"verdict": fields.get("shown", "")})
    context = context_of(request)
    try:
        async with context.pool.connection() as connection:
            seen = Seen(finding=finding, verdict=key_of(fields.get("undoes", "")))
            await undo_verdict(connection, seen, by=by, now=context.clock())
    except _REFUSALS as exc:
        return await show(request, finding, filters, status=_status_of(exc), says=sentence(exc))
    request.app.state.context_due.set()
    return RedirectResponse(f"/findings/{finding}{filters.query()}", status_code=303)


async def _offer_bulk(request: Request) -> Response:
    return await _bulk(request, request.path_params["vendor"])


async def _judge_bulk(request: Request) -> Response:
    vendor, by = request.path_params["vendor"], reviewer_of(request)
    given = await form_of(request)
    seen = [_read_seen(value) for name, value in given if name == "seen"]
    if not seen:
        return await _bulk(request, vendor, status=422, says="Nothing is chosen; tick the findings to judge.")
    try:
        judged = await _give(request, seen, Judgement.read(dict(given)), by=by)
    except _REFUSALS as exc:
        return await _refuse_bulk(request, vendor, "judged", exc)
    done = urlencode([("done", _write_seen(each)) for each in judged])
    return RedirectResponse(f"/vendors/{vendor}/findings?{done}", status_code=303)


async def _undo_bulk(request: Request) -> Response:
    """Take back verdicts that were given together, all or none."""
    vendor, by = request.path_params["vendor"], reviewer_of(request)
    seen = [_read_seen(value) for name, value in await form_of(request) if name == "done"]
    if not seen:
        return await _bulk(request, vendor, status=422, says="Nothing is chosen; judge findings, then take it back.")
    context = context_of(request)
    try:
        async with context.pool.connection() as connection:
            for each in seen:
                await undo_verdict(connection, each, by=by, now=context.clock())
    except _REFUSALS as exc:
        return await _refuse_bulk(request, vendor, "taken back", exc)
    request.app.state.context_due.set()
    return RedirectResponse(f"/vendors/{vendor}/findings", status_code=303)


async def _refuse_bulk(request: Request, vendor: int, what: str, refusal: Exception) -> Response:
    """Show the findings of a vendor with why none of them was judged, or taken back."""
    return await _bulk(request, vendor, status=_status_of(refusal), says=f"Nothing was {what}. {sentence(refusal)}")


def _status_of(refusal: Exception) -> int:
    return 409 if isinstance(refusal, ConflictError) else 422


async def _bulk(request: Request, vendor: int, *, status: int = 200, says: str | None = None) -> Response:
    async with reading(context_of(request).pool) as connection:
        named = await fetch(connection, "find_vendor_name", vendor=vendor)
        if not named:
            raise HTTPException(404, "There is no such vendor.")
        findings = [finding for (finding,) in await fetch(connection, "find_of_vendor", vendor=vendor, most=BULK_MAX)]
        cards = await find_cards(connection, findings)
        seen = {
            finding: _write_seen(Seen(finding=finding, verdict=verdict, decisions=frozenset(decisions)))
            for finding, verdict, decisions in await fetch(connection, "find_seen", findings=findings)
        }
    return page(
        request,
        "bulk.html.j2",
        status=status,
        says=says,
        vendor=vendor,
        vendor_name=named[0][0],
        marketplace=named[0][1],
        cards=cards,
        seen=seen,
        most=BULK_MAX,
        done=[_write_seen(_read_seen(each)) for each in request.query_params.getlist("done")[:BULK_MAX]],
    )


async def _give(request: Request, seen: Sequence[Seen], judgement: Judgement, *, by: str) -> list[Seen]:
    """Write verdicts with what goes with them, all or nothing, and return them; what follows is worked out behind."""
    context = context_of(request)
    now = context.clock()
    async with context.pool.connection() as connection:
        given = await give_verdict(
            connection, seen, judgement.verdict, by=by, now=now, reason=judgement.reason, note=judgement.note
        )
        verdicts = [each.verdict for each in given]
        if judgement.suppress:
            await suppress_judged(connection, verdicts, judgement.suppress, by=by, now=now)
        if judgement.relation:
            await relate_judged(connection, verdicts, judgement.relation, by=by, now=now)
    due: asyncio.Event = request.app.state.context_due
    due.set()
    return [Seen(finding=each.finding, verdict=each.verdict) for each in given]


def _write_seen(seen: Seen) -> str:
    return f"{seen.finding}:{seen.verdict or ''}:{','.join(map(str, sorted(seen.decisions or ())))}"


def _read_seen(text: str) -> Seen:
    """Read what a person was shown of a finding."""
    try:
        finding, verdict, decisions = text.split(":")
        return Seen(
            finding=int(finding),
            verdict=int(verdict) if verdict else None,
            decisions=frozenset(int(each) for each in decisions.split(",") if each) or None,
        )
    except ValueError as exc:
        raise HTTPException(400, "The form does not say what was shown; open the finding again.") from exc


ROUTES = [
    Route("/findings/{finding:int}/verdict", _judge, methods=["POST"]),
    Route("/findings/{finding:int}/undo", _undo, methods=["POST"]),
    Route("/vendors/{vendor:int}/findings", _offer_bulk, methods=["GET"]),
    Route("/vendors/{vendor:int}/findings", _judge_bulk, methods=["POST"]),
    Route("/vendors/{vendor:int}/findings/undo", _undo_bulk, methods=["POST"]),
]
