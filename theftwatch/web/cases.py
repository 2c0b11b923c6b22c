"""Cases: the board with what is due, one case with its clock, and what a person enters in it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theftwatch.cases.captured import find_captured, find_to_capture
from theftwatch.cases.clock import find_portal
from theftwatch.cases.docket import (
    CaseStanding,
    clock_in_words,
    find_cases,
    find_due,
    find_events,
    find_seen_again,
    find_standing,
)
from theftwatch.cases.enter import (
    Answer,
    Entered,
    Entry,
    Outcome,
    close_case,
    enter_answer,
    enter_complaint,
    enter_letter,
    enter_note,
)
from theftwatch.cases.enter import (
    Route as FilingRoute,
)
from theftwatch.cases.letter import draft_letter
from theftwatch.cases.listings import find_case_listings
from theftwatch.cases.open import open_case
from theftwatch.db.pool import reading
from theftwatch.db.queries import Connection
from theftwatch.errors import UsageError
from theftwatch.match.relation import artisan_of
from theftwatch.web.crawling import CAPTURE
from theftwatch.web.pages import bring_up_to_date, context_of, form_of, key_of, page, reviewer_of, sentence

#: Cases on a page of the board
_CASES_MAX = 20
#: What is due that is listed; it is worked off from the top
_DUE_MAX = 100


async def _board(request: Request) -> Response:
    every = request.query_params.get("all") == "1"
    before = key_of(request.query_params.get("before", ""))
    async with reading(context_of(request).pool) as connection:
        cases = await find_cases(connection, every=every, before=before, most=_CASES_MAX + 1)
    oldest = min((each.case_id for each in cases), default=None) if len(cases) > _CASES_MAX else None
    shown = [each for each in cases if each.case_id != oldest]
    return page(
        request,
        "cases.html.j2",
        cases=shown,
        every=every,
        first=before is None,
        further=min(each.case_id for each in shown) if oldest else None,
    )


async def _due(request: Request) -> Response:
    """Return what is due in cases; other pages fetch it when they are there, as all open cases are looked at for it."""
    context = context_of(request)
    async with reading(context.pool) as connection:
        due = await find_due(connection, now=context.clock(), to_capture=False, most=_DUE_MAX)
    return page(request, "due.html.j2", due=due, of_all=due[0].of_all if due else 0)


async def _case(request: Request) -> Response:
    return await show_case(request, request.path_params["case"])


async def _find_standing(connection: Connection, case: int) -> CaseStanding:
    try:
        return await find_standing(connection, case)
    except UsageError as exc:
        raise HTTPException(404, "There is no such case.") from exc


async def show_case(request: Request, case: int, *, status: int = 200, says: str | None = None) -> Response:
    """Return the page of a case, with what has to be said on top of it."""
    context = context_of(request)
    now = context.clock()
    async with reading(context.pool) as connection:
        standing = await _find_standing(connection, case)
        due = await find_due(connection, now=now, case=case, to_capture=False)
        listings = await find_case_listings(connection, case)
        portal = await find_portal(connection, standing.marketplace)
        values: dict[str, Any] = {
            "again": await find_seen_again(connection, case),
            "events": await find_events(connection, case),
            "captured": await find_captured(connection, case),
            "to_capture": {each.case_listing for each in await find_to_capture(connection, case, now=now)},
        }
    return page(
        request,
        "case.html.j2",
        status=status,
        says=says,
        case=standing,
        due=due,
        listings=[(each, clock_in_words(each, portal, now=now)) for each in listings],
        portal=portal,
        capture=context.crawling.find(CAPTURE),
        entered=key_of(request.query_params.get("entered", "")),
        **values,
    )


async def _open(request: Request) -> Response:
    by = reviewer_of(request)
    fields = dict(await form_of(request))
    vendor, finding = (key_of(fields.get(name, "")) for name in ("vendor", "finding"))
    context = context_of(request)
    if vendor is None:
        raise HTTPException(400, "The form does not say with which vendor; open the page again.")
    async with context.pool.connection() as connection:
        artisan = await _artisan(connection, fields)
    # a shop may have its artisan only from now on, and a relation may have begun or run out since
    await bring_up_to_date(context)
    try:
        async with context.pool.connection() as connection:
            made = await open_case(
                connection,
                artisan,
                vendor,
                by=by,
                now=context.clock(),
                findings=() if finding is None else (finding,),
                override=fields.get("override", "").strip() or None,
            )
    except UsageError as exc:
        raise HTTPException(422, sentence(exc)) from exc
    says = " ".join(sentence(f"Left out: finding {each.finding}, {each.why}") for each in made.left_out)
    if says:
        return await show_case(request, made.case, says=says)
    return RedirectResponse(f"/cases/{made.case}", status_code=303)


async def _artisan(connection: Connection, fields: Mapping[str, str]) -> int:
    """Return the artisan of a form: by key, or by a shop, which gets one where nobody named one for it."""
    if artisan := key_of(fields.get("artisan", "")):
        return artisan
    if shop := key_of(fields.get("shop", "")):
        return (await artisan_of(connection, shop))[0]
    raise HTTPException(400, "The form does not say whose case it is; open the page again.")


async def _enter(request: Request) -> Response:
    by, case = reviewer_of(request), request.path_params["case"]
    given = await form_of(request)
    context = context_of(request)
    now = context.clock()
    try:
        fields = dict(given)
        entry = Entry(
            case=case,
            at=_moment(fields.get("at", "")) or now,
            now=now,
            by=by,
            note=fields.get("note", "").strip() or None,
            listings=tuple(value for name, value in given if name == "listing"),
        )
        async with context.pool.connection() as connection:
            entered = await _write(connection, entry, fields)
    except UsageError as exc:
        return await show_case(request, case, status=422, says=sentence(exc))
    return RedirectResponse(f"/cases/{case}?entered={entered.event}", status_code=303)


async def _write(connection: Connection, entry: Entry, fields: Mapping[str, str]) -> Entered:
    """Enter what the button that was pressed stands for."""
    step = fields.get("step", "")
    if step == "asked":
        return await enter_letter(connection, entry)
    if step == "filed" and (route := fields.get("route")) in get_args(FilingRoute):
        number, without = fields.get("reference", ""), fields.get("without_account") == "1"
        return await enter_complaint(connection, entry, route, number, without_account=without)  # type: ignore[arg-type]
    if step in get_args(Answer):
        return await enter_answer(connection, entry, step)  # type: ignore[arg-type]  # checked
    if step == "note":
        return await enter_note(connection, entry)
    if step in get_args(Outcome):
        return await close_case(connection, entry, step)  # type: ignore[arg-type]  # checked
    raise HTTPException(400, "That is no step of a case; choose one of those on the page.")


def _moment(text: str) -> datetime | None:
    """Return a moment as a form gives it, in UTC; None for none.

    Raises UsageError for what is no moment.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError as exc:
        raise UsageError(f"{text!r} is no moment; give day and time, in UTC") from exc


async def _capture(request: Request) -> Response:
    """Have what is to be kept as proof captured now, in all cases."""
    reviewer_of(request)
    case, context = request.path_params["case"], context_of(request)
    async with reading(context.pool) as connection:
        await _find_standing(connection, case)
    context.crawling.ask(CAPTURE)
    return RedirectResponse(f"/cases/{case}#captures", status_code=303)


async def _letter(request: Request) -> Response:
    reviewer_of(request)
    case = request.path_params["case"]
    context = context_of(request)
    try:
        async with context.pool.connection() as connection:
            text = await draft_letter(connection, case, now=context.clock())
    except UsageError as exc:
        return await show_case(request, case, status=422, says=sentence(exc))
    return page(request, "letter.html.j2", case=case, text=text)


ROUTES = [
    Route("/cases", _board, methods=["GET"]),
    Route("/cases", _open, methods=["POST"]),
    Route("/cases/due", _due, methods=["GET"]),
    Route("/cases/{case:int}", _case, methods=["GET"]),
    Route("/cases/{case:int}/entries", _enter, methods=["POST"]),
    Route("/cases/{case:int}/captures", _capture, methods=["POST"]),
    Route("/cases/{case:int}/letter", _letter, methods=["GET"]),
]
